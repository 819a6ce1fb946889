"""Fit the scales of a model set on a generated world, and measure what they are worth.

    python benchmarks/calibration.py fit MODELS       write calibration.json into its folder
    python benchmarks/calibration.py measure MODELS   write benchmarks/results/calibration_*.json

MODELS is `mini` or `pairs` (the two pair models with their bridge). Fitting and measuring use
things from different seeds, and so different queries, moments and libraries; neither seed was used
in training.
"""

from __future__ import annotations

import argparse
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.calibration_measures import (
    absent,
    absent_at_all_sizes,
    fair_at_all_sizes,
    hubs,
    searched,
)
from benchmarks.drawn_library import half_of_concepts
from benchmarks.generated_models import generated_space
from benchmarks.generated_world import World
from benchmarks.judged_lists import ask, errors, fit, surest
from benchmarks.record import record
from retrieval.calibration import FILE, Calibration
from retrieval.records import Modality

if TYPE_CHECKING:
    from benchmarks.judged_lists import Asked
    from retrieval.calibration import Direction

FIT_SEED, TEST_SEED = 31_000_001, 33_000_001
FEW = 15
"""Moments generated of each concept and modality for fitting."""
MANY = 60
"""The same for measuring: 8,640 in all."""
HUB_SIZES = (15, 210)
"""Moments of each concept, of one modality: libraries of 720 and of 10,080 moments."""
LIBRARIES = ((10, 8), (30, 5), (100, 4), (300, 4), (1000, 4), (10_000, 3), (100_000, 2))
"""Moments in a library, and how many such libraries scales are fitted on."""
QUERIES = 45
"""Queries of each modality for each of them; half are about things that it does not hold."""
HUB_WEIGHTS = (0.0, 0.25, 0.5, 0.75)
LEAST_GAIN = 0.005
"""Recall@1 that a hub correction must add to be switched on."""


def hub_weights(world: World) -> dict[Direction, float]:
    """For every direction that the space can answer the weight of hub values."""
    return {
        (query, target): _hub_weight(world, query, target)
        for query, target in product(Modality, Modality)
        if world.space.meets(query, target)
    }


def _hub_weight(world: World, query: Modality, target: Modality) -> float:
    """The hub weight with the best recall@1, 0 unless it clearly helps."""
    if not world.space.shared(query, target):
        return 0.0
    things, queries = world.moments[target], world.queries[query]
    cosines = world.cosines(query, queries.rows, things)
    recalls = {}
    for weight in HUB_WEIGHTS:
        best = (cosines - world.held_back(query, things, weight)).argmax(axis=1)
        recalls[weight] = float(np.mean(things.concepts[best] == queries.concepts))
    chosen = max(recalls, key=lambda weight: recalls[weight])
    return chosen if recalls[chosen] >= recalls[0.0] + LEAST_GAIN else 0.0


def asked_of_all_sizes(
    world: World, weights: dict[Direction, float], rng: np.random.Generator
) -> list[Asked]:
    """Queries about what is there and what is not, in libraries of all sizes."""
    asked = []
    for size, count in LIBRARIES:
        for _ in range(count):
            library = half_of_concepts(world, size, rng)
            for query in Modality:
                which = rng.choice(len(world.queries[query]), QUERIES, replace=False)
                asked += ask(world, library, query, world.queries[query].take(which), weights, rng)
    return asked


def main() -> None:
    """Fit or measure."""
    parser = argparse.ArgumentParser(description="Scores that mean something.")
    parser.add_argument("what", choices=["fit", "measure"])
    parser.add_argument("models", choices=["mini", "pairs"])
    chosen = parser.parse_args()
    space = generated_space(chosen.models)
    folder = space.model_set.folder
    assert folder is not None
    if chosen.what == "fit":
        world = World(space, (FIT_SEED, FEW))
        weights = hub_weights(world)
        asked = asked_of_all_sizes(world, weights, np.random.default_rng([FIT_SEED, 77]))
        fitted = fit(asked, weights)
        source = f"benchmarks/calibration.py, generated world, seed {FIT_SEED}"
        fingerprint = space.model_set.fingerprint
        Calibration(fitted.scales, fitted.level, source, fingerprint).save(folder / FILE)
        for direction, scale in fitted.scales.items():
            print(*direction, scale)
        print(errors(surest(asked, fitted)))
        return
    world = World(space, (TEST_SEED, MANY))
    rng = np.random.default_rng(TEST_SEED)
    result = {
        "models": chosen.models,
        "level": space.calibration.level,
        "fairness": fair_at_all_sizes(world, rng),
        "hubs": [row for n in HUB_SIZES for row in hubs(world, n, HUB_WEIGHTS, rng)],
        "absent": absent_at_all_sizes(world, rng),
        "resampling": absent(world, half_of_concepts(world, 3000, rng, from_few=12), rng),
        "searched": searched(world, half_of_concepts(world, 1000, rng), rng),
    }
    record(f"calibration_{chosen.models}", result, seed=TEST_SEED)


if __name__ == "__main__":
    main()
