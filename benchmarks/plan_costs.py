"""The constants by which an index chooses its way, fitted to what the steps take.

    python -m benchmarks.plan_costs [--rows 200000] [--dim 512]     measure, fit, and keep
    python -m benchmarks.plan_costs --show                          what was measured

Each step of `retrieval.vector_index.plan` is timed by itself at several sizes, single queries in
one thread from off the data. A constant is the slope of its step, fitted so that the squares of
relative errors are least, with an intercept for what a step costs at any size; `SELECTED` is the
mean over shares of rows. What counts in a plan is only how the constants compare.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.clustered import ClusteredWorld
from benchmarks.record import RESULTS, record
from retrieval.vector_index import IndexFile, VectorIndex, plan
from retrieval.vector_index.coded_part import CodedPart
from retrieval.vector_index.part import Part

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from retrieval.vectors import Vectors

    Step = Callable[[Vectors], object]

SEED = 0
K = 10
QUERIES = 60
OTHERS = 400
ONE_LIST = 100_000
SCANNED = (2_000, 5_000, 10_000, 20_000, 50_000)
PICKED = (100, 300, 1_000, 3_000, 10_000, 30_000)
PROBES = (1, 4, 16, 64, 256)
SHARES = (0.05, 0.1, 0.2, 0.5)
"""Of rows that are allowed, where each that looks good is asked."""
NAMES = ("SCAN_NS", "ROW_NS", "CODE_NS", "PROBE_US", "SELECTED")


def built(folder: Path, rows: Vectors, others: Vectors) -> CodedPart:
    """The sealed part of an index over some rows."""
    file = IndexFile(folder, f"index{len(rows)}", rows.shape[1], queries=lambda n: others[:n])
    pieces = ((np.arange(i, min(i + 10_000, len(rows))), rows[i : i + 10_000])
              for i in range(0, len(rows), 10_000))  # fmt: skip
    index = VectorIndex(rows.shape[1], file.write(np.empty(0, np.int64), pieces, 1))
    part = index.state.parts[0]
    assert isinstance(part, CodedPart)
    return part


def median_ms(step: Step, queries: Vectors) -> float:
    """Of single queries, after a few that wake everything."""
    taken = []
    for query in [*queries[:3], *queries]:
        begun = time.perf_counter()
        step(query[None])
        taken.append(1e3 * (time.perf_counter() - begun))
    return float(np.median(taken[3:]))


def fitted(sizes: Sequence[Sequence[float]], times_ms: Sequence[float]) -> list[float]:
    """Slopes in ms for each column of sizes `(n, m)`; an intercept is fitted and left out."""
    wide = np.column_stack([np.asarray(sizes, float), np.ones(len(times_ms))])
    inverse = 1 / np.asarray(times_ms)
    found = np.linalg.lstsq(wide * inverse[:, None], np.ones(len(times_ms)), rcond=None)[0]
    return [float(slope) for slope in found[:-1]]


def measure(size: int, dim: int) -> dict[str, Any]:
    """All points, and the constants that follow from them."""
    world = ClusteredWorld(size, dim, SEED)
    rows, queries, others = world.rows(size), world.queries(QUERIES), world.queries(OTHERS)
    rng = np.random.default_rng(SEED)
    points: dict[str, list[tuple[float, ...]]] = {}
    for n in SCANNED:
        part = Part.of(np.arange(n), rows[:n])
        ms = median_ms(lambda q, part=part: part.search(q, K, None), queries)  # type: ignore[misc]
        points.setdefault("scan", []).append((n * dim, ms))
    with tempfile.TemporaryDirectory() as scratch:
        one, many = (built(Path(scratch), rows[:n], others) for n in (ONE_LIST, size))
        for n in PICKED:
            at = np.sort(rng.choice(len(one.ids), n, replace=False))
            ms = median_ms(lambda q, at=at: one.scan(q, K, at), queries)  # type: ignore[misc]
            points.setdefault("rows", []).append((n * dim, ms))
        for part in (one, many):
            lists = part.codes.lists
            codes = part.codes.dim // part.codes.sub_dim
            for probes in sorted({min(p, lists) for p in PROBES}):
                ms = median_ms(
                    lambda q, p=part, n=probes: p.codes.nearest(q, 100, n, None),  # type: ignore[misc]
                    queries,
                )
                scanned = len(part.ids) * probes / lists * codes
                points.setdefault("codes", []).append((scanned, probes, ms))
        every = median_ms(lambda q: one.codes.nearest(q, 100, 1, None), queries)
        for share in SHARES:
            mask = rng.random(len(one.ids)) < share
            ms = median_ms(lambda q, m=mask: one.codes.nearest(q, 100, 1, m), queries)  # type: ignore[misc]
            points.setdefault("selected", []).append((share, ms / every))
    slopes = {name: fitted([p[:-1] for p in some], [p[-1] for p in some])
              for name, some in points.items() if name != "selected"}  # fmt: skip
    costs = (
        1e6 * slopes["scan"][0],
        1e6 * slopes["rows"][0],
        1e6 * slopes["codes"][0],
        1e3 * slopes["codes"][1],
        float(np.mean([times for _, times in points["selected"]])),
    )
    return {
        "rows": size,
        "dim": dim,
        "load_before": round(os.getloadavg()[0], 1),
        "points": points,
        "fitted": dict(zip(NAMES, costs, strict=True)),
        "in_use": {name: getattr(plan, name) for name in NAMES},
    }


def table(result: dict[str, Any]) -> str:
    """The constants as Markdown."""
    lines = ["| constant | fitted | in use |", "|---|---|---|"]
    made, used = result["fitted"], result["in_use"]
    return "\n".join([*lines, *(f"| {n} | {made[n]:.3g} | {used[n]:g} |" for n in NAMES)])


def main() -> None:
    """Measure and keep, or show what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--show", action="store_true")
    chosen = parser.parse_args()
    if not chosen.show:
        packages = ("numpy", "faiss-cpu")
        record("plan_costs", measure(chosen.rows, chosen.dim), seed=SEED, packages=packages)
    print(table(json.loads((RESULTS / "plan_costs.json").read_text())))


if __name__ == "__main__":
    main()
