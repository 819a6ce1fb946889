"""Whether something is there, in libraries of any size: other rules than the one that ships.

    python benchmarks/rivals.py     write benchmarks/results/rivals.json

A rule turns the evidence of a query's best moment into a score. Its level is chosen on the things
that the scales are fitted on, and both are measured on things of a seed that was never looked at.
Tried are a larger library counting as more rivals than 300, and the tail of the query's own
evidence: by how much the best moment exceeds what an exponential tail, fitted to its 200 best,
expects of the best. Made of rows alone, without a library on disk; above 15 (fit) and 8 (measured)
moments of a concept and modality they are resampled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.calibration import FIT_SEED, World
from benchmarks.calibration_measures import (
    RARE_FROM,
    RARE_MOMENTS,
    area_under_roc,
    draw_things,
    merged,
    spread_by_chance,
)
from benchmarks.generated_models import generated_space
from benchmarks.record import record
from retrieval.calibration import even
from retrieval.cohort import COHORT
from retrieval.hubness import LEAST_MOMENTS
from retrieval.records import Modality

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Row = dict[str, Any]

FRESH_SEED, FRESH_EACH = 61_000_001, 8
SIZES = {
    "mini": ((10, 6), (30, 4), (100, 3), (300, 3), (1000, 3), (10_000, 2), (100_000, 1)),
    "pairs": ((10, 6), (30, 4), (100, 3), (300, 3), (1000, 3), (10_000, 2)),
}
"""Moments, and how many such libraries; bridging 100,000 for each query would take hours."""
QUERIES = 45
TAIL, TOP = 200, 20
"""The tail is fitted to so many best, its upper few as if they were no higher than the last."""


def rules() -> dict[str, Callable[[Row], float]]:
    """Evidence of a query's best moment above that at which a match is as probable as none."""

    def rule(share: float, tail: float) -> Callable[[Row], float]:
        return lambda row: float(
            row["evidence"]
            - even(row["moments"])
            - share * np.log(max(row["moments"], 300) / 300)
            + tail * row["beyond"]
        )

    found = {"shipped": rule(0, 0)}
    found |= {f"{share} of the logarithm beyond 300": rule(share, 0) for share in (0.1, 0.2, 0.3)}
    found |= {f"{tail} of what is beyond the tail": rule(0, tail) for tail in (0.1, 0.3)}
    return found | {"0.2 of the logarithm, 0.1 of the tail": rule(0.2, 0.1)}


def beyond_tail(evidence: Floats) -> float:
    """By how many of its own units the best exceeds what the tail of the others expects."""
    best = np.sort(evidence)[-TAIL:][::-1]
    if len(best) < TAIL:
        return 0.0
    body = np.minimum(best, best[TOP]) - best[-1]
    unit = max(float(body.mean()) / (1 - TOP / TAIL), 1e-3)
    return float((best[0] - best[-1]) / unit - np.log(TAIL))


def library(world: World, size: int, rng: np.random.Generator) -> list[Any]:
    """Things of half of the concepts, a third of them rare, as in `calibration_measures.absent`."""
    names = [str(name) for name in np.unique(world.moments[Modality.TEXT].concepts)]
    held = [str(name) for name in rng.choice(names, len(names) // 2, replace=False)]
    rare = held[::3] if size >= RARE_FROM else []
    counts = spread_by_chance({name: RARE_MOMENTS if name in rare else 0 for name in held}, rng)
    cells = [(m, name) for m in Modality for name in held if name not in rare]
    each, more = divmod(size - RARE_MOMENTS * len(rare), len(cells))
    extra = set(rng.permutation(len(cells))[:more].tolist())
    for k, (m, name) in enumerate(cells):
        counts[m][name] += each + (k in extra)
    return merged(draw_things(world, counts, rng)[0])


def observed(world: World, size: int, rng: np.random.Generator) -> list[Row]:
    """Best evidence of queries about things that are there, and about things that are not."""
    things = library(world, size, rng)
    there = {str(name) for t in things for name in t.concepts}
    cohorts = [rng.permutation(len(t))[:COHORT] for t in things]
    rows = []
    for query in Modality:
        scales = [world.space.calibration.scale(query, t.modality) for t in things]
        held_back = [
            scale.hub_weight * world.hub_values(query, t)
            if scale.hub_weight and len(t) >= LEAST_MOMENTS
            else np.zeros(len(t))
            for scale, t in zip(scales, things, strict=True)
        ]
        queries = world.queries[query]
        for i in rng.choice(len(queries), QUERIES, replace=False):
            lists = []
            for t, scale, off, cohort in zip(things, scales, held_back, cohorts, strict=True):
                cosines = world.cosines(query, int(i), t) - off
                lists.append(scale.evidence(cosines, scale.background(cosines[cohort])))
            best = max(lists, key=lambda evidence: evidence.max())
            rows.append(
                {
                    "query": query.value,
                    "present": str(queries.concepts[i]) in there,
                    "moments": size,
                    "evidence": float(best.max()),
                    "beyond": beyond_tail(best),
                }
            )
    return rows


def judged(rows: Sequence[Row], rule: Callable[[Row], float], level: float) -> list[Row]:
    """Errors by size: absent ones taken for present, present ones for absent."""
    sizes = []
    for moments in sorted({row["moments"] for row in rows}):
        some = [row for row in rows if row["moments"] == moments]
        present = np.array([rule(r) for r in some if r["present"]])
        absent = np.array([rule(r) for r in some if not r["present"]])
        sizes.append(
            {
                "moments": moments,
                "absent_found": float((absent >= level).mean()),
                "present_missed": float((present < level).mean()),
                "area": area_under_roc(present, absent),
            }
        )
    return sizes


def errors(sizes: Sequence[Row]) -> float:
    """Both kinds of error together, each size weighing the same."""
    return float(np.mean([s["absent_found"] + s["present_missed"] for s in sizes]))


def main() -> None:
    """Measure both model sets."""
    result: dict[str, Any] = {}
    for name, sizes in SIZES.items():
        space = generated_space(name)
        rows = []
        for seed, each in ((FIT_SEED, 15), (FRESH_SEED, FRESH_EACH)):
            world, rng = World(space, seed, each), np.random.default_rng([seed, 9])
            rows.append(
                [r for n, count in sizes for _ in range(count) for r in observed(world, n, rng)]
            )
        result[name] = {}
        for what, rule in rules().items():
            levels = np.unique(
                np.quantile([rule(r) for r in rows[0]], np.linspace(0.02, 0.98, 200))
            )
            level = min(levels, key=lambda one: errors(judged(rows[0], rule, one)))
            fitted, fresh = (judged(some, rule, level) for some in rows)
            result[name][what] = {
                "level": float(level),
                "errors_fitted_on": errors(fitted),
                "errors": errors(fresh),
                "sizes": fresh,
            }
            print(name, what, f"{errors(fitted):.3f} {errors(fresh):.3f}", flush=True)
        record("rivals", result, seed=FRESH_SEED)


if __name__ == "__main__":
    main()
