"""Model sets of two pairs: pictures and words by open_clip, sounds and words by CLAP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrieval.encoders import open_clip
from retrieval.encoders.clap import clap_encoder
from retrieval.encoders.model_set import ModelSet
from retrieval.encoders.model_store import path_of, read_manifest
from retrieval.errors import ModelError
from retrieval.media.windows import Windows

if TYPE_CHECKING:
    from pathlib import Path

    from retrieval.encoders.two_towers import TwoTowerEncoder

CHARS_PER_TOKEN = 4
"""Characters of running text that are safely one token of a text tower."""


def clip_clap(*, device: str = "auto", precision: str = "auto") -> ModelSet:
    """The default: SigLIP 2 B/32 and CLAP HTSAT."""
    return published("clip-clap", device=device, precision=precision)


def clip_clap_light(*, device: str = "auto", precision: str = "auto") -> ModelSet:
    """The smallest: CLIP B/32 of LAION-2B and CLAP HTSAT."""
    return published("clip-clap-light", device=device, precision=precision)


def clip_clap_large(*, device: str = "auto", precision: str = "auto") -> ModelSet:
    """For a GPU: PE-Core L/14 and the larger CLAP."""
    return published("clip-clap-large", device=device, precision=precision)


def published(name: str, *, device: str = "auto", precision: str = "auto") -> ModelSet:
    """A set that was pulled, by the name it was pulled by.

    Raises:
        ModelError: it is not on this machine; the message says how to get it.
    """
    return from_folder(path_of(name), device=device, precision=precision)


def from_folder(folder: Path, *, device: str = "auto", precision: str = "auto") -> ModelSet:
    """The set in a folder that `pull` made.

    Args:
        folder: Holds `model_set.json` and a folder for each model.
        device: `auto`, `cpu`, `cuda` or `mps`.
        precision: `fp32`, `bf16`, `fp16`; `auto` is what the folder was made for.

    Raises:
        ModelError: the folder holds no model set, or a damaged one.
    """
    stored = read_manifest(folder)
    if precision == "auto":
        precision = stored.precision
    encoders: list[TwoTowerEncoder] = []
    passage_chars, picture_px = Windows().passage_chars, 0
    for model in stored.models:
        place = folder / model.folder
        if model.kind == "open_clip":
            make = open_clip.open_clip_encoder
            picture_px = max(picture_px, open_clip.picture_px(place))
            tokens = open_clip.context_length(place) - 2
            passage_chars = min(passage_chars, CHARS_PER_TOKEN * tokens)
        elif model.kind == "clap":
            make = clap_encoder
        else:
            raise ModelError(f"{folder} holds a model of an unknown kind: {model.kind!r}.")
        encoders.append(make(place, name=model.id, device=device, precision=precision))
    return ModelSet(
        name=stored.name,
        encoders=tuple(encoders),
        windows=Windows(
            sample_rate_hz=48_000,
            window_s=10.0,
            passage_chars=passage_chars,
            picture_px=picture_px or Windows().picture_px,
        ),
        folder=folder,
    )
