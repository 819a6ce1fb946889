"""Every fault that can befall a library, brought about many times: what is lost, how long it takes.

    python -m benchmarks.reliability [--kills 200] [--times 50] [--only FAULT ...] [--seed 0]
    python -m benchmarks.reliability page       docs/reliability.md from the raw results

After each fault the library must hold all that a reader saw before it, and agree with itself
(`verify`). After the last one of a kind it must hold what a library holds that had no faults: the
same files with the same moments and vectors, bit for bit.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import statistics
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.faults import damage, disks, processes
from benchmarks.faults.indexer_process import server
from benchmarks.faults.world import World
from benchmarks.record import RESULTS, commit, record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.faults.indexer_process import Server
    from benchmarks.faults.world import Trial

PAGE = Path(__file__).parent.parent / "docs" / "reliability.md"


def all_faults(
    workplace: Path, kills: int, times: int, seed: int, only: Sequence[str] = ()
) -> Iterator[dict[str, Any] | None]:
    """Bring about every fault that this machine allows; yields what came of each.

    With `only`, those alone; the others yield None.
    """

    def tried(name: str, trials: Callable[[World], Iterator[Trial]], models: str = "fake") -> Any:
        if only and name not in only:
            return None
        place = workplace / name.replace(" ", "-")
        world = World(place, models, random.Random(seed))
        return outcome(name, list(trials(world)), world.differences())

    with server(workplace / "notes") as one, server(workplace / "more notes") as other:
        yield tried("kill -9", lambda w: processes.stopped(w, one, kills, signal.SIGKILL), "mini")
        yield tried("Ctrl-C", lambda w: processes.stopped(w, one, times, signal.SIGINT))
        yield tried("no file may grow", lambda w: disks.file_limit(w, one, times))
        yield tried("clock jumps", lambda w: processes.clock(w, one, times))
        yield tried("two indexers", lambda w: processes.two_at_once(w, (one, other), times))
        yield tried(
            "reader while indexing", lambda w: processes.reader_while_indexing(w, one, times)
        )
        yield tried(
            "reader while rebuilding", lambda w: processes.reader_while_rebuilding(w, times)
        )
        if disks.may_mount(workplace / "disk"):
            yield tried("read-only disk", lambda w: disks.read_only(w, times // 5))
            if not only or "full disk" in only:
                yield on_small_disk(workplace / "full disk", one, times // 2, seed)
    library = disks.compiled(workplace)
    if library:
        with server(workplace / "failing", preload=library) as failing:
            yield tried("I/O errors", lambda w: disks.failing_disk(w, failing, times))
    yield tried("damaged index file", lambda w: damage.index_files(w, 2 * times))
    yield tried("damaged page", lambda w: damage.catalog(w, times, one_bit=False))
    yield tried("flipped bit", lambda w: damage.catalog(w, times, one_bit=True))


def on_small_disk(place: Path, one: Server, times: int, seed: int) -> dict[str, Any]:
    """A library on a disk of its own that is filled again and again."""
    (place / "library").mkdir(parents=True)
    disks.mount(place / "library", 1 << 30)
    try:
        world = World(place, rng=random.Random(seed))
        return outcome("full disk", list(disks.full_disk(world, one, times)), world.differences())
    finally:
        disks.unmount(place / "library")


def outcome(name: str, trials: list[Trial], differences: list[str]) -> dict[str, Any]:
    """The trials of one fault, put together."""
    return {
        "fault": name,
        "times": len(trials),
        "lost": sum(trial.lost for trial in trials),
        "damage": [found for trial in trials for found in trial.damage],
        "differences": differences,
        "median_s": round(statistics.median(trial.recovery_s for trial in trials), 4),
        "max_s": round(max(trial.recovery_s for trial in trials), 4),
        "how": dict(Counter(trial.how for trial in trials).most_common()),
        "all_s": [round(trial.recovery_s, 4) for trial in trials],
    }


def run(kills: int, times: int, seed: int, only: Sequence[str]) -> None:
    """Try everything and write the raw result; with `only`, beside what is known of this commit."""
    faults = _known_of(commit()) if only else []
    with tempfile.TemporaryDirectory() as workplace:
        for found in all_faults(Path(workplace).resolve(), kills, times, seed, only):
            if found is None:
                continue
            faults = [f for f in faults if f["fault"] != found["fault"]] + [found]
            shown = {k: v for k, v in found.items() if k != "all_s" and (k != "how" or len(v) < 9)}
            print(json.dumps(shown), flush=True)
    print(record("reliability", {"faults": faults}, seed=seed, packages=("numpy", "sqlalchemy")))


def _known_of(this: str) -> list[dict[str, Any]]:
    """What was found with the same code: one table tells of one program."""
    file = RESULTS / "reliability.json"
    known = json.loads(file.read_text()) if file.exists() else {}
    return list(known["faults"]) if known.get("commit") == this else []


def main() -> None:
    """Do what the command line asks."""
    if sys.argv[1:] == ["page"]:
        from benchmarks.reliability_page import write

        write(RESULTS, PAGE)
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--only", nargs="+", default=[], metavar="FAULT")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    run(chosen.kills, chosen.times, chosen.seed, chosen.only)


if __name__ == "__main__":
    main()
