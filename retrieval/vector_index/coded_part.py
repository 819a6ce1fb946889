"""A part of an index with codes: candidates come from the codes, scores from the rows."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retrieval.vector_index.damage import IndexDamaged
from retrieval.vector_index.part import Part
from retrieval.vector_index.plan import MASK_NS, SELECTION, Plan, Way, rows_ms, scan_ms
from retrieval.vector_index.ranking import best, merged, rounding

if TYPE_CHECKING:
    from retrieval.vector_index.codes import Codes
    from retrieval.vector_index.effort import Effort
    from retrieval.vector_index.part import Mask
    from retrieval.vector_index.ranking import Positions, Ranked
    from retrieval.vectors import Ids, Vectors

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CodedPart(Part):
    """Rows with codes and the effort that finds the recall asked for."""

    codes: Codes
    effort: Effort

    def search(self, queries: Vectors, k: int, allowed: Ids | None) -> tuple[list[Ranked], Plan]:
        """The k nearest of each query `(q, dim)`, among the allowed ids or all."""
        try:
            return self._searched(queries, k, allowed)
        except IndexDamaged as error:
            log.warning("looking at every vector, slowly: %s; mend it: anyseek rebuild", error)
            return Part.search(self, queries, k, allowed)

    def _searched(self, queries: Vectors, k: int, allowed: Ids | None) -> tuple[list[Ranked], Plan]:
        look = self.effort.look(k)
        if allowed is None:
            by_scan = scan_ms(len(self.ids), queries.shape[1])
            if by_scan <= self.codes.cost_ms(self.effort.probes, look):
                return Part.search(self, queries, k, None)
            plan = Plan(Way.CODES, len(self), self.effort.probes, look)
            return self._by_codes(queries, k, plan, self.alive), plan
        at = self.positions(allowed)
        share = len(at) / len(self.ids)
        look = self.effort.look(k, share)
        by_set = rows_ms(len(at), queries.shape[1])
        usual = self.effort.probes_for(share)
        if len(at) <= look or by_set <= self._filtered_ms(usual, look):
            return self.scan(queries, k, at), Plan(Way.SET, len(at))
        probes = self._probes(queries, at, usual)
        if by_set <= self._filtered_ms(probes, look):
            return self.scan(queries, k, at), Plan(Way.SET, len(at))
        plan = Plan(Way.FILTERED_CODES, len(at), probes, look)
        mask = np.zeros(len(self.ids), np.bool_)
        mask[at] = True
        return self._by_codes(queries, k, plan, mask), plan

    def _by_codes(self, queries: Vectors, k: int, plan: Plan, allowed: Mask | None) -> list[Ranked]:
        found = self.codes.nearest(queries, plan.look, plan.probes, allowed)
        return [self._rescored(q, at, k) for q, at in zip(queries, found, strict=True)]

    def _rescored(self, query: Vectors, candidates: Positions, k: int) -> Ranked:
        """The k nearest candidates: those near the k-th by float32 are ranked exactly."""
        if not len(candidates):
            return merged([], k)
        rows = self.rows[candidates]
        scores = np.vecdot(rows, query)
        if len(candidates) > k:
            doubt = 2 * rounding(len(query)) * self.reach * float(np.linalg.norm(query))
            kth = np.partition(scores, len(scores) - k)[len(scores) - k]
            near = scores >= kth - doubt
            rows, candidates = rows[near], candidates[near]
        exact = np.einsum("ij,j->i", rows.astype(np.float64), query.astype(np.float64))
        return best(self.ids[candidates], exact.astype(np.float32), k)

    def _filtered_ms(self, probes: int, look: int) -> float:
        mask_ms = len(self.ids) * MASK_NS * 1e-6
        return mask_ms + SELECTION * self.codes.cost_ms(probes, look)

    def _probes(self, queries: Vectors, allowed: Positions, usual: int) -> int:
        """Lists to probe so that as many allowed rows are seen as if they lay at random.

        What is allowed may lie far from the query: the pictures of one folder, say.
        """
        lists = self.codes.lists
        if lists == 1:
            return 1
        counts = np.bincount(self.codes.list_of[allowed], minlength=lists)
        wanted = min(len(allowed) * usual / lists, float(len(allowed)))
        needed = [
            int(np.searchsorted(np.cumsum(counts[self.codes.lists_near(q[None])]), wanted)) + 1
            for q in queries
        ]
        return min(lists, max(usual, *needed))
