"""Whether the model waits for the disk: files a second end to end, against encoding alone.

    python -m benchmarks.pipeline [--files 200] [--width 4000] [--models mini | ViT-B-32]

ViT-B-32 is the architecture of open_clip with random weights, as fast as with trained ones.
Pictures are JPEGs of a photograph's size (12 megapixels). Encoding alone is what the same model
does with the same pictures when they lie prepared in memory. Memory is the most that the process
ever held, less what it held with the model loaded and some pictures indexed.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from benchmarks.memory import peak_mb, resting_mb
from benchmarks.record import record
from indexer import index
from indexer.assembly import BATCH
from retrieval import Library, Modality, ModelSet
from retrieval.encoders.fake import WINDOWS, FakeEncoder
from retrieval.encoders.open_clip import open_clip_encoder
from retrieval.media.media import open_media
from retrieval.space import JointSpace


def write_photographs(folder: Path, count: int, width: int, seed: int) -> None:
    """JPEGs with the grain and the smooth parts of photographs, no two alike."""
    rng = np.random.default_rng(seed)
    folder.mkdir()
    height = width * 3 // 4
    for number in range(count):
        coarse = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8))
        picture = coarse.resize((width, height), Image.Resampling.BICUBIC)
        grain = Image.effect_noise((width // 4, height // 4), 30).resize((width, height))
        mixed = Image.blend(picture, Image.merge("RGB", [grain] * 3), 0.15)
        mixed.filter(ImageFilter.SMOOTH).save(folder / f"{number:05}.jpg", quality=88)


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
    return ModelSet("ViT-B-32", encoders, replace(WINDOWS, picture_px=224))


def encode_only(space: JointSpace, folder: Path) -> float:
    """Files a second when everything lies prepared in memory."""
    prepared = []
    for path in sorted(folder.iterdir()):
        with path.open("rb") as file:
            media = open_media(file, space.model_set.windows, name=path.name)
            prepared += [space.prepare(Modality.IMAGE, content) for _, content in media.pieces]
    batch = BATCH[Modality.IMAGE]
    space.encode(Modality.IMAGE, prepared[:batch])
    begun = time.perf_counter()
    for first in range(0, len(prepared), batch):
        space.encode(Modality.IMAGE, prepared[first : first + batch])
    return len(prepared) / (time.perf_counter() - begun)


def measure(workplace: Path, models: str, count: int, width: int) -> dict[str, Any]:
    """Both speeds, and the memory that the run takes above the resting process."""
    folder, warm = workplace / "folder", workplace / "warm"
    write_photographs(folder, count, width, seed=1)
    write_photographs(warm, 4, width // 4, seed=2)
    chosen = random_vit(workplace / "model") if models == "ViT-B-32" else models
    with Library.open(workplace / "library", models=chosen) as library:
        index(library, warm)
        at_rest_mb = resting_mb()
        summary = index(library, folder)
        above_mb = peak_mb() - at_rest_mb
        assert summary.added == count
        alone = encode_only(library.space, folder)
    return {
        "models": models,
        "files": count,
        "width_px": width,
        "end_to_end_per_s": count / summary.seconds,
        "encode_only_per_s": alone,
        "resting_mb": at_rest_mb,
        "above_resting_mb": above_mb,
    }


def main() -> None:
    """Measure, print, write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--width", type=int, default=4000)
    parser.add_argument("--models", default="mini")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as workplace:
        result = measure(Path(workplace), chosen.models, chosen.files, chosen.width)
    share = result["end_to_end_per_s"] / result["encode_only_per_s"]
    print(
        f"{chosen.models}: {result['end_to_end_per_s']:.1f} files a second end to end, "
        f"{result['encode_only_per_s']:.1f} encoding alone ({share:.2f}); "
        f"{result['above_resting_mb']:.0f} MB above the resting {result['resting_mb']:.0f} MB"
    )
    print(record(f"pipeline_{chosen.models}", result, seed=1, packages=("numpy", "pillow")))


if __name__ == "__main__":
    main()
