"""How soon `anyseek watch` has what happens in a folder, also when 10,000 files come at once.

    python -m benchmarks.watch [--rounds 20] [--burst 10000]

The program runs as a process of its own, with `mini`. A reader in this process, as a second
terminal would be, asks for the file again and again until a search answers as it should.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.faults.world import write_file
from benchmarks.record import record
from retrieval import Library

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROGRAM = (sys.executable, "-c", "import cli; cli.main()")
POLL_S = 0.01
"""How long a reader waits between two looks: the error of every time here."""
PATIENCE_S = 400.0
SEED = 0


@contextmanager
def watching(place: Path, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """`anyseek watch FOLDER`, from when it says that it watches until it is told to stop."""
    with subprocess.Popen(
        [*PROGRAM, "watch", folder, "--models", "mini", "--library", place],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr
        for line in process.stderr:
            if line.startswith("Watching."):
                break
        try:
            yield process
        finally:
            process.terminate()
            process.wait()


def seconds_until(condition: Callable[[], object]) -> float:
    """How long it takes until something is so.

    Raises:
        TimeoutError: it does not happen.
    """
    begin = time.perf_counter()
    while not condition():
        if time.perf_counter() - begin > PATIENCE_S:
            raise TimeoutError
        time.sleep(POLL_S)
    return time.perf_counter() - begin


def single_files(library: Library, folder: Path, rounds: int) -> dict[str, list[float]]:
    """Seconds until a search answers as it should, after each kind of change to one file."""
    taken: dict[str, list[float]] = {"new": [], "changed": [], "moved": [], "removed": []}

    def passage(path: Path) -> str:
        hits = library.search("a dog and a bell", k=1, under=path)
        return (hits[0].moment.text or "there") if hits else ""

    for n in range(rounds):
        path, other = folder / f"one{n}.txt", folder / f"another{n}.txt"
        path.write_text(f"number {n} of the dogs")
        taken["new"].append(seconds_until(lambda path=path: passage(path)))  # type: ignore[misc]
        path.write_text(f"number {n} of the bells")
        taken["changed"].append(
            seconds_until(lambda path=path: "bells" in passage(path))  # type: ignore[misc]
        )
        path.rename(other)
        taken["moved"].append(
            seconds_until(
                lambda path=path, other=other: passage(other) and not passage(path)  # type: ignore[misc]
            )
        )
        other.unlink()
        taken["removed"].append(
            seconds_until(lambda other=other: not passage(other))  # type: ignore[misc]
        )
    return taken


def burst(
    library: Library, folder: Path, files: int, process: subprocess.Popen[str]
) -> dict[str, Any]:
    """Many files at once: seconds until all are searchable, and until all are gone again."""
    inside = folder / "burst"
    inside.mkdir()
    begin = time.perf_counter()
    for number in range(files):
        write_file(inside, number)
    written_s = time.perf_counter() - begin

    def found() -> int:
        return len(library.search("dog", k=2 * files, under=inside))

    def known() -> int:
        return sum(1 for file in library.files(under=inside) if not file.missing_since)

    searchable_s = seconds_until(lambda: known() == files) + seconds_until(lambda: found() == files)
    late = folder / "after.txt"
    late.write_text("after the burst")
    after_s = seconds_until(lambda: library.search("dog", k=1, under=late))
    begin = time.perf_counter()
    shutil.rmtree(inside)
    removing_s = time.perf_counter() - begin
    gone_s = seconds_until(lambda: known() == 0)
    return {
        "files": files,
        "writing_s": round(written_s, 2),
        "searchable_after_last_write_s": round(searchable_s, 2),
        "a_file_after_it_s": round(after_s, 2),
        "removing_s": round(removing_s, 2),
        "gone_after_removal_s": round(gone_s, 2),
        "peak_memory_mb": peak_memory_mb(process.pid),
        "alive": process.poll() is None,
    }


def peak_memory_mb(pid: int) -> int | None:
    """The most resident memory that a process had, in megabytes; None where nobody tells."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    (peak,) = (line.split()[1] for line in lines if line.startswith("VmHWM"))
    return int(peak) // 1024


def summary(taken: dict[str, list[float]]) -> dict[str, dict[str, Any]]:
    """Median, maximum and every single time, for each kind of change."""
    return {
        change: {
            "median_s": round(statistics.median(times), 3),
            "max_s": round(max(times), 3),
            "all_s": [round(t, 3) for t in times],
        }
        for change, times in taken.items()
    }


def main() -> None:
    """Run it and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--burst", type=int, default=10_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as workplace:
        folder, place = Path(workplace, "folder").resolve(), Path(workplace, "library")
        folder.mkdir()
        for number in range(100):
            write_file(folder, number)
        with watching(place, folder) as process, Library.open(place) as library:
            library.search("dog", k=1)
            single = summary(single_files(library, folder, chosen.rounds))
            many = burst(library, folder, chosen.burst, process)
    for change, times in single.items():
        print(f"{change}: median {times['median_s']} s, max {times['max_s']} s")
    print(many)
    print(
        record(
            "watch", {"changes": single, "burst": many}, seed=SEED, packages=("watchfiles", "numpy")
        )
    )


if __name__ == "__main__":
    main()
