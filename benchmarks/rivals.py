"""How many rivals a large library counts as: other rules than the one that ships.

    python benchmarks/rivals.py     write benchmarks/results/rivals.json

The scores of queries about things that are there and that are not, on the world that the scales
are fitted on, are turned back into evidence and judged by other rules; the level is chosen anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.calibration import FIT_SEED, World
from benchmarks.calibration_measures import absent_at_all_sizes, choose_level
from benchmarks.generated_models import generated_space
from benchmarks.record import record
from retrieval.calibration import even

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SMALL = ((10, 5), (30, 4), (100, 3), (300, 2), (1000, 2))
LARGE = ((10_000, 2), (100_000, 1))


def rules() -> dict[str, Callable[[int], float]]:
    """Evidence at which a match is as probable as none, by the moments of a library."""
    found: dict[str, Callable[[int], float]] = {
        "shipped": even,
        "up to 1,000": lambda n: float(np.log(min(n, 1000))),
    }
    for share in (0.1, 0.2, 0.3, 0.4):
        found[f"{share} of the logarithm beyond 300"] = lambda n, share=share: float(  # type: ignore[misc]
            even(n) + share * np.log(max(n, 300) / 300)
        )
    return found


def judged(rows: Sequence[dict[str, Any]], rule: Callable[[int], float]) -> dict[str, Any]:
    """Level and errors by size: absent ones taken for present, present ones for absent."""
    scored = []
    for row in rows:
        probable = float(np.clip(row["score"], 1e-12, 1 - 1e-12))
        evidence = np.log(probable / (1 - probable)) + even(row["moments"])
        score = float(1 / (1 + np.exp(rule(row["moments"]) - evidence)))
        scored.append({**row, "score": score})
    level = choose_level(scored)
    sizes = []
    for moments in sorted({row["moments"] for row in rows}):
        some = [r for r in scored if r["moments"] == moments]
        sizes.append(
            {
                "moments": moments,
                "absent_found": float(
                    np.mean([r["score"] >= level for r in some if not r["present"]])
                ),
                "present_missed": float(
                    np.mean([r["score"] < level for r in some if r["present"]])
                ),
            }
        )
    errors = float(np.mean([s["absent_found"] + s["present_missed"] for s in sizes]))
    return {"level": level, "errors": errors, "sizes": sizes}


def main() -> None:
    """Measure both model sets."""
    result = {}
    for name in ("mini", "pairs"):
        world = World(generated_space(name), FIT_SEED)
        large = absent_at_all_sizes(world, FIT_SEED + 5, LARGE)
        rows = absent_at_all_sizes(world, FIT_SEED, SMALL) + large
        result[name] = {what: judged(rows, rule) for what, rule in rules().items()}
    record("rivals", result, seed=FIT_SEED)


if __name__ == "__main__":
    main()
