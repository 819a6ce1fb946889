"""SVG drawings, rendered without following anything outside the file."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, BinaryIO
from xml.etree.ElementTree import tostring

from PIL import Image

from retrieval.errors import MediaError, UnknownMedia
from retrieval.media.media import Media
from retrieval.media.optional_package import optional_package
from retrieval.media.pixels import to_pixels
from retrieval.media.reasons import reasons
from retrieval.media.xml_tree import local_name, xml_tree
from retrieval.records import Kind, Modality, Moment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

    from retrieval.media.content import Content
    from retrieval.media.windows import Windows

MAX_BYTES = 16 << 20
"""Largest drawing that is read."""
MAX_SIDE_PX = 4096
"""Longest side that is rendered."""
SAMPLE = 1 << 16
SVG_ROOT = re.compile(
    rb"^(?:\xef\xbb\xbf)?\s*+"
    rb"(?>(?:<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^\[>]*+(?:\[.*?\]\s*+)?>)\s*+)*+"
    rb"<(?:\w+:)?svg[\s/>]",
    re.DOTALL,
)
"""Declaration, comments and document type, in any order, then the root."""
LENGTH = re.compile(r"\s*\+?(\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?\s*(px|pt|pc|mm|cm|in)?\s*$")


def open_svg(file: BinaryIO, windows: Windows) -> Media:
    """Open an SVG drawing.

    Raises:
        UnknownMedia: it is none.
        MediaError: it is damaged or too large, or resvg_py is not installed.
    """
    if not SVG_ROOT.match(file.read(SAMPLE)):
        raise UnknownMedia("the file is no SVG drawing")
    resvg = optional_package("resvg_py", "SVG drawings")
    file.seek(0)
    data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise MediaError(f"the SVG drawing is larger than {MAX_BYTES >> 20} MB")
    root = xml_tree(data, "the SVG drawing", entities=True)
    if local_name(root) != "svg":
        raise UnknownMedia("the file is no SVG drawing")
    least_side_px = 2 * windows.picture_px
    width, height = _fit(root, least_side_px)
    _cut_references(root)

    def pieces() -> Iterator[tuple[Moment, Content]]:
        with reasons("the SVG drawing"):
            png = resvg.svg_to_bytes(
                svg_string=tostring(root, encoding="unicode"), width=width, height=height
            )
            pixels = to_pixels(Image.open(io.BytesIO(png), formats=["PNG"]), 1, least_side_px)
        yield Moment(Modality.IMAGE), pixels

    return Media(Kind.IMAGE, pieces(), {"width": width, "height": height})


def _fit(root: Element, least_side_px: int) -> tuple[int, int]:
    """State the size at which a drawing is rendered, and scale its content to it.

    The short side becomes `least_side_px`, the long one at most `MAX_SIDE_PX`: a drawing that
    claims millions of pixels would otherwise end the process.
    """
    view = re.split(r"[\s,]+", root.get("viewBox", "").strip())
    try:
        box = [float(number) for number in view]
    except ValueError:
        box = []
    if len(box) != 4 or not (0 < box[2] < 1e9 and 0 < box[3] < 1e9):
        box = [0.0, 0.0, _length(root.get("width")), _length(root.get("height"))]
    scale = least_side_px / min(box[2:])
    width, height = (max(1, min(MAX_SIDE_PX, round(side * scale))) for side in box[2:])
    root.set("viewBox", " ".join(map(str, box)))
    root.set("width", str(width))
    root.set("height", str(height))
    return width, height


def _length(value: str | None) -> float:
    found = LENGTH.match(value or "")
    number = float(found[1]) if found else 0.0
    return number if 0 < number < 1e9 else 100.0


def _cut_references(root: Element) -> None:
    """Remove every reference that is neither into the drawing itself nor to data within it."""
    for element in root.iter():
        for name, value in list(element.attrib.items()):
            if local_name(name) == "href" and not value.strip().startswith(("#", "data:")):
                del element.attrib[name]
