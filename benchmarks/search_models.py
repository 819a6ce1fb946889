"""A model set for vectors that no model made: pictures and queries in one space of any size.

It knows no words: what it makes of any text is the zero vector, so that hub correction, which is
learned from captions, takes nothing off, and hits are ranked by their cosine alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from retrieval.encoders.model_set import ModelSet
from retrieval.records import Modality

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrieval.media.content import Content
    from retrieval.vectors import Vectors


class MadeEncoder:
    """Implements `Encoder` for vectors that are given."""

    name = space = "made"
    modalities = frozenset(Modality)

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self.fingerprint = f"{dim:064x}"

    def prepare(self, modality: Modality, content: Content) -> None:
        """Nothing is made of a content."""

    def encode(self, modality: Modality, prepared: Sequence[Any]) -> Vectors:
        """Zeros `(n, dim)`."""
        return np.zeros((len(prepared), self.dim), np.float32)


def made_models(dim: int) -> ModelSet:
    """One space of so many dimensions."""
    return ModelSet("made", (MadeEncoder(dim),))
