"""Filters on one index: recall, time and plan at every selectivity; opening, churn, memory at rest.

    python -m benchmarks.index_filters [--rows 1000000] [--dim 512]

Beside each filtered search stand the two it must not be much slower than: a search without a
filter, and an exact scan of the set. The scan is what the index would do without codes: it finds
the rows of the allowed ids, reads them where they lie on the memory map, which is in the page
cache, and ranks the best in double precision. One thread, single queries, shifted from the data;
the index measures its recall with other queries of the same sort, as a library does with its texts.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.clustered import ClusteredWorld
from benchmarks.nearest import nearest
from benchmarks.record import record
from retrieval.vector_index import IndexFile, VectorIndex
from retrieval.vector_index.part import Part
from retrieval.vectors import Ids, Vectors

K = 10
QUERIES = 1000
SINGLES = 300
"""Of these, timed one by one."""
OTHERS = 400
"""Queries that stand for the library's texts, by which recall is measured when it is built."""
SHARES = (0.0001, 0.001, 0.01, 0.05, 0.1, 0.25, 0.5)
SEED = 0
PIECE = 10_000
CHURN_STEPS = 10
MOST_SEARCHES = 1000
"""Among one set, until its codes are gathered."""
MOST_CHURNED = 200_000
"""Replacing half of more takes too long for a benchmark that is run by hand."""

AT_REST = """
import json, sys, time
from pathlib import Path
from retrieval.vector_index import IndexFile, VectorIndex, faiss
from benchmarks.index_kinds import memory
faiss()
before = memory()
start = time.perf_counter()
dim = int(sys.argv[2])
index = VectorIndex(dim, IndexFile(Path(sys.argv[1]), "index", dim).load())
open_ms = (time.perf_counter() - start) * 1e3
opened = memory()
import numpy as np
start = time.perf_counter()
index.search(np.load(Path(sys.argv[1]) / "queries.npy")[:1], 10)
first_ms = (time.perf_counter() - start) * 1e3
asked = memory()
print(json.dumps({
    "open_ms": open_ms, "first_search_ms": first_ms,
    "opened_mb": opened[0] - before[0],
    "after_one_search_mb": asked[0] - before[0],
    "after_one_search_anonymous_mb": asked[1] - before[1],
}))
"""


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=512)
    options = parser.parse_args()
    world = ClusteredWorld(options.rows, options.dim, SEED)
    rows, queries, others = world.rows(options.rows), world.queries(QUERIES), world.queries(OTHERS)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        np.save(folder / "queries.npy", queries)
        file = IndexFile(folder, "index", options.dim, queries=lambda n: others[:n])
        start = time.perf_counter()
        pieces = (
            (np.arange(i, min(i + PIECE, len(rows))), rows[i : i + PIECE])
            for i in range(0, len(rows), PIECE)
        )
        index = VectorIndex(options.dim, file.write(np.empty(0, np.int64), pieces, 1))
        manifest = file.manifest()
        assert manifest
        result: dict[str, Any] = {
            "rows": options.rows,
            "dim": options.dim,
            "build_s": time.perf_counter() - start,
            "code_mb": manifest.codes_bytes / 2**20,
            "choice": manifest.choice,
            "effort": manifest.effort,
            "at_rest": at_rest(folder, options.dim),
            "load_before": os.getloadavg()[0],
            "unfiltered_recall": recall(index, rows, queries, None),
            "unfiltered_ms": median_ms(lambda q: index.search(q, K), queries[:SINGLES]),
            "filters": [filtered(index, rows, queries, share) for share in SHARES],
        }
        if options.rows <= MOST_CHURNED:
            result["churn"] = churn(file, index, rows, world, queries)
    print(json.dumps(result, indent=2))
    record(
        f"filters_{options.rows}x{options.dim}", result, seed=SEED, packages=["numpy", "faiss-cpu"]
    )


def at_rest(folder: Path, dim: int) -> dict[str, float]:
    """Time and memory of opening the index in a new process."""
    run = subprocess.run(
        [sys.executable, "-c", AT_REST, str(folder), str(dim)],
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, float] = json.loads(run.stdout)
    return found


def filtered(index: VectorIndex, rows: Vectors, queries: Vectors, share: float) -> dict[str, Any]:
    """One selectivity."""
    rng = np.random.default_rng(SEED)
    n = max(1, int(share * len(rows)))
    allowed = np.sort(rng.choice(len(rows), n, replace=False))
    # As a library asks: with an array that nobody changes, so that its rows are looked up once.
    allowed.flags.writeable = False
    part = index.state.parts[0]
    _, (first, *_) = index.search_planned(queries[:1], K, allowed)
    searches, longest_ms, plan = 0, 0.0, first
    while plan == first and searches < MOST_SEARCHES:
        query = queries[searches % len(queries)]
        start = time.perf_counter()
        _, (plan, *_) = index.search_planned(query[None], K, allowed)
        longest_ms = 1e3 * (time.perf_counter() - start)
        searches += 1
    return {
        "share": share,
        "allowed": n,
        "first_plan": asdict(first),
        "gathered": None if plan == first else {"after": searches, "ms": longest_ms},
        "recall": recall(index, rows, queries, allowed),
        "ms": median_ms(lambda q: index.search(q, K, allowed), queries[:SINGLES]),
        "new_set_ms": median_ms(lambda q: index.search(q, K, allowed.copy()), queries[:SINGLES]),
        "unfiltered_ms": median_ms(lambda q: index.search(q, K), queries[:SINGLES]),
        "set_scan_ms": median_ms(lambda q: Part.search(part, q, K, allowed), queries[:100]),
        "plan": asdict(plan),
    }


def recall(index: VectorIndex, rows: Vectors, queries: Vectors, allowed: Ids | None) -> float:
    """Share of the K nearest allowed rows that single searches find."""
    truth = nearest(rows, queries, K, allowed)
    hits = sum(
        len(np.intersect1d(index.search(query[None], K, allowed)[0][0], true))
        for query, true in zip(queries, truth, strict=True)
    )
    return hits / truth.size


def churn(
    file: IndexFile, index: VectorIndex, rows: Vectors, world: ClusteredWorld, queries: Vectors
) -> dict[str, Any]:
    """Half of everything is replaced, in steps."""
    held, ids = rows, np.arange(len(rows))
    rng = np.random.default_rng(SEED)
    share = len(rows) // (2 * CHURN_STEPS)
    for step in range(CHURN_STEPS):
        gone = rng.choice(np.flatnonzero(ids < len(rows)), share, replace=False)
        new_ids, new = int(ids.max()) + 1 + np.arange(share), world.rows(share)
        index.state = file.write(ids[gone], [(new_ids, new)], step + 2)
        held = np.concatenate([np.delete(held, gone, axis=0), new])
        ids = np.concatenate([np.delete(ids, gone), new_ids])
    answers = index.search(queries, K)
    hits = sum(
        len(set(found.tolist()) & set(ids[true].tolist()))
        for (found, _), true in zip(answers, nearest(held, queries, K), strict=True)
    )
    return {
        "replaced": float((ids >= len(rows)).mean()),
        "recall": hits / (K * len(queries)),
        "ms": median_ms(lambda q: index.search(q, K), queries[:SINGLES]),
    }


def median_ms(search: Callable[[Vectors], Any], queries: Vectors) -> float:
    """Median time of single queries."""
    times = []
    for query in queries:
        start = time.perf_counter()
        search(query[None])
        times.append(time.perf_counter() - start)
    return float(np.median(times)) * 1e3


if __name__ == "__main__":
    main()
