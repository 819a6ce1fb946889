"""A file of the library, found by its path, with the vectors that are stored for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrieval.errors import QueryError
from retrieval.user_path import user_path
from retrieval.vectors import unit

if TYPE_CHECKING:
    from pathlib import Path

    from retrieval.library import Library
    from retrieval.records import File, Modality, Moment
    from retrieval.space import Blocks
    from retrieval.vectors import Vectors


def stored_file(library: Library, path: str | Path) -> File | None:
    """The file at a path, or None if the library does not know it.

    For a RAW it is the picture that stands for it, if there is one.
    """
    real = user_path(path).resolve()
    found = next((f for f in library.files(under=real) if f.path.resolve() == real), None)
    return stored_file(library, found.twin) if found and found.twin else found


def moments_of_file(library: Library, file: File) -> list[Moment]:
    """Its moments in order; none for a file that could not be read."""
    content_hash = library.catalog.files.entry(file.id).content_hash
    return [] if content_hash is None else library.catalog.moments.of(content_hash)


def rows_by_modality(library: Library, moments: list[Moment]) -> dict[Modality, dict[str, Vectors]]:
    """The stored vectors of moments: for each modality and space `(n, dim)`, in order of ids."""
    ids: dict[Modality, list[int]] = {}
    for moment in moments:
        if moment.id is not None:
            ids.setdefault(moment.modality, []).append(moment.id)
    return {
        modality: {
            space: library.catalog.vectors.get(space, chosen)[1]
            for space in library.space.spaces_of(modality)
        }
        for modality, chosen in ids.items()
    }


def stored_blocks(library: Library, moments: list[Moment]) -> dict[Modality, Blocks]:
    """For each modality the mean of the moments' vectors, in each space.

    Raises:
        QueryError: there are no moments.
    """
    if not moments:
        raise QueryError("There is nothing to compare: the file has no moments.")
    return {
        modality: {space: unit(rows.mean(axis=0)) for space, rows in blocks.items()}
        for modality, blocks in rows_by_modality(library, moments).items()
    }
