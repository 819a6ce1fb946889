"""What a caller hears of a run: events while it goes on, and a summary at its end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Stage(StrEnum):
    """What a run is doing."""

    SCAN = "scan"
    """Walking over the folders; `total` is not known yet and 0."""
    READ = "read"
    """Reading and encoding what is new or changed."""
    REFRESH = "refresh"
    """Bringing the indexes in step."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come."""

    stage: Stage
    path: Path | None
    """The folder that is walked over, or the file that was read last."""
    files: int
    """Seen so far while scanning, done with while reading."""
    total_files: int = 0
    """To be read, all in all."""
    bytes: int = 0
    """Size on disk of the files that are done with."""
    total_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run did, counted in files."""

    added: int = 0
    updated: int = 0
    """Other content under a known path."""
    moved: int = 0
    """Found under another path; they kept their ids and vectors."""
    missing: int = 0
    """Newly marked missing: the library keeps them until they are forgotten."""
    restored: int = 0
    """Were marked missing and are there again."""
    failed: int = 0
    """Cannot be read; recorded with the reason."""
    not_media: int = 0
    """Of those that failed: nothing that anyseek reads, rather than broken."""
    unchanged: int = 0
    """Also those that were touched but hold what they held."""
    annotated: int = 0
    """Their sidecars are new, have changed or are gone, and what they state was taken over."""
    unsettled: int = 0
    """Changed or vanished while they were read; left for the next run."""
    unreadable: tuple[Path, ...] = ()
    """Folders that could not be looked into, or are empty roots."""
    seconds: float = 0.0
