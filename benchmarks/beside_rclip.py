"""Side by side with rclip 3: the same pictures and the same architecture with random weights.

    python -m benchmarks.beside_rclip RCLIP MODELS [--photos 30]

RCLIP is the program in its own environment, MODELS a folder that `benchmarks.rclip_peer` prepares.
Every run is a process of its own, started anew. rclip searches after it has indexed; ours lists
what can be found. Both run in fp32. Weights are random, so only the number of pictures found means
something. Published sets come with the vectors of the generic queries by which hubs are corrected;
they are made here before the clock runs.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.rclip_peer import Run, prepare, rclip, run
from benchmarks.record import record
from benchmarks.typical_files import write_photographs

if TYPE_CHECKING:
    from collections.abc import Callable

SEED = 3
OURS = """
import sys
from dataclasses import replace
from pathlib import Path
from indexer import index
from retrieval import Library, Modality, ModelSet
from retrieval.encoders.fake import WINDOWS, FakeEncoder
from retrieval.encoders.open_clip import open_clip_encoder
from retrieval.hubness import FILE, Hubs
from retrieval.space import JointSpace

place, folder, weights, fitted = map(Path, sys.argv[1:5])
clip = open_clip_encoder(weights, device="cpu", precision="fp32")
ears = FakeEncoder("ears", frozenset({Modality.AUDIO}))
models = ModelSet("peer", (clip, ears), replace(WINDOWS, picture_px=256), folder=fitted)
if not (fitted / FILE).exists():
    fitted.mkdir()
    Hubs(JointSpace(models)).bank.save(fitted / FILE)
    sys.exit()
with Library.open(place, models=models) as library:
    if "--search" not in sys.argv:
        index(library, folder)
    for file in library.files():
        if not file.missing_since and file.path.is_relative_to(folder):
            print(file.path)
"""


def found(told: Run) -> int:
    """How many pictures the answer of a run names."""
    return sum(".jpg" in line for line in told.output.splitlines())


def facts(told: Run) -> dict[str, Any]:
    """A run as numbers."""
    return {
        "seconds": told.seconds,
        "processor_s": told.processor_s,
        "peak_mb": told.peak_mb,
        "found": found(told),
        "code": told.code,
    }


def measure(act: Callable[..., Run], place: Path, pictures: Path) -> dict[str, Any]:
    """The life of a folder with one of the programs.

    Args:
        act: Indexes a folder and lists what is found in it; may be told to stop, or only to search.
        place: An empty folder to work in.
        pictures: What to put into the folder.
    """
    folder = shutil.copytree(pictures, place / "pictures")
    result = {"first": facts(first := act(folder)), "unchanged": facts(act(folder))}
    folder = folder.rename(place / "renamed")
    result["renamed"] = facts(act(folder))
    away = folder.rename(place / "unmounted")
    folder.mkdir()
    result["unmounted"] = facts(act(folder))
    folder.rmdir()
    away.rename(folder)
    result["mounted_again"] = facts(act(folder))
    other = shutil.copytree(pictures, place / "interrupted")
    for path in other.iterdir():  # other contents, which are not known yet
        path.write_bytes(path.read_bytes() + b"again")
    act(other, interrupt_after_s=0.6 * first.seconds)
    result["after_an_interrupt"] = facts(act(other, search=True))
    return result


def main() -> None:
    """Measure, print, write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rclip", type=Path)
    parser.add_argument("models", type=Path)
    parser.add_argument("--photos", type=int, default=30)
    chosen = parser.parse_args()
    ours, theirs = prepare(chosen.models)
    (theirs / "db.sqlite3").unlink(missing_ok=True)

    with tempfile.TemporaryDirectory() as name:
        workplace = Path(name).resolve()

        def anyseek(
            folder: Path, *, interrupt_after_s: float | None = None, search: bool = False
        ) -> Run:
            command = [sys.executable, "-c", OURS, str(workplace / "library"), str(folder)]
            command += [str(ours), str(chosen.models.resolve() / "fitted"), *["--search"] * search]
            here = Path(__file__).parents[1]
            return run(command, folder=here, interrupt_after_s=interrupt_after_s)

        def peer(
            folder: Path, *, interrupt_after_s: float | None = None, search: bool = False
        ) -> Run:
            words = ["a dog", "-f", "-t", str(chosen.photos), *["--no-indexing"] * search]
            start = partial(rclip, chosen.rclip, theirs, folder)
            return start(*words, interrupt_after_s=interrupt_after_s)

        if not (chosen.models / "fitted").exists():
            anyseek(workplace)  # makes the bank of generic queries
        pictures = workplace / "pictures"
        write_photographs(pictures, chosen.photos, SEED)
        result: dict[str, Any] = {"photos": chosen.photos}
        for side, act in (("anyseek", anyseek), ("rclip", peer)):
            (workplace / side).mkdir()
            result[side] = measure(act, workplace / side, pictures)
            for step, told in result[side].items():
                print(side, step, {key: round(value, 2) for key, value in told.items()})
    print(record("beside_rclip", result, seed=SEED, packages=("numpy", "torch", "pillow")))


if __name__ == "__main__":
    main()
