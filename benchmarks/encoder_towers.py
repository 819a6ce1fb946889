"""The towers whose speed is measured: true architectures with random weights, and those of `mini`.

Random weights cost as much to run as trained ones. They are scaled as in the tests, so that the
vectors of different contents differ. What goes in is what the encoder makes of real files' likes:
pictures of a photograph's texture and of the generated world, its sounds, and sentences.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from safetensors.numpy import load_file

from benchmarks.nine_directions import make_content
from benchmarks.typical_files import write_photographs
from retrieval.caption_bank import caption_bank, spread
from retrieval.encoders.clap import clap_encoder
from retrieval.encoders.mini.encoder import WEIGHTS, MiniEncoder
from retrieval.encoders.mini.world.concepts import CONCEPTS
from retrieval.encoders.open_clip import open_clip_encoder
from retrieval.encoders.query_words import SENTENCES
from retrieval.records import Modality

if TYPE_CHECKING:
    from retrieval.encoders.two_towers import Arrays, TwoTowerEncoder
    from retrieval.media.content import Content

SEED = 5
CONTENTS = 24
"""Of each modality: half of them from the generated world."""
OF_A_CONCEPT = 8
"""Contents of `mini`, among which its vectors are to find each other."""


@dataclass(frozen=True)
class Tower:
    """One tower of one model."""

    model: str
    modality: Modality

    @property
    def name(self) -> str:
        """As the table calls it."""
        return f"{self.model} {self.modality}"


TOWERS = {
    tower.name: tower
    for tower in (
        Tower("ViT-B-32", Modality.IMAGE),
        Tower("ViT-B-32", Modality.TEXT),
        Tower("ViT-B-32-SigLIP2-256", Modality.IMAGE),
        Tower("ViT-B-32-SigLIP2-256", Modality.TEXT),
        Tower("clap-htsat-unfused", Modality.AUDIO),
        Tower("clap-htsat-unfused", Modality.TEXT),
        Tower("mini", Modality.IMAGE),
        Tower("mini", Modality.AUDIO),
        Tower("mini", Modality.TEXT),
    )
}


def contents(modality: Modality, *, generated: bool = False) -> list[Content]:
    """Pictures, sounds of 10 seconds at 48 kHz, or texts.

    With `generated`, pictures and sounds of the generated world alone, as long as `mini` hears.
    """
    rng = np.random.default_rng([SEED, sorted(Modality).index(modality)])
    if modality is Modality.TEXT:
        return [*SENTENCES, *(c.text for c in spread(caption_bank(), CONTENTS - len(SENTENCES)))]
    count = CONTENTS if generated else CONTENTS // 2
    drawn = [make_content(concept, modality, rng) for concept in list(CONCEPTS)[:count]]
    if generated:
        return drawn
    if modality is Modality.IMAGE:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "photographs"
            write_photographs(folder, CONTENTS - count, SEED, width=1024)
            return [*drawn, *(np.asarray(Image.open(path)) for path in sorted(folder.iterdir()))]
    second = np.arange(10 * 48_000) / 48_000
    mixed: list[Content] = [
        (
            0.2 * np.sin(2 * np.pi * 110 * 1.3**k * second) * np.exp(-(second % (0.2 + 0.1 * k)))
            + 0.02 * rng.standard_normal(len(second))
        ).astype(np.float32)
        for k in range(CONTENTS - count)
    ]
    return [*(np.resize(sound, len(second)).astype(np.float32) for sound in drawn), *mixed]


def folder_of(model: str, place: Path) -> Path:
    """The folder of a model, as its publisher would have it; written if it is not there."""
    folder = place / model
    if not (folder / "whole").exists():
        write_model(model, folder)
        (folder / "whole").touch()
    return folder


def write_model(model: str, folder: Path) -> None:
    """A model with random weights."""
    import open_clip
    from transformers import ClapConfig

    from tests.model_files import write_clap, write_gemma_tokenizer, write_open_clip

    if model.startswith("clap"):
        write_clap(folder, ClapConfig(audio_config={"depths": [2, 2, 6, 2]}))
        return
    look: dict[str, Any] = {"size": 224, "mode": "RGB"}
    if "SigLIP2" in model:
        look = {"size": 256, "mode": "RGB", "mean": [0.5] * 3, "std": [0.5] * 3}
        look |= {"resize_mode": "squash", "interpolation": "bicubic"}
    write_open_clip(folder, open_clip.get_model_config(model), look)
    if "SigLIP2" in model:
        write_gemma_tokenizer(folder)


def encoder_of(tower: Tower, place: Path, precision: str = "fp32") -> TwoTowerEncoder:
    """The product's own encoder of a published architecture."""
    make = clap_encoder if tower.model.startswith("clap") else open_clip_encoder
    return make(folder_of(tower.model, place), device="cpu", precision=precision)


