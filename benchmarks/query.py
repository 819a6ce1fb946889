"""What a query costs: a cold start, a warm search beside its index, many hits, many readers.

    python -m benchmarks.query [--moments 100000] [--runs 9] [--queries 200]
    python -m benchmarks.query --show

Libraries are of made vectors (`query_library`) in the space of `mini`, and queries are words. A
cold start is a whole process with its files in the system's cache. Warm queries are timed in turn
with what the same vectors take in the indexes alone, so that a busy moment costs both alike.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.query_library import query_library
from benchmarks.record import RESULTS, record
from retrieval import Kind, Library, Modality, Query
from retrieval.catalog.filter import Filter
from retrieval.encoders.mini.world.concepts import CONCEPTS
from retrieval.search import FIRST_LOOK
from retrieval.stopwatch import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SEED = 0
READERS = 8
FILTERED = (0.01, 0.1, 0.5, 1.0)
PROGRAM = (
    sys.executable,
    "-c",
    "import cli; cli.main()",
    "search",
    "--profile",
    "--json",
    "--min",
    "0",
)


def sentences(n: int) -> list[str]:
    """So many queries of two or three concepts; none stands in a name of the made library."""
    draw = random.Random(SEED)
    names = sorted(CONCEPTS)
    return [" ".join(draw.sample(names, draw.choice((2, 3)))) for _ in range(n)]


def cold(folder: Path, runs: int) -> dict[str, Any]:
    """Seconds of the whole process, and of each stage, as medians."""
    environment = os.environ | {"ANYSEEK_LIBRARY": str(folder)}
    walls, stages = [], []
    for words in sentences(runs + 1):
        begun = time.perf_counter()
        done = subprocess.run(
            [*PROGRAM, words], env=environment, capture_output=True, text=True, check=True
        )
        walls.append(time.perf_counter() - begun)
        stages.append(json.loads(done.stderr.splitlines()[-1])["profile_s"])
    walls, stages = walls[1:], stages[1:]  # the first one wakes the disk
    return {
        "runs": runs,
        "seconds": round(statistics.median(walls), 4),
        "fastest_s": round(min(walls), 4),
        "stages_s": {
            name: round(statistics.median(s.get(name, 0.0) for s in stages), 4)
            for name in stages[-1]
        },
    }


def index_alone(library: Library, words: str) -> Callable[[], object]:
    """What looks for the nearest of a query in every index, with its vectors at hand."""
    space = library.space
    blocks = {name: rows[0] for name, rows in space.embed_query(words).items()}
    means = library.searcher.scoring.means
    looks = [
        (library.indexes.get(name, target), row[None])
        for target in Modality
        if space.meets(Modality.TEXT, target)
        for name, row in space.routes(Modality.TEXT, blocks, target, means)
    ]
    return lambda: [index.search(rows, FIRST_LOOK) for index, rows in looks]


def spent(call: Callable[[], object]) -> float:
    """Milliseconds of one call."""
    begun = time.perf_counter()
    call()
    return 1e3 * (time.perf_counter() - begun)


def spread(times_ms: Sequence[float]) -> dict[str, float]:
    """Median and 95th percentile."""
    p50, p95 = np.percentile(times_ms, (50, 95))
    return {"p50_ms": round(float(p50), 3), "p95_ms": round(float(p95), 3)}


def warm(library: Library, queries: Sequence[str]) -> dict[str, Any]:
    """A search beside its indexes alone, and where the rest of it goes."""
    for words in queries[:10]:
        library.search(words)
    whole, index, over, stages = [], [], [], []
    processor_ms: dict[str, list[float]] = {"search": [], "index": []}
    for words in queries:
        alone = index_alone(library, words)
        begun = time.process_time()
        index.append(spent(alone))
        looked = time.process_time()
        with Stopwatch().running() as watch:
            whole.append(spent(lambda words=words: library.search(words)))  # type: ignore[misc]
        processor_ms["search"].append(1e3 * (time.process_time() - looked))
        processor_ms["index"].append(1e3 * (looked - begun))
        over.append(whole[-1] - index[-1])
        stages.append(watch.seconds)
    names = dict.fromkeys(stage for one in stages for stage in one)
    return {
        "queries": len(queries),
        "search": spread(whole),
        "index": spread(index),
        "over_the_index": spread(over),
        "processor": {name: spread(taken) for name, taken in processor_ms.items()},
        "stages_ms": {
            stage: round(1e3 * statistics.median(one.get(stage, 0.0) for one in stages), 3)
            for stage in names
        },
    }


def many_hits(library: Library, queries: Sequence[str]) -> dict[str, Any]:
    """1,000 hits against 10, in turn."""
    few, many = [], []
    for words in queries:
        few.append(spent(lambda words=words: library.search(words, k=10)))  # type: ignore[misc]
        many.append(spent(lambda words=words: library.search(words, k=1000)))  # type: ignore[misc]
    ratio = statistics.median(many) / statistics.median(few)
    return {"10": spread(few), "1000": spread(many), "ratio": round(ratio, 2)}


def filters(library: Library, queries: Sequence[str]) -> list[dict[str, Any]]:
    """Searches among a share of the pictures: what a filter costs at first, and then.

    At first the catalog is asked which moments it allows; that is remembered until it changes.
    """
    images = library.catalog.counts().moments[Modality.IMAGE]
    found = []
    for share in FILTERED:
        # A made file was changed at the nanosecond of its number.
        wanted = Filter(kinds=frozenset({Kind.IMAGE}), since_ns=round((1 - share) * images))
        asking = [
            spent(lambda wanted=wanted: library.catalog.moments.allowed(Modality.IMAGE, wanted))  # type: ignore[misc]
            for _ in range(9)
        ]
        library.searcher.hits(Query(queries[0]), 10, wanted)
        then = [
            spent(lambda q=q, wanted=wanted: library.searcher.hits(Query(q), 10, wanted))  # type: ignore[misc]
            for q in queries
        ]
        found.append({"share": share, "asking": spread(asking), "then": spread(then)})
    return found


def at_rest(folder: Path) -> dict[str, float]:
    """Opening a library and one search, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.at_rest", str(folder), *sentences(1)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def readers(library: Library, queries: Sequence[str]) -> dict[str, Any]:
    """Queries a second of 1 thread and of 8 that share a library, in turn.

    Beside them what as many threads as there are cores make of the indexes alone, which is as much
    as the machine's memory lets more cores give; and the processor time of a query, which grows
    where threads take the interpreter from one another across cores.
    """
    alone = [index_alone(library, words) for words in queries]
    calls: dict[str, list[Callable[[], object]]] = {
        "search": [partial(library.search, words) for words in queries],
        "index": alone,
    }
    rates: dict[tuple[str, int], list[float]] = {
        ("search", 1): [],
        ("search", READERS): [],
        ("index", 1): [],
        ("index", os.cpu_count() or 1): [],
    }
    processor: dict[tuple[str, int], list[float]] = {key: [] for key in rates}
    for _ in range(3):
        for (what, threads), found in rates.items():
            with ThreadPoolExecutor(threads) as pool:
                begun, worked = time.perf_counter(), time.process_time()
                list(pool.map(lambda call: call(), calls[what]))
                found.append(len(queries) / (time.perf_counter() - begun))
                spent_s = time.process_time() - worked
            processor[what, threads].append(1e3 * spent_s / len(queries))
    of = {key: statistics.median(found) for key, found in rates.items()}
    return {
        "queries_per_s": {f"{what} {n}": round(rate, 1) for (what, n), rate in of.items()},
        "processor_ms": {
            f"{what} {n}": round(statistics.median(taken), 2)
            for (what, n), taken in processor.items()
        },
        "ratio": round(of["search", READERS] / of["search", 1], 2),
        "index_ratio": round(of["index", os.cpu_count() or 1] / of["index", 1], 2),
    }


