"""An encoder whose answers a person can compute: for tests of everything that is not a model.

Its space has four axes: red, green, blue and anything else.

- A text lies along the colour words it holds, each counted; low, mid and high say red, green and
  blue as well; every other word counts for the fourth axis.
- A picture lies along its mean red, green and blue.
- A sound lies along its energy below 500 Hz (red), up to 2 kHz (green) and above (blue).
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

import numpy as np

from retrieval.encoders.model_set import ModelSet
from retrieval.media.windows import Windows
from retrieval.records import Modality
from retrieval.vectors import unit_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrieval.media.content import Content
    from retrieval.vectors import Vector, Vectors

AXES = {"red": 0, "green": 1, "blue": 2, "low": 0, "mid": 1, "high": 2}
OTHER = 3
WINDOWS = Windows(sample_rate_hz=8000, window_s=2.0, hop_s=1.0, passage_chars=80, picture_px=16)


class FakeEncoder:
    """Implements `Encoder` without a model."""

    dim = 4

    def __init__(
        self,
        space: str = "fake",
        modalities: frozenset[Modality] = frozenset(Modality),
        seed: int = 0,
    ) -> None:
        self.name = f"fake-{seed}"
        self.space = space
        self.modalities = modalities
        self.fingerprint = hashlib.sha256(self.name.encode()).hexdigest()

    def prepare(self, modality: Modality, content: Content) -> Vector:
        """The vector before it is scaled to length 1."""
        if modality not in self.modalities:
            raise ValueError(f"{self.name} does not encode {modality}")
        axes = np.zeros(self.dim, dtype=np.float32)
        if isinstance(content, str):
            for word in re.findall(r"\w+", content.lower()):
                axes[AXES.get(word, OTHER)] += 1
        elif modality is Modality.IMAGE:
            axes[:3] = content.reshape(-1, 3).mean(axis=0)
        else:
            power = np.abs(np.fft.rfft(content)) ** 2
            frequencies_hz = np.fft.rfftfreq(len(content), 1 / WINDOWS.sample_rate_hz)
            bands = np.searchsorted([500, 2000], frequencies_hz, side="right")
            axes[:3] = np.bincount(bands, weights=power, minlength=3)[:3]
        if not axes.any():
            axes[OTHER] = 1
        return axes

    def encode(self, modality: Modality, prepared: Sequence[Vector]) -> Vectors:
        """Unit rows `(n, 4)`."""
        return unit_rows(np.stack(prepared)) if prepared else np.empty((0, self.dim), np.float32)


def fake_model_set() -> ModelSet:
    """One space for all three modalities."""
    return ModelSet("fake", (FakeEncoder(),), WINDOWS)
