"""How hard a search must try to find what was asked for: measured, not assumed."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, log
from time import perf_counter
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from retrieval.vector_index.ranking import inner_products

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from retrieval.vector_index.codes import Codes
    from retrieval.vector_index.part import Mask, Part
    from retrieval.vector_index.ranking import Positions, Ranked
    from retrieval.vectors import Vectors

FEW, MANY = 10, 100
"""The numbers of results that are tuned for; others lie on the line through them."""

MOST_LOOKS = 1500
"""Candidates re-scored at most for MANY results."""

NOT_FOUND = 2**62
"""Rank of what is not among the candidates."""

Ranks = npt.NDArray[np.int64]
Shares = npt.NDArray[np.float64]

SURE = 1.645
"""Standard errors between what a sample finds and what holds for 95 of 100 samples (one-sided)."""

FILTERS = (0.1, 0.01)
"""Shares of random rows allowed, for which the lists that must be probed are measured."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How many lists and candidates a search looks at, and what that was measured to find."""

    probes: int
    """Lists probed without a filter."""
    probes_filtered: tuple[int, ...]
    """Lists probed when a share of `FILTERS` is allowed."""
    look_few: int
    """Candidates re-scored for FEW results."""
    look_many: int
    """The same for MANY."""
    look_filtered: tuple[int, ...]
    """The same for FEW results when a share of `FILTERS` is allowed."""
    recall_own: float
    """Share of the FEW nearest found, asking with the index's own vectors."""
    recall_off: float
    """The same asking from off the data, as another modality does."""
    recall_bound: float
    """What either recall is at least, with a confidence of 95 %: this reaches what was asked."""
    measured_rows: int
    search_ms: float
    """Median time of one search for FEW, alone in one thread, where the index was made."""

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Self:
        """An effort from the fields that a manifest holds."""
        lists = ("probes_filtered", "look_filtered")
        return cls(**{**fields, **{name: tuple(fields[name]) for name in lists}})

    def look(self, k: int, share: float = 1.0) -> int:
        """Candidates to re-score for k results when a share of random rows is allowed."""
        slope = (self.look_many - self.look_few) / (MANY - FEW)
        line = max(self.look_few, self.look_few + slope * (k - FEW))
        more = _between(share, self.look_filtered, self.look_few) / self.look_few
        return max(k, ceil(line * more))

    def probes_for(self, share: float) -> int:
        """Lists to probe when a share of random rows is allowed."""
        return ceil(_between(share, self.probes_filtered, self.probes))


def _between(share: float, filtered: Sequence[int], unfiltered: int) -> float:
    """What a share of allowed rows calls for, on the line through what was measured."""
    points = [*zip(FILTERS[::-1], filtered[::-1], strict=True), (1.0, unfiltered)]
    for (low, few), (high, many) in pairwise(points):
        if share < high:
            part = log(max(share, low) / low) / log(high / low)
            return few + part * (many - few)
    return float(unfiltered)


def off_data(rows: Vectors, seed: int = 0) -> Vectors:
    """Queries that lie off the data, as those of another modality do, when there are none.

    Every row `(n, dim)` is moved the same way and then blurred, each by about its own length.
    """
    rng = np.random.default_rng(seed)
    n, dim = rows.shape
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    gap = rng.standard_normal(dim)
    blur = rng.standard_normal((n, dim)) / np.sqrt(dim)
    moved: Vectors = (rows + lengths * (0.7 * gap / np.linalg.norm(gap) + 0.5 * blur)).astype(
        np.float32
    )
    return moved


def tune(part: Part, codes: Codes, own: Vectors, off: Vectors, recall: float) -> Effort | None:
    """The cheapest effort that finds the recall asked for; None if none does.

    Args:
        part: All rows, also removed ones.
        codes: Their codes.
        own: Queries `(q, dim)` from the index itself.
        off: Queries `(q, dim)` from off the data.
        recall: Share of the true nearest to be found.
    """
    queries = np.concatenate([own, off])
    of_own = np.arange(len(queries)) < len(own)
    truth = part.scan(queries, MANY + 1, None)
    best: tuple[float, int, int, int, Ranks] | None = None
    for probes in reversed(_ladder(codes.lists)):
        found = codes.nearest(queries, min(MOST_LOOKS, codes.count), probes, part.alive)
        ranks = _ranks(part, queries, found, truth, FEW)
        few = _look(ranks, recall, of_own)
        more = _look(_ranks(part, queries, found, truth, MANY), recall, of_own)
        if few is None or more is None:
            break  # fewer lists hold less
        cost = codes.cost_ms(probes, few)
        if best is None or cost < best[0]:
            best = cost, probes, few, more, ranks
    if best is None:
        return None
    _, probes, few, more, ranks = best
    shares = [_shares(ranks[asked], few) for asked in (of_own, ~of_own)]
    filtered = _filtered(part, codes, queries, of_own, recall, probes, few)
    return Effort(
        probes=probes,
        probes_filtered=tuple(more for more, _ in filtered),
        look_filtered=tuple(look for _, look in filtered),
        look_few=few,
        look_many=max(few, more),
        recall_own=round(float(shares[0].mean()), 4),
        recall_off=round(float(shares[1].mean()), 4),
        recall_bound=round(min(map(lower_bound, shares)), 4),
        measured_rows=len(part.ids),
        search_ms=round(_search_ms(part, codes, queries, probes, few), 3),
    )


