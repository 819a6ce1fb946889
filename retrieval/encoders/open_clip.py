"""Pictures and words by any open_clip model that lies in a folder."""

from __future__ import annotations

import json
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from retrieval.encoders import query_words
from retrieval.encoders.picture_form import picture_form
from retrieval.encoders.two_towers import TwoTowerEncoder
from retrieval.errors import ModelError
from retrieval.records import Modality

if TYPE_CHECKING:
    from pathlib import Path

    from retrieval.encoders.two_towers import Towers

CONFIG = "open_clip_config.json"
WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
"""Names of the weights in the order in which they are preferred; the second is read without
running any code that it may hold."""
TEMPLATES = ("{}", "a photo of {}", "a picture of {}")
"""For short queries; the same as those of labels."""
TOKENIZER = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "vocab.txt",
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.bpe.model",
)
"""Files of a Hugging Face tokenizer, as far as a model has them."""


def open_clip_encoder(
    folder: Path, *, name: str = "", device: str = "auto", precision: str = "auto"
) -> TwoTowerEncoder:
    """The encoder of an open_clip model in the form in which open_clip publishes its models.

    Args:
        folder: Holds `open_clip_config.json`, the weights and, where the model asks for one, its
            tokenizer: what `local-dir:` of open_clip reads. Nothing is fetched from a network.
        name: What the encoder and its space are called.
        device: `auto`, `cpu`, `cuda` or `mps`.
        precision: `auto`, `fp32`, `bf16` or `fp16`.

    Raises:
        ModelError: the folder does not hold such a model.
    """
    config = read_config(folder)
    weights = next((folder / n for n in WEIGHTS if (folder / n).is_file()), None)
    if weights is None:
        raise ModelError(f"{folder} holds no weights: {WEIGHTS[0]} is missing.")

    form = picture_form(config)

    def whole() -> Towers:
        towers = import_module("retrieval.encoders.open_clip_towers")
        return cast("Towers", towers.OpenClipTowers(folder, device, precision))

    def load() -> Towers:
        if form is not None:
            light = import_module("retrieval.encoders.picture_towers")
            found = light.picture_towers(
                folder, config["model_cfg"], form, device, precision, whole
            )
            if found is not None:
                return cast("Towers", found)
        return whole()

    return TwoTowerEncoder(
        name=name or f"open_clip:local-dir:{folder.name}",
        dim=int(config["model_cfg"]["embed_dim"]),
        modalities=frozenset({Modality.TEXT, Modality.IMAGE}),
        files=[weights, *(folder / n for n in (CONFIG, *TOKENIZER) if (folder / n).is_file())],
        settings={},
        precision=precision,
        load=load,
        look=form.pixels if form else None,
        folder=folder,
        words=lambda: query_words.open_clip_words(folder, config),
        templates=TEMPLATES,
    )


def read_config(folder: Path) -> dict[str, Any]:
    """What `open_clip_config.json` says.

    Raises:
        ModelError: it is missing or no such configuration.
    """
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        int(config["model_cfg"]["embed_dim"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{folder} holds no open_clip model: {CONFIG}: {error}.") from error
    return dict(config)


def picture_px(folder: Path) -> int:
    """The longer side of the picture that the model sees, in pixels."""
    size = read_config(folder)["model_cfg"]["vision_cfg"].get("image_size", 224)
    return max(size) if isinstance(size, list) else int(size)


def context_length(folder: Path) -> int:
    """Tokens that its text tower reads."""
    return int(read_config(folder)["model_cfg"]["text_cfg"].get("context_length", 77))
