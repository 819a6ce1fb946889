"""The joint space: which encoder embeds what, and how a query meets a moment.

A model set has one or more vector spaces. A modality lives natively in every space that has an
encoder for it: text in both spaces of a CLIP and CLAP pair, a picture in one, a sound in the other.
A query and a moment are compared in the spaces they share, by the mean of their cosines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrieval.errors import ModelError
from retrieval.records import Modality

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from retrieval.encoders.encoder import Encoder
    from retrieval.encoders.model_set import ModelSet
    from retrieval.media.content import Content
    from retrieval.vectors import Vectors


class JointSpace:
    """The spaces of a model set, seen as one."""

    def __init__(self, model_set: ModelSet) -> None:
        """Check that the set covers every modality once in each space.

        Raises:
            ModelError: a modality has no encoder, or two in one space.
        """
        self.model_set = model_set
        self._encoders: dict[Modality, dict[str, Encoder]] = {m: {} for m in Modality}
        for encoder in model_set.encoders:
            for modality in encoder.modalities:
                if encoder.space in self._encoders[modality]:
                    raise ModelError(
                        f"Model set {model_set.name} has two encoders for {modality} "
                        f"in space {encoder.space}."
                    )
                self._encoders[modality][encoder.space] = encoder
        for modality, encoders in self._encoders.items():
            if not encoders:
                raise ModelError(f"Model set {model_set.name} has no encoder for {modality}.")

    @property
    def dims(self) -> dict[str, int]:
        """Name and dimension of every space."""
        return {e.space: e.dim for e in self.model_set.encoders}

    def spaces_of(self, modality: Modality) -> tuple[str, ...]:
        """The spaces in which a modality has native vectors."""
        return tuple(sorted(self._encoders[modality]))

    def shared(self, query: Modality, target: Modality) -> tuple[str, ...]:
        """The spaces in which a query and a moment of these modalities both have vectors."""
        return tuple(s for s in self.spaces_of(query) if s in self._encoders[target])

    def prepare(self, modality: Modality, content: Content) -> dict[str, Any]:
        """One content in the form each space's encoder takes; safe in several threads."""
        return {s: e.prepare(modality, content) for s, e in self._encoders[modality].items()}

    def encode(
        self, modality: Modality, prepared: Sequence[Mapping[str, Any]]
    ) -> dict[str, Vectors]:
        """For each space of the modality the unit vectors `(n, dim)` of prepared contents."""
        return {
            space: encoder.encode(modality, [p[space] for p in prepared])
            for space, encoder in self._encoders[modality].items()
        }

    def embed(self, modality: Modality, contents: Sequence[Content]) -> dict[str, Vectors]:
        """For each space of the modality the unit vectors `(n, dim)` of contents."""
        return self.encode(modality, [self.prepare(modality, content) for content in contents])
