"""Subtitles (SubRip and WebVTT): passages that keep their seconds."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from retrieval.errors import MediaError, UnknownMedia
from retrieval.media.media import Media
from retrieval.media.plain_text import SAMPLE, read_any_text
from retrieval.media.sections import text_piece
from retrieval.records import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrieval.media.content import Content
    from retrieval.media.windows import Windows
    from retrieval.records import Moment

TIME = r"(?:(\d{1,3}):)?([0-5]?\d):([0-5]?\d)[.,](\d{1,3})"
NEWLINE = re.compile(r"\r\n?")
CUE = re.compile(rf"^[ \t]*{TIME}[ \t]*-->[ \t]*{TIME}[^\n]*$", re.MULTILINE)
MARKUP = re.compile(r"<[^<>]{0,200}>|\{\\[^{}]{0,200}\}")
NUMBER = re.compile(r"\n[ \t]*\n.*\Z", re.DOTALL)
"""The empty line that ends a cue, and what comes before the next one: its number, a note."""
PAUSE_S = 3.0
"""A passage does not reach across so long a silence."""


class Cue(NamedTuple):
    """What is said between two times."""

    start_s: float
    end_s: float
    text: str


def open_subtitles(file: BinaryIO, windows: Windows) -> Media:
    """Open subtitles in the form of SubRip or WebVTT, in any encoding.

    Raises:
        UnknownMedia: these are none.
        MediaError: nothing is said in them.
    """
    head = file.read(SAMPLE)
    if b"-->" not in head.replace(b"\0", b""):
        raise UnknownMedia("the file holds no subtitles")
    text = NEWLINE.sub("\n", read_any_text(file))
    first = CUE.search(text)
    if first is None or len(text[: first.start()].split("\n\n")) > 20:
        raise UnknownMedia("the file holds no subtitles")
    cues = list(_cues(text))
    if not cues:
        raise MediaError("the subtitles say nothing")
    return Media(Kind.TEXT, _pieces(cues, windows), {"duration_s": max(c.end_s for c in cues)})


def _cues(text: str) -> Iterator[Cue]:
    marks = list(CUE.finditer(text))
    for mark, following in zip(marks, [*marks[1:], None], strict=True):
        said = text[mark.end() : following.start() if following else len(text)]
        said = html.unescape(MARKUP.sub("", NUMBER.sub("", said)))
        words = " ".join(said.split())
        if words:
            start_s, end_s = _seconds(mark.groups()[:4]), _seconds(mark.groups()[4:])
            yield Cue(start_s, max(start_s, end_s), words)


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, fraction = parts
    whole = int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0)
    return round(whole + int((fraction or "0").ljust(3, "0")) / 1000, 3)


def _pieces(cues: list[Cue], windows: Windows) -> Iterator[tuple[Moment, Content]]:
    """Cues gathered into passages; characters count in all cues joined by spaces."""
    place, gathered = 0, cues[:1]
    for cue in cues[1:]:
        length = sum(len(c.text) + 1 for c in gathered)
        pause_s = cue.start_s - gathered[-1].end_s
        if length + len(cue.text) > windows.passage_chars or not 0 <= pause_s + 1 <= PAUSE_S + 1:
            yield _piece(gathered, place)
            place, gathered = place + length, []
        gathered.append(cue)
    yield _piece(gathered, place)


def _piece(cues: list[Cue], place: int) -> tuple[Moment, Content]:
    moment, passage = text_piece(" ".join(cue.text for cue in cues), place)
    return replace(moment, start_s=cues[0].start_s, end_s=max(c.end_s for c in cues)), passage
