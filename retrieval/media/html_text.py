"""HTML: the words a reader sees."""

from __future__ import annotations

import codecs
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, BinaryIO

from retrieval.errors import UnknownMedia
from retrieval.media.media import Media
from retrieval.media.plain_text import SAMPLE, read_any_text
from retrieval.media.reasons import reasons
from retrieval.media.sections import section_pieces
from retrieval.media.tags import clean
from retrieval.records import Kind

if TYPE_CHECKING:
    from retrieval.media.windows import Windows

BEGINNING = re.compile(
    rb"^(?:\xef\xbb\xbf)?\s*+(?>(?:<\?xml[^>]*>|<!--.*?-->)\s*+)*+"
    rb"<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
CHARSET = re.compile(rb"""<(?:meta|\?xml)[^>]+?(?:charset|encoding)\s*=\s*["']?([\w.:-]+)""", re.I)
UNSEEN = ("script", "style", "template", "noscript", "head", "svg", "math", "iframe", "object")
"""Elements whose text nobody reads."""
INLINE = (
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark q ruby rb rt"
    " rp s samp small span strike strong sub sup time tt u var wbr img"
)
"""Elements that do not end a paragraph."""


def open_html(file: BinaryIO, windows: Windows) -> Media:
    """Open a web page.

    Raises:
        UnknownMedia: it is none.
    """
    head = file.read(SAMPLE)
    if not BEGINNING.match(head):
        raise UnknownMedia("the file is no HTML page")
    page = html_page(read_any_text(file, _stated_encoding(head)))
    facts: dict[str, str | int | float] = {"title": page.title} if page.title else {}
    return Media(Kind.TEXT, section_pieces([page.text], windows), facts)


def html_page(markup: str) -> Page:
    """Read markup, however broken."""
    page = Page()
    with reasons("the HTML page"):
        page.feed(markup)
        page.close()
    return page


class Page(HTMLParser):
    """The visible text of a page, paragraphs apart, and its title."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._unseen: list[str] = []
        self._title: list[str] = []
        self._in_title = False

    @property
    def text(self) -> str:
        """Paragraphs with an empty line between them; space is collapsed as a browser does."""
        paragraphs = "".join(self._parts).split("\n\n")
        return "\n\n".join(joined for p in paragraphs if (joined := " ".join(p.split())))

    @property
    def title(self) -> str:
        """The page's title, or nothing."""
        return clean("".join(self._title))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what is not read, and where a paragraph ends."""
        self._in_title = tag == "title"
        if tag == "body":
            self._unseen.clear()
        if tag in UNSEEN:
            self._unseen.append(tag)
        elif tag not in INLINE.split():
            self._parts.append("\n\n")

    def handle_endtag(self, tag: str) -> None:
        """Note where a paragraph ends, and where reading goes on."""
        self._in_title = False
        if tag in self._unseen:
            del self._unseen[self._unseen.index(tag) :]
        elif tag not in INLINE.split():
            self._parts.append("\n\n")

    def handle_data(self, data: str) -> None:
        """Gather text; a line's end in the markup is a space."""
        if self._in_title and not self._title:
            self._title.append(data)
        elif not self._unseen:
            self._parts.append(re.sub(r"\s+", " ", data))


def _stated_encoding(head: bytes) -> str | None:
    found = CHARSET.search(head[:4096])
    if found is None:
        return None
    try:
        return codecs.lookup(found[1].decode("ascii")).name
    except LookupError:
        return None
