"""What calibrated scores are worth, on generated things whose concepts are known.

Three measurements: one list over three modalities, hubs, and things that are not there. Libraries
hold 10 to 100,000 moments and are made of rows alone, scored by the calibration that a search uses;
`searched` shows that a library on disk finds the same. As many moments as there are were generated
and encoded one by one; beyond those, vectors are resampled (`generated_library.resampled`), and a
row of the results says so.
"""

from __future__ import annotations

import tempfile
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.drawn_library import drawn, few_of_some, half_of_concepts
from benchmarks.generated_library import EVERYTHING, Things, concept_of, fill
from benchmarks.judged_lists import ask, logits
from retrieval.calibration import score
from retrieval.encoders.mini.world.sentences import write_foreign
from retrieval.records import Modality
from retrieval.terms import EmbeddedTerm

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from benchmarks.drawn_library import Drawn
    from benchmarks.generated_world import World
    from benchmarks.judged_lists import Asked
    from retrieval.calibration import Direction
    from retrieval.space import JointSpace

    Floats = npt.NDArray[np.float64]

FAIR_SIZES = ((10, 5), (100, 2), (400, 2), (1000, 1), (10_000, 1), (100_000, 1))
"""Moments in a library, and how many such libraries."""
FAIR_QUERIES = 50
"""Of each modality, at most: in a small library few things are asked for."""
LOOK = 30
"""Hits of each kind from which lists are made; only ten count."""

ABSENT_SIZES = ((10, 5), (30, 4), (100, 3), (300, 2), (1000, 2), (10_000, 1), (100_000, 1))
ABSENT_QUERIES = 45
FOREIGN_QUERIES = 20


def ndcg_at_10(found: Sequence[str], wanted: str, relevant: int) -> float:
    """Normalised discounted cumulative gain of a list whose entries match or not."""
    gains = [float(concept == wanted) for concept in found[:10]]
    discounts = 1 / np.log2(np.arange(2, 12))
    ideal = discounts[: min(10, relevant)].sum()
    return float(np.dot(gains, discounts[: len(gains)]) / ideal)


