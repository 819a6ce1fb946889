"""Model sets: named groups of encoders that together cover text, image and audio."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from importlib import import_module
from importlib.metadata import entry_points
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, cast

from retrieval.encoders.published import ENTRY_POINTS, is_composed
from retrieval.errors import ModelError
from retrieval.media.windows import Windows

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrieval.encoders.encoder import Encoder

BUILT_IN = {
    "clip-clap": "retrieval.encoders.clip_clap:clip_clap",
    "clip-clap-large": "retrieval.encoders.clip_clap:clip_clap_large",
    "clip-clap-light": "retrieval.encoders.clip_clap:clip_clap_light",
    "mini": "retrieval.encoders.mini:model_set",
}
"""Name to `module:function`; the module is imported only when the set is loaded."""


@dataclass(frozen=True)
class ModelSet:
    """Encoders that together cover text, image and audio, and how files are cut for them."""

    name: str
    encoders: tuple[Encoder, ...]
    windows: Windows = field(default_factory=Windows)
    folder: Path | None = None
    """Where its fitted parts lie: calibration, bridges, hub bank. They act on queries and scores
    alone, so a library need not be made anew when they change; None if there are none."""

    @property
    def fingerprint(self) -> str:
        """Hex hash over every encoder and the window settings."""
        facts = {
            "encoders": sorted((e.space, e.name, e.fingerprint) for e in self.encoders),
            "windows": asdict(self.windows),
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def model_set_names() -> list[str]:
    """Every model set that `load_model_set` knows, built in and added by other packages."""
    return sorted({*BUILT_IN, *(point.name for point in entry_points(group=ENTRY_POINTS))})


def load_model_set(name: str, *, device: str = "auto", precision: str = "auto") -> ModelSet:
    """Load a model set.

    Args:
        name: One of `model_set_names()`; or models joined by plus signs, as they were pulled,
            e.g. `open_clip:ViT-B-16/datacomp_xl_s13b_b90k+clap:laion/larger_clap_general`; or a
            folder that `anyseek models pull --to` made.
        device: `auto`, `cpu`, `cuda` or `mps`.
        precision: `auto`, `fp32`, `bf16` or `fp16`; part of the fingerprint.

    Raises:
        ModelError: no model set has this name, or it cannot be loaded.
    """
    options = {"device": device, "precision": precision}
    if name in BUILT_IN:
        module, function = BUILT_IN[name].split(":")
        return _make(name, getattr(import_module(module), function), options)
    for point in entry_points(group=ENTRY_POINTS, name=name):
        return _make(name, point.load(), options)
    if is_composed(name):
        clip_clap = import_module("retrieval.encoders.clip_clap")
        return cast("ModelSet", clip_clap.published(name, **options))
    if Path(name).is_dir():
        clip_clap = import_module("retrieval.encoders.clip_clap")
        return cast("ModelSet", clip_clap.from_folder(Path(name), **options))
    known = ", ".join(model_set_names())
    raise ModelError(
        f"There is no model set named {name!r}, nor a folder of models. Known: {known}."
    )


def _make(name: str, function: Callable[..., ModelSet], options: dict[str, str]) -> ModelSet:
    """Call the function of a set with those options that it takes."""
    taken = signature(function).parameters
    for option, value in options.items():
        if option not in taken and value not in ("auto", "cpu", "fp32"):
            raise ModelError(f"Model set {name} has no choice of {option}: leave out {value!r}.")
    return function(**{option: value for option, value in options.items() if option in taken})
