"""Plain text and Markdown in any encoding, cut into passages."""

from __future__ import annotations

import codecs
import io
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from charset_normalizer import from_bytes

from retrieval.errors import MediaError, UnknownMedia
from retrieval.media.media import Media
from retrieval.media.reasons import reasons
from retrieval.media.sections import check_length, flowing_pieces
from retrieval.records import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from retrieval.media.windows import Windows

Read = TypeVar("Read")
BLOCK_CHARS = 1 << 20
"""Characters decoded at a time."""
GUESSABLE = 8
"""Fewest bytes from which an encoding is guessed."""
SAMPLE = 1 << 16
"""Bytes by which a file is judged to be text, and its encoding guessed."""
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks; UTF-32's begins like UTF-16's and so comes first."""
CONTROLS = frozenset(range(32)) - frozenset(b"\t\n\f\r\x1b")
"""Bytes and characters that text does not contain."""


def open_utf8(file: BinaryIO, windows: Windows) -> Media:
    """Open a text in UTF-8, or in UTF-16 or UTF-32 with a byte order mark.

    Raises:
        UnknownMedia: it is not such a text.
        MediaError: it is, but it holds no words or is too large.
    """
    encoding = _unicode_encoding(file.read(SAMPLE))
    if encoding is None:
        raise UnknownMedia("the file is no UTF-8 text")
    return _media(file, encoding, windows)


def open_any_encoding(file: BinaryIO, windows: Windows) -> Media:
    """Open a text in an older encoding, which has to be guessed; raises as `open_utf8`."""
    return _first(lambda encoding: _media(file, encoding, windows), file)


def read_any_text(file: BinaryIO, stated: str | None = None) -> str:
    """Decode a whole file, by its mark, as UTF-8, as it states itself, or by a guess.

    Raises:
        UnknownMedia: it is no text in any encoding.
        MediaError: it is larger than a text may be.
    """
    return _first(lambda encoding: read_text(file, encoding), file, stated)


def _first(read: Callable[[str], Read], file: BinaryIO, stated: str | None = None) -> Read:
    """What reading a file gives in the first encoding that it fits."""
    file.seek(0)
    head = file.read(SAMPLE)
    for encoding in filter(None, (_unicode_encoding(head), stated)):
        try:
            return read(encoding)
        except UnknownMedia:
            continue
    return read(_guessed_encoding(head))


def read_text(file: BinaryIO, encoding: str) -> str:
    """Decode a whole file; raises as `text_blocks`."""
    return "".join(text_blocks(file, encoding))


def text_blocks(file: BinaryIO, encoding: str) -> Iterator[str]:
    """Decode a file from its start, in blocks.

    Raises:
        UnknownMedia: the bytes do not fit the encoding or hold what no text does.
        MediaError: the file holds more than a text may.
    """
    file.seek(0)
    text = None
    came = 0
    try:
        while True:
            try:
                with reasons("the text"):
                    # Other than a codec, this refuses one that does not lead from bytes to text.
                    text = text or io.TextIOWrapper(file, encoding, newline="")
                    block = text.read(BLOCK_CHARS)
            except MediaError as error:
                raise UnknownMedia(f"the file is no {encoding} text") from error
            if any(chr(control) in block for control in CONTROLS):
                raise UnknownMedia(f"the file is no {encoding} text")
            if not block:
                return
            came += len(block)
            check_length(came)
            yield block
    finally:
        if text is not None:
            with suppress(ValueError):  # the file is closed already
                text.detach()  # or it would close the file


def _media(file: BinaryIO, encoding: str, windows: Windows) -> Media:
    """What is wrong with a text shows before its first moment: it is decoded once more for them."""
    if not sum(not block.isspace() for block in text_blocks(file, encoding)):
        raise MediaError("the text holds no words")
    return Media(Kind.TEXT, flowing_pieces(text_blocks(file, encoding), windows))


def _unicode_encoding(head: bytes) -> str | None:
    """Which Unicode encoding a head is in, by its mark or because it is valid UTF-8."""
    marked = next((encoding for mark, encoding in MARKS if head.startswith(mark)), None)
    if marked:
        return marked
    if any(byte in CONTROLS for byte in head):
        return None
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return None
    return "utf-8"


def _guessed_encoding(head: bytes) -> str:
    wide = _is_wide(head)
    binary = any(byte in CONTROLS for byte in head) and not wide
    guess = None
    if not binary and len(head) >= GUESSABLE:
        guess = from_bytes(head[: len(head) & ~3] if wide else head).best()
    if guess is None:
        raise UnknownMedia("the file is no text")
    return guess.encoding


def _is_wide(head: bytes) -> bool:
    """Whether every other byte of a head is mostly zero, as in UTF-16 without a mark."""
    return len(head) > 3 and max(head[0::2].count(0), head[1::2].count(0)) > len(head) // 5
