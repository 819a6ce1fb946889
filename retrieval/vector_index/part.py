"""A part of an index: some vectors with their ids, which never change once they are there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from retrieval.vector_index.plan import Plan, Way
from retrieval.vector_index.ranking import (
    FEW_QUERIES,
    best,
    inner_products,
    merged,
    products_at,
    quick_products,
    rounding,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from retrieval.vector_index.ranking import Positions, Ranked
    from retrieval.vectors import Ids, Vectors

Mask = npt.NDArray[np.bool_]

SCAN_SCORES = 4_000_000
"""Scores computed at a time; this bounds the memory of a scan to some 16 MB."""

FEW = 64
"""A set that is this many times smaller is looked up id by id."""

SPREAD = 8
"""Ids that fill at least one place in so many are looked up in a table of all places."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Vectors `(n, dim)` of any length, possibly on a memory map, and their ids, ascending."""

    ids: Ids
    rows: Vectors
    reach: float
    """No row is longer than this."""
    alive: Mask | None = None
    """False for rows that were removed; None if none was."""
    sealed: bool = False
    """Whether the rows lie on disk."""

    @classmethod
    def of(cls, ids: Ids, rows: Vectors) -> Self:
        """A part of vectors in any order."""
        order = np.argsort(ids, kind="stable")
        return cls(
            np.ascontiguousarray(ids[order], dtype=np.int64),
            np.ascontiguousarray(rows[order], dtype=np.float32),
            longest(rows),
        )

    @classmethod
    def joined(cls, parts: Iterable[Part], dim: int) -> Self:
        """One part with all that is alive in several."""
        held = [(part.ids[at], part.rows[at]) for part in parts for at in [part.living()]]
        ids = [np.empty(0, np.int64), *(i for i, _ in held)]
        rows = [np.empty((0, dim), np.float32), *(r for _, r in held)]
        return cls.of(np.concatenate(ids), np.concatenate(rows))

    def __len__(self) -> int:
        return len(self.ids) if self.alive is None else int(np.count_nonzero(self.alive))

    def living(self) -> Positions | slice:
        """The rows that were not removed."""
        return slice(None) if self.alive is None else np.flatnonzero(self.alive)

    def living_positions(self) -> Positions:
        """The rows that were not removed, as numbers."""
        return np.arange(len(self.ids)) if self.alive is None else np.flatnonzero(self.alive)

    def without(self, ids: Ids) -> Self:
        """This part when some ids are removed; those it does not hold are passed over."""
        gone = self.positions(ids)
        if not len(gone):
            return self
        alive = np.ones(len(self.ids), np.bool_) if self.alive is None else self.alive.copy()
        alive[gone] = False
        return replace(self, alive=alive)

    def positions(self, ids: Ids) -> Positions:
        """The rows, ascending, that hold some ids and are alive."""
        if self.is_few(ids):
            wanted = ids if (ids[1:] > ids[:-1]).all() else np.unique(ids)
            at = np.searchsorted(self.ids, wanted)
            inside = at < len(self.ids)
            at, wanted = at[inside], wanted[inside]
            at = at[self.ids[at] == wanted]
            found: Positions = at if self.alive is None else at[self.alive[at]]
            return found
        return np.flatnonzero(self.holding(ids))

    def is_few(self, ids: Ids) -> bool:
        """Whether some ids are better looked up one by one."""
        return len(ids) * FEW < len(self.ids)

    def holding(self, ids: Ids) -> Mask:
        """Which rows `(n,)` hold one of some ids and are alive."""
        held = self._holds(ids)
        return held if self.alive is None else held & self.alive

    def search(self, queries: Vectors, k: int, allowed: Ids | None) -> tuple[list[Ranked], Plan]:
        """The k nearest of each query `(q, dim)`, among the allowed ids or all."""
        if allowed is None:
            return self.scan(queries, k, None), Plan(Way.SCAN, len(self))
        at = self.positions(allowed)
        return self.scan(queries, k, at), Plan(Way.SET, len(at))

    def scan(self, queries: Vectors, k: int, allowed: Positions | None) -> list[Ranked]:
        """The k nearest of each query by looking at every row, or at every allowed one."""
        doubts = 2 * rounding(queries.shape[1]) * self.reach * np.linalg.norm(queries, axis=1)
        candidates: list[list[Positions]] = [[] for _ in queries]
        for positions, scores in self._scored(queries, allowed):
            for found, row, doubt in zip(candidates, scores, doubts, strict=True):
                found.append(positions[_contenders(row, k, float(doubt))])
        return [
            self.ranked(query, np.concatenate(found), k) if found else merged([], k)
            for query, found in zip(queries, candidates, strict=True)
        ]

    def ranked(self, query: Vectors, positions: Positions, k: int) -> Ranked:
        """The k nearest among some rows, by their true inner products."""
        return best(self.ids[positions], inner_products(self.rows, positions, query), k)

    def _holds(self, ids: Ids) -> Mask:
        """Which rows hold one of some ids."""
        if not len(self.ids):
            return np.empty(0, np.bool_)
        first, last = int(self.ids[0]), int(self.ids[-1])
        if last - first >= SPREAD * len(self.ids):
            return np.isin(self.ids, ids)
        place = np.zeros(last - first + 1, np.bool_)
        if len(ids) and (ids.min() < first or ids.max() > last):
            ids = ids[(ids >= first) & (ids <= last)]
        place[ids - first if first else ids] = True
        return place if len(place) == len(self.ids) else place[self.ids - first]

    def _scored(
        self, queries: Vectors, allowed: Positions | None
    ) -> Iterator[tuple[Positions, Vectors]]:
        """Piece by piece: row numbers and scores `(q, m)`."""
        wanted = self.living() if allowed is None else allowed
        total = len(self.ids) if isinstance(wanted, slice) else len(wanted)
        if not isinstance(wanted, slice) and len(queries) < FEW_QUERIES:
            yield wanted, np.stack([products_at(self.rows, wanted, query) for query in queries])
            return
        step = max(1, SCAN_SCORES // max(len(queries), self.rows.shape[1], 1))
        for start in range(0, total, step):
            stop = min(start + step, total)
            at = slice(start, stop) if isinstance(wanted, slice) else wanted[start:stop]
            positions = np.arange(start, stop) if isinstance(at, slice) else at
            yield positions, quick_products(np.asarray(self.rows[at]), queries)


def longest(rows: Vectors) -> float:
    """The length of the longest of some rows `(n, dim)`, rounded up."""
    squares = np.einsum("ij,ij->i", rows, rows, dtype=np.float64)
    return float(np.sqrt(squares.max(initial=0.0)))


def _contenders(scores: Vectors, k: int, doubt: float) -> Positions:
    """Where scores lie that may be among the k best, though each is off by up to doubt / 2."""
    if len(scores) <= k:
        return np.arange(len(scores))
    kth = np.partition(scores, len(scores) - k)[len(scores) - k]
    return np.flatnonzero(scores >= kth - doubt)
