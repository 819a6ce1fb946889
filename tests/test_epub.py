"""Electronic books."""

from __future__ import annotations

import io
import zipfile

import pytest

from retrieval.errors import MediaError, UnknownMedia
from retrieval.media.epub import open_epub
from retrieval.media.media import open_media
from retrieval.media.windows import Windows
from retrieval.records import Kind

CONTAINER = '<container><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
PACKAGE = """<package xmlns="http://www.idpf.org/2007/opf">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>The Bell</dc:title>
<dc:creator>Ann</dc:creator><dc:creator>Bob</dc:creator><dc:date>1905</dc:date></metadata>
<manifest><item id="two" href="text/two%20.xhtml" media-type="application/xhtml+xml"/>
<item id="one" href="one.xhtml" media-type="application/xhtml+xml"/>
<item id="css" href="a.css" media-type="text/css"/>
<item id="lost" href="lost.xhtml" media-type="application/xhtml+xml"/>
<item id="up" href="../../etc/passwd.xhtml" media-type="application/xhtml+xml"/></manifest>
<spine><itemref idref="one"/><itemref idref="lost"/><itemref idref="up"/><itemref idref="two"/>
<itemref idref="never"/></spine></package>"""
MEMBERS = {
    "mimetype": "application/epub+zip",
    "META-INF/container.xml": CONTAINER,
    "OEBPS/book.opf": PACKAGE,
    "OEBPS/one.xhtml": "<?xml version='1.0'?><html><title>1</title><p>First chapter.</p></html>",
    "OEBPS/text/two .xhtml": "<html><body><p>Second <i>chapter</i>.</p></body></html>",
}  # fmt: skip


def epub(**changes: str | None) -> io.BytesIO:
    file = io.BytesIO()
    members = MEMBERS | {name.replace("__", "/"): data for name, data in changes.items()}
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            if data is not None:
                archive.writestr(name, data)
    return file


def test_chapters_in_reading_order() -> None:
    media = open_media(epub(), Windows(passage_chars=16))
    assert media.kind is Kind.TEXT
    pieces = list(media.pieces)
    assert [content for _, content in pieces] == ["First chapter.", "Second chapter."]
    assert [moment.start_char for moment, _ in pieces] == [0, 16]


def test_metadata() -> None:
    assert open_media(epub(), Windows()).metadata == {
        "title": "The Bell", "artist": "Ann", "taken": "1905", "year": 1905,
    }  # fmt: skip


def test_a_book_that_names_no_package() -> None:
    file = epub(**{"META-INF/container.xml": "<container/>"})
    with pytest.raises(MediaError, match="the book names no package"):
        open_media(file, Windows())


def test_a_package_that_is_missing() -> None:
    with pytest.raises(MediaError, match=r"the archive lacks OEBPS/book\.opf"):
        open_media(epub(**{"OEBPS/book.opf": None}), Windows())


def test_a_book_without_words() -> None:
    file = epub(**{"OEBPS/one.xhtml": "<html/>", "OEBPS/text/two .xhtml": None})
    with pytest.raises(MediaError, match="the text holds no words"):
        list(open_media(file, Windows()).pieces)


def test_what_is_none() -> None:
    with pytest.raises(UnknownMedia):
        open_epub(io.BytesIO(b"words"), Windows())
