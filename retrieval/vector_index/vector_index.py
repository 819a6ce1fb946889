"""Nearest neighbours: the vectors of one modality in one space, searched in the best way.

An index is a cache. It says up to which change of the catalog it is in step, can be brought up to
date from there, and can be thrown away at any time. What is added lies in an exact tail at first.
Searches may run in any number of threads while another brings the index up to date: each sees the
state before or after, never one in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from retrieval.vector_index.part import Part
from retrieval.vector_index.ranking import merged

if TYPE_CHECKING:
    from collections.abc import Iterable

    from retrieval.vector_index.plan import Plan
    from retrieval.vectors import Ids, Vectors

TAIL_ROWS = 8192
"""A tail this long takes no more; another is begun."""


@dataclass(frozen=True, slots=True)
class State:
    """What an index holds at one moment."""

    change: int
    """The change of the catalog up to which it is in step."""
    parts: tuple[Part, ...]

    @classmethod
    def of(cls, change: int, parts: Iterable[Part]) -> Self:
        """A state of those parts that are not empty."""
        return cls(change, tuple(part for part in parts if len(part)))

    def changed(self, removed: Ids, added: Iterable[tuple[Ids, Vectors]], change: int) -> State:
        """The state after ids `(n,)` were removed and vectors `(n, dim)` added."""
        parts = [part.without(removed) for part in self.parts] if len(removed) else [*self.parts]
        for ids, vectors in added:
            if not len(ids):
                continue
            new = Part.of(ids, vectors)
            if parts and len(parts[-1].ids) < TAIL_ROWS and not parts[-1].sealed:
                new = Part.joined([parts.pop(), new], vectors.shape[1])
            parts.append(new)
        return State.of(change, parts)


class VectorIndex:
    """Inner-product search over `(n, dim)` vectors with int64 ids."""

    def __init__(self, dim: int, state: State | None = None) -> None:
        self.dim = dim
        self.state = state or State(change=0, parts=())

    def __len__(self) -> int:
        return sum(len(part) for part in self.state.parts)

    @property
    def change(self) -> int:
        """The change of the catalog up to which this index is in step."""
        return self.state.change

    @property
    def ids(self) -> Ids:
        """The ids it holds, ascending."""
        held = [part.ids[part.living()] for part in self.state.parts]
        return np.sort(np.concatenate([np.empty(0, np.int64), *held]))

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Add vectors `(n, dim)` under ids `(n,)` that it does not hold yet."""
        self.update(np.empty(0, np.int64), [(ids, vectors)], self.change)

    def remove(self, ids: Ids) -> None:
        """Remove ids; those it does not hold are passed over."""
        self.update(ids, [], self.change)

    def update(self, removed: Ids, added: Iterable[tuple[Ids, Vectors]], change: int) -> None:
        """Remove and add in one step that searches see whole; one thread at a time."""
        self.state = self.state.changed(removed, added, change)

    def unlike(self, ids: Ids, vectors: Vectors) -> Ids:
        """Those of some ids `(n,)`, ascending, that have other vectors here than `(n, dim)`."""
        found = [np.empty(0, np.int64)]
        for part in self.state.parts:
            at = part.positions(ids)
            theirs = vectors[np.searchsorted(ids, part.ids[at])]
            same = part.rows[at].view(np.uint32) == theirs.view(np.uint32)
            found.append(part.ids[at[~same.all(axis=1)]])
        return np.sort(np.concatenate(found))

    def vectors(self, ids: Ids) -> Vectors:
        """The vectors `(n, dim)` of ids `(n,)`, ascending; zeros for those it does not hold."""
        found = np.zeros((len(ids), self.dim), np.float32)
        for part in self.state.parts:
            at = part.positions(ids)
            if len(at) == len(ids):
                return part.rows[at]
            found[np.searchsorted(ids, part.ids[at])] = part.rows[at]
        return found

    def search(
        self, queries: Vectors, k: int, allowed: Ids | None = None
    ) -> list[tuple[Ids, Vectors]]:
        """The k nearest of each query.

        Args:
            queries: `(q, dim)` of any length.
            k: At most this many for each query.
            allowed: Only these ids; None for all.

        Returns:
            For each query ids `(m,)` and inner products `(m,)`, best first, equal ones by id;
            m < k where fewer are there.
        """
        return self.search_planned(queries, k, allowed)[0]

    def search_planned(
        self, queries: Vectors, k: int, allowed: Ids | None = None
    ) -> tuple[list[tuple[Ids, Vectors]], list[Plan]]:
        """What `search` returns, and how each part of the index was searched."""
        queries = np.ascontiguousarray(queries, dtype=np.float32)
        if k <= 0 or not len(queries):
            return [merged([], 0) for _ in queries], []
        found = [part.search(queries, k, allowed) for part in self.state.parts]
        answers = [merged([ranked[i] for ranked, _ in found], k) for i in range(len(queries))]
        return answers, [plan for _, plan in found]
