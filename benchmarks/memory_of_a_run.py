"""How much memory a run takes at most, over a folder that holds what is large of every kind.

    python -m benchmarks.memory_of_a_run [--photos 120] [--models mini | ViT-B-32]

Photographs, screenshots, songs, notes, half an hour of sound, a picture of 100 megapixels as PNG, a
long text. Memory is that of all processes, decoders included, shared pages counted once (PSS of
Linux), looked at ten times a second. At rest is the process with the model loaded and one file of
each kind indexed, so that nothing is left to be loaded.
"""

from __future__ import annotations

import argparse
import gc
import tempfile
import time
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from benchmarks import typical_files
from benchmarks.long_sound import write_sound
from benchmarks.pipeline import random_vit
from benchmarks.record import record
from indexer import index
from retrieval import Library

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrieval import ModelSet

SEED = 11
LOOK_S = 0.1
PANORAMA_PX = (20_000, 5_000)
TEXT_BYTES = 20_000_000


def held_mb() -> float:
    """What this process and its children hold now, in MB of 2^20 bytes."""
    return sum(map(_proportional_kb, _family())) / 1024


def _family() -> Iterator[str]:
    yield "self"
    for task in Path("/proc/self/task").iterdir():
        try:
            yield from (task / "children").read_text().split()
        except OSError:  # the thread has ended
            continue


def _proportional_kb(process: str) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:  # the process has ended
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


class Watch:
    """Looks at the memory while something runs."""

    def __init__(self) -> None:
        self.most_mb = 0.0
        self._over = Event()
        self._thread = Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(LOOK_S):
            self.most_mb = max(self.most_mb, held_mb())


def write_folder(folder: Path, photos: int) -> None:
    """Files of every kind, some of them large."""
    typical_files.write_photographs(folder / "photographs", photos, SEED)
    typical_files.write_screenshots(folder / "screenshots", photos // 2, SEED)
    typical_files.write_songs(folder / "songs", max(1, photos // 10), SEED, "MP3")
    typical_files.write_notes(folder / "notes", 5 * photos, SEED)
    if photos > 1:
        write_sound(folder / "long.flac", 1800, SEED)
        smooth = Image.linear_gradient("L").resize(PANORAMA_PX)
        Image.merge("RGB", [smooth, smooth.rotate(180), smooth]).save(folder / "panorama.png")
        write_text(folder / "long.txt")


def write_text(path: Path) -> None:
    """Sentences of words in a random order, as many as `TEXT_BYTES` hold."""
    rng = np.random.default_rng(SEED)
    with path.open("w") as file:
        while file.tell() < TEXT_BYTES:
            words = rng.choice(typical_files.WORDS, (1000, 12))
            file.write("".join(f"{' '.join(some).capitalize()}. " for some in words))


def measure(models: str | ModelSet, workplace: Path, photos: int) -> dict[str, Any]:
    """Memory at rest and at most."""
    write_folder(workplace / "few", 1)
    write_folder(workplace / "many", photos)
    with Library.open(workplace / "library", models=models) as library:
        index(library, workplace / "few")
        gc.collect()
        resting_mb = held_mb()
        begun = time.perf_counter()
        with Watch() as watch:
            summary = index(library, workplace / "many")
        seconds = time.perf_counter() - begun
    assert not summary.failed, summary
    return {
        "files": summary.added,
        "seconds": seconds,
        "resting_mb": resting_mb,
        "most_mb": watch.most_mb,
        "above_resting_mb": watch.most_mb - resting_mb,
    }


def main() -> None:
    """Measure, print, write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=120)
    parser.add_argument("--models", default="mini")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        random = chosen.models == "ViT-B-32"
        models = random_vit(Path(name) / "model") if random else chosen.models
        result = measure(models, Path(name), chosen.photos)
    print(
        f"{chosen.models}: {result['files']} files, at most {result['most_mb']:.0f} MB, "
        f"{result['above_resting_mb']:.0f} MB above the {result['resting_mb']:.0f} MB at rest"
    )
    result = {"models": chosen.models, **result}
    print(record(f"memory_{chosen.models}", result, seed=SEED, packages=("numpy", "pillow")))


if __name__ == "__main__":
    main()
