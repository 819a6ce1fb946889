"""Model sets: named groups of encoders that together cover text, image and audio."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, cast

from retrieval.errors import ModelError
from retrieval.media.windows import Windows

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from retrieval.encoders.encoder import Encoder

BUILT_IN = {"mini": "retrieval.encoders.mini:model_set"}
"""Name to `module:function`; the module is imported only when the set is loaded."""

ENTRY_POINTS = "anyseek.model_sets"
"""Entry-point group by which other packages add model sets; each names such a function."""


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


def load_model_set(name: str) -> ModelSet:
    """Load a model set by name.

    Raises:
        ModelError: no model set has this name, or it cannot be loaded.
    """
    if name in BUILT_IN:
        module, function = BUILT_IN[name].split(":")
        return cast("Callable[[], ModelSet]", getattr(import_module(module), function))()
    for point in entry_points(group=ENTRY_POINTS, name=name):
        return cast("Callable[[], ModelSet]", point.load())()
    known = ", ".join(model_set_names())
    raise ModelError(f"There is no model set named {name!r}. Known: {known}.")
