"""Fit the scales of a model set on a generated world, and measure what they are worth.

    python benchmarks/calibration.py fit MODELS       write calibration.json into its folder
    python benchmarks/calibration.py measure MODELS   write benchmarks/results/calibration_*.json

MODELS is `mini` or `pairs` (the two pair models with their bridge). Fitting and measuring use
things from different seeds; neither seed was used in training.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.generated_library import EVERYTHING as NO_FILTER
from benchmarks.generated_library import Things, concept_of, fill, make_things
from benchmarks.generated_models import generated_space
from benchmarks.nine_directions import machine
from retrieval.calibration import FILE, Calibration
from retrieval.calibration_fit import Judged, fit_scale
from retrieval.cohort import COHORT
from retrieval.encoders.mini.world.sentences import write_foreign
from retrieval.hubness import LEAST_MOMENTS, Hubs
from retrieval.records import Modality
from retrieval.terms import EmbeddedTerm

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from retrieval.search import Search
    from retrieval.space import JointSpace

    Floats = npt.NDArray[np.float64]

RESULTS = Path(__file__).parent / "results"
FIT_SEED, TEST_SEED = 31_000_001, 33_000_001
PER_CONCEPT = 15
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

    def __init__(self, space: JointSpace, seed: int) -> None:
        self.space = space
        self.moments = {m: make_things(space, m, seed, PER_CONCEPT) for m in Modality}
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


# What follows measures whole libraries, through the search that people use.


def ndcg_at_10(found: Sequence[str], wanted: str, relevant: int) -> float:
    """Normalised discounted cumulative gain of a list whose entries match or not."""
    gains = [float(concept == wanted) for concept in found[:10]]
    discounts = 1 / np.log2(np.arange(2, 12))
    ideal = discounts[: min(10, relevant)].sum()
    return float(np.dot(gains, discounts[: len(gains)]) / ideal)


def reciprocal_rank_fusion(lists: Sequence[Sequence[str]], k: int = 60) -> list[str]:
    """Concepts of the fused list: one list a modality, entries weigh 1 / (k + rank)."""
    entries = [
        (1 / (k + rank), -which, concept)
        for which, found in enumerate(lists)
        for rank, concept in enumerate(found, start=1)
    ]
    return [concept for _, _, concept in sorted(entries, key=lambda e: (-e[0], -e[1]))]


def fairness(world: World, rng: np.random.Generator, folder: Path) -> list[dict[str, Any]]:
    """Lists over three modalities: one calibrated, by cosine, by reciprocal rank.

    A library holds 2 to 6 things of each concept, how many of which modality is left to chance.
    """
    names = np.unique(world.moments[Modality.TEXT].concepts)
    parts = {m: [] for m in Modality}  # type: dict[Modality, list[int]]
    for name in names:
        for _ in range(int(rng.integers(4, 13))):
            m = list(Modality)[int(rng.integers(3))]
            parts[m].append(int(rng.choice(np.flatnonzero(world.moments[m].concepts == name))))
    things = [world.moments[m].take(np.unique(which)) for m, which in parts.items()]
    library, search = fill(folder, world.space, things)
    relevant = {n: sum(int((t.concepts == n).sum()) for t in things) for n in names}
    rows = []
    for query in Modality:
        queries = world.queries[query]
        for i in rng.choice(len(queries), 100, replace=False):
            term = EmbeddedTerm(1.0, {query: queries.blocks(int(i))})
            wanted = str(queries.concepts[i])
            hits = search.answer([[term]], 10_000, NO_FILTER)
            lists = [[h for h in hits if h.kind.value == m.value] for m in Modality]
            found = {
                "calibrated": [concept_of(h) for h in hits],
                "cosine": [concept_of(h) for h in sorted(hits, key=lambda h: -h.cosine)],
                "reciprocal rank": reciprocal_rank_fusion(
                    [[concept_of(h) for h in sorted(li, key=lambda h: -h.cosine)] for li in lists]
                ),
            }
            rows.append(
                {
                    "query": query.value,
                    "relevant": relevant[wanted],
                    **{
                        way: ndcg_at_10(concepts, wanted, relevant[wanted])
                        for way, concepts in found.items()
                    },
                }
            )
    library.close()
    return rows


def hubs(world: World) -> list[dict[str, Any]]:
    """Recall@1 and skewness of k-occurrence for hub weights, per direction from text."""
    rows = []
    for target in Modality:
        things, queries = world.moments[target], world.queries[Modality.TEXT]
        values = world.hub_values(Modality.TEXT, things)
        cosines = np.stack([world.cosines(Modality.TEXT, i, things) for i in range(len(queries))])
        for weight in HUB_WEIGHTS:
            ranked = np.argsort(-(cosines - weight * values), axis=1)[:, :10]
            occurrences = np.bincount(ranked.ravel(), minlength=len(things)).astype(float)
            centred = occurrences - occurrences.mean()
            skewness = float(np.mean(centred**3) / np.mean(centred**2) ** 1.5)
            right = things.concepts[ranked[:, 0]] == queries.concepts
            rows.append(
                {
                    "query": "text",
                    "target": target.value,
                    "weight": weight,
                    "chosen": world.space.calibration.scale(Modality.TEXT, target).hub_weight,
                    "recall_at_1": float(right.mean()),
                    "skewness_10_occurrence": skewness,
                }
            )
    return rows


def absent(world: World, size: int, rng: np.random.Generator, folder: Path) -> list[dict[str, Any]]:
    """Best scores of queries about things that a library holds, and about things that it lacks."""
    names = np.unique(world.moments[Modality.TEXT].concepts)
    held = rng.choice(names, len(names) // 2, replace=False)
    pool = {m: np.flatnonzero(np.isin(t.concepts, held)) for m, t in world.moments.items()}
    everything = [(m, int(i)) for m, which in pool.items() for i in which]
    order = rng.permutation(len(everything))[:size]
    chosen: dict[Modality, list[int]] = {m: [] for m in Modality}
    for k in order:
        chosen[everything[k][0]].append(everything[k][1])
    things = [world.moments[m].take(np.array(w, dtype=int)) for m, w in chosen.items()]
    library, search = fill(folder, world.space, things)
    there = {str(n) for t in things for n in t.concepts}
    rows = []
    for query in Modality:
        queries = world.queries[query]
        for i in rng.choice(len(queries), 60, replace=False):
            name = str(queries.concepts[i])
            if name in held and name not in there:
                continue
            rows.append(best(search, query, queries.blocks(int(i)), name in there, size))
    for _ in range(30):
        text = write_foreign(rng, held_out=True).text
        blocks = {s: r[0] for s, r in world.space.embed(Modality.TEXT, [text]).items()}
        rows.append(best(search, Modality.TEXT, blocks, False, size) | {"query": "foreign text"})
    library.close()
    return rows


def best(search: Search, query: Modality, blocks: Any, present: bool, size: int) -> dict[str, Any]:
    """The best score of one query, and the best cosine."""
    hits = search.answer([[EmbeddedTerm(1.0, {query: blocks})]], 30, NO_FILTER)
    return {
        "query": query.value,
        "moments": size,
        "present": present,
        "score": hits[0].score,
        "cosine": max(h.cosine for h in hits),
    }


def area_under_roc(present: Floats, missing: Floats) -> float:
    """How often a present one scores above an absent one; ties count half."""
    above = (present[:, None] > missing[None, :]).mean()
    ties = (present[:, None] == missing[None, :]).mean()
    return float(above + ties / 2)


def choose_level(rows: Sequence[dict[str, Any]]) -> float:
    """The level at which both kinds of error together are fewest, to two digits."""
    present = np.array([r["score"] for r in rows if r["present"]])
    missing = np.array([r["score"] for r in rows if not r["present"]])
    levels = np.round(np.arange(0.01, 1.0, 0.01), 2)
    errors = [(present < level).mean() + (missing >= level).mean() for level in levels]
    good = levels[np.isclose(errors, np.min(errors), atol=0.002)]
    return float(good[len(good) // 2])


def in_folder(measure: Callable[[Path], Any]) -> Any:
    """Call with a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        return measure(Path(folder) / "library")


def absent_at_all_sizes(world: World, seed: int) -> list[dict[str, Any]]:
    """Libraries from 10 to 1,000 moments, small ones several times."""
    rng = np.random.default_rng([seed, 7])
    sizes = ((10, 5), (30, 4), (100, 3), (300, 2), (1000, 1))
    return [
        row
        for size, count in sizes
        for _ in range(count)
        for row in in_folder(lambda folder, n=size: absent(world, n, rng, folder))  # type: ignore[misc]
    ]


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
    world = World(space, TEST_SEED)
    rng = np.random.default_rng(TEST_SEED)
    rows = absent_at_all_sizes(world, TEST_SEED)
    result = {
        **machine(),
        "models": chosen.models,
        "level": space.calibration.level,
        "fairness": [row for _ in range(2) for row in in_folder(lambda f: fairness(world, rng, f))],
        "hubs": hubs(world),
        "absent": rows,
    }
    RESULTS.mkdir(exist_ok=True)
    out = RESULTS / f"calibration_{chosen.models}.json"
    out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
