"""A message: something that a reader found out about a file, on its way to the library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from indexer.reading import Job, Piece
    from retrieval.catalog.new_content import FileState
    from retrieval.records import Fact, Kind


@dataclass(frozen=True, slots=True)
class Message:
    """Something that the readers found out about a file."""

    job: Job


@dataclass(frozen=True, slots=True)
class Decoded(Message):
    """One moment of a file; messages of other files may come in between."""

    piece: Piece


@dataclass(frozen=True, slots=True)
class Finished(Message):
    """All moments of a file have been sent."""

    state: FileState
    hash: str
    kind: Kind
    metadata: Mapping[str, Fact]


@dataclass(frozen=True, slots=True)
class Known(Message):
    """The file holds what the library has stored already."""

    state: FileState
    hash: str


@dataclass(frozen=True, slots=True)
class Failed(Message):
    """The file cannot be read."""

    state: FileState | None
    """None if the reason may go away while the file stays as it is."""
    reason: str
    not_media: bool = False
    """It is nothing that anyseek reads, rather than broken."""


@dataclass(frozen=True, slots=True)
class Changing(Message):
    """The file changed or vanished while it was read."""
