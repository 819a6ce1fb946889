"""What a run costs that finds nothing new, and whether the cost of a file grows with the library.

    python -m benchmarks.unchanged [--files 100000]
    python -m benchmarks.unchanged --rows 1000000

1. A folder of many files that the catalog knows is indexed, against a bare walk over it with
   `os.scandir` and `stat`.
2. The same new files are indexed into a library of 1,000 and into one of a million files, in turn.
   Stored files have a short text each, so that the index of words grows with them; their hub values
   and indexes are made, and all is on disk, before the clock runs.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.record import record
from indexer import index
from indexer.scan import Scan
from retrieval import Library
from retrieval.catalog.database import open_engine
from retrieval.catalog.new_content import FileState
from retrieval.vectors import unit_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NEW_FILES = 2000
REPEATS = 3
GROWTH_REPEATS = 5
FILES_PER_FOLDER = 500


def bare_walk(folder: Path) -> int:
    """As little as it takes to see whether anything has changed."""
    count, waiting = 0, [os.fspath(folder)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    entry.stat(follow_symlinks=False)
                    count += 1
    return count


def write_texts(folder: Path, count: int, words: str) -> None:
    """Small texts, some hundred to a folder."""
    for number in range(count):
        place = folder / f"{number // FILES_PER_FOLDER:04}"
        if number % FILES_PER_FOLDER == 0:
            place.mkdir(parents=True)
        (place / f"{number:07}.txt").write_text(f"{words} {number}")


def fill(library: Library, folder: str, files: Iterable[tuple[str, FileState]], seed: int) -> None:
    """Put files into the catalog as if they had been indexed, each with one text moment."""
    rng = np.random.default_rng(seed)
    with open_engine(library.catalog.path).begin() as connection:
        write = connection.exec_driver_sql
        space_id, dim = write("SELECT id, dim FROM spaces").one()
        root = write(
            "INSERT INTO roots (name, folder) VALUES ('filled', ?) RETURNING id", (folder.encode(),)
        ).scalar_one()
        numbered = enumerate(files, start=1)
        while rows := list(islice(numbered, 50_000)):
            vectors = unit_rows(rng.normal(size=(len(rows), dim))).astype("<f4")
            write(
                "INSERT INTO contents (id, hash, kind, metadata) VALUES (?, ?, 'text', '{}')",
                [(i, f"{i:040x}") for i, _ in rows],
            )
            write(
                "INSERT INTO files (root_id, path, size, mtime_ns, content_id)"
                " VALUES (?, ?, ?, ?, ?)",
                [(root, path.encode(), s.size, s.mtime_ns, i) for i, (path, s) in rows],
            )
            write(
                "INSERT INTO moments (id, content_id, modality, start_char, end_char, text, change)"
                " VALUES (?, ?, 'text', 0, 9, ?, 1)",
                [(i, i, f"a generated text, number {i}") for i, _ in rows],
            )
            write(
                "INSERT INTO vectors (moment_id, space_id, data) VALUES (?, ?, ?)",
                [(i, space_id, v.tobytes()) for (i, _), v in zip(rows, vectors, strict=True)],
            )
        write("UPDATE facts SET value = '2' WHERE name = 'changes'")


def second_run(workplace: Path, files: int) -> dict[str, Any]:
    """Seconds of a bare walk and of a run over unchanged files, the middle of some."""
    folder = workplace / "folder"
    write_texts(folder, files, "a text of a few words, number")
    with Library.open(workplace / "library", models="mini") as library:
        fill(library, str(folder), ((f.path, f.state) for f in Scan(folder)), seed=files)
        library.refresh()
        walks, runs = [], []
        for _ in range(REPEATS):
            begun = time.perf_counter()
            walked = bare_walk(folder)
            walks.append(time.perf_counter() - begun)
            begun = time.perf_counter()
            summary = index(library, folder)
            runs.append(time.perf_counter() - begun)
            assert walked == summary.unchanged == files, summary
    return {
        "files": files,
        "bare_walk_s": statistics.median(walks),
        "second_run_s": statistics.median(runs),
        "all_second_runs_s": runs,
    }


def growth(workplace: Path, sizes: Sequence[int]) -> list[dict[str, Any]]:
    """Files a second into libraries that have so many rows already, measured in turn."""
    with ExitStack() as stack:
        libraries: list[tuple[Library, dict[str, Any]]] = []
        for rows in sizes:
            library = stack.enter_context(Library.open(workplace / f"{rows}", models="mini"))
            elsewhere = ((f"{i // 500:05}/{i:08}.txt", FileState(1, 1)) for i in range(rows))
            fill(library, "/nowhere/on/this/disk", elsewhere, seed=rows)
            library.space  # noqa: B018 - without it, hub values would be left to the first run
            begun = time.perf_counter()
            library.refresh()
            libraries.append((library, {"rows": rows, "files_per_s": []}))
            libraries[-1][1]["first_refresh_s"] = time.perf_counter() - begun
        os.sync()
        for repeat in range(GROWTH_REPEATS):
            folder = workplace / f"new-{repeat}"
            write_texts(folder, NEW_FILES, f"a new text of round {repeat}, number")
            for library, measured in libraries:
                begun = time.perf_counter()
                assert index(library, folder).added == NEW_FILES
                measured["files_per_s"].append(NEW_FILES / (time.perf_counter() - begun))
    return [measured for _, measured in libraries]


def main() -> None:
    """Measure, print, write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--rows", type=int, help="measure growth up to so many rows instead")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        if chosen.rows:
            places = growth(Path(place), (1000, chosen.rows))
            few, many = (statistics.median(place["files_per_s"]) for place in places)
            print(
                f"new files into 1,000 rows: {few:.0f} a second; into {chosen.rows}: {many:.0f} "
                f"({many / few:.2f})"
            )
            name, result = "growth", {"new_files": NEW_FILES, "growth": places}
        else:
            name, result = "unchanged", second_run(Path(place), chosen.files)
            print(
                f"{result['files']} unchanged files: {result['second_run_s']:.2f} s, of which a "
                f"bare walk takes {result['bare_walk_s']:.2f} s"
            )
    result = {"models": "mini", **result}
    print(record(name, result, seed=0, packages=("numpy", "sqlalchemy")))


if __name__ == "__main__":
    main()
