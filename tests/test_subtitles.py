"""Subtitles: passages that keep their seconds."""

from __future__ import annotations

import io

import pytest

from retrieval.errors import MediaError, UnknownMedia
from retrieval.media.media import open_media
from retrieval.media.subtitles import open_subtitles
from retrieval.media.windows import Windows
from retrieval.records import Kind

SRT = """1
00:00:01,000 --> 00:00:02,500
The old bell <i>rings</i>.

2
00:00:03,000 --> 00:00:04,000
{\\an8}It is
late.

3
00:01:10,5 --> 00:01:12,250 X1:40 X2:600
- 1984 was &amp; is a year.
"""
VTT = """WEBVTT - made by hand

NOTE this is not said

STYLE
::cue { color: red }

intro
00:01.000 --> 00:02.500 align:start
<v Ann>The old bell rings.

00:03.000 --> 00:04.000
It is late.

01:00:10.500 --> 01:00:12.250
An hour later.
"""


def read(text: str | bytes, most: int = 280) -> list[tuple[float | None, float | None, str]]:
    content = text.encode() if isinstance(text, str) else text
    media = open_media(io.BytesIO(content), Windows(passage_chars=most), name="a.txt")
    assert media.kind is Kind.TEXT
    return [(m.start_s, m.end_s, str(c)) for m, c in media.pieces]


def test_subrip() -> None:
    assert read(SRT) == [
        (1.0, 4.0, "The old bell rings. It is late."), (70.5, 72.25, "- 1984 was & is a year."),
    ]  # fmt: skip


def test_webvtt() -> None:
    assert read(VTT) == [
        (1.0, 4.0, "The old bell rings. It is late."), (3610.5, 3612.25, "An hour later."),
    ]  # fmt: skip


def test_no_longer_than_a_passage() -> None:
    assert [words for _, _, words in read(SRT, most=20)] == [
        "The old bell rings.", "It is late.", "- 1984 was & is a year.",
    ]  # fmt: skip


def test_characters_count_in_all_that_is_said() -> None:
    media = open_media(io.BytesIO(SRT.encode()), Windows(passage_chars=20))
    said = "The old bell rings. It is late. - 1984 was & is a year."
    for moment, passage in media.pieces:
        assert said[moment.start_char : moment.end_char] == passage == moment.text


@pytest.mark.parametrize("newline", ["\r\n", "\r"])
def test_other_line_ends(newline: str) -> None:
    assert read(SRT.replace("\n", newline)) == read(SRT)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_encodings(encoding: str) -> None:
    german = SRT.replace("It is\nlate.", "Es läutet spät, für die große Übung grüßt man schön.")
    assert "läutet spät" in read(german.encode(encoding))[0][2]


def test_nothing_said() -> None:
    with pytest.raises(MediaError, match="the subtitles say nothing"):
        read("1\n00:00:01,000 --> 00:00:02,000\n\n")


@pytest.mark.parametrize(
    "text", ["words --> words", "", "00:00:01 is a time", "<!-- 1 -->", "a --> b --> 00:00:01"]
)
def test_what_are_none(text: str) -> None:
    with pytest.raises(UnknownMedia):
        open_subtitles(io.BytesIO(text.encode()), Windows())


def test_an_essay_that_quotes_a_cue_is_no_subtitle() -> None:
    essay = "A paragraph of an essay.\n\n" * 30 + "00:00:01,000 --> 00:00:02,500\nquoted\n"
    assert read(essay)[0][0] is None


def test_a_cue_that_ends_before_it_begins_has_no_length() -> None:
    """Found by fuzzing."""
    media = open_media(io.BytesIO(b"0:0,1-->0:0,0\n!"), Windows())
    assert [(m.start_s, m.end_s) for m, _ in media.pieces] == [(0.1, 0.1)]
