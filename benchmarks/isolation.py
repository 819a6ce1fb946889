"""What it costs that files are decoded in other processes: whole runs of the indexer, both ways.

    python -m benchmarks.isolation [--photos 120] [--rounds 5] [--only KIND]

Each kind of file is indexed with `mini` into a fresh library, in turn with decoder processes, as it
always is, and with the same reader threads decoding in the indexer's own process. The vectors of
both must be the same, bit for bit. `cost` is the share of files a second that is lost, from the
median times; `processor_cost` is the same from the processor's time, of all processes, which
other work on the machine disturbs less. Both contain the start of the processes.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self
from unittest.mock import patch

import numpy as np

from benchmarks import typical_files
from benchmarks.record import record
from indexer import index
from retrieval import Library, Modality
from retrieval.media.media import open_media

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrieval.media.media import Media
    from retrieval.media.windows import Windows
    from retrieval.vectors import Vectors

SEED = 7
LONGER = 4
"""How many times as many files a longer run has, where the start of the processes weighs less."""
SMALL_PX = 640


class InProcess:
    """In place of a pool of decoder processes: decodes where it is called."""

    def __init__(self, _: int) -> None:
        """Take how many processes there would be."""

    def warm(self, _: int) -> None:
        """There is nothing to start."""

    def open(self, file: BinaryIO, windows: Windows, *, name: str = "") -> Media:
        """As `DecoderPool.open`, with a file of its own as a process has: ours may be closed."""
        own = os.fdopen(os.dup(file.fileno()), "rb")
        return open_media(own, windows, name=name)

    def close(self) -> None:
        """Nothing was started."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing was started."""


def run(folder: Path) -> tuple[float, float, dict[str, Vectors]]:
    """Index into a fresh library: seconds, processor seconds, and the vectors by file."""
    with (
        tempfile.TemporaryDirectory() as place,
        Library.open(Path(place) / "library", models="mini") as library,
    ):
        library.space  # noqa: B018 - loaded before the clock runs
        begun, worked = time.perf_counter(), _processor_s()
        summary = index(library, folder)
        seconds, worked = time.perf_counter() - begun, _processor_s() - worked
        assert summary.added == len(list(folder.iterdir())), summary
        return seconds, worked, _vectors(library)


def _processor_s() -> float:
    """Of this process and of those that it started and that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _vectors(library: Library) -> dict[str, Vectors]:
    """All vectors, those of a kind in the order of files and of moments in them."""
    found = {}
    for space in library.catalog.spaces():
        for modality in Modality:
            with library.catalog.vectors.changes_since(0, space, modality) as changes:
                rows = [vectors for _, vectors in changes.added]
            # Files come in the order in which they were finished.
            if rows:
                held = np.concatenate(rows)
                found[f"{space} {modality}"] = held[np.lexsort(held.T)]
    return found


def compare(folder: Path, rounds: int) -> dict[str, Any]:
    """Files a second both ways, by turns."""
    apart: list[tuple[float, float]] = []
    here: list[tuple[float, float]] = []
    run(folder)
    for _ in range(rounds):
        *times, isolated = run(folder)
        apart.append((times[0], times[1]))
        with patch("indexer.read_ahead.DecoderPool", InProcess):
            *times, direct = run(folder)
        here.append((times[0], times[1]))
        assert isolated.keys() == direct.keys()
        assert all(np.array_equal(isolated[key], direct[key]) for key in direct)
    files = len(list(folder.iterdir()))
    apart_s, here_s = (statistics.median(s for s, _ in runs) for runs in (apart, here))
    apart_work, here_work = (statistics.median(w for _, w in runs) for runs in (apart, here))
    return {
        "files": files,
        "here_files_per_s": files / here_s,
        "isolated_files_per_s": files / apart_s,
        "cost": 1 - here_s / apart_s,
        "processor_cost": 1 - here_work / apart_work,
        "seconds_isolated_and_here": [[a, b] for (a, _), (b, _) in zip(apart, here, strict=True)],
    }


def main() -> None:
    """Measure, print, write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", help="one kind of file; nothing is written then")
    chosen = parser.parse_args()
    photos, songs = chosen.photos, max(4, chosen.photos // 6)
    write: dict[str, Callable[[Path], None]] = {
        "jpeg": lambda folder: typical_files.write_photographs(folder, photos, SEED),
        "png": lambda folder: typical_files.write_screenshots(folder, photos, SEED),
        "mp3": lambda folder: typical_files.write_songs(folder, songs, SEED, "MP3"),
        "flac": lambda folder: typical_files.write_songs(folder, songs, SEED, "FLAC"),
        "text": lambda folder: typical_files.write_notes(folder, 5 * photos, SEED),
        "jpeg, small": lambda folder: typical_files.write_photographs(
            folder, LONGER * photos, SEED, SMALL_PX
        ),
        "jpeg, longer": lambda folder: typical_files.write_photographs(
            folder, LONGER * photos, SEED
        ),
        "png, longer": lambda folder: typical_files.write_screenshots(
            folder, LONGER * photos, SEED
        ),
    }
    kinds = {}
    for kind, make in write.items():
        if chosen.only in (None, kind):
            with tempfile.TemporaryDirectory() as workplace:
                make(Path(workplace) / kind)
                kinds[kind] = compare(Path(workplace) / kind, chosen.rounds)
            print(kind, {key: np.round(value, 3).tolist() for key, value in kinds[kind].items()})
    if not chosen.only:
        result = {"models": "mini", "rounds": chosen.rounds, "kinds": kinds}
        print(record("isolation", result, seed=SEED, packages=("numpy", "pillow", "soundfile")))


if __name__ == "__main__":
    main()
