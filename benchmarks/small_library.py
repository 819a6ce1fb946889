"""A search in a small library: today's code beside an older commit's, in turn, in one run.

    git clone . FOLDER; git -C FOLDER checkout COMMIT
    python -m benchmarks.small_library FOLDER        measure, and keep
    python -m benchmarks.small_library --show        the table

Each code makes a library of its own from the same vectors with `mini`, in a process of its own that
stays, and answers the same words again and again, some rounds in turn. What is timed is
`library.search` as a program calls it, in processor time and by the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any

import numpy as np

from benchmarks.record import RESULTS, commit, record
from retrieval.encoders.mini.world.concepts import CONCEPTS

SEED = 0
MOMENTS = 1_000
ROUNDS = 12
SEARCHES = 25
"""In a round; the first round is left out."""
NAMES = ("before", "today")

PEER = """
import json, sys, time
from pathlib import Path
import numpy as np
from retrieval import Kind, Library, Modality
from retrieval.records import Moment
try:
    from retrieval.catalog.new_content import EncodedMoment, FileState, NewContent
except ImportError:  # where older commits have it
    from retrieval.catalog.transaction import EncodedMoment, FileState, NewContent
folder, moments, searches = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
words = json.loads(sys.argv[4])
with Library.open(folder, models="mini") as library:
    (space, dim), = library.space.dims.items()
    rng = np.random.default_rng(0)
    ready = [library.space.prepare(Modality.TEXT, each) for each in words]
    near = library.space.encode(Modality.TEXT, ready)[space]
    with library.catalog.transaction() as transaction:
        root = transaction.add_root("things", str(folder))
        for i in range(moments):
            row = near[i % len(near)] + rng.normal(size=dim) / dim**0.5
            row = (row / np.linalg.norm(row)).astype(np.float32)
            modality = list(Modality)[i % 3]
            text = {"text": "passage"} if modality is Modality.TEXT else {}
            moment = EncodedMoment(Moment(modality, **text), {space: row})
            content = NewContent(str(i), Kind(modality.value), [moment])
            transaction.add(root, f"{i // 100}/{i}", FileState(1, 1), content)
    library.refresh()
    print(len(library.search(words[0], k=10)), flush=True)
    for _ in sys.stdin:
        taken = []
        for i in range(searches):
            clock, processor = time.perf_counter(), time.process_time()
            library.search(words[i % len(words)], k=10)
            taken.append((time.perf_counter() - clock, time.process_time() - processor))
        print(json.dumps(taken), flush=True)
"""


def main() -> None:
    """Measure and keep, or show what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="an older commit, checked out")
    parser.add_argument("--show", action="store_true")
    chosen = parser.parse_args()
    if not chosen.show:
        if chosen.folder is None:
            parser.error("a folder is needed, or --show")
        packages = ("numpy", "faiss-cpu")
        record("small_library", measured(chosen.folder), seed=SEED, packages=packages)
    print(table(json.loads((RESULTS / "small_library.json").read_text())))


def measured(folder: Path) -> dict[str, Any]:
    """Times of searches in ms, by the clock and of the processor, of both codes."""
    places = dict(zip(NAMES, (folder.resolve(), Path(__file__).parents[1]), strict=True))
    taken: dict[str, list[np.ndarray]] = {name: [] for name in NAMES}
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as scratch:
        peers = {name: started(places[name], Path(scratch) / name) for name in NAMES}
        for name, peer in peers.items():
            if (answer := read(peer)) != 10:
                raise SystemExit(f"{name}: a search found {answer} files, not 10.")
        for turn in range(ROUNDS):
            for name in NAMES if turn % 2 else reversed(NAMES):
                assert peers[name].stdin
                print(file=peers[name].stdin, flush=True)
                times = 1e3 * np.array(read(peers[name]))
                if turn:
                    taken[name].append(times)
        for peer in peers.values():
            peer.communicate()
    result: dict[str, Any] = {"moments": MOMENTS, "searches": SEARCHES * (ROUNDS - 1)}
    result["load_before"] = round(load, 1)
    for name in NAMES:
        clock, processor = np.concatenate(taken[name]).T
        result[name] = {
            "commit": commit(places[name]),
            "p50_ms": float(np.median(clock)),
            "p95_ms": float(np.percentile(clock, 95)),
            "processor_ms": float(np.median(processor)),
        }
    return result


def started(code: Path, folder: Path) -> subprocess.Popen[str]:
    """A process of some code that makes a library in a folder and waits to be asked."""
    words = [f"a {name}" for name in CONCEPTS]
    command = [sys.executable, "-c", PEER, str(folder), str(MOMENTS), str(SEARCHES)]
    return subprocess.Popen(
        [*command, json.dumps(words)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=code,
        env={**os.environ, "PYTHONPATH": str(code)},
    )


def read(peer: subprocess.Popen[str]) -> Any:
    """What a process answers."""
    output: IO[str] | None = peer.stdout
    assert output
    line = output.readline()
    if not line:
        raise SystemExit("A process ended before it answered; what it said stands above.")
    return json.loads(line)


def table(result: dict[str, Any]) -> str:
    """Both codes as Markdown."""
    lines = [
        "| code | p50 ms | p95 ms | processor ms |",
        "|---|---|---|---|",
    ]
    for name in NAMES:
        one = result[name]
        label = f"{name}, {one['commit'][:7]}"
        cells = (f"{one[key]:.2f}" for key in ("p50_ms", "p95_ms", "processor_ms"))
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
