"""Do the catalog, the indexes and the files on disk still agree?"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from retrieval.catalog.new_content import FileState
from retrieval.encoded_file import encoded_file
from retrieval.errors import MediaError
from retrieval.media.content_hash import content_hash
from retrieval.media.decoder_pool import DecoderPool
from retrieval.records import Modality

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrieval.library import Library
    from retrieval.records import File
    from retrieval.vectors import Ids

T = TypeVar("T")

PROBES = 100
"""Moments of each index that must find themselves."""

SAME_PLACE = 1e-3
"""Two moments with inner products this close may be found in either order."""


def problems(library: Library, sample: int) -> Iterator[str]:
    """Everything found wrong, a sentence each.

    Args:
        library: What is looked at.
        sample: How many files are read and encoded again, spread evenly; their vectors must
            come out the same, bit for bit.
    """
    yield from (f"The catalog is damaged: {found}." for found in library.catalog.check())
    for found in library.catalog.words.problems():
        yield f"{found[0].upper()}{found[1:]}. Mend it with: anyseek rebuild"
    if wrong := library.indexes.moments.differing():
        yield f"The moment table is wrong about {wrong} moments. Mend it with: anyseek rebuild"
    for space in library.catalog.spaces():
        for modality in Modality:
            yield from _index_problems(library, space, modality)
    readable = [
        f for f in library.files() if not (f.failure or f.missing_since is not None or f.twin)
    ]
    with DecoderPool(1) as decoders:  # what has rotted may crash what decodes it
        for file in _spread(readable, sample):
            yield from _file_problems(library, file, decoders)


def _index_problems(library: Library, space: str, modality: Modality) -> Iterator[str]:
    index = library.indexes.get(space, modality)
    held, change = np.sort(index.ids), index.change
    with library.catalog.vectors.changes_since(0, space, modality) as everything:
        if everything.change != change:  # another process has written in between
            yield from _index_problems(library, space, modality)
            return
        stored: Ids = np.concatenate([np.empty(0, np.int64), *(ids for ids, _ in everything.added)])
    if not np.array_equal(held, stored):
        lost, extra = len(np.setdiff1d(stored, held)), len(np.setdiff1d(held, stored))
        yield (
            f"The {modality} index of {space} lacks {lost} moments and has {extra} too many. "
            "Mend it with: anyseek rebuild"
        )
        return
    with library.catalog.vectors.changes_since(0, space, modality) as everything:
        differ = sum(len(index.unlike(ids, rows)) for ids, rows in everything.added)
    if differ:
        yield (
            f"The {modality} index of {space} has other vectors than the catalog for {differ} "
            "moments. Mend it with: anyseek rebuild"
        )
        return
    probes = np.array(_spread(stored.tolist(), PROBES), dtype=np.int64)
    ids, rows = library.catalog.vectors.get(space, probes)
    for moment_id, row, (found, scores) in zip(ids, rows, index.search(rows, 10), strict=True):
        own = scores[found == moment_id] if moment_id in found else scores[-1:]
        if abs(own[0] - float(row @ row)) > SAME_PLACE:
            yield (
                f"The {modality} index of {space} does not find moment {moment_id}. "
                "Mend it with: anyseek rebuild"
            )


def _file_problems(library: Library, file: File, decoders: DecoderPool) -> Iterator[str]:
    try:
        with file.path.open("rb") as opened:
            state = FileState.of(os.fstat(opened.fileno()))
            known = library.catalog.files.entry(file.id)
            if state != known.state:
                return  # it changed since; that is for the next index run, not damage
            if content_hash(opened) != known.content_hash:
                yield (
                    f"{file.path} holds other bytes than when it was indexed, under the same time."
                )
                return
            content = encoded_file(library.space, opened, file.path.name, decoders)
    except (OSError, MediaError) as error:
        yield f"{file.path} was indexed but cannot be read now: {error}"
        return
    stored = library.catalog.moments.of(content.hash)
    if len(stored) != len(content.moments):
        now = len(content.moments)
        yield f"{file.path} has {len(stored)} moments in the catalog and {now} now."
        return
    for moment, fresh in zip(stored, content.moments, strict=True):
        for space, vector in fresh.vectors.items():
            _, row = library.catalog.vectors.get(space, [moment.id or 0])
            if not np.array_equal(row[0], vector):
                yield f"{file.path} has another {space} vector in the catalog than it gets now."
                return


def _spread(items: list[T], n: int) -> list[T]:
    """At most n items, evenly spread."""
    return items if len(items) <= n else [items[i * len(items) // n] for i in range(n)]
