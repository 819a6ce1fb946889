"""One media file, opened: its kind and, as a stream, its moments with their contents."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from retrieval.encoders.encoder import Content
    from retrieval.media.windows import Windows
    from retrieval.records import Kind, Moment


@dataclass(frozen=True)
class Media:
    """What one file holds, decoded step by step as `pieces` is consumed."""

    kind: Kind
    pieces: Iterator[tuple[Moment, Content]]
    """Moments in order, each with its content; decodes as it goes, never the whole file at once.
    Raises MediaError at the first piece that cannot be decoded."""
    metadata: Mapping[str, str | int | float] = field(default_factory=dict)
    """Facts the file states about itself (title, artist, capture date ...)."""


def open_media(file: BinaryIO, windows: Windows, *, name: str = "") -> Media:
    """Find out what a file is from its content and prepare to read its moments.

    Args:
        file: A seekable binary file at any position; it must stay open while pieces are read.
        windows: How the file is cut into moments.
        name: File name, for messages and as a last hint between kinds of text.

    Raises:
        UnknownMedia: the content is no text, picture, sound or video that we know.
        MediaError: it is one of these but cannot be read; the message is the reason.
    """
    raise NotImplementedError
