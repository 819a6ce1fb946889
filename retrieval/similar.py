"""More like these: files that are near to files or moments, which are left out themselves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from retrieval.catalog.filter import Filter
from retrieval.errors import QueryError
from retrieval.query import Term
from retrieval.records import Kind
from retrieval.stored import moments_of_file, stored_blocks, stored_file
from retrieval.terms import EmbeddedTerm, embed_term
from retrieval.vectors import unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from retrieval.library import Library
    from retrieval.records import Hit, Modality
    from retrieval.space import Blocks
    from retrieval.vectors import Vector


def similar(
    library: Library,
    subjects: Sequence[str | Path | int],
    *,
    k: int = 10,
    kinds: Iterable[Kind | str] | None = None,
    min_score: float = 0.0,
) -> list[Hit]:
    """Files like one thing, or like several things taken together.

    Several things of one modality count by their mean: more like these, not like each of them.
    A file that the library knows is not read again.

    Args:
        library: Where to look.
        subjects: Paths of files, or ids of moments in the library.
        k: At most this many hits.
        kinds: Only files of these kinds.
        min_score: No hits below this score.

    Raises:
        QueryError: there are no subjects, or one cannot be read.
    """
    if not subjects:
        raise QueryError("Similar to what? Give at least one file or moment.")
    if k < 1:
        raise QueryError(f"k = {k}: ask for at least one hit.")
    left_out: set[int] = set()
    found: list[dict[Modality, Blocks]] = []
    for subject in subjects:
        blocks, own = _blocks(library, subject)
        found.append(blocks)
        left_out |= own
    term = EmbeddedTerm(1.0, _mean(found))
    wanted = Filter(kinds=None if kinds is None else frozenset(Kind(kind) for kind in kinds))
    # One hit is one content, so each subject takes away one at most.
    hits = library.searcher.answer([[term]], k + len(subjects), wanted, min_score)
    return [hit for hit in hits if hit.moment.id not in left_out][:k]


def _blocks(library: Library, subject: str | Path | int) -> tuple[dict[Modality, Blocks], set[int]]:
    """The vectors of a subject, and the moments that it has in the library."""
    if isinstance(subject, int):
        blocks = dict(embed_term(Term(subject), library.space, library.catalog).blocks)
        content_id = library.catalog.moments.get([subject])[subject][0]
        return blocks, library.catalog.moments.ids_of(content_id)
    path = Path(subject)
    file = stored_file(library, path)
    moments = [] if file is None else moments_of_file(library, file)
    if moments:
        return dict(stored_blocks(library, moments)), {m.id for m in moments if m.id is not None}
    return dict(embed_term(Term(path), library.space, library.catalog).blocks), set()


def _mean(found: Sequence[dict[Modality, Blocks]]) -> dict[Modality, Blocks]:
    """For each modality and space the mean over the subjects that have it."""
    rows: dict[Modality, dict[str, list[Vector]]] = {}
    for blocks in found:
        for modality, by_space in blocks.items():
            for space, row in by_space.items():
                rows.setdefault(modality, {}).setdefault(space, []).append(row)
    return {
        modality: {space: unit(np.mean(each, axis=0)) for space, each in by_space.items()}
        for modality, by_space in rows.items()
    }
