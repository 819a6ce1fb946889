"""JPEG XL pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from PIL import Image

from retrieval.errors import MediaError, UnknownMedia
from retrieval.media.media import Media
from retrieval.media.optional_package import optional_package
from retrieval.media.pixels import MAX_PIXELS, to_pixels
from retrieval.media.reasons import reasons
from retrieval.records import Kind, Modality, Moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrieval.media.content import Content
    from retrieval.media.windows import Windows

MARKS = (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")
"""Starts of a bare stream and of a container."""
MAX_BYTES = 1 << 28
"""Largest file that is read."""


def open_jpeg_xl(file: BinaryIO, windows: Windows) -> Media:
    """Open a JPEG XL picture.

    Raises:
        UnknownMedia: it is none.
        MediaError: it is damaged, too large, or pylibjxl is not installed.
    """
    if not file.read(12).startswith(MARKS):
        raise UnknownMedia("the file is no JPEG XL picture")
    jxl = optional_package("pylibjxl", "JPEG XL pictures")
    file.seek(0)
    data = file.read(MAX_BYTES)
    with reasons("the JPEG XL picture"):
        facts = jxl.probe(data)
    width, height = int(facts["width"]), int(facts["height"])
    if width * height > MAX_PIXELS:
        raise MediaError(
            f"the picture claims {width} x {height} pixels, more than the limit of "
            f"{MAX_PIXELS // 1_000_000} million"
        )

    def pieces() -> Iterator[tuple[Moment, Content]]:
        with reasons("the JPEG XL picture"):
            picture = Image.fromarray(np.squeeze(jxl.decode(data)))
            pixels = to_pixels(picture, 1, 2 * windows.picture_px)
        yield Moment(Modality.IMAGE), pixels

    return Media(Kind.IMAGE, pieces(), {"width": width, "height": height})
