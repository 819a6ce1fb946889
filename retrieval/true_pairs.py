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

Floats = npt.NDArray[np.float64]

TEMPERATURES = (0.1, 0.2, 0.3)
HANDICAPS = (0.1, 0.2, 0.3, 0.4)
"""Of the relay with pairs; tried on films and kinds that are held out for that."""

EVERY = 5
"""Of five films, and of five kinds, one is held out to choose the two by, and one to judge."""

LEAST_HELD_OUT = 10
"""Fewer held-out pairs cannot tell whether a bridge got better."""

SURE = 3.0
"""How many standard errors held-out films and kinds must gain together."""

FOUND = 5
"""How many of the nearest are looked at."""

MOST_PAIRS = 2000
"""More would slow every query across the bridge down; they are thinned out evenly."""


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

    Better means that what is held out finds more of what is like its own sound or picture; not the
    very one, since things of one kind differ by chance. Films are held out, and whole kinds of
    things, and both count the same, since a library holds more than its films show. How pairs are
    taken in is chosen on some films and kinds and judged on others; then all are taken in.

    Args:
        bridge: As fitted on captions.
        true: Pictures and sounds (or the reverse), in the order of the bridge's spaces.
        regardless: Take pairs in as well as can be, also if that is no better; for measuring.
    """
    if bridge.relay is None:
        return None
    if not len(true.first):
        return None
    x, y = (centred(rows, rows.mean(axis=0)) for rows in (true.first, true.second))
    some = np.unique(np.linspace(0, len(x) - 1, min(len(x), MOST_PAIRS)).round().astype(int))
    x, y = x[some], y[some]
    _, film = np.unique(np.asarray(true.groups, dtype=np.int64)[some], return_inverse=True)
    choosing, judging = (
        [part % EVERY == EVERY - 1 - turn for part in (film, _kinds(bridge, x, y))]
        for turn in (1, 0)
    )
    held_out = [one | other for one, other in zip(choosing, judging, strict=True)]
    if min(part.sum() for part in (*choosing, *judging)) < LEAST_HELD_OUT or any(
        part.all() for part in held_out
    ):
        return None
    before = [_found(bridge, x[out], y[out]) for out in held_out]
    tried = {
        way: [
            _found(_with_pairs(bridge, x[~out], y[~out], *way), x[out], y[out]) - was
            for out, was in zip(held_out, before, strict=True)
        ]
        for way in product(TEMPERATURES, HANDICAPS)
    }

    def of(part: list[npt.NDArray[np.bool_]], rows: list[Floats]) -> list[Floats]:
        """What was measured of films and of kinds, for those that choose or those that judge."""
        return [values[which[out]] for values, which, out in zip(rows, part, held_out, strict=True)]

    best = max(tried, key=lambda way: sum(gain.mean() for gain in of(choosing, tried[way])))
    films, kinds = of(judging, tried[best])
    better = films.mean() + kinds.mean() > SURE * np.hypot(_error(films), _error(kinds))
    if not (better or regardless):
        return None
    was = float(of(judging, before)[0].mean())
    return replace(_with_pairs(bridge, x, y, *best), gain=(was, was + float(films.mean())))


def _kinds(bridge: Bridge, x: Vectors, y: Vectors) -> npt.NDArray[np.int64]:
    """A number `(n,)` for the thing of the relay that each pair is nearest to, counted from 0."""
    assert bridge.relay is not None
    nearness = sum(
        rows @ centred(bridge.relay.things[space], bridge.means[space, Modality.TEXT]).T
        for space, rows in zip(bridge.spaces, (x, y), strict=True)
    )
    return np.unique(np.argmax(nearness, axis=1), return_inverse=True)[1]


def _found(bridge: Bridge, x: Vectors, y: Vectors) -> Floats:
    """How like its own partner is what each row finds across, `(n, 2)`, both ways.

    The mean cosine of the nearest few with the partner, less what they have with all: who finds
    what is like everything has found nothing.
    """
    first, second = bridge.spaces
    cosines = bridge.apply(x, first) @ y.T + x @ bridge.apply(y, second).T
    found = []
    for nearness, own in ((cosines, y), (cosines.T, x)):
        alike = own @ own.T
        alike -= alike.mean(axis=0)
        count = min(FOUND, len(own))
        nearest = np.argpartition(-nearness, count - 1, axis=1)[:, :count]
        found.append(np.take_along_axis(alike, nearest, axis=1).mean(axis=1))
    return np.stack(found, axis=1).astype(np.float64)


def _error(gain: Floats) -> float:
    """The standard error of the mean gain of films `(n, 2)`."""
    return float(gain.mean(axis=1).std() / np.sqrt(len(gain)))


def _with_pairs(
    bridge: Bridge, x: Vectors, y: Vectors, temperature: float, handicap: float
) -> Bridge:
    assert bridge.relay is not None
    pairs = dict(zip(bridge.spaces, (x, y), strict=True))
    relay = replace(bridge.relay, pairs=pairs, temperature=temperature, handicap=handicap)
    return replace(bridge, relay=relay)
