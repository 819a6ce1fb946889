"""Rich text (RTF)."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from retrieval.errors import MediaError, UnknownMedia
from retrieval.media.media import Media
from retrieval.media.optional_package import optional_package
from retrieval.media.reasons import reasons
from retrieval.media.sections import section_pieces
from retrieval.records import Kind

if TYPE_CHECKING:
    from retrieval.media.windows import Windows

MAX_BYTES = 32 << 20
"""Largest file that is read; pictures within it count."""


def open_rich_text(file: BinaryIO, windows: Windows) -> Media:
    """Open a text in Rich Text Format.

    Raises:
        UnknownMedia: it is none.
        MediaError: it is damaged or too large, or striprtf is not installed.
    """
    if not file.read(6).startswith(b"{\\rtf"):
        raise UnknownMedia("the file is no rich text")
    striprtf = optional_package("striprtf.striprtf", "RTF files")
    file.seek(0)
    data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise MediaError(f"the rich text is larger than {MAX_BYTES >> 20} MB")
    with reasons("the rich text"):
        text = striprtf.rtf_to_text(data.decode("latin-1"), errors="replace")
    return Media(Kind.TEXT, section_pieces([text.replace("\n", "\n\n")], windows))
