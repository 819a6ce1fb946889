"""One media file, opened: its kind and, as a stream, its moments with their contents."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import TYPE_CHECKING, BinaryIO, Protocol, runtime_checkable

from retrieval.errors import MediaError, UnknownMedia
from retrieval.media.reasons import reasons
from retrieval.media.source_code import is_source_code
from retrieval.records import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from retrieval.media.content import Content
    from retrieval.media.windows import Windows
    from retrieval.records import Fact, Moment

BY_MARK = (
    "heif:open_heif",
    "jpeg_xl:open_jpeg_xl",
    "raw:open_raw",
    "pdf:open_pdf",
    "word:open_word",
    "epub:open_epub",
    "html_text:open_html",
    "svg:open_svg",
    "rich_text:open_rich_text",
    "subtitles:open_subtitles",
)
"""Readers that know their files by a clear mark: what they cannot read, nobody else is asked."""
BY_TRIAL = (
    "picture:open_picture",
    "sound:open_sound",
    "plain_text:open_utf8",
    "video:open_video",
    "picture:open_unmarked_picture",
    "video:open_rare_picture",
    "plain_text:open_any_encoding",
)
"""Readers that find out by decoding, those that err least before those that take much for theirs.
Modules are imported when it is their turn."""
PIXEL_BYTES = 4
"""What decoding a picture takes for each pixel, about."""
COMMON = BY_TRIAL.index("plain_text:open_utf8") + 1
"""So many of these are asked for nearly every file."""


@runtime_checkable
class SupportsClose(Protocol):
    """An iterator that holds something until it is closed, as a generator does."""

    def close(self) -> None:
        """Let go."""


@dataclass(frozen=True)
class Media:
    """What one file holds, decoded step by step as `pieces` is consumed."""

    kind: Kind
    pieces: Iterator[tuple[Moment, Content]]
    """Moments in order, each with its content; decodes as it goes, never the whole file at once.
    Raises MediaError at the first piece that cannot be decoded."""
    metadata: Mapping[str, Fact] = field(default_factory=dict)
    """Facts the file states about itself. Text: title, artist, album, genre, description, camera,
    taken (ISO 8601, as exact as stated). Numbers: year, latitude, longitude (degrees, south and
    west negative), rating (0 to 5, -1 for rejected), duration_s, width, height (pixels, before any
    turn). List of texts: keywords."""
    decoding_bytes: int = 0
    """Memory that decoding takes at once, about: of pictures and films, whose pixels decide."""

    def close(self) -> None:
        """Stop decoding, if it has not come to its end: that frees what the decoder holds."""
        if isinstance(self.pieces, SupportsClose):
            self.pieces.close()


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
    with reasons("the file"):
        size = file.seek(0, os.SEEK_END)
    if size == 0:
        raise MediaError("the file is empty")
    media = _ask(BY_MARK, file, windows, final=True) or _ask(BY_TRIAL, file, windows, final=False)
    if media is None:
        raise UnknownMedia("nothing in the file says text, picture, sound or video")
    if media.kind is Kind.TEXT and is_source_code(name):
        raise UnknownMedia("source code and settings are left out")
    return media


def load_readers() -> None:
    """Import the readers that every file is shown to, so that the first file needs not wait."""
    for reader in (*BY_MARK, *BY_TRIAL[:COMMON]):
        _reader(reader)


def _ask(
    readers: tuple[str, ...], file: BinaryIO, windows: Windows, *, final: bool
) -> Media | None:
    """The media of the first reader whose file it is, or None.

    Raises:
        MediaError: the file is damaged: at once if a reader's word is `final`, else only after
            nobody else could read it.
    """
    damage: MediaError | None = None
    for reader in readers:
        file.seek(0)
        try:
            with reasons("the file"):
                media = _reader(reader)(file, windows)
        except UnknownMedia:
            continue
        except MediaError as error:
            damage = damage or error
            if final:
                break
        else:
            return replace(
                media,
                pieces=_pieces(media),
                decoding_bytes=media.decoding_bytes or _decoding_bytes(media),
            )
    if damage is not None:
        raise damage
    return None


def _pieces(media: Media) -> Iterator[tuple[Moment, Content]]:
    with reasons(f"the {media.kind}"):
        yield from media.pieces


def _decoding_bytes(media: Media) -> int:
    stated = (media.metadata.get(name) for name in ("width", "height"))
    width, height = (n if isinstance(n, int) else 0 for n in stated)
    return PIXEL_BYTES * width * height


def _reader(place: str) -> Callable[[BinaryIO, Windows], Media]:
    module, function = place.split(":")
    reader: Callable[[BinaryIO, Windows], Media] = getattr(
        import_module(f"retrieval.media.{module}"), function
    )
    return reader
