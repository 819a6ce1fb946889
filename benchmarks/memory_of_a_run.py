"""How much memory a run takes at most, over usual files and over two that are large.

    python -m benchmarks.memory_of_a_run [--photos 120] [--models mini]

Usual files are photographs, screenshots, songs, notes and half an hour of sound; then come a long
text and a picture of 100 megapixels as PNG, together and each alone, and two such pictures. Memory
is that of all processes, decoders included, shared pages counted once (PSS of Linux), looked at ten
times a second; parts of the catalog and of the indexes that are mapped count as well. At rest is
the process just before, with the model loaded and one file of each kind indexed.
"""

from __future__ import annotations

import argparse
import gc
import tempfile
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from benchmarks import typical_files
from benchmarks.long_sound import write_sound
from benchmarks.record import record
from indexer import index
from retrieval import Library

if TYPE_CHECKING:
    from collections.abc import Iterator

SEED = 11
LOOK_S = 0.1
PANORAMA_PX = (20_000, 5_000)
TEXT_BYTES = 20_000_000
BOTH = "a text of 20 MB and a PNG of 100 megapixels"
TWO = "two PNGs of 100 megapixels"


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


def write_usual(folder: Path, photos: int) -> None:
    """Files as folders are full of: of every kind, none very large but a long sound."""
    typical_files.write_photographs(folder / "photographs", photos, SEED)
    typical_files.write_screenshots(folder / "screenshots", photos // 2, SEED)
    typical_files.write_songs(folder / "songs", max(1, photos // 10), SEED, "MP3")
    typical_files.write_notes(folder / "notes", 5 * photos, SEED)
    if photos > 1:
        write_sound(folder / "long.flac", 1800, SEED)


def write_large_picture(folder: Path, turn: int = 180, name: str = "panorama") -> None:
    """A PNG, which can only be decoded as a whole."""
    smooth = Image.linear_gradient("L").resize(PANORAMA_PX)
    folder.mkdir(exist_ok=True)
    Image.merge("RGB", [smooth, smooth.rotate(turn), smooth]).save(folder / f"{name}.png")


def write_long_text(folder: Path, seed: int = SEED) -> None:
    """Sentences of words in a random order, as many as `TEXT_BYTES` hold."""
    rng = np.random.default_rng(seed)
    folder.mkdir(exist_ok=True)
    with (folder / "long.txt").open("w") as file:
        while file.tell() < TEXT_BYTES:
            words = rng.choice(typical_files.WORDS, (1000, 12))
            file.write("".join(f"{' '.join(some).capitalize()}. " for some in words))


def measure(models: str, workplace: Path, photos: int) -> dict[str, Any]:
    """Memory at rest, and at most over each of three folders, one after the other."""
    write_usual(workplace / "few", 1)
    write_usual(workplace / "usual files", photos)
    both = workplace / BOTH
    write_long_text(both)
    write_large_picture(both)
    write_long_text(workplace / "a text of 20 MB", SEED + 1)
    write_large_picture(workplace / "a PNG of 100 megapixels", turn=0)
    write_large_picture(workplace / TWO, turn=90)
    write_large_picture(workplace / TWO, turn=270, name="another")
    folders = []
    with Library.open(workplace / "library", models=models) as library:
        index(library, workplace / "few")
        for name in ("usual files", BOTH, "a text of 20 MB", "a PNG of 100 megapixels", TWO):
            gc.collect()
            resting_mb = held_mb()
            with Watch() as watch:
                summary = index(library, workplace / name)
            assert summary.added, summary
            assert not summary.failed, summary
            folders.append(
                {
                    "folder": name,
                    "files": summary.added,
                    "resting_mb": resting_mb,
                    "most_mb": watch.most_mb,
                    "above_resting_mb": watch.most_mb - resting_mb,
                }
            )
    return {"folders": folders}


def main() -> None:
    """Measure, print, write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=120)
    parser.add_argument("--models", default="mini")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        result = measure(chosen.models, Path(name), chosen.photos)
    for told in result["folders"]:
        print(
            f"{chosen.models}, {told['files']} files ({told['folder']}): at most "
            f"{told['most_mb']:.0f} MB, {told['above_resting_mb']:.0f} MB above rest"
        )
    result = {"models": chosen.models, **result}
    print(record(f"memory_{chosen.models}", result, seed=SEED, packages=("numpy", "pillow")))


if __name__ == "__main__":
    main()
