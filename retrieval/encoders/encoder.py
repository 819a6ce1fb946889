"""What an encoder is: contents of one or more modalities in, unit vectors of one space out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrieval.media.content import Content
    from retrieval.records import Modality
    from retrieval.vectors import Vectors


@runtime_checkable
class Encoder(Protocol):
    """Maps contents of one or more modalities to unit vectors in its space.

    Work is split in two so that the model never waits: `prepare` is called by reader threads, one
    content at a time, and does what needs no model (resize, spectrogram, tokens); `encode` is
    called by one thread with a batch of what `prepare` returned.
    """

    @property
    def name(self) -> str:
        """Which model this is, e.g. `open_clip:ViT-B-32/laion2b_s34b_b79k`."""

    @property
    def space(self) -> str:
        """Name of its vector space; encoders that share it can be compared directly."""

    @property
    def dim(self) -> int:
        """Length of its vectors."""

    @property
    def modalities(self) -> frozenset[Modality]:
        """What it can encode."""

    @property
    def fingerprint(self) -> str:
        """Hex hash of weights, preprocessing and precision: equal only if the vectors would be."""

    def prepare(self, modality: Modality, content: Content) -> Any:
        """Bring one content into the form `encode` takes. Safe to call from several threads."""

    def encode(self, modality: Modality, prepared: Sequence[Any]) -> Vectors:
        """Encode a batch from `prepare`: `(n, dim)` float32 unit rows.

        A row depends on its own content alone, bit for bit, not on what shares its batch.
        """
