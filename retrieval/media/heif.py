"""HEIC and HEIF pictures, as phones take them."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from retrieval.errors import UnknownMedia
from retrieval.media.optional_package import optional_package
from retrieval.media.picture import picture_media
from retrieval.media.reasons import reasons

if TYPE_CHECKING:
    from retrieval.media.media import Media
    from retrieval.media.windows import Windows

BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
GENERAL_BRANDS = frozenset({b"mif1", b"mif2", b"msf1"})
"""Brands that HEIC shares with AVIF; the compatible brands tell which it is."""


def open_heif(file: BinaryIO, windows: Windows) -> Media:
    """Open a HEIC or HEIF picture; one with several frames gives its main one.

    Raises:
        UnknownMedia: it is none.
        MediaError: it is damaged, too large, or pillow-heif is not installed.
    """
    head = file.read(64)
    brand, compatible = head[8:12], {head[i : i + 4] for i in range(16, 64, 4)}
    general = brand in GENERAL_BRANDS and b"avif" not in compatible and b"avis" not in compatible
    if head[4:8] != b"ftyp" or not (brand in BRANDS or general):
        raise UnknownMedia("the file is no HEIF picture")
    heif = optional_package("pillow_heif", "HEIC pictures")
    file.seek(0)
    with reasons("the HEIF picture"):
        image = heif.HeifImageFile(file, "")
    return picture_media(image, file, windows)
