"""What is new: how a file looked when it was read, and what it holds, encoded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from retrieval.records import Fact, Kind, Moment
    from retrieval.vectors import Vector


@dataclass(frozen=True, slots=True)
class FileState:
    """How a file looked on disk when it was read; a difference means that it changed."""

    size: int
    """Bytes."""
    mtime_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> FileState:
        """What matters of an `os.stat` result."""
        return cls(status.st_size, status.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class EncodedMoment:
    """A moment with its vector in each space that its modality has an encoder for."""

    moment: Moment
    vectors: Mapping[str, Vector]


@dataclass(frozen=True, slots=True)
class NewContent:
    """What a file holds, encoded and ready to be stored."""

    hash: str
    """Of all its bytes."""
    kind: Kind
    moments: Sequence[EncodedMoment]
    metadata: Mapping[str, Fact] = field(default_factory=dict)
