"""A query from a cold start beside rclip 3: the same pictures, weights of the same shape.

    python -m benchmarks.cold_beside_rclip RCLIP MODELS [--photos 30] [--runs 9]

RCLIP and MODELS are those of `benchmarks.beside_rclip`. Each query is a process of its own, in
turns, with its files in the system's cache. anyseek answers as with a published set: its words go
through two text towers, that of CLIP and that of CLAP, and it looks among pictures, sounds and
texts; rclip's go through one and it looks among pictures. Weights are random, so only times count.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.rclip_peer import Run, prepare, rclip, run
from benchmarks.record import record
from benchmarks.typical_files import write_photographs

if TYPE_CHECKING:
    from collections.abc import Sequence

SEED = 4
QUERIES = ("a dog", "red car at night", "two people on a beach in the evening", "an old mill")
EVERY = 200
"""Of the caption bank, this one of so many: a bridge of random weights is no worse for it."""


def write_set(folder: Path, clip: Path) -> Path:
    """A model set as `models pull` leaves it: this CLIP, and CLAP with random weights."""
    from retrieval.bridge_building import build_bridges
    from retrieval.caption_bank import caption_bank
    from retrieval.encoders import query_words
    from retrieval.encoders.checksums import cached_sha256
    from retrieval.encoders.clip_clap import from_folder
    from retrieval.encoders.model_store import StoredModel, StoredSet, write_manifest
    from retrieval.encoders.two_towers import TwoTowerEncoder
    from retrieval.space import JointSpace
    from tests.model_files import write_clap

    if (folder / "model_set.json").exists():
        return folder
    folder.mkdir(exist_ok=True)
    from transformers import ClapConfig

    write_clap(folder / "clap", ClapConfig(audio_config={"depths": [2, 2, 6, 2]}))
    (folder / "open_clip").mkdir(exist_ok=True)
    for path in clip.iterdir():
        if path.suffix in (".json", ".safetensors"):
            os.link(path, folder / "open_clip" / path.name)
    models = [
        StoredModel(
            id=f"{kind}:random",
            kind=kind,
            folder=kind,
            repository="random",
            revision="random",
            licence=None,
            notice="",
            files={
                path.name: {"size": path.stat().st_size, "sha256": cached_sha256(path)}
                for path in sorted((folder / kind).iterdir())
                if not path.name.startswith(".")
            },
        )
        for kind in ("open_clip", "clap")
    ]
    write_manifest(folder, StoredSet("peer", "fp32", tuple(models)))
    made = from_folder(folder, device="cpu")
    for encoder in made.encoders:
        assert isinstance(encoder, TwoTowerEncoder)
        query_words.self_test(encoder)
    build_bridges(JointSpace(made), folder, captions=[c.text for c in caption_bank()[::EVERY]])
    return folder


def spread(runs: Sequence[Run]) -> dict[str, Any]:
    """Runs as numbers; the first one, which wakes the disk, is left out."""
    seconds = [one.seconds for one in runs[1:]]
    return {
        "median_s": statistics.median(seconds),
        "fastest_s": min(seconds),
        "processor_s": statistics.median(one.processor_s for one in runs[1:]),
        "seconds": seconds,
    }


def main() -> None:
    """Measure, print, write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rclip", type=Path)
    parser.add_argument("models", type=Path)
    parser.add_argument("--photos", type=int, default=30)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--prepare", action="store_true", help="only make the models")
    chosen = parser.parse_args()
    clip, theirs = prepare(chosen.models)
    models = write_set(chosen.models / "set", clip)
    if chosen.prepare:
        return
    (theirs / "db.sqlite3").unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name).resolve()
        write_photographs(place / "pictures", chosen.photos, SEED, width=1024)
        environment = {"ANYSEEK_LIBRARY": str(place / "library"), "HF_HUB_OFFLINE": "1"}
        program = [sys.executable, "-c", "import cli; cli.main()"]
        here = Path(__file__).parents[1]

        def anyseek(*arguments: str) -> Run:
            return run([*program, *arguments], folder=here, environment=environment)

        def peer(*arguments: str) -> Run:
            return rclip(chosen.rclip, theirs, place / "pictures", *arguments)

        made = anyseek("index", str(place / "pictures"), "--models", str(models))
        indexed = peer("a dog")
        assert made.code == 0, made.errors
        assert indexed.code == 0, indexed.errors
        ours, others = [], []
        for i in range(chosen.runs + 1):
            words = QUERIES[i % len(QUERIES)]
            asked = ("search", words, "--models", str(models), "--min", "0", "--paths", "-k", "10")
            ours.append(anyseek(*asked))
            others.append(peer(words, "--no-indexing", "-f", "-t", "10"))
        for told in (*ours, *others):
            assert told.output.count(".jpg") == 10, (told.output, told.errors)
    result = {
        "photos": chosen.photos,
        "runs": chosen.runs,
        "anyseek": spread(ours),
        "rclip": spread(others),
    }
    for side in ("anyseek", "rclip"):
        print(side, {key: round(v, 3) for key, v in result[side].items() if key != "seconds"})
    print(record("cold_beside_rclip", result, seed=SEED, packages=("numpy",)))


if __name__ == "__main__":
    main()
