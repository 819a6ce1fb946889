"""Words of a query, encoded without torch where a self-test has shown that this gives the same.

The test is made when a model set is pulled: some sentences are encoded by the model's own package
and by the towers of `text_tower`, and what came of it is written into the model's folder. Without
that, or for other files than it was made with, words go through torch like everything else.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from retrieval.encoders.text_tokens import clap_tokens, open_clip_tokens
from retrieval.encoders.text_tower import Weights, clap_tower, clip_tower
from retrieval.errors import ModelError
from retrieval.records import Modality
from retrieval.vectors import unit_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from retrieval.encoders.two_towers import TwoTowerEncoder
    from retrieval.vectors import Vectors

    Words: TypeAlias = Callable[[Sequence[str]], Vectors]
    """Texts to their unit rows `(n, dim)`."""

RESULT = ".text_self_test.json"
"""In the folder of a model: the lowest cosine, and the fingerprint of the encoder it holds for."""

LEAST_COSINE = 0.9999
"""A tower whose vectors are farther from those of torch is not used."""

SENTENCES = (
    "dog",
    "a dog barking at the sea",
    "the sound of rain on a roof, and far thunder",
    "Two RED bells; ringing & swinging!",
    "Ein Zug fährt über die Brücke",
    "夜の海",
    "it's 25_000 steps to the café's door",
    "a long story about a piano that nobody had tuned since the war, " * 6,
)


def open_clip_words(folder: Path, config: dict[str, Any]) -> Words | None:
    """The text tower of an open_clip model; None if it is not known here."""
    model = config["model_cfg"]
    text = model.get("text_cfg", {})
    try:
        path = folder / "open_clip_model.safetensors"
        whole = Weights(path)
        weights = Weights(path, "text.") if "text.positional_embedding" in whole else whole
        tower = clip_tower(weights, text, quick=bool(model.get("quick_gelu")))
    except ModelError:
        return None
    tokens = open_clip_tokens(folder, text)
    if tower is None or tokens is None:
        return None
    return lambda texts: unit_rows(tower([tokens(text) for text in texts]))


def clap_words(folder: Path, config: dict[str, Any], context: int) -> Words | None:
    """The text tower of a CLAP model; None if it is not known here."""
    try:
        tower = clap_tower(Weights(folder / "model.safetensors"), config)
    except ModelError:
        return None
    tokens = clap_tokens(folder, context)
    if tower is None or tokens is None:
        return None
    return lambda texts: unit_rows(tower([tokens(text) for text in texts]))


def passed(folder: Path, fingerprint: str) -> bool:
    """Whether the self-test in a model's folder was passed by this very encoder."""
    result = read_result(folder, RESULT)
    try:
        return bool(result["encoder"] == fingerprint and result["cosine"] >= LEAST_COSINE)
    except (KeyError, TypeError):
        return False


def read_result(folder: Path, name: str) -> dict[str, Any]:
    """What a self-test left in a model's folder under its name; empty if there was none."""
    try:
        return dict(json.loads((folder / name).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def self_test(encoder: TwoTowerEncoder) -> float | None:
    """Compare both ways to encode words, and keep the result in the model's folder.

    Returns:
        The lowest cosine; None if the form of the model is not known here.
    """
    if encoder.folder is None or encoder.words is None:
        return None
    prepared = [encoder.prepare(Modality.TEXT, words) for words in SENTENCES]
    theirs = encoder.encode(Modality.TEXT, prepared)
    try:
        made = encoder.words()
        if made is None:
            return None
        ours = made(SENTENCES)
    except (ModelError, ValueError, IndexError):  # weights of another form than the configuration
        return None
    lowest = float(np.einsum("ij,ij->i", ours, theirs).min())
    result = {"encoder": encoder.fingerprint, "cosine": lowest}
    (encoder.folder / RESULT).write_text(json.dumps(result), encoding="utf-8")
    return lowest
