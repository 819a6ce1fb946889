"""The cohort: a steady sample of a library's moments that every query is measured against.

Copies count once: ten thousand lines of a log that have one vector are one thing among others, and
neither a background of their own nor ten thousand rivals for what is not like them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from retrieval.records import Modality
from retrieval.stopwatch import Stage, timed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from retrieval.catalog.catalog import Catalog
    from retrieval.index_cache import IndexCache
    from retrieval.space import JointSpace
    from retrieval.vectors import Ids, Vector, Vectors

Floats = npt.NDArray[np.float64]

SCRAMBLE = 2_654_435_761
"""Knuth's multiplicative hash: neighbouring ids, which are often one file's, come far apart."""

COHORT = 256
"""Most moments of a modality that a query is measured against."""

MEAN_MOMENTS = 2000
"""Most moments of a modality from which its mean vector is taken."""

COPIES = 0.999
"""Moments with this cosine or more in every space of their modality are copies of one another."""


@dataclass(frozen=True)
class Cohort:
    """Some moments of one modality, no two of them copies, and what they have in common."""

    ids: Ids
    vectors: Mapping[str, Vectors]
    """Space to `(n, dim)`, row by row for `ids`."""
    hubs: Mapping[str, Floats]
    """Space to hub values `(n,)`; zeros where they are not known."""
    usual_hub: Mapping[str, float]
    """Space to the mean hub value."""
    total: int
    """How many moments of the modality the library has."""
    different: int
    """How many of them are no copies of others: counted if all were looked at, else estimated."""
    take_means: Callable[[], Mapping[str, Vector]]

    @cached_property
    def means(self) -> Mapping[str, Vector]:
        """Space to the mean vector of the modality, not of length 1; only bridges ask for it."""
        return self.take_means()

    @property
    def counted(self) -> int:
        """How many different moments `means` was taken from."""
        return min(self.different, MEAN_MOMENTS)


class Cohorts:
    """The cohorts of a library, drawn anew when it has changed."""

    def __init__(self, catalog: Catalog, space: JointSpace, indexes: IndexCache) -> None:
        self._catalog = catalog
        self._space = space
        self._indexes = indexes
        self._change = -1
        self._drawn: dict[Modality, Cohort] = {}
        self._lock = Lock()

    def get(self, modality: Modality) -> Cohort:
        """The cohort of a modality in the library as it is now."""
        return self.drawn([modality])[modality]

    def drawn(
        self, modalities: Iterable[Modality] = Modality, change: int | None = None
    ) -> Mapping[Modality, Cohort]:
        """The cohorts of some modalities, of one state of the library: as of now or of a change."""
        with self._lock, timed(Stage.CALIBRATE):
            if change is None:
                change = self._catalog.changes()
            if change != self._change:
                self._drawn = {}
                self._change = change
            for modality in modalities:
                if modality not in self._drawn:
                    self._drawn[modality] = self._draw(modality)
            return dict(self._drawn)

    def _draw(self, modality: Modality) -> Cohort:
        spaces = self._space.spaces_of(modality)
        # Every moment has a vector in every space of its modality, so any index knows them all:
        # asking the catalog would take a walk over all of its moments.
        with timed(Stage.SEARCH):
            ids = self._indexes.get(spaces[0], modality).ids
        few = lowest_scrambled(ids, COHORT)
        vectors = {space: self._rows(space, few) for space in spaces}
        first, copies = one_of_each(list(vectors.values()))
        few, vectors = few[first], {space: rows[first] for space, rows in vectors.items()}
        known = self._indexes.moments.get(few)
        hubs = {space: usual_where_unknown(known.hubs[space]) for space in spaces}
        return Cohort(
            ids=few,
            vectors=vectors,
            hubs=hubs,
            usual_hub={
                space: float(values.mean()) if len(few) else 0.0 for space, values in hubs.items()
            },
            total=len(ids),
            different=how_many(copies, len(ids)),
            take_means=lambda: self._means(spaces, ids),
        )

    def _means(self, spaces: Sequence[str], ids: Ids) -> dict[str, Vector]:
        if not len(ids):
            return {}
        many = lowest_scrambled(ids, MEAN_MOMENTS)
        rows = {space: self._rows(space, many) for space in spaces}
        first, _ = one_of_each(list(rows.values()))
        return {
            space: matrix[first].mean(axis=0, dtype=np.float64).astype(np.float32)
            for space, matrix in rows.items()
        }

    def _rows(self, space: str, ids: Ids) -> Vectors:
        return stored_rows(self._catalog, space, self._space.dims[space], ids)


def lowest_scrambled(ids: Ids, n: int) -> Ids:
    """At most n of some ascending ids, spread over them, ascending.

    They are those whose scrambled values are lowest: the same ones at every call, and as ids are
    added new ones take the place of old ones one by one.
    """
    if len(ids) <= n:
        return ids
    scrambled = (ids * SCRAMBLE) % (1 << 32)
    return ids[np.sort(np.argpartition(scrambled, n)[:n])]


def one_of_each(spaces: Sequence[Vectors]) -> tuple[Ids, Ids]:
    """Which moments are no copies of an earlier one, and how many there are of each of those.

    Args:
        spaces: Their rows `(n, dim)` in each space.

    Returns:
        Ascending places `(m,)` in 0..n, and counts `(m,)` that sum to n.
    """
    alike = np.logical_and.reduce([rows @ rows.T >= COPIES for rows in spaces])
    left = np.ones(len(alike), dtype=bool)
    first, copies = [], []
    for i in range(len(alike)):
        if left[i]:
            same = alike[i] & left
            same[i] = True  # also a row of zeros, of a moment that is gone
            left &= ~same
            first.append(i)
            copies.append(int(same.sum()))
    return np.array(first, dtype=np.int64), np.array(copies, dtype=np.int64)


def how_many(copies: Ids, total: int) -> int:
    """How many different things `total` moments are, by how often each came up in a sample `(m,)`.

    What came up once or twice tells how much was not seen at all (Chao, 1984, without bias).
    """
    if copies.sum() >= total:
        return len(copies)
    once, twice = int((copies == 1).sum()), int((copies == 2).sum())
    return min(total, len(copies) + once * (once - 1) // (2 * (twice + 1)))


def stored_rows(catalog: Catalog, space: str, dim: int, ids: Ids) -> Vectors:
    """The vectors `(n, dim)` of ascending ids; one that is gone meanwhile is a row of zeros."""
    matrix = np.zeros((len(ids), dim), np.float32)
    found, rows = catalog.vectors.get(space, ids)
    if len(found):
        matrix[np.searchsorted(ids, found)] = rows
    return matrix


def usual_where_unknown(hubs: Floats) -> Floats:
    """Hub values `(n,)` with the mean of all in place of those that are not known (NaN)."""
    unknown = np.isnan(hubs)
    if not unknown.any():
        return hubs
    usual = 0.0 if unknown.all() else float(hubs[~unknown].mean())
    return np.where(unknown, usual, hubs)
