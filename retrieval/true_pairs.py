"""True pairs: what a library's own films show and sound like at once, to improve a bridge with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retrieval.bridge import Bridge, NormalEquations, Pairs, centred
from retrieval.catalog.filter import Filter
from retrieval.records import Kind, Modality
from retrieval.stored import moments_of_file
from retrieval.vectors import unit_rows

if TYPE_CHECKING:
    from retrieval.library import Library
    from retrieval.vectors import Vector, Vectors

WEIGHT = 10.0
"""How many captions a true pair counts for."""

LEAST_HELD_OUT = 10
"""Fewer held-out pairs cannot tell whether a bridge got better."""

HELD_OUT = 5
"""Every fifth film is held out."""


@dataclass(frozen=True)
class Adapted:
    """A bridge that true pairs made better, and by how much."""

    bridge: Bridge
    before: float
    """Mean reciprocal rank of held-out pairs, over both directions."""
    after: float


def film_pairs(library: Library, seen: str, heard: str) -> Pairs:
    """What the films of a library show and sound like in the same seconds.

    Returns:
        Rows of `seen` (the mean frame of each window of sound) and of `heard`; one group a film.
    """
    first: list[Vector] = []
    second: list[Vector] = []
    groups: list[int] = []
    for file in library.catalog.files.matching(Filter(kinds=frozenset({Kind.VIDEO}), missing=True)):
        moments = moments_of_file(library, file)
        frames = [m for m in moments if m.modality is Modality.IMAGE and m.id is not None]
        for sound in (m for m in moments if m.modality is Modality.AUDIO):
            start_s, end_s = sound.start_s or 0.0, sound.end_s or 0.0
            shown = [m.id for m in frames if start_s <= (m.start_s or 0.0) < end_s]
            if shown and sound.id is not None:
                rows = library.catalog.vectors.get(seen, [i for i in shown if i is not None])[1]
                first.append(rows.mean(axis=0))
                second.append(library.catalog.vectors.get(heard, [sound.id])[1][0])
                groups.append(file.id)
    dims = library.catalog.spaces()
    if not groups:
        return Pairs(np.zeros((0, dims[seen]), "f4"), np.zeros((0, dims[heard]), "f4"), [])
    return Pairs(unit_rows(np.stack(first)), unit_rows(np.stack(second)), groups)


def adapt_bridge(bridge: Bridge, captions: Pairs, true: Pairs) -> Adapted | None:
    """A better bridge from captions and true pairs together, or None if it is not better.

    The pairs enter the normal equations that the bridge was fitted with, at a higher weight.
    Whether that helps is judged on held-out films; if it does, those are taken in too.

    Args:
        bridge: As fitted on the captions.
        captions: Text rows in its first and second space.
        true: Pictures in one space and sounds in the other, in the order of the bridge's spaces.
    """
    groups = np.asarray(true.groups, dtype=np.int64)
    _, film = np.unique(groups, return_inverse=True)
    held_out = film % HELD_OUT == HELD_OUT - 1
    if held_out.sum() < LEAST_HELD_OUT or held_out.all():
        return None
    first, second = bridge.spaces
    x_text, y_text = (
        centred(rows, bridge.means[space, Modality.TEXT])
        for rows, space in ((captions.first, first), (captions.second, second))
    )
    x, y = (centred(rows, rows[~held_out].mean(axis=0)) for rows in (true.first, true.second))
    sums = NormalEquations(x.shape[1], y.shape[1])
    sums.add(x_text, y_text)
    before = _reciprocal_rank(bridge, x[held_out], y[held_out])
    sums.add(x[~held_out], y[~held_out], WEIGHT)
    after = _reciprocal_rank(_solved(bridge, sums), x[held_out], y[held_out])
    if after <= before:
        return None
    sums.add(x[held_out], y[held_out], WEIGHT)
    return Adapted(_solved(bridge, sums), before, after)


def _solved(bridge: Bridge, sums: NormalEquations) -> Bridge:
    first, second = bridge.spaces
    maps = {
        first: sums.forth(bridge.lambdas[first]).astype(np.float32),
        second: sums.back(bridge.lambdas[second]).astype(np.float32),
    }
    return Bridge(bridge.spaces, maps, bridge.means, bridge.lambdas, bridge.bank)


def _reciprocal_rank(bridge: Bridge, x: Vectors, y: Vectors) -> float:
    """Mean reciprocal rank of each row's partner, both ways, by the mean of both cosines."""
    first, second = bridge.spaces
    cosines = bridge.apply(x, first) @ y.T + x @ bridge.apply(y, second).T
    own = np.diag(cosines)
    ranks = [(cosines > own[:, None]).sum(axis=1) + 1, (cosines > own[None, :]).sum(axis=0) + 1]
    return float(np.mean(1 / np.concatenate(ranks)))
