"""How much memory this process holds, and held at most."""

from __future__ import annotations

import gc
import os
import resource
import sys
from pathlib import Path


def peak_mb() -> float:
    """The most that it ever held, in MB of 2^20 bytes (peak RSS)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def resting_mb() -> float:
    """What it holds now, after a collection; the peak so far where the system does not tell."""
    gc.collect()
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return peak_mb()
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
