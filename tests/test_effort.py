"""How hard a search must try: against counting by hand, and for many samples of one population."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.vector_index import effort, policy
from retrieval.vector_index.codes import Codes
from retrieval.vector_index.effort import FEW, NOT_FOUND, _enough, _ranks, lower_bound, tune
from retrieval.vector_index.part import Part
from retrieval.vector_index.ranking import inner_products
from retrieval.vectors import Vectors, unit_rows

DIM = 32


def test_the_bound_holds_for_most_samples() -> None:
    """Queries that differ in how hard they are, so that misses come together."""
    rng = np.random.default_rng(0)
    population = rng.binomial(FEW, rng.beta(60, 1, 200_000)) / FEW
    for size in (100, 400, 2000):
        samples = rng.choice(population, (1000, size))
        bounds = [lower_bound(sample) for sample in samples]
        held = np.mean(np.array(bounds) <= population.mean())
        assert 0.93 <= held <= 0.995, size
        assert np.mean(bounds) > population.mean() - 4 * population.std() / np.sqrt(size)


def test_a_sample_without_a_miss_shows_little() -> None:
    bounds = [lower_bound(np.ones(n)) for n in (10, 100, 1000, 10_000)]
    assert bounds == sorted(bounds)
    assert bounds[0] < 0.98
    assert bounds[1] < 0.998
    assert bounds[-1] < 1


@given(
    st.lists(st.lists(st.integers(0, 60), min_size=10, max_size=10, unique=True), min_size=30),
    st.sampled_from([0.5, 0.8, 0.9]),
)
def test_the_fewest_candidates_that_are_surely_enough(ranks: list[list[int]], goal: float) -> None:
    """Against trying every number; a rank beyond 50 stands for what was not found."""
    table = np.sort(np.array(ranks, np.int64), axis=1)
    table[table > 50] = NOT_FOUND
    enough = [look for look in range(1, 52) if lower_bound((table < look).mean(axis=1)) >= goal]
    assert _enough(table, goal) == (enough[0] if enough else NOT_FOUND)


@pytest.mark.parametrize("equal", [1, 3, 40])
def test_what_is_as_near_as_the_last_one_wanted_is_right(equal: int) -> None:
    """Against the scores of all rows, each vector standing there several times."""
    rng = np.random.default_rng(equal)
    rows = np.repeat(unit_rows(rng.normal(size=(20, DIM))), equal, axis=0)
    part = Part.of(np.arange(len(rows)) * 3, rows)
    queries = unit_rows(rng.normal(size=(6, DIM)))
    found = [rng.permutation(len(rows))[: 15 * equal] for _ in queries]
    for k in (1, 7, 10):
        ranks = _ranks(part, queries, found, part.scan(queries, k + 1, None), k)
        for row, query, candidates in zip(ranks, queries, found, strict=True):
            scores = inner_products(rows, np.arange(len(rows)), query)
            floor = np.sort(scores)[::-1][:k][-1]
            right = [i for i, at in enumerate(candidates) if scores[at] >= floor][: len(row)]
            assert row[row < NOT_FOUND].tolist() == right


def _world(n: int, seed: int = 0) -> tuple[np.random.Generator, Any]:
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(60, DIM))

    def drawn(n: int) -> Vectors:
        return unit_rows(centres[rng.integers(0, 60, n)] + rng.normal(size=(n, DIM)))

    return rng, drawn


def test_fresh_queries_find_what_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """In nearly all of many samples, by thousands of queries that the sample does not hold."""
    monkeypatch.setattr(effort, "_search_ms", lambda *_: 0.0)
    _, drawn = _world(2000)
    part = Part.of(np.arange(2000), drawn(2000))
    codes = Codes.trained(part.rows, policy.Choice(1, 4, 2000, "")).extended(part.rows)
    fresh = drawn(3000)
    true = [set(ids.tolist()) for ids, _ in part.scan(fresh, FEW, None)]
    found = codes.nearest(fresh, effort.MOST_LOOKS, 1, None)
    for wanted in (0.9, 0.99):
        held = []
        for _ in range(12):
            made = tune(part, codes, drawn(150), drawn(150), wanted)
            assert made
            assert made.recall_bound >= wanted
            assert min(made.recall_own, made.recall_off) > made.recall_bound
            hits = [len(t & set(f[: made.look_few])) for t, f in zip(true, found, strict=True)]
            held.append(np.mean(hits) / FEW >= wanted)
        assert np.mean(held) >= 0.9


def test_many_equal_vectors_do_not_keep_an_index_from_its_recall() -> None:
    """Thousands of texts that say the same: which of them are found is all the same."""
    rng, drawn = _world(2400)
    rows = np.concatenate([np.repeat(drawn(4), 500, axis=0), drawn(400)])
    part = Part.of(np.arange(2400), rows[rng.permutation(2400)])
    codes = Codes.trained(part.rows, policy.Choice(1, 4, 2400, "")).extended(part.rows)
    own = part.rows[rng.choice(2400, 100, replace=False)]
    off = unit_rows(drawn(100) + 0.3)
    made = tune(part, codes, own, off, 0.99)
    assert made
    held = []
    for query in off:
        (found,) = codes.nearest(query[None], made.look_few, made.probes, None)
        scores = inner_products(part.rows, np.arange(2400), query)
        right = np.count_nonzero(scores[found] >= np.sort(scores)[-FEW])
        held.append(min(FEW, int(right)) / FEW)
    assert np.mean(held) == pytest.approx(made.recall_off, abs=1e-4)
