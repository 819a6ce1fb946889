"""Passages: a text cut at sentence ends into pieces short enough for an encoder."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PARAGRAPH_END = re.compile(r"(?:\r\n?|\n)[^\S\r\n]*(?:\r\n?|\n)\s*|[\f\u2029]\s*")
SENTENCE_END = re.compile(r"""[.!?…][\])}"'’”»*_]*(?=\s)\s*|[。！？｡][」』）”]*\s*""")
BREAKS = (re.compile(r"[\r\n]+"), re.compile(r"[;:,，、；：]\s*"), re.compile(r"\s+"))
"""Where a sentence that is too long is cut: at a line's end, a clause's, a word's."""
HEADING_SHARE = 4
"""A paragraph below `max_chars / HEADING_SHARE` is a heading or a list's item: it goes with the
text that follows."""
OPEN = 2
"""Passages at the end of a text that what follows may still change: the last one, and the one
before it, which may have taken in what a sentence cut short left room for."""


def flowing_passages(blocks: Iterable[str], max_chars: int) -> Iterator[tuple[int, str]]:
    """The passages of a long text that comes in blocks, which is never held as a whole.

    Yields:
        The character at which each begins in the whole text, and the passage: those of `passages`,
        wherever blocks end.
    """
    offset, held = 0, ""
    for block in blocks:
        held += block
        cut = 0
        for start, end in list(passages(held, max_chars))[:-OPEN]:
            yield offset + start, held[start:end]
            cut = end
        offset, held = offset + cut, held[cut:]
    for start, end in passages(held, max_chars):
        yield offset + start, held[start:end]


def passages(text: str, max_chars: int) -> Iterator[tuple[int, int]]:
    """Cut a text into `(start, end)` spans of at most `max_chars` characters.

    Spans do not overlap, are in order, begin and end with a visible character, and together hold
    every visible character. Whole sentences are gathered up to the limit; a passage crosses the
    end of a paragraph only after a heading.
    """
    start = end = 0
    for sentence_start, sentence_end, ends_paragraph in _sentences(text, max_chars):
        if end > start and sentence_end - start > max_chars:
            yield start, end
            start = sentence_start
        elif end == start:
            start = sentence_start
        end = sentence_end
        if ends_paragraph and end - start >= max_chars // HEADING_SHARE:
            yield start, end
            start = end
    if end > start:
        yield start, end


def _sentences(text: str, max_chars: int) -> Iterator[tuple[int, int, bool]]:
    """Spans of sentences without the space around them, and whether a paragraph ends there."""
    for start, end in _between(text, 0, len(text), PARAGRAPH_END):
        spans = [
            piece
            for sentence in _between(text, start, end, SENTENCE_END)
            for piece in _short_enough(text, *sentence, max_chars)
        ]
        for place, span in enumerate(spans):
            yield *span, place == len(spans) - 1


def _between(text: str, start: int, end: int, border: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    """Spans from one border's end to the next one's, without the space around them."""
    ends = [match.end() for match in border.finditer(text, start, end)]
    for stop in (*ends, end):
        span = text[start:stop]
        left = len(span) - len(span.lstrip())
        right = len(span.rstrip())
        if left < right:
            yield start + left, start + right
        start = stop


def _short_enough(text: str, start: int, end: int, max_chars: int) -> Iterator[tuple[int, int]]:
    """Cut a sentence of more than `max_chars`, in its latter half where that is possible."""
    while end - start > max_chars:
        middle = start + max_chars // 2
        cuts = (
            [m.end() for m in border.finditer(text, middle, start + max_chars)] for border in BREAKS
        )
        stop = next((places[-1] for places in cuts if places), start + max_chars)
        yield start, start + len(text[start:stop].rstrip())
        start = stop + len(text[stop:end]) - len(text[stop:end].lstrip())
    if end > start:
        yield start, end
