"""`--profile`: where the time of a command went, on stderr."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .terminal import say

if TYPE_CHECKING:
    from retrieval.stopwatch import Stopwatch

ProfileOption = Annotated[
    bool,
    typer.Option(
        "--profile", help="Tell on stderr where the time went; with --json as a JSON object."
    ),
]

IMPORTED = time.perf_counter()
"""When this module was imported: the best guess where the system does not tell when we began."""

MS = 1000


@contextmanager
def profiled(wanted: bool, *, json: bool) -> Iterator[None]:
    """Time the command that runs inside, if it is wanted, and tell at its end."""
    if not wanted:
        yield
        return
    age_s = process_age_s()
    from retrieval.stopwatch import Stage, Stopwatch

    begun = time.perf_counter()
    watch = Stopwatch()
    watch.seconds[Stage.START] = age_s
    try:
        with watch.running():
            yield
    finally:
        total_s = age_s + time.perf_counter() - begun
        say(_as_json(watch, total_s) if json else _as_table(watch, total_s))


def process_age_s() -> float:
    """Seconds since this process began, to a hundredth where Linux tells it.

    Elsewhere since its modules were loaded, which leaves out the start of the interpreter.
    """
    try:
        import os

        # The name of the program, in parentheses, may hold anything; field 22 follows it.
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        begun_s = int(fields[19]) / os.sysconf("SC_CLK_TCK")
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - begun_s)
    except (OSError, ValueError, IndexError, AttributeError):
        return time.perf_counter() - IMPORTED


def _as_json(watch: "Stopwatch", total_s: float) -> str:
    from retrieval.stopwatch import Stage

    spent = {stage.value: round(watch.seconds.get(stage, 0.0), 6) for stage in Stage}
    return json.dumps({"profile_s": {**spent, "total": round(total_s, 6)}})


def _as_table(watch: "Stopwatch", total_s: float) -> str:
    from retrieval.stopwatch import Stage

    rows = [(stage.value, watch.seconds.get(stage, 0.0)) for stage in Stage]
    rows.append(("rest", max(0.0, total_s - sum(seconds for _, seconds in rows))))
    rows.append(("total", total_s))
    return "\n".join(f"{name:<12}{MS * seconds:>9.1f} ms" for name, seconds in rows)
