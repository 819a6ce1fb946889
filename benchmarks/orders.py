"""One list of three kinds: other orders than by evidence alone.

    python benchmarks/orders.py     write benchmarks/results/orders.json

NDCG@10 of a list whose right answers are spread over texts, pictures and sounds by chance, on the
seed of `benchmarks/rivals.py` that nothing was chosen on. Tried are to take the logarithm of the
rank among its own kind off the evidence of a moment, and to add how far it stands out from the tail
of the query's 200 best of that kind. Made of rows alone, without a library on disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.calibration import World
from benchmarks.calibration_measures import (
    RARE,
    RELEVANT,
    draw_things,
    merged,
    ndcg_at_10,
    spread_by_chance,
)
from benchmarks.generated_models import generated_space
from benchmarks.record import record
from benchmarks.rivals import FRESH_EACH, FRESH_SEED, TAIL, TOP
from retrieval.cohort import COHORT
from retrieval.hubness import LEAST_MOMENTS
from retrieval.records import Modality

if TYPE_CHECKING:
    from benchmarks.generated_library import Things
    from benchmarks.rivals import Floats

SIZES = {"mini": (400, 10_000, 100_000), "pairs": (400, 10_000)}
QUERIES = 40
LOOK = 30
"""Of each kind so many best go into a list."""


def orders(evidence: Floats) -> dict[str, Floats]:
    """What each way orders the moments of one kind by; evidence `(n,)` comes best first."""
    rank = np.arange(1, len(evidence) + 1)
    lowest = evidence[-1]
    body = np.minimum(evidence, evidence[min(TOP, len(evidence) - 1)]) - lowest
    stands_out = (evidence - lowest) / max(float(body.mean()) / (1 - TOP / TAIL), 1e-3)
    return {
        "evidence (shipped)": evidence,
        "reciprocal rank": 1 / (60 + rank),
        "evidence less the logarithm of the rank": evidence - np.log(rank),
        "evidence and 0.3 of how far it stands out": evidence + 0.3 * stands_out,
        "evidence and how far it stands out": evidence + stands_out,
    }


def library(world: World, size: int, rng: np.random.Generator) -> tuple[list[Things], Any]:
    """Few things of the concepts that are asked for, as in `calibration_measures.fairness`."""
    names = [str(name) for name in np.unique(world.moments[Modality.TEXT].concepts)]
    small = size <= RELEVANT[1] * len(names)
    asked = names if small else [str(name) for name in rng.choice(names, RARE, replace=False)]
    counts = {name: int(rng.integers(RELEVANT[0], RELEVANT[1] + 1)) for name in asked}
    wanted = dict(counts)
    others = [name for name in names if name not in counts]
    left = size - sum(counts.values())
    counts |= {name: left // len(others) for name in others}
    return merged(draw_things(world, spread_by_chance(counts, rng), rng)[0]), wanted


def measured(world: World, size: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """NDCG@10 of each way for queries of all modalities."""
    things, wanted = library(world, size, rng)
    cohorts = [rng.permutation(len(t))[:COHORT] for t in things]
    rows = []
    for query in Modality:
        queries = world.queries[query]
        scales = [world.space.calibration.scale(query, t.modality) for t in things]
        held_back = [
            scale.hub_weight * world.hub_values(query, t)
            if scale.hub_weight and len(t) >= LEAST_MOMENTS
            else np.zeros(len(t))
            for scale, t in zip(scales, things, strict=True)
        ]
        asked = np.flatnonzero(np.isin(queries.concepts, list(wanted)))
        for i in rng.choice(asked, QUERIES, replace=False):
            lists: dict[str, list[tuple[float, str]]] = {}
            for t, scale, off, cohort in zip(things, scales, held_back, cohorts, strict=True):
                cosines = world.cosines(query, int(i), t) - off
                evidence = scale.evidence(cosines, scale.background(cosines[cohort]))
                best = np.argsort(-evidence)[:TAIL]
                for way, by in orders(evidence[best]).items():
                    some = zip(by[:LOOK].tolist(), t.concepts[best[:LOOK]].tolist(), strict=True)
                    lists.setdefault(way, []).extend(some)
            name = str(queries.concepts[i])
            row = {"query": query.value, "moments": size, "relevant": wanted[name]}
            for way, entries in lists.items():
                found = [concept for _, concept in sorted(entries, key=lambda e: -e[0])]
                row[way] = ndcg_at_10(found, name, wanted[name])
            rows.append(row)
    return rows


def table(result: dict[str, list[dict[str, Any]]]) -> str:
    """The Markdown table: ways by model set and size."""
    cases = [(m, n) for m in SIZES for n in SIZES[m] if result.get(m)]
    lines = ["| order by | " + " | ".join(f"{m}, {n:,}" for m, n in cases) + " |"]
    lines.append("|---|" + "---|" * len(cases))
    for way in orders(np.zeros(1)):
        means = [np.mean([r[way] for r in result[m] if r["moments"] == n]) for m, n in cases]
        lines.append(f"| {way} | " + " | ".join(f"{mean:.3f}" for mean in means) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure both model sets."""
    result = {}
    for name, sizes in SIZES.items():
        world = World(generated_space(name), FRESH_SEED, FRESH_EACH)
        rng = np.random.default_rng([FRESH_SEED, 3])
        result[name] = [row for size in sizes for row in measured(world, size, rng)]
    record("orders", {"models": result}, seed=FRESH_SEED)
    print(table(result))


if __name__ == "__main__":
    main()
