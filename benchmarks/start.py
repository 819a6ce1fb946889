"""How long a command takes before it does anything: `anyseek --help`, and the first words of all.

    python -m benchmarks.start [--runs 15]

Each command runs as a process of its own, in turns, so that a busy moment costs all of them alike.
`seconds` is what a person waits, `processor_s` what it takes of a core; a bare Python is measured
beside them, since nobody can be faster than that.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

from benchmarks.record import record

PROGRAM = (sys.executable, "-c", "import cli; cli.main()")
COMMANDS = {
    "python": (sys.executable, "-c", "pass"),
    "anyseek --help": (*PROGRAM, "--help"),
    "anyseek search --help": (*PROGRAM, "search", "--help"),
    "anyseek --version": (*PROGRAM, "--version"),
    "anyseek status, no library": (*PROGRAM, "status"),
}


def once(command: tuple[str, ...], environment: dict[str, str]) -> tuple[float, float]:
    """Seconds on the clock and seconds of a processor that a process takes."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, env=environment, capture_output=True, check=False, timeout=60)
    seconds, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(runs: int) -> dict[str, Any]:
    """Medians and the fastest of each command."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory() as nowhere:
        environment = os.environ | {"ANYSEEK_LIBRARY": f"{nowhere}/none"}
        for _ in range(runs + 1):
            for name, command in COMMANDS.items():
                taken[name].append(once(command, environment))
    commands = {}
    for name, measured in taken.items():
        seconds, processor_s = zip(*measured[1:], strict=True)  # the first one wakes the disk
        commands[name] = {
            "seconds": round(statistics.median(seconds), 4),
            "fastest_s": round(min(seconds), 4),
            "processor_s": round(statistics.median(processor_s), 4),
        }
    return commands


def main() -> None:
    """Run it and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    chosen = parser.parse_args()
    commands = measure(chosen.runs)
    for name, found in commands.items():
        print(f"{name:28} {found['seconds']:.3f} s, {found['processor_s']:.3f} s of a processor")
    result = {"runs": chosen.runs, "commands": commands}
    print(record("start", result, seed=0, packages=("typer", "rich")))


if __name__ == "__main__":
    main()
