"""Sealed rows that are searched on a GPU, and on the CPU where the GPU cannot answer."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from retrieval.vector_index.gpu import GpuRows
from retrieval.vector_index.part import Part
from retrieval.vector_index.plan import Plan, Way

if TYPE_CHECKING:
    from retrieval.vector_index.ranking import Ranked
    from retrieval.vector_index.vector_index import State
    from retrieval.vectors import Ids, Vectors

log = logging.getLogger(__name__)

LEAST_ROWS = 20_000
"""Fewer rows are searched on the CPU before a query has reached the GPU."""

MOST_LOOKS = 2048
"""FAISS gives no more candidates than these from a GPU."""

LOOKS = {"half": 2, "graph": 4, "codes": 10}
"""Candidates for each result, by kind of copy."""

MORE_LOOKS = 50
"""So many candidates more."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class GpuPart(Part):
    """Rows of which a GPU holds a copy; candidates come from there, scores from the rows."""

    under: Part
    """The same rows as they are searched on the CPU."""
    copy: GpuRows

    @classmethod
    def over(cls, part: Part, copy: GpuRows) -> GpuPart:
        """A part, searched in its copy."""
        return cls(part.ids, part.rows, part.reach, part.alive, part.sealed, under=part, copy=copy)

    def search(self, queries: Vectors, k: int, allowed: Ids | None) -> tuple[list[Ranked], Plan]:
        """The k nearest of each query `(q, dim)`; filters are answered by the CPU."""
        gone = len(self.ids) - len(self)
        look = LOOKS[self.copy.kind] * k + MORE_LOOKS
        wide = min(len(self.ids), look + min(gone, look))
        cpu = replace(self.under, alive=self.alive)
        if allowed is not None or wide > MOST_LOOKS:
            return cpu.search(queries, k, allowed)
        try:
            found = self.copy.nearest(queries, wide)
        except RuntimeError as error:  # its memory is full, or it is gone
            log.warning("searching on the CPU: %s", str(error).splitlines()[0])
            return cpu.search(queries, k, None)
        if self.alive is not None:
            found = [at[self.alive[at]] for at in found]
        if min(map(len, found)) < min(k, len(self)):
            return cpu.search(queries, k, None)
        ranked = [self.ranked(q, np.sort(at), k) for q, at in zip(queries, found, strict=True)]
        return ranked, Plan(Way.GPU, len(self), look=wide)


class Gpu:
    """The copies of one index on a GPU: made when its rows change, kept while they do not."""

    def __init__(self, device: int | None) -> None:
        """For one GPU by its number, or for all."""
        self._device = device
        self._held: tuple[int, int] | None = None
        self._copy: GpuRows | None = None

    def over(self, state: State) -> State:
        """A state whose sealed rows are searched on the GPU, if it can hold them."""
        parts = tuple(self._over(part) if part.sealed else part for part in state.parts)
        return replace(state, parts=parts)

    def _over(self, part: Part) -> Part:
        if isinstance(part, GpuPart) or len(part.ids) < LEAST_ROWS:
            return part
        # Ids ascend and are never used twice, so that these two tell all rows.
        held = (len(part.ids), int(part.ids[-1]))
        if held != self._held:
            self._copy = None  # its memory is free again before the next copy is made
            self._copy = GpuRows.copied(part.rows, self._device)
            self._held = held
        return part if self._copy is None else GpuPart.over(part, self._copy)


def gpu_number(device: str) -> int | None:
    """The GPU that `cuda` (all of them: None) or `cuda:1` names.

    Raises:
        ValueError: it names none.
    """
    name, _, number = device.partition(":")
    if name != "cuda":
        raise ValueError(f"{device!r} is no GPU")
    return int(number) if number else None
