"""What an index is and why, for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from retrieval.vector_index.effort import Effort
from retrieval.vector_index.policy import DEFAULT_WISH, Choice

if TYPE_CHECKING:
    from retrieval.records import Modality
    from retrieval.vector_index.manifest import Manifest


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """Which kind an index is, why, and what it was measured to find."""

    space: str
    modality: Modality
    moments: int
    asked: float
    """The recall that was asked for."""
    kind: str
    """exact, codes or lists of codes."""
    why: str
    recall: float | None
    """Share of the ten nearest that was found, with the harder sort of queries; None if exact."""
    recall_own: float | None
    """Asking with the index's own vectors."""
    recall_off: float | None
    """Asking from off the data, as another modality does."""
    recall_bound: float | None
    """What either is at least, with a confidence of 95 %."""
    search_ms: float | None
    """Median time of one search where the index was made."""
    code_bytes: int
    """Size of the codes, which stay in memory."""

    @classmethod
    def of(cls, space: str, modality: Modality, moments: int, manifest: Manifest | None) -> Self:
        """The status of an index with so many moments and this manifest."""
        choice = (
            Choice(**manifest.choice) if manifest and manifest.choice and manifest.count else None
        )
        effort = Effort.of(manifest.effort) if manifest and manifest.effort else None
        return cls(
            space=space,
            modality=modality,
            moments=moments,
            asked=manifest.recall if manifest and manifest.recall else DEFAULT_WISH.recall,
            kind=choice.kind if choice else "exact",
            why=choice.why if choice else f"{moments:,} moments are scanned quickly enough",
            recall=min(effort.recall_own, effort.recall_off) if effort else None,
            recall_own=effort.recall_own if effort else None,
            recall_off=effort.recall_off if effort else None,
            recall_bound=effort.recall_bound if effort else None,
            search_ms=effort.search_ms if effort else None,
            code_bytes=manifest.codes_bytes if manifest else 0,
        )
