"""Other ways to see a hit against its own list and the size of its library than the one that ships.

    python benchmarks/standing_out.py     write benchmarks/results/standing_out.json

Each way has scales and level of its own, fitted as `benchmarks/calibration.py` does on the things
of its seed, and is measured on things of a seed that nothing was chosen on: whether something is
there at all, and NDCG@10 of one list over three modalities.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.calibration import FEW, FIT_SEED, asked_of_all_sizes, hub_weights
from benchmarks.calibration_measures import ndcg
from benchmarks.drawn_library import few_of_some
from benchmarks.generated_models import generated_space
from benchmarks.generated_world import World
from benchmarks.judged_lists import ask, errors, fit, logits, shipped, surest
from benchmarks.record import record
from retrieval.calibration import RIVALS, RIVALS_BEYOND, TAIL, standing_out
from retrieval.records import Modality

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.generated_world import Floats
    from benchmarks.judged_lists import Asked, Listed, Rule

FRESH, FRESH_QUERIES = (67_000_002, 15), (67_000_001, 8)
"""Seeds, and how many of each concept and modality."""
FAIR_SIZES = (400, 10_000, 100_000)
FAIR_QUERIES = 40


def ways() -> dict[str, Rule]:
    """What counts beside the evidence of a list."""

    def rule(
        share: float = 1.0, tail: int = TAIL, rivals: int = RIVALS, beyond: float = RIVALS_BEYOND
    ) -> Rule:
        def beside(listed: Listed, moments: int) -> Floats:
            gained = standing_out(listed.cosines, listed.cosines[:tail])
            total: Floats = (
                share * gained
                - np.log(min(moments, rivals))
                - beyond * np.log(max(moments / rivals, 1.0))
            )
            return total

        return beside

    return {
        "shipped": shipped,
        "no tail, and 300 rivals at most": rule(0, beyond=0),
        "no tail": rule(0),
        "half of what is gained": rule(0.5),
        "half as much again": rule(1.5),
        "a tail of 50": rule(tail=50),
        "a tail of 200": rule(tail=200),
        "300 rivals at most": rule(beyond=0),
        "rivals beyond 300 to the power 0.1": rule(beyond=0.1),
        "rivals beyond 300 to the power 0.3": rule(beyond=0.3),
        "the square root of all as rivals": rule(rivals=1, beyond=0.5),
        "every moment a rival": rule(beyond=1.0),
    }


def by_size(asked: Sequence[Asked], values: Sequence[float]) -> dict[int, float]:
    """Means by size of library."""
    return {
        size: float(
            np.mean([v for one, v in zip(asked, values, strict=True) if one.moments == size])
        )
        for size in sorted({one.moments for one in asked})
    }


def measured(name: str) -> dict[str, Any]:
    """Every way with one model set."""
    space = generated_space(name)
    known, fresh = World(space, (FIT_SEED, FEW)), World(space, FRESH, FRESH_QUERIES)
    weights = hub_weights(known)
    fitted_on = asked_of_all_sizes(known, weights, np.random.default_rng([FIT_SEED, 77]))
    rng = np.random.default_rng([FRESH[0], 77])
    whether = asked_of_all_sizes(fresh, weights, rng)
    fair: list[Asked] = []
    for size in FAIR_SIZES:
        library = few_of_some(fresh, size, rng)
        for query in Modality:
            pool = np.isin(fresh.queries[query].concepts, list(library.counts))
            which = rng.choice(np.flatnonzero(pool), FAIR_QUERIES, replace=False)
            fair += ask(fresh, library, query, fresh.queries[query].take(which), weights, rng)
    ranks = [
        [1.0 / (60 + np.arange(1, len(listed.cosines) + 1)) for listed in one.lists.values()]
        for one in fair
    ]
    result: dict[str, Any] = {
        "reciprocal rank": {
            "ndcg": by_size(fair, [ndcg(o, r) for o, r in zip(fair, ranks, strict=True)])
        }
    }
    for way, rule in ways().items():
        fitted = fit(fitted_on, weights, rule)
        both, sizes = errors(surest(whether, fitted, rule))
        lists = [logits(one, fitted, rule) for one in fair]
        result[way] = {
            "errors_fitted_on": errors(surest(fitted_on, fitted, rule))[0],
            "errors": both,
            "found_and_missed": sizes,
            "ndcg": by_size(fair, [ndcg(o, v) for o, v in zip(fair, lists, strict=True)]),
        }
        print(name, way, result[way], flush=True)
    return result


def table(result: Mapping[str, Any]) -> str:
    """The Markdown table: ways by model set, both errors and order."""
    models = [name for name in ("mini", "pairs") if name in result]
    heads = [
        f"{m}: {what}"
        for m in models
        for what in ("errors, all sizes", "errors, 100,000", "NDCG@10, 400", "10,000", "100,000")
    ]
    lines = ["| way | " + " | ".join(heads) + " |", "|---|" + "---|" * len(heads)]
    for way in result[models[0]]:
        cells = []
        for m in models:
            found = result[m][way]
            largest = max(FAIR_SIZES)
            if "errors" in found:
                by_count = {
                    int(size): sum(both) for size, both in found["found_and_missed"].items()
                }
                cells += [f"{found['errors']:.3f}", f"{by_count[largest]:.3f}"]
            else:
                cells += ["-", "-"]
            cells += [f"{mean:.3f}" for mean in found["ndcg"].values()]
        lines.append(f"| {way} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure both model sets."""
    result = {name: measured(name) for name in ("mini", "pairs")}
    record("standing_out", {"models": result}, seed=FRESH[0])
    print(table(result))


if __name__ == "__main__":
    main()
