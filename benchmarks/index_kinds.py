"""anyseek's index beside its peers, at several sizes: recall, time, memory, disk.

    python -m benchmarks.index_kinds --sizes 10000 100000 [--peers anyseek hnswlib] [--dim 512]
    python -m benchmarks.index_kinds --vectors FILE.npy     true vectors, `(n, dim)`, or
                                                            an .npz with `rows` and `queries`
    python -m benchmarks.index_kinds --show                 table and plots of what was measured

Every index is built in one process and opened and asked in another, so that its memory is its own.
anyseek measures its recall with other queries of the same sort, as a library does with its texts.
Reported is the least search effort that reaches the recall asked for, or the greatest there is.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.clustered import ClusteredWorld
from benchmarks.index_peers import PACKAGES, PEERS
from benchmarks.nearest import nearest
from benchmarks.record import RESULTS, record
from retrieval.vectors import Vectors, unit_rows

SEED = 0
K = 10
QUERIES = 2000
"""For recall, in batches: with fewer, chance would move the third digit."""
OTHERS = 400
"""Queries by which anyseek measures its recall."""
SINGLES = 300
"""Timed one by one."""
BATCH = 64
GOAL = 0.99
TIMEOUT_S = 1500


def main() -> None:
    """Measure, or show what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--vectors", type=Path, help="an .npy file of true vectors")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        step, peer, folder = options.child
        print(json.dumps({"build": build, "ask": ask}[step](peer, Path(folder))))
    elif options.show:
        from benchmarks.index_figures import show

        show()
    else:
        for size in options.sizes:
            measure(size, options.dim, options.peers, options.vectors)


def measure(size: int, dim: int, peers: list[str], file: Path | None) -> None:
    """One size, all peers; results are kept after each."""
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch)
        if file is None:
            world = ClusteredWorld(size, dim, SEED)
            rows, queries = world.rows(size), world.queries(QUERIES + OTHERS)
            name = f"index_{size}x{dim}"
        else:
            rows, queries = true_vectors(file)
            size, dim, name = len(rows), rows.shape[1], f"index_{file.stem}"
        np.save(data / "rows.npy", rows)
        queries, others = queries[:QUERIES], queries[QUERIES:]
        np.save(data / "queries.npy", queries)
        np.save(data / "others.npy", others)
        np.save(data / "truth.npy", nearest(rows, queries, K))
        del rows
        known = RESULTS / f"{name}.json"
        found = json.loads(known.read_text())["peers"] if known.exists() else {}
        for peer in peers:
            load = os.getloadavg()[0]
            # What else ran on the machine says how far the times can be trusted.
            found[peer] = {**measured(peer, data), "load_before": round(load, 1)}
            print(size, peer, json.dumps(found[peer]), flush=True)
            record(
                name,
                {"rows": size, "dim": dim, "k": K, "goal": GOAL, "peers": found},
                seed=SEED,
                packages=["numpy", "faiss-cpu", *installed()],
            )


