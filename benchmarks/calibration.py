"""Fit the scales of a model set on a generated world, and measure what they are worth.

    python benchmarks/calibration.py fit MODELS       write calibration.json into its folder
    python benchmarks/calibration.py measure MODELS   write benchmarks/results/calibration_*.json

MODELS is `mini` or `pairs` (the two pair models with their bridge). Fitting and measuring use
things from different seeds; neither seed was used in training.
"""

from __future__ import annotations

import argparse
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.calibration_measures import (
    FAIR_SIZES,
    absent,
    absent_at_all_sizes,
    choose_level,
    fairness,
    hubs,
    in_folder,
)
from benchmarks.generated_library import Things, make_things
from benchmarks.generated_models import generated_space
from benchmarks.record import record
from retrieval.calibration import FILE, Calibration
from retrieval.calibration_fit import Judged, fit_scale
from retrieval.cohort import COHORT
from retrieval.hubness import LEAST_MOMENTS, Hubs
from retrieval.records import Modality

if TYPE_CHECKING:
    import numpy.typing as npt

    from retrieval.space import JointSpace

    Floats = npt.NDArray[np.float64]

FIT_SEED, TEST_SEED = 31_000_001, 33_000_001
PER_CONCEPT = 15
MANY = 60
"""Moments generated of each concept and modality for measuring: 8,640 in all."""
HUB_SIZES = (15, 210)
"""Moments of each concept, of one modality: libraries of 720 and of 10,080 moments."""
LIBRARIES = ((10, 60), (30, 40), (100, 30), (300, 20), (700, 10))
"""Moments in a library, and how many such libraries a scale is fitted on."""
QUERIES = 12
"""Queries for each of them; a quarter is about things that it does not hold."""
PRIOR = 16.0
HUB_WEIGHTS = (0.0, 0.25, 0.5, 0.75)
LEAST_GAIN = 0.005
"""Recall@1 that a hub correction must add to be switched on."""


class World:
    """Generated queries and moments of one model set."""

    def __init__(self, space: JointSpace, seed: int, per_concept: int = PER_CONCEPT) -> None:
        self.space = space
        self.moments = {m: make_things(space, m, seed, per_concept) for m in Modality}
        self.queries = {m: make_things(space, m, seed + 1, PER_CONCEPT) for m in Modality}
        self.hubs = Hubs(space).bank
        self._means = {
            (name, m): rows.mean(axis=0)
            for m, things in self.moments.items()
            for name, rows in things.rows.items()
        }

    def cosines(self, query: Modality, i: int, target: Things) -> Floats:
        """One query with moments."""
        return self.space.cosines(
            query, self.queries[query].blocks(i), target.modality, target.rows, self.mean
        )

    def mean(self, space: str, modality: Modality) -> Any:
        """Mean of a modality, as a library of all moments would have it."""
        own = self._means[space, modality]
        return self.space.adapted_mean(space, modality, own, len(self.moments[modality]))

    def hub_values(self, query: Modality, target: Things) -> Floats:
        """Hub values of moments in the spaces that they share with a query, around zero."""
        shared = self.space.shared(query, target.modality)
        if not shared:
            return np.zeros(len(target))
        values = np.mean([self.hubs.values(s, target.rows[s]) for s in shared], axis=0)
        return np.asarray(values - values.mean(), dtype=np.float64)


def fit(space: JointSpace, source: str) -> Calibration:
    """Scales for every direction that the space can answer."""
    world = World(space, FIT_SEED)
    scales = {}
    for query, target in product(Modality, Modality):
        if space.meets(query, target):
            weight = choose_hub_weight(world, query, target)
            judged = list(judge(world, query, target, weight))
            scales[query, target] = fit_scale(judged, prior=PRIOR, hub_weight=weight)
            print(query, "->", target, scales[query, target])
    return Calibration(scales, source=source)


def choose_hub_weight(world: World, query: Modality, target: Modality) -> float:
    """The hub weight with the best recall@1, 0 unless it clearly helps."""
    if not world.space.shared(query, target):
        return 0.0
    recalls = {weight: recall_at_1(world, query, target, weight) for weight in HUB_WEIGHTS}
    best = max(recalls, key=lambda weight: recalls[weight])
    return best if recalls[best] >= recalls[0.0] + LEAST_GAIN else 0.0


def recall_at_1(world: World, query: Modality, target: Modality, weight: float) -> float:
    """Share of queries whose nearest moment has their concept."""
    things, queries = world.moments[target], world.queries[query]
    held_back = weight * world.hub_values(query, things)
    best = [
        int(np.argmax(world.cosines(query, i, things) - held_back)) for i in range(len(queries))
    ]
    return float(np.mean(things.concepts[best] == queries.concepts))


def judge(world: World, query: Modality, target: Modality, weight: float) -> list[Judged]:
    """Queries against libraries of many sizes, with few or many concepts in them."""
    rng = np.random.default_rng([FIT_SEED, *(sorted(Modality).index(m) for m in (query, target))])
    things, queries = world.moments[target], world.queries[query]
    hubs = weight * world.hub_values(query, things)
    names = np.unique(things.concepts)
    judged = []
    for size, count in LIBRARIES:
        for _ in range(count):
            n_held = len(names) if size > len(names) else int(rng.integers(1, len(names) + 1))
            n_held = min(n_held, len(names) - 4)
            held = rng.choice(names, n_held, replace=False)
            pool = np.flatnonzero(np.isin(things.concepts, held))
            which = rng.choice(pool, min(size, len(pool)), replace=False)
            library = things.take(which)
            off = hubs[which] if size >= LEAST_MOMENTS else np.zeros(len(which))
            there = np.flatnonzero(np.isin(queries.concepts, library.concepts))
            absent = np.flatnonzero(~np.isin(queries.concepts, held))
            chosen = [
                *rng.choice(there, QUERIES * 3 // 4),
                *rng.choice(absent, QUERIES // 4),
            ]
            for i in chosen:
                cosines = world.cosines(query, int(i), library) - off
                matches = library.concepts == queries.concepts[i]
                judged.append(Judged(cosines[:COHORT], cosines, matches))
    return judged


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
        source = f"benchmarks/calibration.py, generated world, seed {FIT_SEED}"
        fitted = fit(space, source)
        space.calibration = fitted
        level = choose_level(absent_at_all_sizes(World(space, FIT_SEED), FIT_SEED))
        fingerprint = space.model_set.fingerprint
        Calibration(fitted.scales, level, source, fingerprint).save(folder / FILE)
        print("level", level)
        return
    world = World(space, TEST_SEED, MANY)
    rng = np.random.default_rng(TEST_SEED)
    fair = [
        row
        for size, count in FAIR_SIZES
        for _ in range(count)
        for row in in_folder(lambda f, n=size: fairness(world, n, rng, f))  # type: ignore[misc]
    ]
    result = {
        "models": chosen.models,
        "level": space.calibration.level,
        "fairness": fair,
        "hubs": [row for n in HUB_SIZES for row in hubs(world, n, HUB_WEIGHTS, rng)],
        "absent": absent_at_all_sizes(world, TEST_SEED),
        "resampling": in_folder(lambda f: absent(world, 3000, rng, f, from_few=12)),
    }
    record(f"calibration_{chosen.models}", result, seed=TEST_SEED)


if __name__ == "__main__":
    main()
