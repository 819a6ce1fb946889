"""anyseek's index beside its peers, at several sizes: recall, time, memory, disk.

    python -m benchmarks.index_kinds --sizes 10000 100000 [--peers anyseek hnswlib] [--dim 512]
    python -m benchmarks.index_kinds --vectors FILE         true vectors; see `vector_files`
    python -m benchmarks.index_kinds --keep FOLDER ...      what was built stays there, and is asked
                                                            the next time without building it
    python -m benchmarks.index_kinds --keep FOLDER --build  only build what is not there yet
    python -m benchmarks.index_kinds --show                 table and plots of what was measured

Every index is built in one process and opened and asked in another, so that its memory is its own.
anyseek measures its recall with other queries of the same sort, as a library does with its texts.
Reported is the least search effort that reaches the recall asked for, or the greatest there is.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.clustered import ClusteredWorld
from benchmarks.index_peers import PACKAGES, PEERS
from benchmarks.nearest import nearest
from benchmarks.record import RESULTS, record
from benchmarks.vector_files import read_vectors

SEED = 0
K = 10
QUERIES = 2000
"""For recall, in batches: with fewer, chance would move the third digit."""
OTHERS = 400
"""Queries by which anyseek measures its recall."""
SINGLES = 300
"""Timed one by one."""
BATCH = 64
MOST_S = 20.0
"""Of singles, and of batches: who is slow is asked fewer of them."""
GOAL = 0.99
PATIENCE_S = {"build": 4 * 3600, "ask": 1500}
PIECE = 50_000


def main() -> None:
    """Measure, or show what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--vectors", type=Path, help="a file of true vectors")
    parser.add_argument("--keep", type=Path, help="a folder for vectors and indexes")
    parser.add_argument("--build", action="store_true", help="build, and ask nothing")
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
        for size in options.sizes if options.vectors is None else [0]:
            with ExitStack() as stack:
                place = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
                if options.vectors:
                    name, world = f"index_{options.vectors.stem}", options.vectors
                else:
                    name, world = f"index_{size}x{options.dim}", (size, options.dim)
                folder = place / name
                write_data(folder / "data", world)
                measure(folder, options.peers, asked=not options.build)


def write_data(folder: Path, world: Path | tuple[int, int]) -> None:
    """Rows, queries, the queries anyseek may know, and the truth; kept if they are there.

    Made rows are written piece by piece: ten million need not fit into memory.
    """
    if (folder / "truth.npy").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(world, Path):
        rows, queries = read_vectors(world, QUERIES + OTHERS)
        np.save(folder / "rows.npy", rows)
    else:
        size, dim = world
        made = ClusteredWorld(size, dim, SEED)
        held = np.lib.format.open_memmap(
            folder / "rows.npy", mode="w+", dtype=np.float32, shape=(size, dim)
        )
        for start in range(0, size, PIECE):
            held[start : start + PIECE] = made.rows(min(PIECE, size - start))
        held.flush()
        del held
        queries = made.queries(QUERIES + OTHERS)
    others = min(OTHERS, len(queries) // 2)
    np.save(folder / "queries.npy", queries[:-others])
    np.save(folder / "others.npy", queries[-others:])
    rows = np.load(folder / "rows.npy", mmap_mode="r")
    np.save(folder / "truth.npy", nearest(rows, queries[:-others], K))


def measure(folder: Path, peers: list[str], *, asked: bool) -> None:
    """All peers over the data of a folder; results are kept after each."""
    size, dim = np.load(folder / "data" / "rows.npy", mmap_mode="r").shape
    made = folder.name == f"index_{size}x{dim}"
    known = RESULTS / f"{folder.name}.json"
    found = json.loads(known.read_text())["peers"] if known.exists() else {}
    for peer in peers:
        told = built(peer, folder)
        if asked and "error" not in told:
            # What else ran on the machine says how far the times can be trusted.
            load = {"load_before": round(os.getloadavg()[0], 1)}
            told = {**told, **child("ask", peer, folder), **load}
        print(size, peer, json.dumps(told), flush=True)
        if not asked:
            continue
        found[peer] = told
        record(
            folder.name,
            {"rows": size, "dim": dim, "made": made, "k": K, "goal": GOAL, "peers": found},
            seed=SEED,
            packages=["numpy", "faiss-cpu", *installed()],
        )


def place_of(peer: str, folder: Path) -> Path:
    """Where the index of a peer lies beside the data."""
    return folder / peer.replace(" ", "-")


def built(peer: str, folder: Path) -> dict[str, Any]:
    """What building a peer's index took; it is built if it is not there whole."""
    place = place_of(peer, folder)
    told = place / "built.json"
    if not told.exists():
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        load = {"load_before_build": round(os.getloadavg()[0], 1)}
        made = {**child("build", peer, folder), **load}
        if "error" in made:
            return made
        told.write_text(json.dumps(made))
    return dict(json.loads(told.read_text()))


def child(step: str, peer: str, folder: Path) -> dict[str, Any]:
    """One step of a peer in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.index_kinds", "--child", step, peer, str(folder)]
    patience_s = PATIENCE_S[step]
    try:
        run = subprocess.run(
            command, capture_output=True, text=True, timeout=patience_s, check=False
        )
    except subprocess.TimeoutExpired:
        return {"error": f"{step} took more than {patience_s} s"}
    if run.returncode:
        return {"error": (run.stderr.strip().splitlines() or ["?"])[-1]}
    return dict(json.loads(run.stdout.strip().splitlines()[-1]))


def build(peer: str, folder: Path) -> dict[str, Any]:
    """In a process of its own: make an index.

    Beside the seconds on the clock stand those of the processor: they say more where other work
    ran on the machine.
    """
    rows = np.asarray(np.load(folder / "data" / "rows.npy", mmap_mode="r"))
    for start in range(0, len(rows), PIECE):
        rows[start : start + PIECE].max()  # the disk is not to be measured
    place = place_of(peer, folder) / "index"
    place.mkdir()
    start_s, busy_s = time.perf_counter(), time.process_time()
    PEERS[peer](place, folder / "data" / "others.npy").build(rows)
    took_s, busy_s = time.perf_counter() - start_s, time.process_time() - busy_s
    size = sum(f.stat().st_size for f in place.rglob("*") if f.is_file())
    return {
        "build_s": round(took_s, 2),
        "build_processor_s": round(busy_s, 2),
        "disk_mb": round(size / 2**20, 1),
    }


def ask(peer: str, folder: Path) -> dict[str, Any]:
    """In another: open it, find the effort that is enough, take the times."""
    queries = np.load(folder / "data" / "queries.npy")
    truth = np.load(folder / "data" / "truth.npy")
    index = PEERS[peer](place_of(peer, folder) / "index")
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
    singles: list[float] = []
    for query in queries[:SINGLES]:
        start = time.perf_counter()
        index.search(query[None], K, effort)
        singles.append(time.perf_counter() - start)
        if sum(singles) > MOST_S:
            break
    shares: list[float] = []
    rates: list[float] = []
    for at in range(0, len(queries), BATCH):
        if len(shares) > BATCH and sum(BATCH / rate for rate in rates) > MOST_S:
            break
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
        "recall_queries": len(shares),
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
