"""PDF: words of pages, and pictures of pages without any."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageDraw

from retrieval.errors import MediaError, UnknownMedia
from retrieval.media import sections
from retrieval.media.media import open_media
from retrieval.media.pdf import open_pdf
from retrieval.media.windows import Windows
from retrieval.records import Kind, Modality

WINDOWS = Windows(picture_px=32, passage_chars=60)


def pdf(*pages: str, info: str = "", trailer: str = "") -> bytes:
    """A PDF with one line of Helvetica on each page."""
    kids = " ".join(f"{4 + 2 * i} 0 R" for i in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, words in enumerate(pages):
        stream = f"BT /F1 12 Tf 20 100 Td ({words}) Tj ET" if words else ""
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 200] /Contents {5 + 2 * number} 0 R"
            " /Resources << /Font << /F1 3 0 R >> >> >>"
        )
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    objects.append(f"<< {info} >>")
    content, places = "%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(content))
        content += f"{number} 0 obj\n{body}\nendobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    size = len(objects) + 1
    content += f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<< /Size {size} /Root 1 0 R"
    content += f" /Info {size - 1} 0 R {trailer}>>\nstartxref\n{content.index('xref')}\n%%EOF\n"
    return content.encode("latin-1")


def test_many_pages_come_one_by_one_and_all() -> None:
    """A page is forgotten when the next one comes, so that memory does not grow with them."""
    data = pdf(*(f"page {n}" for n in range(2000)))
    media = open_pdf(io.BytesIO(data), WINDOWS)
    assert [moment.text for moment, _ in media.pieces] == [f"page {n}" for n in range(2000)]


def test_a_text_that_goes_on_and_on_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages may share what stands on them, so that a small file holds any number of words."""
    monkeypatch.setattr(sections, "MAX_CHARS", 1000)
    data = pdf(*("so many words" for _ in range(100)))
    with pytest.raises(MediaError, match="the text holds more than"):
        list(open_pdf(io.BytesIO(data), WINDOWS).pieces)


def scan(words: bool = True) -> bytes:
    page = Image.new("RGB", (200, 300), "white")
    if words:
        ImageDraw.Draw(page).rectangle((20, 20, 120, 120), fill=(200, 0, 0))
    file = io.BytesIO()
    page.save(file, "PDF")
    return file.getvalue()


def test_words_of_every_page_with_their_places() -> None:
    media = open_media(io.BytesIO(pdf("The old bell rings.", "The rain sings.")), WINDOWS)
    assert media.kind is Kind.TEXT
    pieces = list(media.pieces)
    assert [content for _, content in pieces] == ["The old bell rings.", "The rain sings."]
    text = "The old bell rings.\n\nThe rain sings."
    for moment, content in pieces:
        assert moment.modality is Modality.TEXT
        assert text[moment.start_char : moment.end_char] == content


def test_a_scanned_page_becomes_a_picture() -> None:
    media = open_media(io.BytesIO(scan()), WINDOWS)
    assert media.kind is Kind.TEXT
    ((moment, picture),) = media.pieces
    assert moment.modality is Modality.IMAGE
    assert isinstance(picture, np.ndarray)
    assert picture.shape == (96, 64, 3)
    assert picture[30, 20].tolist() == pytest.approx([200, 0, 0], abs=20)


def test_no_more_pictures_than_frames_of_a_video() -> None:
    pages = [Image.effect_noise((80, 80), 90).convert("RGB") for _ in range(5)]
    file = io.BytesIO()
    pages[0].save(file, "PDF", save_all=True, append_images=pages[1:])
    assert len(list(open_media(file, Windows(picture_px=32, max_frames=3)).pieces)) == 3


def test_metadata() -> None:
    info = "/Title (Old bells) /Author (Ann) /CreationDate (D:20210503120000+02'00')"
    metadata = open_media(io.BytesIO(pdf("words", info=info)), WINDOWS).metadata
    assert metadata == {"title": "Old bells", "artist": "Ann", "taken": "2021-05-03", "year": 2021}


def test_blank_pages_hold_nothing() -> None:
    for content in (pdf("", ""), scan(words=False)):
        with pytest.raises(MediaError, match="the PDF holds neither words nor pictures"):
            list(open_media(io.BytesIO(content), WINDOWS).pieces)


def test_a_password() -> None:
    encrypt = (
        "/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 "
        f"/O <{'28' * 32}> /U <{'11' * 32}> >> /ID [<00><00>] "
    )
    with pytest.raises(MediaError, match="the PDF needs a password"):
        open_media(io.BytesIO(pdf("secret", trailer=encrypt)), WINDOWS)


@pytest.mark.parametrize("content", [b"%PDF-1.7\n", b"%PDF-" + bytes(500)])
def test_damage(content: bytes) -> None:
    with pytest.raises(MediaError, match="the PDF"):
        open_media(io.BytesIO(content), WINDOWS)


def test_a_damaged_table_is_mended() -> None:
    content = pdf("The old bell rings.").replace(b"startxref\n", b"startxref\n9")
    assert [c for _, c in open_media(io.BytesIO(content), WINDOWS).pieces] == [
        "The old bell rings."
    ]


def test_what_is_none() -> None:
    with pytest.raises(UnknownMedia):
        open_pdf(io.BytesIO(b"words about %PDF"), WINDOWS)


def test_many_threads() -> None:
    """PDFium itself would crash."""
    contents = [pdf(*(f"Page {n} of {i}." for n in range(5))) for i in range(24)]

    def read(content: bytes) -> list[object]:
        return [passage for _, passage in open_media(io.BytesIO(content), WINDOWS).pieces]

    with ThreadPoolExecutor(8) as pool:
        for i, passages in enumerate(pool.map(read, contents)):
            assert passages == [f"Page {n} of {i}." for n in range(5)]
