"""Word documents (DOCX)."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from retrieval.errors import MediaError, UnknownMedia
from retrieval.media.archive import Archive
from retrieval.media.media import Media
from retrieval.media.sections import section_pieces
from retrieval.media.tags import tag_facts
from retrieval.media.xml_tree import local_name, xml_tree
from retrieval.records import Kind

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from retrieval.media.windows import Windows

DOCUMENT, PROPERTIES = "word/document.xml", "docProps/core.xml"
SPACES = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}


def open_word(file: BinaryIO, windows: Windows) -> Media:
    """Open a Word document; what was deleted or replaced in it is left out.

    Raises:
        UnknownMedia: it is none.
        MediaError: it is damaged or a bomb.
    """
    archive = Archive(file)
    if DOCUMENT not in archive:
        raise UnknownMedia("the file is no Word document")
    document = xml_tree(archive.read(DOCUMENT), "the Word document")
    paragraphs = [text for p in document.iter() if local_name(p) == "p" and (text := _text(p))]
    return Media(Kind.TEXT, section_pieces(["\n\n".join(paragraphs)], windows), _facts(archive))


def _text(paragraph: Element) -> str:
    """Text of one paragraph; paragraphs of a text box within it speak for themselves."""
    parts: list[str] = []
    waiting = [iter(paragraph)]
    while waiting:
        child = next(waiting[-1], None)
        if child is None:
            waiting.pop()
        elif (name := local_name(child)) == "t":
            parts.append(child.text or "")
        elif name in SPACES:
            parts.append(SPACES[name])
        elif name not in ("p", "del", "Fallback", "instrText"):
            waiting.append(iter(child))
    return "".join(parts).strip()


def _facts(archive: Archive) -> dict[str, str | int | float]:
    try:
        root = xml_tree(archive.read(PROPERTIES), "the document's properties")
    except MediaError:
        return {}
    names = {"created": "creation_time"}
    return tag_facts({names.get(local_name(e), local_name(e)): e.text for e in root})
