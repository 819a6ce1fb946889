"""Twins: a RAW and the picture that the camera made of it are one thing, which is read once.

The picture is read and stands for both. The RAW is listed with it, and is read itself only where
the picture is gone or cannot be read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from indexer.ledger import Tally
    from indexer.reading import Job
    from retrieval.catalog.new_content import FileState
    from retrieval.library import Library


@dataclass(frozen=True, slots=True)
class Raw:
    """A RAW with a picture beside it, which is not recorded as its twin yet."""

    job: Job
    """How it would be read."""
    state: FileState
    leader: str
    """The path of the picture, below the same root."""
    is_read: bool
    """It has been read, or failed, and has not changed since."""


def pair(
    library: Library, raws: Sequence[Raw], absent: Collection[int], tally: Tally, moved: set[int]
) -> list[Job]:
    """Record RAWs as twins of their pictures, now that the pictures have been read.

    Args:
        library: Where they are recorded.
        raws: What may be a twin.
        absent: Ids of files that are not where they were.
        tally: What was done is counted here.
        moved: Ids of files that were found under another path are added here.

    Returns:
        How to read those whose picture cannot be read.
    """
    jobs, pairs = [], []
    for raw in raws:
        leader_id = library.catalog.files.picture_at(raw.job.root_id, raw.leader)
        if leader_id is not None:
            pairs.append((raw, leader_id))
        elif raw.is_read:
            tally.unchanged += 1
        else:
            jobs.append(raw.job)
    if pairs:
        with library.catalog.transaction() as transaction:
            for raw, leader_id in pairs:
                job = raw.job
                file_id, was_elsewhere = transaction.pair(
                    job.root_id, job.path, raw.state, leader_id, absent
                )
                if was_elsewhere:
                    moved.add(file_id)
                    tally.moved += 1
                elif job.known:
                    tally.updated += 1
                else:
                    tally.added += 1
    return jobs
