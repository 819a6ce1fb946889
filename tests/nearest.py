"""Nearest neighbours by brute force: what every index is held against."""

from __future__ import annotations

import numpy as np

from retrieval.vectors import Ids, Vectors


def true_scores(rows: Vectors, query: Vectors) -> Vectors:
    """Inner products `(n,)` in double precision, rounded once."""
    scores: Vectors = (rows.astype(np.float64) @ query.astype(np.float64)).astype(np.float32)
    return scores


def assert_nearest(
    found: tuple[Ids, Vectors], ids: Ids, rows: Vectors, query: Vectors, k: int
) -> None:
    """The answer is right: true scores, the best there are, best first, equal ones by id."""
    found_ids, found_scores = found
    expected = true_scores(rows, query)
    by_id = dict(zip(ids.tolist(), expected, strict=True))
    assert found_ids.dtype == np.int64
    assert found_scores.dtype == np.float32
    assert len(found_ids) == min(k, len(ids)) == len(set(found_ids.tolist()))
    slack = 1e-6 * (1 + np.abs(expected).max(initial=0.0))
    np.testing.assert_allclose(found_scores, np.sort(expected)[::-1][:k], rtol=1e-6, atol=slack)
    np.testing.assert_allclose(
        found_scores, [by_id[i] for i in found_ids.tolist()], rtol=1e-6, atol=slack
    )
    pairs = list(zip((-found_scores).tolist(), found_ids.tolist(), strict=True))
    assert pairs == sorted(pairs)
