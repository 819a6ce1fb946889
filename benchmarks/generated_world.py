"""Generated queries and moments of one model set, and how near they are to each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from benchmarks.generated_library import Things, make_things
from retrieval.hubness import LEAST_MOMENTS, Hubs
from retrieval.records import Modality
from retrieval.vectors import centred

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from retrieval.space import JointSpace
    from retrieval.vectors import Vectors

Floats = npt.NDArray[np.float64]
PER_CONCEPT = 15
AT_ONCE = 4096
"""Moments carried over a bridge at a time."""


class World:
    """What there is to find, and what to ask with: never the same things."""

    def __init__(
        self,
        space: JointSpace,
        moments: tuple[int, int],
        queries: tuple[int, int] | None = None,
    ) -> None:
        """Generate both, or take them from where they were kept.

        Args:
            space: Of the model set.
            moments: Seed, and how many of each concept and modality. Fewer than some 15 are
                resampled into so many copies of themselves that 100,000 moments are not different.
            queries: The same; by default the next seed.
        """
        queries = queries or (moments[0] + 1, PER_CONCEPT)
        self.space = space
        self.moments = {m: make_things(space, m, *moments) for m in Modality}
        self.queries = {m: make_things(space, m, *queries) for m in Modality}
        self.concepts = [str(name) for name in np.unique(self.moments[Modality.TEXT].concepts)]
        self.hubs = Hubs(space).bank
        self._means = {
            (name, m): rows.mean(axis=0)
            for m, things in self.moments.items()
            for name, rows in things.rows.items()
        }

    def mean(self, space: str, modality: Modality) -> Any:
        """Mean of a modality, as a library of all moments would have it."""
        own = self._means[space, modality]
        return self.space.adapted_mean(space, modality, own, len(self.moments[modality]))

    def cosines(self, query: Modality, rows: Mapping[str, Vectors], target: Things) -> Floats:
        """`(queries, moments)`: what `JointSpace.cosines` finds for one query, for many at once."""
        shared = self.space.shared(query, target.modality)
        if shared:
            native = [
                rows[s].astype(np.float64) @ target.rows[s].T.astype(np.float64) for s in shared
            ]
            return np.asarray(np.mean(native, axis=0), dtype=np.float64)
        found = np.empty((len(next(iter(rows.values()))), len(target)))
        for start in range(0, len(target), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            found[:, part] = np.mean(list(self._bridged(query, rows, target, part)), axis=0)
        return found

    def _bridged(
        self, query: Modality, rows: Mapping[str, Vectors], target: Things, part: slice
    ) -> Iterator[Floats]:
        for bridge in self.space.bridges:
            for here in self.space.spaces_of(query):
                there = bridge.other(here)
                if there not in target.rows:
                    continue
                asked = centred(rows[here], self.mean(here, query))
                found = centred(target.rows[there][part], self.mean(there, target.modality))
                yield np.asarray(bridge.apply(asked, here) @ found.T, dtype=np.float64)
                yield np.asarray(asked @ bridge.apply(found, there).T, dtype=np.float64)

    def hub_values(self, query: Modality, target: Things) -> Floats:
        """Hub values of moments in the spaces that they share with a query, around zero."""
        shared = self.space.shared(query, target.modality)
        if not shared:
            return np.zeros(len(target))
        values = np.mean([self.hubs.values(s, target.rows[s]) for s in shared], axis=0)
        return np.asarray(values - values.mean(), dtype=np.float64)

    def held_back(self, query: Modality, target: Things, weight: float) -> Floats:
        """What a library of these moments takes off their cosines, `(n,)`."""
        if not weight or len(target) < LEAST_MOMENTS:
            return np.zeros(len(target))
        return weight * self.hub_values(query, target)
