"""A model set as another package would bring it: its own encoder, added by an entry point."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from retrieval import Modality, ModelSet
from retrieval.media.content import Content
from retrieval.media.windows import Windows
from retrieval.vectors import Vectors, unit_rows

WARM = {"warm": 1.0, "hot": 1.0, "cold": -1.0, "icy": -1.0}


class ThermalEncoder:
    """Warm or cold: red against blue, low against high, and the words for it."""

    name = "thermal"
    space = "warmth"
    dim = 2
    modalities = frozenset(Modality)
    fingerprint = hashlib.sha256(b"thermal 1").hexdigest()

    def prepare(self, modality: Modality, content: Content) -> float:
        """How warm it is, about -1 to 1."""
        if isinstance(content, str):
            return sum(WARM.get(word, 0.0) for word in content.lower().split())
        if modality is Modality.IMAGE:
            red, _, blue = content.reshape(-1, 3).mean(axis=0)
            return float(red - blue) / 255
        power = np.abs(np.fft.rfft(content)) ** 2
        low = power[: len(power) // 4].sum() / max(power.sum(), 1e-9)
        return float(2 * low - 1)

    def encode(self, modality: Modality, prepared: Sequence[float]) -> Vectors:
        """Warmth as an angle, so that all are of length 1."""
        turns = np.clip(np.array(prepared, dtype=float), -1, 1) * np.pi / 2
        return unit_rows(np.column_stack([np.cos(turns), np.sin(turns)]).reshape(-1, 2))


def model_set() -> ModelSet:
    """The entry point."""
    windows = Windows(sample_rate_hz=8000, window_s=2.0, hop_s=1.0, picture_px=16)
    return ModelSet("thermal", (ThermalEncoder(),), windows)
