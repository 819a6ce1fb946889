"""The truth that indexes are measured against: the nearest rows by brute force, in batches."""

from __future__ import annotations

import numpy as np

from retrieval.vectors import Ids, Vectors

PIECE = 10_000


def nearest(rows: Vectors, queries: Vectors, k: int, allowed: Ids | None = None) -> Ids:
    """Numbers `(q, m)` of the nearest rows of each query, best first; m <= k."""
    every = np.arange(len(rows)) if allowed is None else allowed
    best = np.empty((len(queries), 0), np.int64)
    scores = np.empty((len(queries), 0), np.float32)
    for start in range(0, len(every), PIECE):
        at = every[start : start + PIECE]
        found = queries @ rows[at].T
        few = np.argpartition(-found, min(k, len(at)) - 1, axis=1)[:, :k]
        best = np.concatenate([best, at[few]], axis=1)
        scores = np.concatenate([scores, np.take_along_axis(found, few, axis=1)], axis=1)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        best = np.take_along_axis(best, order, axis=1)
        scores = np.take_along_axis(scores, order, axis=1)
    return best
