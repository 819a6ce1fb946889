"""Annotation: what the sidecars of files state, read and recorded; no media is opened for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from indexer.ledger import UNKNOWN_MTIME_NS
from indexer.reading import Job, Unsettled, opened
from retrieval.catalog.new_content import FileState
from retrieval.errors import MediaError
from retrieval.media.sidecar import joined_facts, sidecar_facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrieval.catalog.sidecars import Sidecar
    from retrieval.library import Library
    from retrieval.records import Fact

FILES = 500
"""Files whose sidecars are read before they are committed together."""


@dataclass(frozen=True, slots=True)
class Note:
    """A file whose sidecars are others than those that the catalog knows."""

    root_id: int
    folder: str
    """The root's folder, without symbolic links in it."""
    path: str
    """Of the file that they are about."""
    sidecars: tuple[Sidecar, ...]
    """The word of a later one counts; none if it has lost those that it had."""


def annotate(library: Library, notes: Sequence[Note]) -> int:
    """Read sidecars and record what they state; returns for how many files.

    A sidecar that cannot be understood is recorded with the reason, and the others count. Files
    with one that changes while it is read are left to the next run.
    """
    done = 0
    for start in range(0, len(notes), FILES):
        some = notes[start : start + FILES]
        read = [(note, found) for note in some if (found := _read(note)) is not None]
        if read:
            with library.catalog.transaction() as transaction:
                for note, (facts, sidecars) in read:
                    transaction.annotate(note.root_id, note.path, facts, sidecars)
        done += len(read)
    return done


def _read(note: Note) -> tuple[dict[str, Fact], list[Sidecar]] | None:
    stated, sidecars = [], []
    for sidecar in note.sidecars:
        path = f"{note.path.rpartition('/')[0]}/{sidecar.name}".lstrip("/")
        job = Job(note.root_id, note.folder, path, sidecar.state.size, None)
        try:
            with opened(job) as (file, state):
                stated.append(sidecar_facts(file, sidecar.name))
            sidecars.append(replace(sidecar, state=state))
        except Unsettled:
            return None
        except MediaError as error:
            sidecars.append(replace(sidecar, failure=str(error)))
        except OSError as error:  # which may go away while the sidecar stays as it is
            reason = f"the file cannot be read: {error.strerror or error}"
            unknown = FileState(sidecar.state.size, UNKNOWN_MTIME_NS)
            sidecars.append(replace(sidecar, state=unknown, failure=reason))
    return joined_facts(stated), sidecars
