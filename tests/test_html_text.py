"""HTML: the words a reader sees."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.errors import MediaError, UnknownMedia
from retrieval.media.html_text import html_page, open_html
from retrieval.media.media import open_media
from retrieval.media.windows import Windows
from retrieval.records import Kind

PAGE = """<!DOCTYPE html>
<html><head><title> The old
 bell </title><style>p { color: red }</style><script>var hidden = "<p>";</script></head>
<body><h1>Bells</h1><p>The <b>old</b> bell
rings &amp; rings.</p><script>alert("no")</script>
<ul><li>one</li><li>two</li></ul><noscript>never</noscript>
<table><tr><td>left</td><td>right</td></tr></table></body></html>"""


def words(content: bytes | str, name: str = "") -> str:
    data = content.encode() if isinstance(content, str) else content
    media = open_media(io.BytesIO(data), Windows(), name=name)
    assert media.kind is Kind.TEXT
    return "|".join(str(content) for _, content in media.pieces)


def test_what_a_reader_sees_and_nothing_else() -> None:
    assert html_page(PAGE).text.split("\n\n") == [
        "Bells", "The old bell rings & rings.", "one", "two", "left", "right",
    ]  # fmt: skip


def test_the_title() -> None:
    assert open_media(io.BytesIO(PAGE.encode()), Windows()).metadata["title"] == "The old bell"


@pytest.mark.parametrize(
    "beginning",
    ["<!doctype HTML>", "<html>", "  \n<HTML lang='de'>", "<!-- a note --><html>", "<body>",
     "<?xml version='1.0'?>\n<!DOCTYPE html PUBLIC 'x'><html>", "\ufeff<html>"],
)  # fmt: skip
def test_how_pages_begin(beginning: str) -> None:
    assert words(f"{beginning}<p>Words.</p>") == "Words."


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "cp1251", "shift_jis"])
def test_encodings_that_a_page_states(encoding: str) -> None:
    text = {"cp1251": "Старый колокол.", "shift_jis": "古い鐘。"}.get(encoding, "Öde Glöckchen.")
    markup = f'<html><head><meta charset="{encoding}"></head><p>{text}</p>'
    assert words(markup.encode(encoding)) == text


def test_an_encoding_that_does_not_exist_is_guessed() -> None:
    assert "plain" in words(b'<html><meta charset="klingon"><p>plain words</p>')


@pytest.mark.parametrize("markup", ["words <html>", "<svg/>", "", "<p>fragment</p>"])
def test_what_is_no_page(markup: str) -> None:
    with pytest.raises(UnknownMedia):
        open_html(io.BytesIO(markup.encode()), Windows())


def test_a_page_of_scripts_holds_no_words() -> None:
    with pytest.raises(MediaError, match="the text holds no words"):
        words("<html><script>1</script></html>")


def test_unclosed_head_and_scripts() -> None:
    assert html_page("<html><head><body><p>Words").text == "Words"
    assert html_page("<html><p>a<script>b").text == "a"
    assert html_page("<p>a</noscript></p></p>b<template><p>c").text == "a\n\nb"


PARTS = [*"<>/!-&;ab \"'=", "<script>", "</p>", "<title>"]


@given(st.lists(st.sampled_from(PARTS)).map("".join))
def test_whatever_the_markup(markup: str) -> None:
    assert html_page(markup).text == html_page(markup).text.strip()
