"""The nouns of anyseek: what a moment, a file and a hit are. Frozen data without behaviour."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path


Fact: TypeAlias = str | int | float | list[str]
"""What a file states of itself, or what is stated of it beside it: see `Media.metadata`."""


class Kind(StrEnum):
    """What a file is, found from its content."""

    TEXT = "text"
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"


class Modality(StrEnum):
    """What a moment is. A video file has image moments and audio moments."""

    TEXT = "text"
    IMAGE = "image"
    AUDIO = "audio"


@dataclass(frozen=True, slots=True)
class Moment:
    """What has a vector: a picture, some seconds of a sound, a video frame, a passage of a text."""

    modality: Modality
    start_s: float | None = None
    """Seconds from the start of the file; None where the file has no time."""
    end_s: float | None = None
    """Exclusive end in seconds; equal to `start_s` for a video frame."""
    start_char: int | None = None
    """First character of a passage in the decoded text."""
    end_char: int | None = None
    """One past the last character of a passage."""
    text: str | None = None
    """The passage itself."""
    id: int | None = None
    """Its number in the catalog; None before it is committed."""


@dataclass(frozen=True, slots=True)
class File:
    """One media file of the library, as the catalog knows it."""

    id: int
    path: Path
    """Where the file lies on this machine: its root's folder and its path below it."""
    root: str
    """Name of the root it belongs to."""
    kind: Kind | None
    """None for a file that could not be read."""
    size: int
    """Bytes."""
    modified: datetime
    moments: int
    """How many moments it has."""
    missing_since: datetime | None = None
    """Set while the file cannot be seen; its moments are kept."""
    failure: str | None = None
    """Why it could not be read."""
    not_media: bool = False
    """It could not be read because it is nothing that anyseek reads, rather than broken."""
    facts: Mapping[str, Fact] = field(default_factory=dict)
    """What it states of itself, as in `Media.metadata`, and over that what its sidecars state."""
    sidecars: Mapping[Path, str | None] = field(default_factory=dict)
    """Its sidecars, each with the reason why it could not be understood, if so."""
    twin: Path | None = None
    """The picture that stands for it, if it is a RAW beside one: it has no moments itself."""


@dataclass(frozen=True, slots=True)
class ScoredMoment:
    """A moment that matched a query."""

    moment: Moment
    score: float
    """0..1, comparable between modalities; higher is better."""
    cosine: float
    """The raw similarity that the score was made from, in -1..1; NaN where there is none."""


@dataclass(frozen=True, slots=True)
class Said:
    """Where words of a query stand, as they were typed."""

    place: str
    """`name`, `folder`, `text` for a passage, or the fact that a file states, such as `title`."""
    text: str
    """What stands there: the name, the folder, the fact, or the part of the passage."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One file that answers a query, with its best moment."""

    path: Path
    kind: Kind
    score: float
    """0..1, comparable between kinds; higher is better."""
    cosine: float
    """The raw similarity of the best moment, in -1..1; NaN where only words were compared."""
    moment: Moment
    """The best moment: its seconds, its characters, or the whole picture."""
    also: tuple[ScoredMoment, ...] = ()
    """The file's other moments that matched too, best first."""
    file_id: int = 0
    copies: tuple[Path, ...] = ()
    """Other files of the library with exactly the same content."""
    missing: bool = False
    """The file could not be seen when its folder was last indexed."""
    said: Said | None = None
    """Where words of the query stand in this file; None if its contents alone made it a hit."""
    facts: Mapping[str, Fact] = field(default_factory=dict)
    """What the file states of itself, and over that what its sidecars state."""
    twins: tuple[Path, ...] = ()
    """The RAWs that the camera wrote beside this picture."""
