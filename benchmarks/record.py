"""Raw results: what was measured, with where and with what."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RESULTS = Path(__file__).parent / "results"


def record(
    name: str, result: Mapping[str, Any], *, seed: int, packages: Sequence[str] = ("numpy",)
) -> Path:
    """Write a result to `results/NAME.json`, with machine, versions, commit and seed."""
    facts = {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {package: version(package) for package in packages},
        "commit": commit(),
        "changed_since_commit": bool(_git("status", "--porcelain", "retrieval", "indexer")),
        "seed": seed,
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({**facts, **result}, indent=2) + "\n")
    return path


def commit(folder: Path | None = None) -> str:
    """The code that is measured, in the folder this is run in or in another."""
    return _git("rev-parse", "HEAD", folder=folder)


def _git(*arguments: str, folder: Path | None = None) -> str:
    command = ["git", *arguments]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return run.stdout.strip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), "")
