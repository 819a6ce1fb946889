"""Electronic books (EPUB)."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import unquote

from retrieval.errors import MediaError, UnknownMedia
from retrieval.media.archive import Archive
from retrieval.media.html_text import html_page
from retrieval.media.media import Media
from retrieval.media.sections import section_pieces
from retrieval.media.tags import tag_facts
from retrieval.media.xml_tree import local_name, xml_tree
from retrieval.records import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

    from retrieval.media.windows import Windows

CONTAINER = "META-INF/container.xml"


def open_epub(file: BinaryIO, windows: Windows) -> Media:
    """Open a book; its chapters come in the order in which they are read.

    Raises:
        UnknownMedia: it is none.
        MediaError: it is damaged or a bomb.
    """
    archive = Archive(file)
    if CONTAINER not in archive:
        raise UnknownMedia("the file is no EPUB book")
    container = xml_tree(archive.read(CONTAINER), "the book's container")
    packages = [e.get("full-path", "") for e in container.iter() if local_name(e) == "rootfile"]
    if not packages:
        raise MediaError("the book names no package")
    package = xml_tree(archive.read(packages[0]), "the book's package")
    chapters = _chapters(archive, package, posixpath.dirname(packages[0]))
    return Media(Kind.TEXT, section_pieces(chapters, windows), _facts(package))


def _chapters(archive: Archive, package: Element, folder: str) -> Iterator[str]:
    """Text of each chapter that is there; one that the package only names is left out."""
    items = {
        e.get("id"): e.get("href", "")
        for e in package.iter()
        if local_name(e) == "item" and "html" in e.get("media-type", "")
    }
    order = [e.get("idref") for e in package.iter() if local_name(e) == "itemref"]
    for name in (items[i] for i in order if i in items):
        path = posixpath.normpath(posixpath.join(folder, unquote(name)))
        if path in archive:
            yield html_page(archive.read(path).decode("utf-8", "replace")).text


def _facts(package: Element) -> dict[str, str | int | float]:
    metadata = next((e for e in package.iter() if local_name(e) == "metadata"), None)
    found: dict[str, str | None] = {}
    for element in metadata if metadata is not None else ():
        found.setdefault(local_name(element), element.text)
    return tag_facts(found)