def true_vectors(file: Path) -> tuple[Vectors, Vectors]:
    """Rows and queries of a file; a file of rows alone gives some of them up as queries."""
    held = np.load(file, mmap_mode="r")
    if isinstance(held, np.lib.npyio.NpzFile):
        return unit_rows(held["rows"]), unit_rows(held["queries"])
    apart = min(QUERIES + OTHERS, len(held) // 10)
    at = np.random.default_rng(SEED).permutation(len(held))
    return unit_rows(held[np.sort(at[apart:])]), unit_rows(held[np.sort(at[:apart])])


def measured(peer: str, data: Path) -> dict[str, Any]:
    """Build and ask one peer, each in its own process."""
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "data").symlink_to(data)
        result: dict[str, Any] = {}
        for step in ("build", "ask"):
            command = [sys.executable, "-m", "benchmarks.index_kinds", "--child", step, peer]
            try:
                run = subprocess.run(
                    [*command, scratch],
                    capture_output=True,
                    text=True,
                    timeout=TIMEOUT_S,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                return {**result, "error": f"{step} took more than {TIMEOUT_S} s"}
            if run.returncode:
                return {**result, "error": (run.stderr.strip().splitlines() or ["?"])[-1]}
            result |= json.loads(run.stdout.strip().splitlines()[-1])
        return result


def build(peer: str, folder: Path) -> dict[str, Any]:
    """In a process of its own: make an index."""
    rows = np.load(folder / "data" / "rows.npy")
    place = folder / "index"
    place.mkdir()
    start = time.perf_counter()
    PEERS[peer](place).build(rows)
    took = time.perf_counter() - start
    size = sum(f.stat().st_size for f in place.rglob("*") if f.is_file())
    return {"build_s": round(took, 2), "disk_mb": round(size / 2**20, 1)}


def ask(peer: str, folder: Path) -> dict[str, Any]:
    """In another: open it, find the effort that is enough, take the times."""
    queries = np.load(folder / "data" / "queries.npy")
    truth = np.load(folder / "data" / "truth.npy")
    index = PEERS[peer](folder / "index")
    warm_up(peer)
    before = memory()
    start = time.perf_counter()
    index.open(queries.shape[1])
    open_s = time.perf_counter() - start
    start = time.perf_counter()
    index.search(queries[:1], K, index.efforts[-1])
    first_ms = (time.perf_counter() - start) * 1e3
    curve = []
    for effort in index.efforts:
        point = {"effort": effort, **times(index, queries, truth, effort)}
        curve.append(point)
        if point["recall"] >= GOAL:
            break
    after = memory()
    return {
        "open_ms": round(open_s * 1e3, 1),
        "first_ms": round(first_ms, 1),
        "resident_mb": round(after[0] - before[0], 1),
        "anonymous_mb": round(after[1] - before[1], 1),
        **curve[-1],
        "curve": curve,
    }


def times(index: Any, queries: Any, truth: Any, effort: int) -> dict[str, float]:
    """Recall with its standard error, times of single queries and rate of batches."""
    singles = []
    for query in queries[:SINGLES]:
        start = time.perf_counter()
        index.search(query[None], K, effort)
        singles.append(time.perf_counter() - start)
    shares, rates = [], []
    for at in range(0, len(queries), BATCH):
        start = time.perf_counter()
        answers = index.search(queries[at : at + BATCH], K, effort)
        rates.append(len(answers) / (time.perf_counter() - start))
        shares += [
            len(np.intersect1d(found, true)) / K
            for found, true in zip(answers, truth[at : at + BATCH], strict=True)
        ]
    return {
        "recall": round(float(np.mean(shares)), 4),
        "recall_error": round(float(np.std(shares) / np.sqrt(len(shares))), 5),
        "p50_ms": round(float(np.median(singles)) * 1e3, 3),
        "p95_ms": round(float(np.percentile(singles, 95)) * 1e3, 3),
        "batch_qps": round(float(np.median(rates)), 1),
    }


def warm_up(peer: str) -> None:
    """Import what the peer needs, so that its memory is not counted as the index's."""
    with tempfile.TemporaryDirectory() as scratch:
        small = PEERS[peer](Path(scratch))
        rows = ClusteredWorld(1000, 32, 1).rows(1000)
        small.build(rows)
        small.open(32)
        small.search(rows[:1], K, small.efforts[0])
        if peer == "anyseek":
            from retrieval.vector_index import faiss

            faiss()


def memory() -> tuple[float, float]:
    """Resident and anonymous megabytes of this process; zeros where Linux does not tell."""
    try:
        lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0, 0.0
    fields = {line.split(":")[0]: line.split()[1] for line in lines[1:]}
    return int(fields["Rss"]) / 1024, int(fields["Anonymous"]) / 1024


def installed() -> list[str]:
    """The peers' packages that are there."""
    found = []
    for package in PACKAGES.values():
        try:
            version(package)
        except PackageNotFoundError:
            continue
        found.append(package)
    return found


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    main()
