"""A part of an index with codes: candidates come from the codes, scores from the rows."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from retrieval.vector_index.allowed_rows import LastAllowed
from retrieval.vector_index.damage import IndexDamaged
from retrieval.vector_index.part import Part
from retrieval.vector_index.plan import Plan, Way, rows_ms, scan_ms
from retrieval.vector_index.ranking import best, merged, products_at, rounding

if TYPE_CHECKING:
    from retrieval.vector_index.allowed_rows import AllowedRows
    from retrieval.vector_index.codes import Codes
    from retrieval.vector_index.effort import Effort
    from retrieval.vector_index.part import Mask
    from retrieval.vector_index.ranking import Positions, Ranked
    from retrieval.vectors import Ids, Vectors

log = logging.getLogger(__name__)

COUNTED = 50_000
"""Allowed rows at most whose lists are counted; of more, an even sample of these."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CodedPart(Part):
    """Rows with codes and the effort that finds the recall asked for."""

    codes: Codes
    effort: Effort
    last_allowed: LastAllowed = field(default_factory=LastAllowed)

    def search(self, queries: Vectors, k: int, allowed: Ids | None) -> tuple[list[Ranked], Plan]:
        """The k nearest of each query `(q, dim)`, among the allowed ids or all."""
        try:
            return self._searched(queries, k, allowed)
        except IndexDamaged as error:
            log.warning("looking at every vector, slowly: %s; mend it: anyseek rebuild", error)
            return Part.search(self, queries, k, allowed)

    def _searched(self, queries: Vectors, k: int, allowed: Ids | None) -> tuple[list[Ranked], Plan]:
        if allowed is None:
            look = self.effort.look(k)
            by_scan = scan_ms(len(self.ids), queries.shape[1])
            if by_scan <= self.codes.cost_ms(self.effort.probes, look):
                return Part.search(self, queries, k, None)
            plan = Plan(Way.CODES, len(self), self.effort.probes, look)
            found = self.codes.nearest(queries, look, plan.probes, self.alive)
            return self._ranked_all(queries, found, k), plan
        if self.is_few(allowed):
            at = self.positions(allowed)
            if self._is_set(len(at), queries.shape[1], k):
                return self.scan(queries, k, at), Plan(Way.SET, len(at))
        rows = self.last_allowed.rows(self, allowed)
        if self._is_set(rows.count, queries.shape[1], k):
            return self.scan(queries, k, np.flatnonzero(rows.mask)), Plan(Way.SET, rows.count)
        return self._filtered(queries, k, rows)

    def _is_set(self, rows: int, dim: int, k: int) -> bool:
        """Whether scoring an allowed set of so many rows costs no more than the codes do."""
        share = rows / len(self.ids)
        look = self.effort.look(k, share)
        probes = self.effort.probes_for(share)
        return rows <= look or rows_ms(rows, dim) <= self.codes.cost_ms(probes, look, selected=True)

    def _filtered(
        self, queries: Vectors, k: int, allowed: AllowedRows
    ) -> tuple[list[Ranked], Plan]:
        """The k nearest among allowed rows, by their codes."""
        mask, rows = allowed.mask, allowed.count
        share = rows / len(self.ids)
        look = self.effort.look(k, share)
        probes = self._probes(queries, mask, rows, self.effort.probes_for(share))
        gathered = self._gathered(allowed, len(queries), probes, look)
        if gathered is not None:
            plan = Plan(Way.GATHERED_CODES, rows, probes, look)
            return self._ranked_all(queries, gathered.nearest(queries, look, probes, None), k), plan
        if rows_ms(rows, queries.shape[1]) <= self.codes.cost_ms(probes, look, selected=True):
            return self.scan(queries, k, np.flatnonzero(mask)), Plan(Way.SET, rows)
        plan = Plan(Way.FILTERED_CODES, rows, probes, look)
        found = self.codes.nearest(queries, look, probes, mask)
        return self._ranked_all(queries, found, k), plan

    def _gathered(self, allowed: AllowedRows, queries: int, probes: int, look: int) -> Codes | None:
        """The codes of the allowed rows alone, once enough was searched among them."""
        if allowed.kept and allowed.codes is None:
            share = allowed.count / len(self.ids)
            without = self.codes.cost_ms(probes, look, selected=True)
            allowed.rent_ms += queries * (without - self.codes.cost_ms(probes, look, share))
            price_ms = self.codes.gathering_ms(allowed.count)
            if allowed.rent_ms > price_ms and self.codes.is_packed_as_known:
                allowed.codes = self.codes.among(allowed.mask)
        return allowed.codes

    def _ranked_all(self, queries: Vectors, found: list[Positions], k: int) -> list[Ranked]:
        return [self._rescored(q, at, k) for q, at in zip(queries, found, strict=True)]

    def _rescored(self, query: Vectors, candidates: Positions, k: int) -> Ranked:
        """The k nearest candidates: those near the k-th by float32 are ranked exactly."""
        if not len(candidates):
            return merged([], k)
        scores = products_at(self.rows, candidates, query)
        if len(candidates) > k:
            doubt = 2 * rounding(len(query)) * self.reach * float(np.linalg.norm(query))
            kth = np.partition(scores, len(scores) - k)[len(scores) - k]
            candidates = candidates[scores >= kth - doubt]
        rows = self.rows[candidates].astype(np.float64)
        exact = np.einsum("ij,j->i", rows, query.astype(np.float64))
        return best(self.ids[candidates], exact.astype(np.float32), k)

    def _probes(self, queries: Vectors, mask: Mask, rows: int, usual: int) -> int:
        """Lists to probe so that as many allowed rows are seen as if they lay at random.

        What is allowed may lie far from the query: the pictures of one folder, say.
        """
        lists = self.codes.lists
        if usual >= lists:
            return lists
        counted = np.flatnonzero(mask)[:: max(1, rows // COUNTED)]
        counts = np.bincount(self.codes.list_of[counted], minlength=lists)
        wanted = len(counted) * usual / lists
        needed = [
            int(np.searchsorted(np.cumsum(counts[self.codes.lists_near(q[None])]), wanted)) + 1
            for q in queries
        ]
        return min(lists, max(usual, *needed))
