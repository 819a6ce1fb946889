"""Which of some candidates are nearest: exact, and the same whatever stands beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from retrieval.vector_index.backend import faiss, threads

if TYPE_CHECKING:
    from collections.abc import Iterable

    from retrieval.vectors import Ids, Vector, Vectors

Ranked = tuple["Ids", "Vectors"]
"""Ids `(m,)` and inner products `(m,)`, best first, equal ones by id."""

Positions = npt.NDArray[np.int64]
"""Row numbers `(m,)`."""

FEW_QUERIES = 4
"""Fewer than these are answered in one thread."""

FEW_ROWS = 500
"""Fewer chosen rows than these are copied before they are scored."""

CHUNK_ROWS = 4096
"""Rows widened to float64 at a time."""


def inner_products(rows: Vectors, positions: Positions, query: Vector) -> Vector:
    """Inner products `(m,)` of chosen rows with a query, summed in float64, rounded to float32.

    The sum of a row does not depend on the other rows, so equal vectors have equal scores.
    """
    scores = np.empty(len(positions), np.float32)
    wide = query.astype(np.float64)
    for start in range(0, len(positions), CHUNK_ROWS):
        chunk = slice(start, start + CHUNK_ROWS)
        scores[chunk] = np.einsum("ij,j->i", rows[positions[chunk]].astype(np.float64), wide)
    return scores


def quick_products(rows: Vectors, queries: Vectors) -> Vectors:
    """Inner products `(q, m)` in float32, each off by at most half of `rounding`."""
    if len(queries) < FEW_QUERIES:
        # Row by row in one thread: BLAS would share out even one small query, and a thread that
        # has to wait for a core on a busy machine makes it a hundred times slower.
        return np.stack([np.vecdot(rows, query) for query in queries])
    return queries @ rows.T


def products_at(rows: Vectors, positions: Positions, query: Vector) -> Vector:
    """Inner products `(m,)` in float32 of chosen rows, each off by at most half of `rounding`.

    FAISS reads the rows where they lie. A copy of them first, as NumPy needs it, takes twice as
    long for thousands of rows on a memory map, and as long for a few.
    """
    if len(positions) < FEW_ROWS:
        few: Vector = np.vecdot(rows[positions], query)
        return few
    pointer = faiss().swig_ptr
    at = np.ascontiguousarray(positions, dtype=np.int64)
    wanted = np.ascontiguousarray(query, dtype=np.float32)
    scores = np.empty(len(at), np.float32)
    with threads(1):
        faiss().fvec_inner_products_by_idx(
            pointer(scores), pointer(wanted), pointer(rows), pointer(at), rows.shape[1], 1, len(at)
        )
    return scores


def best(ids: Ids, scores: Vectors, k: int) -> Ranked:
    """The k best of some ids and scores."""
    order = np.lexsort((ids, -scores))[:k]
    return ids[order], scores[order]


def merged(found: Iterable[Ranked], k: int) -> Ranked:
    """The k best of several lists that have no id in common."""
    lists = list(found)
    if not lists:
        return np.empty(0, np.int64), np.empty(0, np.float32)
    if len(lists) == 1:
        return lists[0][0][:k], lists[0][1][:k]
    ids, scores = zip(*lists, strict=True)
    return best(np.concatenate(ids), np.concatenate(scores), k)


def rounding(dim: int) -> float:
    """How far a float32 inner product of unit vectors can lie from the true one.

    Twice the bound `dim * u` of Higham, Accuracy and Stability of Numerical Algorithms (2002),
    section 3.1, for the error on either side of a comparison.
    """
    return 2.0 * dim * 2.0**-24
