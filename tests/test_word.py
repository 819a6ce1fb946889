"""Word documents."""

from __future__ import annotations

import io
import zipfile

import pytest

from retrieval.errors import MediaError, UnknownMedia
from retrieval.media.media import open_media
from retrieval.media.windows import Windows
from retrieval.media.word import open_word
from retrieval.records import Kind

SPACE = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
CORE = (
    '<c:coreProperties xmlns:c="c" xmlns:dc="dc" xmlns:dcterms="t"><dc:title>Old bells</dc:title>'
    "<dc:creator>Ann</dc:creator><dcterms:created>2020-01-02T03:04:05Z</dcterms:created>"
    "</c:coreProperties>"
)


def docx(body: str, *, core: str = CORE, doctype: str = "") -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        document = f"{doctype}<w:document {SPACE}><w:body>{body}</w:body></w:document>"
        archive.writestr("word/document.xml", document)
        archive.writestr("docProps/core.xml", core)
    return file


def words(body: str) -> list[str]:
    media = open_media(docx(body), Windows(passage_chars=60))
    assert media.kind is Kind.TEXT
    return [str(content) for _, content in media.pieces]


def test_paragraphs_of_runs() -> None:
    body = (
        "<w:p><w:r><w:t>The old </w:t></w:r><w:r><w:rPr/><w:t>bell rings over the sea.</w:t></w:r>"
        "</w:p>"
        "<w:p/><w:tbl><w:tr><w:tc><w:p><w:r><w:t>In a table: the rain sings.</w:t></w:r></w:p>"
        "</w:tc></w:tr></w:tbl>"
        "<w:p><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t></w:r></w:p>"
    )
    assert words(body) == [
        "The old bell rings over the sea.", "In a table: the rain sings.", "a\tb\nc",
    ]  # fmt: skip


def test_what_was_deleted_is_not_read() -> None:
    body = (
        "<w:p><w:del><w:r><w:delText>gone</w:delText></w:r></w:del>"
        "<w:ins><w:r><w:t>there</w:t></w:r></w:ins><w:r><w:instrText>PAGE</w:instrText></w:r></w:p>"
    )
    assert words(body) == ["there"]


def test_a_text_box_is_read_once() -> None:
    inner = "<w:p><w:r><w:t>boxed</w:t></w:r></w:p>"
    box = f"<w:r><w:pict><w:txbxContent>{inner}</w:txbxContent></w:pict></w:r>"
    assert words(f"<w:p><w:r><w:t>around</w:t></w:r>{box}</w:p>") == ["around\n\nboxed"]


def test_properties() -> None:
    metadata = open_media(docx("<w:p><w:r><w:t>a</w:t></w:r></w:p>"), Windows()).metadata
    assert metadata == {
        "title": "Old bells", "artist": "Ann", "taken": "2020-01-02T03:04:05Z", "year": 2020,
    }  # fmt: skip


def test_broken_properties_cost_nothing_else() -> None:
    media = open_media(docx("<w:p><w:r><w:t>a</w:t></w:r></w:p>", core="<"), Windows())
    assert media.metadata == {}
    assert [content for _, content in media.pieces] == ["a"]


def test_entities_are_refused() -> None:
    file = docx("<w:p>&e;</w:p>", doctype='<!DOCTYPE a [<!ENTITY e "x">]>')
    with pytest.raises(MediaError, match="the Word document defines entities"):
        open_media(file, Windows())


def test_deep_nesting_does_not_end_the_process() -> None:
    depth = 50_000
    with pytest.raises(MediaError):
        list(open_media(docx("<w:r>" * depth + "</w:r>" * depth), Windows()).pieces)


def test_no_words() -> None:
    with pytest.raises(MediaError, match="the text holds no words"):
        words("<w:p/>")


def test_another_archive() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.txt", "words")
    file.seek(0)
    with pytest.raises(UnknownMedia):
        open_word(file, Windows())
    with pytest.raises(UnknownMedia):
        open_media(file, Windows())
