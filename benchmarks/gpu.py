"""The index on a GPU beside the same on the CPU and beside torch on the same card.

    python -m benchmarks.gpu [--rows 1000000] [--dim 512]

Prints and keeps build seconds, recall@10 and queries a second in batches of 1, 64 and 1024, and for
each the floor: how fast the card could read the rows once if nothing else took time.
Needs a CUDA device and the extra `[gpu]`; says so and ends with code 1 where there is none.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.clustered import ClusteredWorld
from benchmarks.record import record
from retrieval.vector_index import IndexFile, VectorIndex
from retrieval.vector_index.gpu import GpuRows, gpus
from retrieval.vectors import Ids, Vectors

K = 10
LOOK = 100
BATCHES = (1, 64, 1024)
ROUNDS = 20
SEED = 0

Search = Callable[[Vectors], list[Ids]]


def main() -> int:
    """Measure; 1 if there is no GPU."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=512)
    options = parser.parse_args()
    if not gpus():
        print("skipped: no GPU that FAISS can use (pip install 'anyseek[gpu]' on a CUDA machine)")
        return 1
    import torch

    world = ClusteredWorld(options.rows, options.dim, SEED)
    rows, queries = world.rows(options.rows), world.queries(max(BATCHES))
    truth, found, bandwidth = with_torch(rows, queries)
    start = time.perf_counter()
    copy = GpuRows.copied(rows)
    built = time.perf_counter() - start
    if copy is not None:
        kind = copy

        def on_gpu(q: Vectors) -> list[Ids]:
            return [best(rows, at, one) for at, one in zip(kind.nearest(q, LOOK), q, strict=True)]

        found[f"anyseek GPU ({copy.kind})"] = {"build_s": built, **measured(on_gpu, queries, truth)}
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        state = IndexFile(Path(folder), "index", options.dim).write(
            np.empty(0, np.int64), [(np.arange(options.rows), rows)], 1
        )
        built = time.perf_counter() - start
        index = VectorIndex(options.dim, state)
        found["anyseek CPU"] = {
            "build_s": built,
            **measured(lambda q: [ids for ids, _ in index.search(q, K)], queries, truth),
        }
    floor = {b: bandwidth / rows.nbytes * b for b in BATCHES}
    result = {
        "rows": options.rows,
        "dim": options.dim,
        "card": torch.cuda.get_device_name(),
        "bandwidth_gb_s": bandwidth / 1e9,
        "floor_qps_one_read_a_batch": floor,
        "found": found,
    }
    print(json.dumps(result, indent=2))
    record("gpu", result, seed=SEED, packages=["numpy", "torch"])
    return 0


def with_torch(rows: Vectors, queries: Vectors) -> tuple[list[Ids], dict[str, Any], float]:
    """The true nearest, what torch does in both precisions, and the card's bandwidth."""
    import torch

    on_card = torch.from_numpy(rows).cuda()
    truth = brute_force(on_card, queries)
    single = measured(lambda q: brute_force(on_card, q), queries, truth)
    halved = on_card.half()
    half = measured(lambda q: brute_force(halved, q), queries, truth)
    return truth, {"torch fp32": single, "torch fp16": half}, card_bandwidth(on_card)


def brute_force(rows: Any, queries: Vectors) -> list[Ids]:
    """The K nearest by matmul and topk on the card."""
    import torch

    asked = torch.from_numpy(queries).to(rows)
    return list(torch.topk(asked @ rows.T, K, dim=1).indices.cpu().numpy())


def best(rows: Vectors, at: Ids, query: Vectors) -> Ids:
    """The K best candidates by their true rows."""
    order = np.argsort(-(rows[at] @ query), kind="stable")[:K]
    return at[order]


def measured(search: Search, queries: Vectors, truth: list[Ids]) -> dict[str, Any]:
    """Recall, and queries a second for each size of batch."""
    hits = sum(
        len(set(a.tolist()) & set(b.tolist())) for a, b in zip(search(queries), truth, strict=True)
    )
    rates = {}
    for batch in BATCHES:
        search(queries[:batch])
        start = time.perf_counter()
        for _ in range(ROUNDS):
            search(queries[:batch])
        rates[str(batch)] = ROUNDS * batch / (time.perf_counter() - start)
    return {"recall": hits / (K * len(queries)), "qps": rates}


def card_bandwidth(rows: Any) -> float:
    """Bytes a second that the card reads, by a sum over all rows."""
    import torch

    rows.sum()
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(ROUNDS):
        rows.sum()
    torch.cuda.synchronize()
    return float(ROUNDS * rows.nbytes / (time.perf_counter() - start))


if __name__ == "__main__":
    sys.exit(main())
