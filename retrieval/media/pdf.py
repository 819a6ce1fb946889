"""PDF: the text of its pages; pages that are only scanned become pictures."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from retrieval.errors import MediaError, UnknownMedia
from retrieval.media.media import Media
from retrieval.media.optional_package import optional_package
from retrieval.media.passages import passages
from retrieval.media.pixels import to_pixels
from retrieval.media.reasons import reasons
from retrieval.media.sections import SEPARATOR, check_length, text_piece
from retrieval.media.tags import tag_facts
from retrieval.records import Kind, Modality, Moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.Image import Image

    from retrieval.media.content import Content, Picture
    from retrieval.media.windows import Windows

PDFIUM = Lock()
"""PDFium is not safe with threads, not even for two documents."""
MAX_SIDE_PX = 4096
"""Longest side of a page that is rendered."""


def open_pdf(file: BinaryIO, windows: Windows) -> Media:
    """Open a PDF.

    Raises:
        UnknownMedia: it is none.
        MediaError: it is damaged or needs a password, or pypdfium2 is not installed.
    """
    if not file.read(64).lstrip(b"\xef\xbb\xbf\0 \t\r\n").startswith(b"%PDF-"):
        raise UnknownMedia("the file is no PDF")
    pdfium = optional_package("pypdfium2", "PDF files")
    file.seek(0)
    with PDFIUM, reasons("the PDF"):
        try:
            document = pdfium.PdfDocument(file)
        except pdfium.PdfiumError as error:
            if "password" in str(error).lower():
                raise MediaError("the PDF needs a password") from error
            raise
        tags = document.get_metadata_dict(skip_empty=True)
        pages = len(document)
    facts = tag_facts(tags | {"creation_time": _date(tags.get("CreationDate", ""))})
    return Media(Kind.TEXT, _pieces(document, pages, windows), facts)


def _pieces(document: Any, pages: int, windows: Windows) -> Iterator[tuple[Moment, Content]]:
    """Passages page by page; a page without words becomes a picture, `max_frames` at most.

    Such a picture stands at the place of its page between the words: a moment of no characters.
    """
    offset = pictures = 0
    came = False
    for number in range(pages):
        with PDFIUM, reasons(f"page {number + 1} of the PDF"):
            page = document[number]
            text = _text(page)
            picture = None
            if not text.strip() and pictures < windows.max_frames:
                picture = _rendered(page, 2 * windows.picture_px)
            page.close()
        if picture is not None:
            came, pictures = True, pictures + 1
            yield Moment(Modality.IMAGE, start_char=offset, end_char=offset), picture
        check_length(offset + len(text))
        for start, end in passages(text, windows.passage_chars):
            came = True
            yield text_piece(text[start:end], offset + start)
        offset += len(text) + len(SEPARATOR)
    if not came:
        raise MediaError("the PDF holds neither words nor pictures")


def _text(page: Any) -> str:
    """Words of a page; a hyphen that PDFium marks at a line's end joins the word again."""
    words = page.get_textpage()
    try:
        text = str(words.get_text_bounded())
    finally:
        words.close()
    return text.replace("\ufffe\r\n", "").replace("\ufffe", "").replace("\0", " ")


def _rendered(page: Any, least_side_px: int) -> Picture | None:
    """A page as a picture, or nothing if it is blank."""
    width, height = page.get_size()
    scale = min(least_side_px / max(1.0, min(width, height)), MAX_SIDE_PX / max(width, height))
    bitmap = page.render(scale=scale, may_draw_forms=False)
    image: Image = bitmap.to_pil().convert("RGB")
    picture = to_pixels(image, 1, least_side_px)
    return picture if np.ptp(picture) else None


def _date(value: str) -> str:
    """`D:20210503120000+02'00'` as 2021-05-03."""
    digits = value.removeprefix("D:")[:8]
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}" if len(digits) == 8 else ""
