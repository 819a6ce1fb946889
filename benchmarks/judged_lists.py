"""Queries whose right answers are known, the best of their lists, and scales fitted to them.

Made of rows alone, without a library on disk, so that 100,000 moments take seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from retrieval.calibration import TAIL, Calibration, even, standing_out
from retrieval.calibration_fit import Judged, fit_scale
from retrieval.cohort import COHORT
from retrieval.records import Modality

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from benchmarks.drawn_library import Drawn
    from benchmarks.generated_library import Things
    from benchmarks.generated_world import Floats, World
    from retrieval.calibration import Direction

    Rule = Callable[["Listed", int], Floats]
    """From a list and the size of its library to what counts beside the evidence, `(n,)`."""

KEPT = 2 * TAIL
"""Moments kept of each list."""
JUDGED = 10
"""Of each list so many best tell matches from others: people see no more."""
PRIOR = 16.0


@dataclass(frozen=True)
class Listed:
    """The nearest moments of one modality, by cosine, best first."""

    cohort: Floats
    """`(c,)`, hub values taken off."""
    cosines: Floats
    """`(n,)` as they are."""
    corrected: Floats
    """`(n,)`, hub values taken off, so that they need not descend."""
    concepts: npt.NDArray[np.str_]
    """`(n,)`."""
    matches: npt.NDArray[np.bool_]
    """`(n,)`."""


@dataclass(frozen=True)
class Asked:
    """One query and its lists."""

    query: Modality
    moments: int
    """In the library."""
    relevant: int
    """Of them, right answers."""
    lists: Mapping[Modality, Listed]


def shipped(listed: Listed, moments: int) -> Floats:
    """What a search counts beside the evidence."""
    return standing_out(listed.cosines, listed.cosines[:TAIL]) - even(moments)


def ask(
    world: World,
    library: Drawn,
    query: Modality,
    queries: Things,
    weights: Mapping[Direction, float],
    rng: np.random.Generator,
) -> list[Asked]:
    """Put some queries to a library, with these hub weights."""
    lists: list[dict[Modality, Listed]] = [{} for _ in range(len(queries))]
    for things in library.things:
        if not world.space.meets(query, things.modality):
            continue
        cohort = rng.permutation(len(things))[:COHORT]
        held_back = world.held_back(query, things, weights[query, things.modality])
        cosines = world.cosines(query, queries.rows, things)
        for row, name, found in zip(cosines, queries.concepts, lists, strict=True):
            best = np.argsort(-row)[:KEPT]
            found[things.modality] = Listed(
                (row - held_back)[cohort],
                row[best],
                (row - held_back)[best],
                things.concepts[best],
                things.concepts[best] == name,
            )
    return [
        Asked(query, len(library), library.counts.get(str(name), 0), found)
        for name, found in zip(queries.concepts, lists, strict=True)
    ]


def fit(
    asked: Sequence[Asked], weights: Mapping[Direction, float], rule: Rule = shipped
) -> Calibration:
    """Scales of every direction, such that errors are fewest at a score of one half.

    Both kinds of error count, absent things found and present ones missed, and every size of
    library the same.
    """
    scales = {}
    for direction in product(Modality, Modality):
        query, target = direction
        judged = []
        for one in asked:
            if one.query is query and target in one.lists:
                listed = one.lists[target]
                best = np.argsort(-listed.corrected)[:JUDGED]
                beside = rule(listed, one.moments)[best]
                judged.append(
                    Judged(listed.cohort, listed.corrected[best], listed.matches[best], beside)
                )
        if judged:
            scales[direction] = fit_scale(judged, prior=PRIOR, hub_weight=weights[direction])
    fitted = Calibration(scales)
    bests = surest(asked, fitted, rule)
    levels = np.quantile([best for *_, best in bests], np.linspace(0.01, 0.99, 400))
    totals = np.array([errors(bests, level)[0] for level in levels])
    good = levels[totals <= totals.min() + 0.002]
    level = float(good[len(good) // 2])
    return Calibration({d: s.moved(-level) for d, s in scales.items()})


def logits(one: Asked, calibration: Calibration, rule: Rule = shipped) -> list[Floats]:
    """For each list of a query the log-odds of a match, `(n,)`."""
    found = []
    for target, listed in one.lists.items():
        scale = calibration.scale(one.query, target)
        evidence = scale.evidence(listed.corrected, scale.background(listed.cohort))
        found.append(evidence + rule(listed, one.moments))
    return found


def surest(
    asked: Sequence[Asked], calibration: Calibration, rule: Rule = shipped
) -> list[tuple[int, bool, float]]:
    """For each query the library's size, whether it is about something there, and its best."""
    return [
        (
            one.moments,
            bool(one.relevant),
            max(float(found.max()) for found in logits(one, calibration, rule)),
        )
        for one in asked
    ]


def errors(
    bests: Sequence[tuple[int, bool, float]], level: float = 0.0
) -> tuple[float, dict[int, tuple[float, float]]]:
    """Both kinds of error together, and by size: absent ones found, present ones missed.

    Args:
        bests: From `surest`.
        level: Below it nothing is found.
    """
    by_size = {}
    for size in sorted({size for size, *_ in bests}):
        found, missed = (
            [best for n, present, best in bests if n == size and present is there]
            for there in (False, True)
        )
        by_size[size] = (
            float((np.array(found) >= level).mean()),
            float((np.array(missed) < level).mean()),
        )
    return float(np.mean([sum(both) for both in by_size.values()])), by_size
