"""What calibrated scores are worth in whole libraries, through the search that people use.

Three measurements on generated things whose concepts are known: one list over three modalities,
hubs, and things that are not there. Libraries hold 10 to 100,000 moments, written by the library's
own transactions. As many of them as there are were generated and encoded one by one; beyond those,
vectors are resampled (`generated_library.resampled`), and a row of the results says so.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.generated_library import EVERYTHING, Things, concept_of, fill, resampled
from retrieval.catalog.filter import Filter
from retrieval.encoders.mini.world.sentences import write_foreign
from retrieval.records import Kind, Modality
from retrieval.terms import EmbeddedTerm

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from benchmarks.calibration import World
    from retrieval.records import Hit
    from retrieval.search import Search

    Floats = npt.NDArray[np.float64]

RARE = 16
"""Concepts that a list is asked for: few things of each, spread over the modalities by chance."""
RELEVANT = (4, 12)
"""How many things of each rare concept a library holds, from and to."""
FAIR_SIZES = ((400, 2), (10_000, 1), (100_000, 1))
"""Moments in a library, and how many such libraries."""
FAIR_QUERIES = 50
LOOK = 30
"""Hits of each kind from which lists are made; only ten count."""

ABSENT_SIZES = ((10, 5), (30, 4), (100, 3), (300, 2), (1000, 2), (10_000, 1), (100_000, 1))
ABSENT_QUERIES = 45
FOREIGN_QUERIES = 20
RARE_MOMENTS, RARE_FROM = 3, 300
"""In libraries of this size and more, a third of the concepts that are there have three moments."""


def draw_things(
    world: World, counts: dict[Modality, dict[str, int]], rng: np.random.Generator
) -> tuple[list[Things], bool]:
    """So many things of each concept and modality; whether any of them had to be resampled."""
    found, made = [], False
    for modality, wanted in counts.items():
        things = world.moments[modality]
        for name, count in wanted.items():
            pool = np.flatnonzero(things.concepts == name)
            if count > len(pool):
                made = True
                found.append(resampled(things.take(pool), count, rng))
            elif count:
                found.append(things.take(rng.choice(pool, count, replace=False)))
    return found, made


def merged(things: Sequence[Things]) -> list[Things]:
    """The same things, one group a modality."""
    groups = []
    for modality in Modality:
        some = [group for group in things if group.modality is modality]
        if some:
            rows = {s: np.concatenate([g.rows[s] for g in some]) for s in some[0].rows}
            groups.append(Things(modality, rows, np.concatenate([g.concepts for g in some])))
    return groups


def spread_by_chance(
    counts: dict[str, int], rng: np.random.Generator
) -> dict[Modality, dict[str, int]]:
    """How many things of each concept fall to each modality."""
    shares = {name: rng.multinomial(count, [1 / 3] * 3) for name, count in counts.items()}
    return {m: {name: int(shares[name][i]) for name in counts} for i, m in enumerate(Modality)}


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


def fairness(
    world: World, size: int, rng: np.random.Generator, folder: Path
) -> list[dict[str, Any]]:
    """Lists over three modalities: one calibrated, by cosine, by reciprocal rank.

    Of the concepts asked for a library holds 4 to 12 things, how many of which modality is left to
    chance; the other concepts fill it up. In a small library all concepts are asked for.
    """
    names = [str(name) for name in np.unique(world.moments[Modality.TEXT].concepts)]
    small = size <= RELEVANT[1] * len(names)
    rare = names if small else [str(name) for name in rng.choice(names, RARE, replace=False)]
    counts = {name: int(rng.integers(RELEVANT[0], RELEVANT[1] + 1)) for name in rare}
    common = [name for name in names if name not in counts]
    left = size - sum(counts.values())
    counts |= {name: left // len(common) for name in common}
    drawn, made = draw_things(world, spread_by_chance(counts, rng), rng)
    things = merged(drawn)
    library, search = fill(folder, world.space, things)
    rows = []
    for query in Modality:
        queries = world.queries[query]
        pool = np.flatnonzero(np.isin(queries.concepts, rare))
        for i in rng.choice(pool, FAIR_QUERIES, replace=False):
            wanted = str(queries.concepts[i])
            lists = ranked_lists(search, EmbeddedTerm(1.0, {query: queries.blocks(int(i))}))
            rows.append(
                {
                    "query": query.value,
                    "moments": sum(len(t) for t in things),
                    "resampled": made,
                    "relevant": counts[wanted],
                    **{
                        way: ndcg_at_10(concepts, wanted, counts[wanted])
                        for way, concepts in lists.items()
                    },
                }
            )
    library.close()
    return rows


def ranked_lists(search: Search, term: EmbeddedTerm) -> dict[str, list[str]]:
    """Concepts of the one list of all modalities, made in three ways."""

    def by_cosine(hits: Sequence[Hit]) -> list[str]:
        return [concept_of(h) for h in sorted(hits, key=lambda h: -h.cosine)]

    each = [
        search.answer([[term]], LOOK, Filter(kinds=frozenset({Kind(m.value)}))) for m in Modality
    ]
    return {
        "calibrated": [concept_of(h) for h in search.answer([[term]], LOOK, EVERYTHING)],
        "cosine": by_cosine([hit for hits in each for hit in hits]),
        "reciprocal rank": reciprocal_rank_fusion([by_cosine(hits) for hits in each]),
    }


def hubs(
    world: World, per_concept: int, weights: Sequence[float], rng: np.random.Generator
) -> list[dict[str, Any]]:
    """Recall@1 and skewness of k-occurrence for hub weights, per direction from text."""
    rows = []
    for target in Modality:
        every, queries = world.moments[target], world.queries[Modality.TEXT]
        counts = {str(name): per_concept for name in np.unique(every.concepts)}
        drawn, made = draw_things(world, {target: counts}, rng)
        (things,) = merged(drawn)
        values = world.hub_values(Modality.TEXT, things)
        cosines = np.stack([world.cosines(Modality.TEXT, i, things) for i in range(len(queries))])
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


def absent(
    world: World,
    size: int,
    rng: np.random.Generator,
    folder: Path,
    *,
    from_few: int | None = None,
) -> list[dict[str, Any]]:
    """Best scores of queries about things that a library holds, and about things that it lacks.

    Args:
        world: What there is.
        size: Moments of the library, of half of the concepts.
        rng: Draws.
        folder: Where the library is made.
        from_few: Resample all moments from this many of each concept, to see what resampling does.
    """
    names = [str(name) for name in np.unique(world.moments[Modality.TEXT].concepts)]
    held = [str(name) for name in rng.choice(names, len(names) // 2, replace=False)]
    rare = held[::3] if size >= RARE_FROM else []
    counts = spread_by_chance({name: RARE_MOMENTS if name in rare else 0 for name in held}, rng)
    cells = [(m, name) for m in Modality for name in held if name not in rare]
    each, more = divmod(size - RARE_MOMENTS * len(rare), len(cells))
    extra = set(rng.permutation(len(cells))[:more].tolist())
    for k, (m, name) in enumerate(cells):
        counts[m][name] += each + (k in extra)
    if from_few is None:
        drawn, made = draw_things(world, counts, rng)
    else:
        few, _ = draw_things(world, {m: dict.fromkeys(held, from_few) for m in Modality}, rng)
        sizes = [counts[some.modality][str(some.concepts[0])] for some in few]
        drawn = [resampled(some, n, rng) for some, n in zip(few, sizes, strict=True) if n]
        made = True
    things = merged(drawn)
    library, search = fill(folder, world.space, things)
    there = {str(n) for t in things for n in t.concepts}
    about = {"moments": size, "resampled": made, "from_few": from_few}
    rows = []
    for query in Modality:
        queries = world.queries[query]
        for i in rng.choice(len(queries), ABSENT_QUERIES, replace=False):
            name = str(queries.concepts[i])
            if name in held and name not in there:
                continue
            found = best(search, query, queries.blocks(int(i)))
            rows.append({"query": query.value, "present": name in there, **about, **found})
    for _ in range(FOREIGN_QUERIES):
        text = write_foreign(rng, held_out=True).text
        blocks = {s: r[0] for s, r in world.space.embed(Modality.TEXT, [text]).items()}
        found = best(search, Modality.TEXT, blocks)
        rows.append({"query": "foreign text", "present": False, **about, **found})
    library.close()
    return rows


def best(search: Search, query: Modality, blocks: Any) -> dict[str, float]:
    """The best score of one query, and the best cosine."""
    hits = search.answer([[EmbeddedTerm(1.0, {query: blocks})]], 30, EVERYTHING)
    return {"score": hits[0].score, "cosine": max(h.cosine for h in hits)}


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


def absent_at_all_sizes(
    world: World, seed: int, sizes: Sequence[tuple[int, int]] = ABSENT_SIZES
) -> list[dict[str, Any]]:
    """Libraries of all sizes, small ones several times."""
    rng = np.random.default_rng([seed, 7])
    return [
        row
        for size, count in sizes
        for _ in range(count)
        for row in in_folder(lambda folder, n=size: absent(world, n, rng, folder))  # type: ignore[misc]
    ]
