"""Run every fuzz target for some seconds: `python -m tests.fuzz --seconds 60 [--only where]`.

Hypothesis makes the inputs and makes what fails small. It has wheels for every system, where
atheris, which would follow the coverage, has them for Linux alone and lags behind new Pythons.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz_targets import TARGETS, Target

EXAMPLES = 500
"""Inputs between two looks at the clock."""


def fuzz(target: Target, seconds: float, first_seed: int) -> tuple[int, bool]:
    """Run one target; returns how many inputs it saw and whether it stood them all."""
    runs = 0

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(target.inputs())
    def stands(data: bytes) -> None:
        nonlocal runs
        runs += 1
        target.run(data)

    end = time.monotonic() + seconds
    number = first_seed
    while time.monotonic() < end:
        try:
            seed(number)(stands)()
        except Exception:
            print(f"{target.name}: seed {number}", file=sys.stderr)  # noqa: T201
            traceback.print_exc()
            return runs, False
        number += 1
    return runs, True


def main() -> int:
    """Run what the command line names; 1 if a target fell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--only", choices=[target.name for target in TARGETS])
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    arguments = parser.parse_args()
    fell = 0
    for target in TARGETS:
        if arguments.only in (None, target.name):
            runs, stood = fuzz(target, arguments.seconds, arguments.seed)
            fell += not stood
            said = "stood" if stood else "FELL"
            print(f"{target.name:10} {said} after {runs:,} inputs", flush=True)  # noqa: T201
    return 1 if fell else 0


if __name__ == "__main__":
    sys.exit(main())