def measure(moments: int, runs: int, queries: int) -> dict[str, Any]:
    """Everything, for a library of one size."""
    folder = query_library(moments)
    asked = sentences(queries)
    result: dict[str, Any] = {"moments": moments, "load_before": os.getloadavg()}
    with Library.open(folder) as library, library.writing():
        library.indexes.rebuild()  # by the code as it stands
    result["at_rest"] = at_rest(folder)
    result["cold"] = cold(folder, runs)
    with Library.open(folder) as library:
        result["warm"] = warm(library, asked)
        result["many_hits"] = many_hits(library, asked[: queries // 4])
        result["filters"] = filters(library, asked[: queries // 4])
        result["readers"] = readers(library, asked)
    return result | {"load_after": os.getloadavg()}


def table() -> str:
    """What was measured, as a table of Markdown."""
    found = [json.loads(path.read_text()) for path in RESULTS.glob("query_*.json")]
    lines = [
        "| moments | cold start s, median / fastest | warm p50 / p95 ms | its index p50 / p95 ms "
        "| over the index p50 / p95 ms "
        "| processor ms, search / index | 1,000 hits : 10 hits "
        f"| {READERS} threads : 1 | indexes alone, a thread on each core : 1 | load |",
        "|" + "---|" * 10,
    ]
    for one in sorted(found, key=lambda one: one["moments"]):
        parts = (one["warm"][name] for name in ("search", "index", "over_the_index"))
        cells = [
            f"{one['moments']:,}",
            f"{one['cold']['seconds']:.2f} / {one['cold']['fastest_s']:.2f}",
            *(f"{part['p50_ms']:.1f} / {part['p95_ms']:.1f}" for part in parts),
            " / ".join(f"{part['p50_ms']:.1f}" for part in one["warm"]["processor"].values()),
            f"{one['many_hits']['ratio']:.1f}",
            f"{one['readers']['ratio']:.2f}",
            f"{one['readers']['index_ratio']:.2f}",
            f"{one['load_before'][0]:.0f} to {one['load_after'][0]:.0f}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def filter_table() -> str:
    """What filters cost, as a table of Markdown."""
    found = [json.loads(path.read_text()) for path in RESULTS.glob("query_*.json")]
    lines = [
        "| moments | allowed of the pictures | asking the catalog ms | a search then ms "
        "| without a filter, over everything ms |",
        "|" + "---|" * 5,
    ]
    for one in sorted(found, key=lambda one: one["moments"]):
        for each in one["filters"]:
            times = each["asking"], each["then"], one["warm"]["search"]
            cells = [f"{one['moments']:,}", f"{each['share']:.0%}"]
            cells += [f"{part['p50_ms']:.1f}" for part in times]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def rest_table() -> str:
    """What an open library takes, as a table of Markdown."""
    found = [json.loads(path.read_text()) for path in RESULTS.glob("query_*.json")]
    lines = [
        "| moments | opening ms | memory when opened MB | after one search MB | of its own MB "
        "| the whole process MB |",
        "|" + "---|" * 6,
    ]
    for one in sorted(found, key=lambda one: one["moments"]):
        rest = one["at_rest"]
        names = ("open_ms", "opened_mb", "after_one_search_mb", "after_one_search_anonymous_mb")
        cells = [f"{rest[name]:.1f}" for name in names] + [f"{rest['process_mb']:.0f}"]
        lines.append(f"| {one['moments']:,} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure and write the result, or show what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--show", action="store_true")
    chosen = parser.parse_args()
    if not chosen.show:
        result = measure(chosen.moments, chosen.runs, chosen.queries)
        print(json.dumps(result, indent=2))
        name = f"query_{chosen.moments}"
        print(record(name, result, seed=SEED, packages=("numpy", "faiss-cpu", "sqlalchemy")))
    print("\n\n".join([table(), filter_table(), rest_table()]))


if __name__ == "__main__":
    main()
