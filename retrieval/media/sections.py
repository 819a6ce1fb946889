"""Sections: a document's text as it comes, part by part, cut into passages with their places."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrieval.errors import MediaError
from retrieval.media.passages import flowing_passages, passages
from retrieval.records import Modality, Moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from retrieval.media.content import Content
    from retrieval.media.windows import Windows

SEPARATOR = "\n\n"
"""Stands between two sections in the text that the characters of a moment count in."""
MAX_CHARS = 64_000_000
"""Most characters of one text or document: half a million passages."""


def section_pieces(sections: Iterable[str], windows: Windows) -> Iterator[tuple[Moment, Content]]:
    """Passages of the text that the sections form when they are joined by `SEPARATOR`.

    Raises:
        MediaError: there are no words in it, or too many.
    """
    offset, came = 0, False
    for section in sections:
        check_length(offset + len(section))
        for start, end in passages(section, windows.passage_chars):
            came = True
            yield text_piece(section[start:end], offset + start)
        offset += len(section) + len(SEPARATOR)
    if not came:
        raise MediaError("the text holds no words")


def flowing_pieces(blocks: Iterable[str], windows: Windows) -> Iterator[tuple[Moment, Content]]:
    """Passages of a text that comes in blocks, cut anywhere."""
    for start, passage in flowing_passages(blocks, windows.passage_chars):
        yield text_piece(passage, start)


def check_length(n_chars: int) -> None:
    """Refuse a text that goes on and on.

    Raises:
        MediaError: it is longer than anything that people write.
    """
    if n_chars > MAX_CHARS:
        limit = MAX_CHARS // 1_000_000
        raise MediaError(f"the text holds more than {limit} million characters: split it")


def text_piece(passage: str, start: int) -> tuple[Moment, Content]:
    """The moment of a passage that begins at character `start`, and the passage."""
    end = start + len(passage)
    return Moment(Modality.TEXT, start_char=start, end_char=end, text=passage), passage