def lower_bound(shares: Shares) -> float:
    """What the mean of a population is at least, by the shares `(q,)` of a sample of it.

    The mean less `SURE` standard errors, which come from how the shares of queries differ: a query
    that misses one of its nearest tends to miss others too. One more query that misses one of
    `FEW` is counted in, since a sample without a miss does not show that there are none.
    """
    held = np.append(shares, 1 - 1 / FEW)
    return float(held.mean() - SURE * held.std() / np.sqrt(len(held)))


def _ladder(lists: int) -> list[int]:
    """Numbers of lists to try: powers of two and what lies half way."""
    steps = sorted({int(2 ** (i / 2)) for i in range(2 * lists.bit_length())})
    return [p for p in steps if p < lists] + [lists]


def _ranks(
    part: Part,
    queries: Vectors,
    found: Sequence[Positions],
    truth: Sequence[Ranked],
    k: int,
) -> Ranks:
    """Where among its candidates each query's k nearest came, `(q, k)` ascending.

    Args:
        part: All rows.
        queries: `(q, dim)`.
        found: For each query the candidates, best first.
        truth: For each query more than k of its nearest, where there are more.
        k: How many are wanted; of fewer rows all are.

    Returns:
        NOT_FOUND for what did not come. Where several rows are as near as the last one wanted, any
        of them will do: no caller can tell them apart by their scores.
    """
    ranks = np.full((len(truth), min(k, max(len(ids) for ids, _ in truth))), NOT_FOUND, np.int64)
    for row, query, candidates, (ids, scores) in zip(ranks, queries, found, truth, strict=True):
        if len(ids) > k and scores[k - 1] == scores[k]:
            right = inner_products(part.rows, candidates, query) >= scores[k - 1]
        else:
            right = np.isin(part.ids[candidates], ids[:k])
        places = np.flatnonzero(right)[: len(row)]
        row[: len(places)] = places
    return ranks


def _shares(ranks: Ranks, look: int) -> Shares:
    """For each query the share `(q,)` of its nearest that so many candidates hold."""
    shares: Shares = (ranks < look).mean(axis=1)
    return shares


def _look(ranks: Ranks, goal: float, of_own: Mask) -> int | None:
    """The fewest candidates that surely hold the goal for both kinds of queries, or None."""
    looks = [_enough(ranks[asked], goal) for asked in (of_own, ~of_own)]
    return None if NOT_FOUND in looks else max(looks)


def _enough(ranks: Ranks, goal: float) -> int:
    """The fewest candidates that surely hold a share of the nearest; NOT_FOUND if none do."""
    looks = np.unique(ranks[ranks < NOT_FOUND]) + 1
    at = bisect_left(looks, True, key=lambda look: lower_bound(_shares(ranks, look)) >= goal)
    return int(looks[at]) if at < len(looks) else NOT_FOUND


def _filtered(
    part: Part, codes: Codes, queries: Vectors, of_own: Mask, goal: float, probes: int, look: int
) -> list[tuple[int, int]]:
    """For each share in FILTERS the lists and candidates that hold the goal."""
    rng = np.random.default_rng(0)
    needed = []
    for share in FILTERS:
        allowed = rng.random(len(part.ids)) < share
        if part.alive is not None:
            allowed &= part.alive
        truth = part.scan(queries, FEW + 1, np.flatnonzero(allowed))
        most = min(MOST_LOOKS, codes.count)
        best = (codes.lists, most)
        for more in (p for p in reversed(_ladder(codes.lists)) if p >= probes):
            found = codes.nearest(queries, most, more, allowed)
            enough = _look(_ranks(part, queries, found, truth, FEW), goal, of_own)
            if enough is None:
                break
            best = min(best, (more, max(look, enough)), key=lambda e: codes.cost_ms(*e))
        needed.append(best)
    return needed


def _search_ms(part: Part, codes: Codes, queries: Vectors, probes: int, look: int) -> float:
    times = []
    for query in queries[:50]:
        start = perf_counter()
        (found,) = codes.nearest(query[None], look, probes, part.alive)
        part.ranked(query, found, FEW)
        times.append(perf_counter() - start)
    return float(np.median(times)) * 1e3