def fairness(world: World, held: Drawn, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Lists over three modalities: one calibrated, by cosine, by reciprocal rank."""
    rows: list[dict[str, Any]] = []
    for query in Modality:
        queries = world.queries[query]
        pool = np.flatnonzero(np.isin(queries.concepts, list(held.counts)))
        which = rng.choice(pool, min(FAIR_QUERIES, len(pool)), replace=False)
        rows += [
            {
                "query": query.value,
                "moments": one.moments,
                "resampled": held.resampled,
                "relevant": one.relevant,
                **{way: ndcg(one, values) for way, values in orders(world, one).items()},
            }
            for one in ask(world, held, query, queries.take(which), weights_of(world.space), rng)
        ]
    return rows


def weights_of(space: JointSpace) -> dict[Direction, float]:
    """The hub weights that a model set comes with."""
    directions = product(Modality, Modality)
    return {d: space.calibration.scale(*d).hub_weight for d in directions}


def orders(world: World, one: Asked) -> dict[str, list[Floats]]:
    """What lists are ordered by, in three ways."""
    lists = one.lists.values()
    return {
        "calibrated": logits(one, world.space.calibration),
        "cosine": [listed.cosines for listed in lists],
        "reciprocal rank": [1.0 / (60 + np.arange(1, len(x.cosines) + 1)) for x in lists],
    }


def ndcg(one: Asked, lists: Sequence[Floats]) -> float:
    """NDCG@10 of one list of all modalities by these values."""
    entries: list[tuple[float, bool]] = []
    for listed, values in zip(one.lists.values(), lists, strict=True):
        best = np.argsort(-values, kind="stable")[:LOOK]
        entries += zip(values[best].tolist(), listed.matches[best].tolist(), strict=True)
    found = ["right" if match else "wrong" for _, match in sorted(entries, key=lambda e: -e[0])]
    return ndcg_at_10(found, "right", one.relevant)


def hubs(
    world: World, per_concept: int, weights: Sequence[float], rng: np.random.Generator
) -> list[dict[str, Any]]:
    """Recall@1 and skewness of k-occurrence for hub weights, per direction from text."""
    rows = []
    for target in Modality:
        queries = world.queries[Modality.TEXT]
        counts = dict.fromkeys(world.concepts, per_concept)
        (things,), made = drawn(world, {target: counts}, rng)
        values = world.hub_values(Modality.TEXT, things)
        cosines = world.cosines(Modality.TEXT, queries.rows, things)
        for weight in weights:
            held_back = cosines - weight * values
            ranked = np.argpartition(-held_back, 10, axis=1)[:, :10]
            occurrences = np.bincount(ranked.ravel(), minlength=len(things)).astype(float)
            centred = occurrences - occurrences.mean()
            skewness = float(np.mean(centred**3) / np.mean(centred**2) ** 1.5)
            right = things.concepts[held_back.argmax(axis=1)] == queries.concepts
            rows.append(
                {
                    "query": "text",
                    "target": target.value,
                    "moments": len(things),
                    "resampled": made,
                    "weight": weight,
                    "chosen": world.space.calibration.scale(Modality.TEXT, target).hub_weight,
                    "recall_at_1": float(right.mean()),
                    "skewness_10_occurrence": skewness,
                }
            )
    return rows


def absent(world: World, held: Drawn, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Best scores of queries about things that a library holds, and about things that it lacks."""
    asked = [(query.value, query, _some(world, query, rng)) for query in Modality]
    texts = [write_foreign(rng, held_out=True).text for _ in range(FOREIGN_QUERIES)]
    foreign = Things(
        Modality.TEXT, world.space.embed(Modality.TEXT, texts), np.full(len(texts), "foreign")
    )
    rows = []
    for name, query, queries in [*asked, ("foreign text", Modality.TEXT, foreign)]:
        for one in ask(world, held, query, queries, weights_of(world.space), rng):
            best = max(float(found.max()) for found in logits(one, world.space.calibration))
            rows.append(
                {
                    "query": name,
                    "present": bool(one.relevant),
                    "moments": one.moments,
                    "resampled": held.resampled,
                    "score": float(score(np.array([best]))[0]),
                    "cosine": max(float(listed.cosines.max()) for listed in one.lists.values()),
                }
            )
    return rows


def _some(world: World, query: Modality, rng: np.random.Generator) -> Things:
    queries = world.queries[query]
    return queries.take(rng.choice(len(queries), ABSENT_QUERIES, replace=False))


def searched(world: World, held: Drawn, rng: np.random.Generator) -> list[dict[str, Any]]:
    """The same queries by rows alone and by a library on disk: best scores, and whose they are."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        library, search = fill(Path(folder) / "library", world.space, held.things)
        for query in Modality:
            queries = _some(world, query, rng)
            asked = ask(world, held, query, queries, weights_of(world.space), rng)
            for i, one in enumerate(asked):
                found = logits(one, world.space.calibration)
                lists = [listed.concepts for listed in one.lists.values()]
                at = max(range(len(found)), key=lambda k: float(found[k].max()))
                term = EmbeddedTerm(1.0, {query: queries.blocks(i)})
                hit = search.answer([[term]], 1, EVERYTHING)[0]
                rows.append(
                    {
                        "query": query.value,
                        "score": float(score(found[at].max())),
                        "concept": str(lists[at][found[at].argmax()]),
                        "searched_score": hit.score,
                        "searched_concept": concept_of(hit),
                    }
                )
        library.close()
    return rows


def area_under_roc(present: Floats, missing: Floats) -> float:
    """How often a present one scores above an absent one; ties count half."""
    above = (present[:, None] > missing[None, :]).mean()
    ties = (present[:, None] == missing[None, :]).mean()
    return float(above + ties / 2)


def absent_at_all_sizes(world: World, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Libraries of all sizes, small ones several times."""
    return [
        row
        for size, count in ABSENT_SIZES
        for _ in range(count)
        for row in absent(world, half_of_concepts(world, size, rng), rng)
    ]


def fair_at_all_sizes(world: World, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Libraries of all sizes, small ones several times."""
    return [
        row
        for size, count in FAIR_SIZES
        for _ in range(count)
        for row in fairness(world, few_of_some(world, size, rng), rng)
    ]
