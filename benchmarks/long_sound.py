"""How much memory it takes to index a long sound.

    python -m benchmarks.long_sound [--hours 2] [--models mini]

The sound is a FLAC in stereo at 44.1 kHz. Memory is the most that the process ever held (peak RSS),
against what it held at rest: with the model loaded and a short sound indexed.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.memory import peak_mb, resting_mb
from benchmarks.record import record
from indexer import index
from retrieval import Library, Modality

RATE_HZ = 44_100


def write_sound(path: Path, seconds: float, seed: int) -> None:
    """Noise that swells and fades, a minute at a time, so that no two windows are alike."""
    rng = np.random.default_rng(seed)
    with soundfile.SoundFile(path, "w", RATE_HZ, 2, format="FLAC") as file:
        for _ in range(max(1, round(seconds / 60))):
            block = rng.normal(0, rng.uniform(0.02, 0.2), (round(min(seconds, 60) * RATE_HZ), 2))
            file.write(np.clip(block, -1, 1).astype(np.float32))


def main() -> None:
    """Measure, print, write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--models", default="mini")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        short, long = Path(name, "short"), Path(name, "long")
        short.mkdir()
        long.mkdir()
        write_sound(short / "short.flac", 8, seed=0)
        write_sound(long / "long.flac", chosen.hours * 3600, seed=1)
        megabytes = (long / "long.flac").stat().st_size / 1e6
        with Library.open(Path(name, "library"), models=chosen.models) as library:
            index(library, short)
            at_rest_mb = resting_mb()
            begun = time.perf_counter()
            summary = index(library, long)
            seconds = time.perf_counter() - begun
            above_mb = peak_mb() - at_rest_mb
            moments = library.stats().counts.moments[Modality.AUDIO]
    assert summary.added == 1
    print(
        f"{chosen.hours:g} hours of sound ({megabytes:.0f} MB as FLAC, {moments} moments): "
        f"{above_mb:.0f} MB above the resting {at_rest_mb:.0f} MB, {seconds:.0f} s"
    )
    result = {
        "models": chosen.models, "hours": chosen.hours, "file_mb": megabytes, "moments": moments,
        "resting_mb": at_rest_mb, "above_resting_mb": above_mb, "seconds": seconds,
    }  # fmt: skip
    print(record("long_sound", result, seed=1, packages=("numpy", "soundfile", "soxr")))


if __name__ == "__main__":
    main()
