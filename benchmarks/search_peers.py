"""Search from end to end beside other programs: same vectors, same filter, time and answers.

    python -m benchmarks.search_peers ENVIRONMENTS [--sizes 10000 100000] [--peers rclip txtai]
                                      [--keep FOLDER] [--runs 5]
    python -m benchmarks.search_peers --show docs/scale.md

ENVIRONMENTS is a folder with an environment of Python for each peer, named after it: `rclip`,
`clip-retrieval`, `txtai` (a peer without one is left out). Every program holds the same made
vectors as pictures in its own store, a tenth of them in one folder, and is asked for the ten best
by a vector, among all and among those of that folder. `search_peer` says how. Each step is a
process of its own; with `--keep` a store that is there is not filled again.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.clustered import ClusteredWorld
from benchmarks.nearest import nearest
from benchmarks.record import RESULTS, record
from benchmarks.search_peer import EVERYTHING, PEERS, QUERIES, K

SEED = 0
DIM = 512
SHARE = 0.1
"""Of the pictures, in the folder that is searched."""
CHILD = Path(__file__).with_name("search_peer.py")
THREADS = {f"{name}_NUM_THREADS": "2" for name in ("OMP", "OPENBLAS", "MKL")}
MARKS = re.compile(r"(<!-- search peers -->\n).*?(<!-- end of search peers -->)", re.DOTALL)


def write_data(folder: Path, size: int) -> None:
    """Rows, which of them lie in one folder, queries, and the truth of both."""
    if (folder / "truth_chosen.npy").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    world = ClusteredWorld(size, DIM, SEED)
    rows, queries = world.rows(size), world.queries(QUERIES + 3)
    chosen = np.random.default_rng(SEED).random(size) < SHARE
    for name, array in (("rows", rows), ("queries", queries), ("chosen", chosen)):
        np.save(folder / f"{name}.npy", array)
    np.save(folder / "truth.npy", nearest(rows, queries, K))
    np.save(folder / "truth_chosen.npy", nearest(rows, queries, K, np.flatnonzero(chosen)))


def child(python: Path, step: str, peer: str, folder: Path) -> dict[str, Any]:
    """One step of a peer, in its own environment."""
    path = str(CHILD.parent.parent) if peer == "anyseek" else ""
    done = subprocess.run(
        [str(python), str(CHILD), step, peer, str(folder)],
        env={**os.environ, **THREADS, "PYTHONPATH": path, "HF_HUB_OFFLINE": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return {"error": (done.stderr.strip().splitlines() or ["?"])[-1][:300]}
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def measure(python: Path, peer: str, folder: Path, runs: int) -> dict[str, Any]:
    """Everything about one program."""
    told = folder / f"{peer}.json"
    if not told.exists():
        shutil.rmtree(folder / peer, ignore_errors=True)
        made = child(python, "build", peer, folder)
        if "error" in made:
            return made
        told.write_text(json.dumps(made))
    found: dict[str, Any] = json.loads(told.read_text())
    found |= {"version": version_of(python, peer), "load_before": round(os.getloadavg()[0], 1)}
    walls = []
    for _ in range(runs + 1):  # the first one wakes the disk
        begun = time.perf_counter()
        parts = child(python, "cold", peer, folder)
        walls.append(time.perf_counter() - begun)
        if "error" in parts:
            return found | parts
    cold_s, fastest_s = statistics.median(walls[1:]), min(walls[1:])
    found["cold"] = {"seconds": round(cold_s, 3), "fastest_s": round(fastest_s, 3), **parts}
    return found | child(python, "ask", peer, folder)


def version_of(python: Path, peer: str) -> str:
    """Which release of a program this is."""
    code = f"import importlib.metadata as m; print(m.version({PEERS[peer].package!r}))"
    done = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def table() -> str:
    """What was measured, as Markdown."""
    found = [json.loads(path.read_text()) for path in RESULTS.glob("search_*.json")]
    lines = []
    for one in sorted(found, key=lambda one: one["rows"]):
        lines += [
            f"{one['rows']:,} pictures, a tenth of them in the folder",
            "",
            "| program | among | recall@10 | hits | p50 ms | p95 ms | cold start s "
            "| whole process MB | of its own MB | fill s | disk MB |",
            "|" + "---|" * 11,
        ]
        for peer, told in one["peers"].items():
            shown = f"**{peer}**" if peer == "anyseek" else f"{peer} {told.get('version', '')}"
            if "error" in told:
                lines.append(f"| {shown} | fails: {told['error'][:80]} |" + " |" * 9)
                continue
            for way, asked in told["ways"].items():
                first = way == EVERYTHING
                cells = [shown if first else "", way, f"{asked['recall']:.3f}"]
                cells += [f"{asked['hits']:.1f}", f"{asked['p50_ms']:.1f}"]
                cells += [f"{asked['p95_ms']:.1f}"]
                rest = [f"{told['cold']['seconds']:.2f}", f"{told['process_mb']:.0f}"]
                rest += [f"{told['process_own_mb']:.0f}", f"{told['build_s']:.0f}"]
                rest += [f"{told['disk_mb']:.0f}"]
                lines.append("| " + " | ".join(cells + (rest if first else [""] * 5)) + " |")
        lines.append("")
    return "\n".join(lines).rstrip()


def main() -> None:
    """Measure and write the results, or show them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("environments", type=Path, nargs="?")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--keep", type=Path, help="a folder for vectors and stores")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--show", type=Path, help="a page to write the tables into")
    chosen = parser.parse_args()
    if chosen.show:
        page = chosen.show.read_text()
        chosen.show.write_text(MARKS.sub(lambda m: f"{m[1]}\n{table()}\n\n{m[2]}", page))
        return
    if chosen.environments is None:
        parser.error("name the folder of the peers' environments")
    for size in chosen.sizes:
        with ExitStack() as stack:
            place = chosen.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
            folder = place / f"search_{size}"
            write_data(folder / "data", size)
            known = RESULTS / f"search_{size}.json"
            found = json.loads(known.read_text())["peers"] if known.exists() else {}
            for peer in chosen.peers:
                python = chosen.environments / peer / "bin" / "python"
                if peer == "anyseek":
                    python = Path(sys.executable)
                if not python.exists():
                    print(f"{peer}: left out, there is no {python}")
                    continue
                found[peer] = measure(python, peer, folder, chosen.runs)
                print(size, peer, json.dumps(found[peer]), flush=True)
                ordered = {name: found[name] for name in PEERS if name in found}
                result = {"rows": size, "dim": DIM, "k": K, "share": SHARE, "peers": ordered}
                packages = ("numpy", "faiss-cpu", "sqlalchemy")
                record(f"search_{size}", result, seed=SEED, packages=packages)


if __name__ == "__main__":
    main()
