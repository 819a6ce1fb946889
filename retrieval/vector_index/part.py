"""A part of an index: some vectors with their ids, which never change once they are there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from retrieval.vector_index.ranking import best, inner_products, merged, rounding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from retrieval.vector_index.ranking import Positions, Ranked
    from retrieval.vectors import Ids, Vectors

Mask = npt.NDArray[np.bool_]

SCAN_SCORES = 4_000_000
"""Scores computed at a time; this bounds the memory of a scan to some 16 MB."""

FEW = 64
"""A set that is this many times smaller is looked up id by id."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Vectors `(n, dim)` of any length, possibly on a memory map, and their ids, ascending."""

    ids: Ids
    rows: Vectors
    alive: Mask | None = None
    """False for rows that were removed; None if none was."""

    @classmethod
    def of(cls, ids: Ids, rows: Vectors) -> Self:
        """A part of vectors in any order."""
        order = np.argsort(ids, kind="stable")
        return cls(
            np.ascontiguousarray(ids[order], dtype=np.int64),
            np.ascontiguousarray(rows[order], dtype=np.float32),
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

    def without(self, ids: Ids) -> Part:
        """This part when some ids are removed; those it does not hold are passed over."""
        gone = self.positions(ids)
        if not len(gone):
            return self
        alive = np.ones(len(self.ids), np.bool_) if self.alive is None else self.alive.copy()
        alive[gone] = False
        return replace(self, alive=alive)

    def positions(self, ids: Ids) -> Positions:
        """The rows, ascending, that hold some ids and are alive."""
        if len(ids) * FEW < len(self.ids):
            at = np.searchsorted(self.ids, np.unique(ids))
            at = at[at < len(self.ids)]
            at = at[np.isin(self.ids[at], ids)]
        else:
            at = np.flatnonzero(np.isin(self.ids, ids))
        return at if self.alive is None else at[self.alive[at]]

    def scan(self, queries: Vectors, k: int, allowed: Positions | None) -> list[Ranked]:
        """The k nearest of each query by looking at every row, or at every allowed one."""
        lengths = np.linalg.norm(queries, axis=1)
        candidates: list[list[Positions]] = [[] for _ in queries]
        for positions, scores, reach in self._scored(queries, allowed):
            slack = 2.0 * rounding(queries.shape[1]) * reach * lengths
            for found, row, doubt in zip(candidates, scores, slack, strict=True):
                found.append(positions[_contenders(row, k, float(doubt))])
        return [
            self.ranked(query, np.concatenate(found), k) if found else merged([], k)
            for query, found in zip(queries, candidates, strict=True)
        ]

    def ranked(self, query: Vectors, positions: Positions, k: int) -> Ranked:
        """The k nearest among some rows, by their true inner products."""
        return best(self.ids[positions], inner_products(self.rows, positions, query), k)

    def _scored(
        self, queries: Vectors, allowed: Positions | None
    ) -> Iterator[tuple[Positions, Vectors, float]]:
        """Piece by piece: row numbers, scores `(q, m)` and the length of the longest row."""
        wanted = self.living() if allowed is None else allowed
        total = len(self.ids) if isinstance(wanted, slice) else len(wanted)
        step = max(1, SCAN_SCORES // max(len(queries), self.rows.shape[1], 1))
        for start in range(0, total, step):
            stop = min(start + step, total)
            at = slice(start, stop) if isinstance(wanted, slice) else wanted[start:stop]
            rows = self.rows[at]
            positions = np.arange(start, stop) if isinstance(at, slice) else at
            reach = float(np.sqrt(np.einsum("ij,ij->i", rows, rows).max(initial=0.0)))
            yield positions, queries @ rows.T, reach


def _contenders(scores: Vectors, k: int, doubt: float) -> Positions:
    """Where scores lie that may be among the k best, though each is off by up to doubt / 2."""
    if len(scores) <= k:
        return np.arange(len(scores))
    kth = np.partition(scores, len(scores) - k)[len(scores) - k]
    return np.flatnonzero(scores >= kth - doubt)
