"""True pairs: what a library's own films show and sound like at once, to improve a bridge with."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from retrieval.bridge import Bridge, Pairs
from retrieval.catalog.filter import Filter
from retrieval.records import Kind, Modality
from retrieval.stored import moments_of_file
from retrieval.vectors import centred, unit_rows

if TYPE_CHECKING:
    from retrieval.library import Library
    from retrieval.vectors import Vector, Vectors

TEMPERATURES = (0.1, 0.2, 0.3)
HANDICAPS = (0.0, 0.1, 0.2, 0.3)
"""Of the relay with pairs; tried on films that are held out for that."""

EVERY = 5
"""Of five films one is held out to choose the two by, and one to judge the outcome."""

LEAST_HELD_OUT = 10
"""Fewer held-out pairs cannot tell whether a bridge got better."""

SURE = 3.0
"""How many standard errors the reciprocal ranks of held-out pairs must gain on average."""

MOST_PAIRS = 2000
"""More would slow every query across the bridge down."""


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


def adapt_bridge(bridge: Bridge, true: Pairs, *, regardless: bool = False) -> Bridge | None:
    """The bridge with true pairs as further things of its relay, or None if that is no better.

    How they are taken in is chosen on some films and judged on others; if it helps, those are
    taken in as well.

    Args:
        bridge: As fitted on captions.
        true: Pictures and sounds (or the reverse), in the order of the bridge's spaces.
        regardless: Take pairs in as well as can be, also if that is no better; for measuring.
    """
    if bridge.relay is None:
        return None
    _, film = np.unique(np.asarray(true.groups, dtype=np.int64), return_inverse=True)
    judging, choosing = (film % EVERY == EVERY - 1), (film % EVERY == EVERY - 2)
    kept = ~judging & ~choosing
    if min(judging.sum(), choosing.sum()) < LEAST_HELD_OUT or not kept.any():
        return None
    x, y = (centred(rows, rows.mean(axis=0)) for rows in (true.first, true.second))
    tried = [
        _with_pairs(bridge, x[kept], y[kept], temperature, handicap)
        for temperature, handicap in product(TEMPERATURES, HANDICAPS)
    ]
    best = max(tried, key=lambda one: _reciprocal_ranks(one, x[choosing], y[choosing]).mean())
    before, after = (_reciprocal_ranks(one, x[judging], y[judging]) for one in (bridge, best))
    gain = after - before
    better = gain.mean() > SURE * gain.std() / np.sqrt(len(gain))
    if best.relay is None or not (better or regardless):
        return None
    full = _with_pairs(bridge, x, y, best.relay.temperature, best.relay.handicap)
    return replace(full, gain=(float(before.mean()), float(after.mean())))


def _with_pairs(
    bridge: Bridge, x: Vectors, y: Vectors, temperature: float, handicap: float
) -> Bridge:
    assert bridge.relay is not None
    some = np.unique(np.linspace(0, len(x) - 1, min(len(x), MOST_PAIRS)).round().astype(int))
    pairs = dict(zip(bridge.spaces, (x[some], y[some]), strict=True))
    relay = replace(bridge.relay, pairs=pairs, temperature=temperature, handicap=handicap)
    return replace(bridge, relay=relay)


def _reciprocal_ranks(bridge: Bridge, x: Vectors, y: Vectors) -> npt.NDArray[np.float64]:
    """The reciprocal rank of each row's partner `(2n,)`, both ways, by the mean of both cosines."""
    first, second = bridge.spaces
    cosines = bridge.apply(x, first) @ y.T + x @ bridge.apply(y, second).T
    own = np.diag(cosines)
    ranks = [(cosines > own[:, None]).sum(axis=1) + 1, (cosines > own[None, :]).sum(axis=0) + 1]
    return np.asarray(1 / np.concatenate(ranks), dtype=np.float64)
