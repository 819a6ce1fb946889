"""Whether the model waits for the disk: files a second end to end, against each half alone.

    python -m benchmarks.pipeline [--photos 160] [--rounds 5] [--models mini | ViT-B-32]
        [--width 4000]

ViT-B-32 is the architecture of open_clip with random weights, as fast as with trained ones.
Pictures are JPEGs of a photograph's size (12 megapixels) unless a width is given. Encoding alone is
what the same model does with the same pictures when they lie prepared in memory, one batch after
the other; reading alone is what the indexer's readers do while nothing is encoded. All are measured
in turn. On a CPU both halves want the same cores: `possible` is what is left when the time that
each takes alone, with all cores, adds up, and nobody ever waits.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.record import record
from benchmarks.typical_files import PHOTO_PX, write_photographs
from indexer import index
from indexer.assembly import BATCH
from indexer.message import Decoded, Finished
from indexer.read_ahead import ReadAhead
from indexer.reading import Job
from retrieval import Library, Modality, ModelSet
from retrieval.encoders.fake import WINDOWS, FakeEncoder
from retrieval.encoders.open_clip import open_clip_encoder
from retrieval.hubness import FILE, Hubs
from retrieval.media.media import open_media
from retrieval.space import JointSpace

SEED = 1


def random_vit(folder: Path) -> ModelSet:
    """ViT-B-32 with random weights; sounds, which are not measured, go to the test double."""
    import open_clip  # here, so that mini is measured in a process without it
    import safetensors.torch
    import torch

    folder.mkdir()
    torch.manual_seed(0)
    model = open_clip.create_model("ViT-B-32")
    safetensors.torch.save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    config = {
        "model_cfg": open_clip.get_model_config("ViT-B-32"),
        "preprocess_cfg": open_clip.get_model_preprocess_cfg(model),
    }
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    encoders = (
        open_clip_encoder(folder, device="cpu"),
        FakeEncoder("ears", frozenset({Modality.AUDIO})),
    )
    made = ModelSet("ViT-B-32", encoders, replace(WINDOWS, picture_px=224), folder=folder)
    Hubs(JointSpace(made)).bank.save(folder / FILE)  # published sets come with it
    return made


def prepared_pictures(space: JointSpace, folder: Path) -> list[dict[str, Any]]:
    """What the encoder takes, of every picture of a folder."""
    prepared = []
    for path in listed(folder):
        with path.open("rb") as file:
            media = open_media(file, space.model_set.windows, name=path.name)
            prepared += [space.prepare(Modality.IMAGE, content) for _, content in media.pieces]
    return prepared


def encode(space: JointSpace, prepared: list[dict[str, Any]]) -> tuple[float, float]:
    """Encode in the largest batches of the indexer: seconds, and processor seconds."""
    begun, worked = time.perf_counter(), processor_s()
    for first in range(0, len(prepared), BATCH):
        space.encode(Modality.IMAGE, prepared[first : first + BATCH])
    return time.perf_counter() - begun, processor_s() - worked


def run(models: str | ModelSet, folder: Path) -> tuple[float, float]:
    """Index into a fresh library: seconds, and processor seconds of all processes."""
    with (
        tempfile.TemporaryDirectory() as place,
        Library.open(Path(place) / "library", models=models) as library,
    ):
        library.space  # noqa: B018 - loaded before the clock runs
        begun, worked = time.perf_counter(), processor_s()
        summary = index(library, folder)
        times = time.perf_counter() - begun, processor_s() - worked
        assert not summary.failed, summary
        return times


def read(models: str | ModelSet, folder: Path) -> float:
    """Read and prepare every file as the indexer does, and drop it: seconds."""
    with (
        tempfile.TemporaryDirectory() as place,
        Library.open(Path(place) / "library", models=models) as library,
    ):
        library.space  # noqa: B018 - loaded before the clock runs
        begun = time.perf_counter()
        jobs = [
            Job(0, str(folder), path.name, path.stat().st_size, None) for path in listed(folder)
        ]
        finished = 0
        with ReadAhead(jobs, library) as readers:
            while finished < len(jobs):
                match readers.take(1.0, can_free=False):
                    case Decoded(piece=piece):
                        readers.release(piece.bytes)
                    case Finished(hash=content):
                        readers.settle(content)
                        finished += 1
                    case None:
                        pass
                    case other:
                        raise AssertionError(other)
        return time.perf_counter() - begun


def listed(folder: Path) -> list[Path]:
    """The files of a folder, by name."""
    return sorted(folder.iterdir())


def processor_s() -> float:
    """Of this process and of those that it started and that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def measure(folder: Path, models: str | ModelSet, rounds: int) -> dict[str, Any]:
    """Both speeds, in turn."""
    files = len(listed(folder))
    with tempfile.TemporaryDirectory() as place, Library.open(place, models=models) as library:
        space = library.space
    prepared = prepared_pictures(space, folder)
    encode(space, prepared[:BATCH])
    ends, alone, reads = [], [], []
    for _ in range(rounds):
        ends.append(run(models, folder))
        alone.append(encode(space, prepared))
        reads.append(read(models, folder))
    end_s, alone_s = (statistics.median(s for s, _ in times) for times in (ends, alone))
    end_work, alone_work = (statistics.median(w for _, w in times) for times in (ends, alone))
    read_s = statistics.median(reads)
    return {
        "files": files,
        "rounds": rounds,
        "end_to_end_per_s": files / end_s,
        "encode_only_per_s": files / alone_s,
        "read_only_per_s": files / read_s,
        "possible_per_s": files / (alone_s + read_s),
        "share_of_encoding": alone_s / end_s,
        "share_of_reading": read_s / end_s,
        "share_of_possible": (alone_s + read_s) / end_s,
        "end_to_end_processor_ms": 1000 * end_work / files,
        "encode_only_processor_ms": 1000 * alone_work / files,
        "encode_only_cores_busy": alone_work / alone_s,
        "end_to_end_cores_busy": end_work / end_s,
        "seconds_end_to_end_encoding_reading": [
            [a, b, c] for (a, _), (b, _), c in zip(ends, alone, reads, strict=True)
        ],
    }


def main() -> None:
    """Measure, print, write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=160)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--models", default="mini")
    parser.add_argument("--width", type=int, default=PHOTO_PX[0])
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "photographs"
        write_photographs(folder, chosen.photos, SEED, chosen.width)
        random = chosen.models == "ViT-B-32"
        models = random_vit(Path(name) / "model") if random else chosen.models
        result = measure(folder, models, chosen.rounds)
    print(
        f"{chosen.models}: {result['end_to_end_per_s']:.1f} files a second end to end; "
        f"{result['encode_only_per_s']:.1f} encoding alone, {result['read_only_per_s']:.1f} "
        f"reading alone, {result['possible_per_s']:.1f} possible"
    )
    result = {"models": chosen.models, "width_px": chosen.width, **result}
    packages = ("numpy", "pillow", "torch") if random else ("numpy", "pillow")
    print(record(f"pipeline_{chosen.models}_{chosen.width}", result, seed=SEED, packages=packages))


if __name__ == "__main__":
    main()
