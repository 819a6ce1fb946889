"""Sounds and words by a CLAP model in the form of transformers."""

from __future__ import annotations

import json
from importlib import import_module
from typing import TYPE_CHECKING, Any

from retrieval.encoders import query_words
from retrieval.encoders.open_clip import TOKENIZER
from retrieval.encoders.two_towers import TwoTowerEncoder
from retrieval.errors import ModelError
from retrieval.records import Modality

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = "config.json"
LISTENING = "preprocessor_config.json"
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
"""Names of the weights in the order in which they are preferred; the second is read without
running any code that it may hold."""
CONTEXT = 77
"""Tokens that its text tower was trained on; it is never given more."""
REFUSED = {
    "laion/larger_clap_music": (
        "its text tower has collapsed: searching by words is at chance level. "
        "Use laion/larger_clap_general or laion/larger_clap_music_and_speech"
    )
}
"""Models that load and yet do not work, with the reason."""
TEMPLATES = ("{}", "the sound of {}", "this is a sound of {}")
"""For short queries; the last one is that of LAION's own zero-shot figures (arXiv 2211.06687)."""
FRONT_END = 1
"""Counts changes of our own preprocessing that change a vector."""


def clap_encoder(
    folder: Path, *, name: str = "", device: str = "auto", precision: str = "auto"
) -> TwoTowerEncoder:
    """The encoder of a CLAP model as `ClapModel.save_pretrained` and its processor write it.

    Args:
        folder: Holds `config.json`, `preprocessor_config.json`, the weights and the tokenizer.
            Nothing is fetched from a network.
        name: What the encoder and its space are called.
        device: `auto`, `cpu`, `cuda` or `mps`.
        precision: `auto`, `fp32`, `bf16` or `fp16`.

    Raises:
        ModelError: the folder does not hold such a model, or one that must not be used.
    """
    name = name or f"clap:local-dir:{folder.name}"
    refuse(name)
    config = _read(folder, CONFIG)
    listening = _read(folder, LISTENING)
    if config.get("audio_config", {}).get("enable_fusion"):
        raise ModelError(
            f"{name} fuses random parts of long sounds, so its vectors change from run to run: "
            "use an unfused model such as laion/clap-htsat-unfused."
        )
    if listening.get("truncation") == "fusion":
        raise ModelError(f"{name} is prepared for fusion of long sounds: use an unfused model.")
    weights = next((folder / n for n in WEIGHTS if (folder / n).is_file()), None)
    if weights is None:
        raise ModelError(f"{folder} holds no weights: {WEIGHTS[0]} is missing.")

    def load() -> Any:
        towers = import_module("retrieval.encoders.clap_towers")
        return towers.ClapTowers(folder, device, precision)

    names = (CONFIG, LISTENING, *TOKENIZER)
    return TwoTowerEncoder(
        name=name,
        dim=int(config.get("projection_dim", 512)),
        modalities=frozenset({Modality.TEXT, Modality.AUDIO}),
        files=[weights, *(folder / n for n in names if (folder / n).is_file())],
        settings={"front_end": FRONT_END, "context": CONTEXT},
        precision=precision,
        load=load,
        folder=folder,
        words=lambda: query_words.clap_words(folder, config, CONTEXT),
        templates=TEMPLATES,
    )


def refuse(name: str) -> None:
    """Refuse a model that is known not to work.

    Raises:
        ModelError: `name` speaks of such a model; the message is the reason.
    """
    for model, reason in REFUSED.items():
        if name.removeprefix("clap:").removeprefix("hf-hub:") == model:
            raise ModelError(f"{model} is refused: {reason}.")


def _read(folder: Path, name: str) -> dict[str, Any]:
    try:
        config = json.loads((folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder} holds no CLAP model: {name}: {error}.") from error
    if not isinstance(config, dict):
        raise ModelError(f"{folder} holds no CLAP model: {name} is no object.")
    return config
