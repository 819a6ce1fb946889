"""Rich text."""

from __future__ import annotations

import io

import pytest

from retrieval.errors import MediaError, UnknownMedia
from retrieval.media import rich_text
from retrieval.media.media import open_media
from retrieval.media.rich_text import open_rich_text
from retrieval.media.windows import Windows
from retrieval.records import Kind


def words(content: bytes) -> list[str]:
    media = open_media(io.BytesIO(content), Windows(passage_chars=40), name="a.doc")
    assert media.kind is Kind.TEXT
    return [str(passage) for _, passage in media.pieces]


def test_paragraphs() -> None:
    content = (
        rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}{\info{\title hidden}}"
        rb"\f0\b The old\b0  bell rings.\par Gr\'fc\'dfe \u8364? und mehr.\par}"
    )
    assert words(content) == ["The old bell rings.", "Grüße € und mehr."]


def test_no_words() -> None:
    with pytest.raises(MediaError, match="the text holds no words"):
        words(rb"{\rtf1\ansi}")


def test_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rich_text, "MAX_BYTES", 1 << 20)
    with pytest.raises(MediaError, match="the rich text is larger than 1 MB"):
        words(rb"{\rtf1 " + b"word " * 220_000 + b"}")


def test_what_is_none() -> None:
    with pytest.raises(UnknownMedia):
        open_rich_text(io.BytesIO(b"{words}"), Windows())
