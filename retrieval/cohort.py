"""The cohort: a steady sample of a library's moments that every query is measured against."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from retrieval.stopwatch import Stage, timed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from retrieval.catalog.catalog import Catalog
    from retrieval.records import Modality
    from retrieval.space import JointSpace
    from retrieval.vectors import Ids, Vector, Vectors

Floats = npt.NDArray[np.float64]

COHORT = 256
"""Most moments of a modality that a query is measured against."""

MEAN_MOMENTS = 2000
"""Most moments of a modality from which its mean vector is taken."""


@dataclass(frozen=True)
class Cohort:
    """Some moments of one modality and what they have in common."""

    ids: Ids
    vectors: Mapping[str, Vectors]
    """Space to `(n, dim)`, row by row for `ids`."""
    hubs: Mapping[str, Floats]
    """Space to hub values `(n,)`; zeros where they are not known."""
    usual_hub: Mapping[str, float]
    """Space to the mean hub value."""
    means: Mapping[str, Vector]
    """Space to the mean vector of the modality, not of length 1."""
    total: int
    """How many moments of the modality the library has."""

    @property
    def counted(self) -> int:
        """How many moments `means` was taken from."""
        return min(self.total, MEAN_MOMENTS)


class Cohorts:
    """The cohorts of a library, drawn anew when it has changed."""

    def __init__(self, catalog: Catalog, space: JointSpace) -> None:
        self._catalog = catalog
        self._space = space
        self._change = -1
        self._drawn: dict[Modality, Cohort] = {}
        self._lock = Lock()

    def get(self, modality: Modality) -> Cohort:
        """The cohort of a modality in the library as it is now."""
        with self._lock:
            change = self._catalog.changes()
            if change != self._change:
                self._drawn.clear()
                self._change = change
            if modality not in self._drawn:
                with timed(Stage.CALIBRATE):
                    self._drawn[modality] = self._draw(modality)
            return self._drawn[modality]

    def _draw(self, modality: Modality) -> Cohort:
        catalog = self._catalog
        spaces = self._space.spaces_of(modality)
        many = catalog.moments.sample(modality, MEAN_MOMENTS)
        few = catalog.moments.sample(modality, COHORT)
        few = few[np.isin(few, many)]  # some may have come since the look before
        rows = {
            space: stored_rows(catalog, space, self._space.dims[space], many) for space in spaces
        }
        at = np.searchsorted(many, few)
        hubs = {space: known_hubs(catalog, space, few) for space in spaces}
        return Cohort(
            ids=few,
            vectors={space: matrix[at] for space, matrix in rows.items()},
            hubs=hubs,
            usual_hub={
                space: float(values.mean()) if len(few) else 0.0 for space, values in hubs.items()
            },
            means={
                space: matrix.mean(axis=0, dtype=np.float64).astype(np.float32)
                for space, matrix in rows.items()
                if len(many)
            },
            total=catalog.moments.count(modality),
        )


def stored_rows(catalog: Catalog, space: str, dim: int, ids: Ids) -> Vectors:
    """The vectors `(n, dim)` of ascending ids; one that is gone meanwhile is a row of zeros."""
    matrix = np.zeros((len(ids), dim), np.float32)
    found, rows = catalog.vectors.get(space, ids)
    if len(found):
        matrix[np.searchsorted(ids, found)] = rows
    return matrix


def known_hubs(catalog: Catalog, space: str, ids: Sequence[int] | Ids) -> Floats:
    """The hub values `(n,)` of moments; those that have none yet get the mean of the others."""
    found = catalog.vectors.hubs(space, ids)
    usual = float(np.mean(list(found.values()))) if found else 0.0
    return np.array([found.get(int(i), usual) for i in ids])
