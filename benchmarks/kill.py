"""What `kill -9` costs: an indexer is killed again and again, and must lose nothing committed.

    python -m benchmarks.kill [--files 2000] [--kills 200] [--seed 0]

Files come in portions, so that every killed run has something to do. At the end the library must
hold what a fresh one of the same folder holds: the same files with the same vectors, bit for bit.
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from PIL import Image

from benchmarks.record import record
from indexer import index
from retrieval import Library

CHILD = """
import sys
from indexer import index, ledger
from retrieval import Library

ledger.COMMIT_S = float(sys.argv[3])
with Library.open(sys.argv[1]) as library:
    index(library, sys.argv[2], progress=lambda p: p.files and p.total_files and print(flush=True))
"""
COMMIT_S = 0.05
"""Commits come this often in the killed runs, so that many kills fall into one."""
FILES = 20
LONGEST_S = 0.05
"""A run is killed after a random number of files up to `FILES`, and a random time within this: so
kills fall into every part of a run, on a fast machine and on a slow one."""


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill and what it left."""

    after_files: int
    after_s: float
    """Since the last of these files."""
    committed_before: int
    """Files that a reader saw right before the kill."""
    committed_after: int
    damage: list[str]
    """What the catalog's own checks found."""
    recovery_s: float
    """To open the library after it."""


@dataclass(frozen=True, slots=True)
class Report:
    """What came of all kills."""

    files: int
    kills: list[Kill]
    last_run_s: float
    """To finish after the last kill."""
    differences: list[str]
    """Files that are not as in a library that was never interrupted."""
    problems: list[str]
    """What `verify` found at the end."""


def kill_and_continue(workplace: Path, *, files: int, kills: int, seed: int) -> Report:
    """Index a growing folder with kills, finish, and compare with an uninterrupted run."""
    rng = random.Random(seed)
    folder, place = workplace / "folder", workplace / "library"
    folder.mkdir()
    Library.open(place, models="mini").close()
    done: list[Kill] = []
    for n in range(kills):
        for number in range(n * files // kills, (n + 1) * files // kills):
            write_file(folder, number)
        done.append(_kill(place, folder, rng.randrange(1, FILES), rng.uniform(0, LONGEST_S)))
    begun = time.monotonic()
    with Library.open(place) as library, Library.open(workplace / "fresh", models="mini") as fresh:
        index(library, folder)
        last_run_s = time.monotonic() - begun
        index(fresh, folder)
        survived, expected = contents(library), contents(fresh)
        names = sorted(survived.keys() | expected.keys())
        return Report(
            files=len(expected),
            kills=done,
            last_run_s=last_run_s,
            differences=[name for name in names if survived.get(name) != expected.get(name)],
            problems=library.verify(sample=50),
        )


def write_file(folder: Path, number: int) -> None:
    """A small picture, sound or text that no other number gives."""
    rng = np.random.default_rng(number)
    match number % 3:
        case 0:
            pixels = rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{number}.png")
        case 1:
            wave = rng.uniform(-0.5, 0.5, int(rng.integers(4000, 40_000)))
            soundfile.write(folder / f"{number}.wav", wave, 16_000)
        case _:
            words = " ".join(rng.choice(["dog", "bell", "rain", "red", "two", "loud"], 60))
            (folder / f"{number}.txt").write_text(f"{number}: {words}.")


def contents(library: Library) -> dict[str, Any]:
    """All that a library knows of its files, by path: state, kind, moments and vectors."""
    found: dict[str, Any] = {}
    for file in library.files():
        digest = library.catalog.files.entry(file.id).content_hash
        moments = library.catalog.moments.of(digest) if digest else []
        ids = [moment.id or 0 for moment in moments]
        rows = [
            (space, *(row.tobytes() for row in library.catalog.vectors.get(space, ids)[1]))
            for space in sorted(library.catalog.spaces())
        ]
        places = [(m.modality, m.start_s, m.end_s, m.start_char, m.end_char) for m in moments]
        state = (file.size, file.modified, file.kind, file.failure, file.missing_since)
        found[str(file.path)] = (state, digest, places, rows)
    return found


def _kill(place: Path, folder: Path, after_files: int, after_s: float) -> Kill:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, place, folder, str(COMMIT_S)], stdout=subprocess.PIPE
    )
    assert child.stdout
    assert child.stdout.readline() == b"\n", "the run ended before it read anything"
    with Library.open(place) as reader:
        for _ in range(after_files - 1):
            child.stdout.readline()
        time.sleep(after_s)
        before = sum(1 for _ in reader.files())
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    begun = time.monotonic()
    with Library.open(place) as library, library.writing():
        recovery_s = time.monotonic() - begun
        after = sum(1 for _ in library.files())
        return Kill(after_files, after_s, before, after, library.catalog.check(), recovery_s)


def main() -> None:
    """Run it and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as workplace:
        report = kill_and_continue(
            Path(workplace), files=chosen.files, kills=chosen.kills, seed=chosen.seed
        )
    lost = sum(kill.committed_after < kill.committed_before for kill in report.kills)
    damaged = sum(bool(kill.damage) for kill in report.kills)
    slowest_s = max(kill.recovery_s for kill in report.kills)
    print(
        f"{len(report.kills)} kills: {lost} lost something committed, {damaged} left damage; "
        f"recovery in {slowest_s:.3f} s at most; {len(report.differences)} of {report.files} files "
        f"differ from an uninterrupted run; verify found {len(report.problems)} problems"
    )
    print(record("kill", asdict(report), seed=chosen.seed, packages=("numpy", "sqlalchemy")))


if __name__ == "__main__":
    main()