def rows_of(tower: Tower, place: Path) -> list[Arrays]:
    """Contents, prepared as the product does it; of one shape, so that batches can be made.

    Texts of CLAP are brought to 32 tokens, the middle one of its lengths.
    """
    mini = tower.model == "mini"
    encoder: Any = MiniEncoder() if mini else encoder_of(tower, place)
    given = contents(tower.modality, generated=mini)
    rows = [encoder.prepare(tower.modality, content) for content in given]
    if mini:
        return [as_torch_takes(tower, row) for row in rows]
    if tower.name == "clap-htsat-unfused text":
        words = [ids[mask > 0] for ids, mask in rows]  # what fills up a row stands for no word
        rows = [(np.resize(ids, 32), np.ones(32, ids.dtype)) for ids in words if len(ids) <= 32]
    return rows


def found_rows(tower: Tower) -> tuple[list[Arrays], list[str]]:
    """For `mini`: several contents of each concept, as its tower in torch takes them.

    A text is a sentence about the thing.
    """
    mini = MiniEncoder()
    rng = np.random.default_rng([SEED, 1])
    concepts = [concept for concept in CONCEPTS for _ in range(OF_A_CONCEPT)]
    made = [make_content(concept, tower.modality, rng) for concept in concepts]
    return [as_torch_takes(tower, mini.prepare(tower.modality, one)) for one in made], concepts


def as_torch_takes(tower: Tower, row: Any) -> Arrays:
    """A row of `mini` with channels, or bands of sound, first."""
    if tower.modality is Modality.TEXT:
        return (row,)
    return (np.ascontiguousarray(np.moveaxis(row, -1, 0)),)


def whole_model(tower: Tower, place: Path, precision: str) -> Any:
    """Both towers, made by the package that published them."""
    if tower.model.startswith("clap"):
        return encoder_of(tower, place, precision).towers()
    from retrieval.encoders.open_clip_towers import OpenClipTowers

    return OpenClipTowers(folder_of(tower.model, place), "cpu", precision)


def torch_tower(tower: Tower, place: Path, precision: str = "fp32") -> Any:
    """A module of torch, from the arrays of a batch to vectors of any length."""
    import torch

    from retrieval.encoders.device import DTYPES

    if tower.model == "mini":
        from retrieval.encoders.mini.torch_towers import Towers

        towers = Towers([tower.modality])
        towers.load({name: w.astype(np.float32) for name, w in load_file(WEIGHTS).items()})
        inner: Any = next(iter(towers.eval().towers.values()))
    else:
        loaded: Any = whole_model(tower, place, precision)
        inner, dtype = loaded._model, DTYPES[precision]
        # The other tower is let go, as far as it can be.
        if tower.model.startswith("clap"):
            setattr(
                inner, "text_model" if tower.modality is Modality.AUDIO else "audio_model", None
            )
        elif tower.modality is Modality.TEXT:
            inner.visual = None

    class One(torch.nn.Module):
        """The half of a model that this is about."""

        def __init__(self) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, *arrays: Any) -> Any:
            """A batch, as the product encodes it."""
            if tower.model == "mini":
                return self.inner(*arrays)
            if not tower.model.startswith("clap"):
                if tower.modality is Modality.TEXT:
                    return self.inner.encode_text(*arrays)
                return self.inner.encode_image(arrays[0].to(dtype))
            if tower.modality is Modality.AUDIO:
                return self.inner.get_audio_features(input_features=arrays[0]).pooler_output
            ids, mask = arrays
            return self.inner.get_text_features(input_ids=ids, attention_mask=mask).pooler_output

    return One()
