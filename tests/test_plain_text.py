"""Plain text in any encoding."""

from __future__ import annotations

import io
import random
import zlib
from typing import TYPE_CHECKING

import pytest

from retrieval.errors import MediaError, UnknownMedia
from retrieval.media import plain_text, sections
from retrieval.media.plain_text import open_any_encoding, open_utf8
from retrieval.media.windows import Windows
from retrieval.records import Kind, Modality

if TYPE_CHECKING:
    from retrieval.media.media import Media

WINDOWS = Windows(passage_chars=60)
GERMAN = (
    "Über den Dächern läutet die große Glocke. Später hört man nur noch Grüße, Gelächter und "
    "schöne Töne.\nDer Bär fraß süße Äpfel für fünf Öre.\n"
)


def passages_of(media: Media) -> list[str]:
    return [content for _, content in media.pieces if isinstance(content, str)]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le-bom", "utf-16-be-bom"]
)
def test_unicode_encodings(encoding: str) -> None:
    marks = {"utf-16-le-bom": "utf-16-le", "utf-16-be-bom": "utf-16-be"}
    text = GERMAN if encoding not in marks else "\ufeff" + GERMAN
    media = open_utf8(io.BytesIO(text.encode(marks.get(encoding, encoding))), WINDOWS)
    pieces = list(media.pieces)
    assert media.kind is Kind.TEXT
    assert len(pieces) > 2
    for moment, content in pieces:
        assert moment.modality is Modality.TEXT
        assert moment.start_s is moment.end_s is None
        assert content == moment.text == GERMAN[moment.start_char : moment.end_char]


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16-le", "utf-16-be"])
def test_encodings_that_are_guessed(encoding: str) -> None:
    file = io.BytesIO((GERMAN * 3).encode(encoding))
    with pytest.raises(UnknownMedia):
        open_utf8(file, WINDOWS)
    file.seek(0)
    assert "".join(passages_of(open_any_encoding(file, WINDOWS))).count("süße Äpfel") == 3


def test_newlines_stay_as_they_are_so_that_spans_fit_the_decoded_text() -> None:
    text = "First line.\r\nSecond line.\rThird line."
    media = open_utf8(io.BytesIO(text.encode()), Windows(passage_chars=14))
    spans = [(moment.start_char, moment.end_char) for moment, _ in media.pieces]
    assert spans == [(0, 11), (13, 25), (26, 37)]


@pytest.mark.parametrize("reader", [open_utf8, open_any_encoding])
@pytest.mark.parametrize(
    "content",
    [
        b"\x00\x01\x02\x03" * 100,
        bytes(random.Random(1).randbytes(4096)),
        b"plain words and then \x00 a zero byte",
        b"\xff\xfe\x00",
    ],
)
def test_what_is_no_text(reader: type, content: bytes) -> None:
    with pytest.raises(UnknownMedia):
        reader(io.BytesIO(content), WINDOWS)


def test_a_zero_byte_far_behind_the_head_is_no_text() -> None:
    with pytest.raises(UnknownMedia):
        open_utf8(io.BytesIO(b"word " * 20_000 + b"\0"), WINDOWS)


def test_a_head_that_ends_within_a_character() -> None:
    text = "a" + "é" * plain_text.SAMPLE
    assert "".join(passages_of(open_utf8(io.BytesIO(text.encode()), WINDOWS))) == text


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    text = GERMAN * 20
    whole = list(open_utf8(io.BytesIO(text.encode()), WINDOWS).pieces)
    monkeypatch.setattr(plain_text, "BLOCK_CHARS", 7)
    assert list(open_utf8(io.BytesIO(text.encode()), WINDOWS).pieces) == whole
    assert "".join(passages_of(open_any_encoding(io.BytesIO(text.encode("cp1252")), WINDOWS)))


def test_a_codec_that_does_not_lead_to_text_is_none() -> None:
    """Such as `zlib`, of which a page may say that it is its charset."""
    with pytest.raises(UnknownMedia):
        plain_text.read_text(io.BytesIO(zlib.compress(b"words")), "zlib")


def test_the_file_stays_open_and_may_be_closed_at_any_time() -> None:
    file = io.BytesIO(GERMAN.encode() * 20)
    media = open_utf8(file, WINDOWS)
    next(media.pieces)
    file.close()
    media.close()
    file = io.BytesIO(GERMAN.encode())
    list(open_utf8(file, WINDOWS).pieces)
    assert not file.closed


def test_only_space_holds_no_words() -> None:
    with pytest.raises(MediaError, match="the text holds no words"):
        open_utf8(io.BytesIO(b" \n\t\n"), WINDOWS)


def test_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sections, "MAX_CHARS", 1_000_000)
    with pytest.raises(MediaError, match="more than 1 million characters: split it"):
        open_utf8(io.BytesIO(b"word " * 300_000), WINDOWS)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16"])
def test_a_large_text_in_any_encoding_is_said_to_be_too_large(
    monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    monkeypatch.setattr(sections, "MAX_CHARS", 1_000_000)
    with pytest.raises(MediaError, match="more than 1 million characters: split it"):
        plain_text.read_text(io.BytesIO(("word " * 300_000).encode(encoding)), encoding)


def test_large_zeros_are_no_text_however_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sections, "MAX_CHARS", 1_000_000)
    for size in (1 << 19, 1 << 21):
        with pytest.raises(UnknownMedia):
            open_any_encoding(io.BytesIO(bytes(size)), WINDOWS)
