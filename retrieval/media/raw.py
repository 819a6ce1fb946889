"""Camera RAW: the preview that the camera put in, or a quick development if it is too small."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, BinaryIO

from PIL import Image, TiffImagePlugin

from retrieval.errors import UnknownMedia
from retrieval.media.exif import exif_facts
from retrieval.media.media import Media
from retrieval.media.optional_package import optional_package
from retrieval.media.pixels import to_pixels, to_rgb
from retrieval.media.reasons import reasons
from retrieval.records import Kind, Modality, Moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrieval.media.content import Content
    from retrieval.media.windows import Windows

MARKS = (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FOVb", b"\0MRM")
"""Starts of RAF, ORF (three), RW2, X3F and MRW."""
TIFF_MARKS = (b"II*\0", b"MM\0*")
DNG_VERSION, SUB_IFDS, MAKE, SUBFILE_TYPE = 50706, 330, 271, 254
COLOUR_FILTERS = 32803
TURNS = {0: 1, 3: 3, 5: 8, 6: 6}
"""LibRaw's `flip` to EXIF orientation."""


def open_raw(file: BinaryIO, windows: Windows) -> Media:
    """Open a camera's RAW file: CR2, CR3, NEF, ARW, DNG, RAF, ORF, RW2, PEF and others.

    Raises:
        UnknownMedia: it is none.
        MediaError: it is damaged, or rawpy is not installed.
    """
    head = file.read(32)
    cr2_or_3 = head[8:10] == b"CR" or head[4:12] == b"ftypcrx "
    if not (head.startswith(MARKS) or cr2_or_3 or _is_raw_tiff(file, head)):
        raise UnknownMedia("the file is no camera RAW")
    rawpy = optional_package("rawpy", "RAW files of cameras")
    file.seek(0)
    with reasons("the RAW picture"):
        raw = rawpy.imread(file)
    facts: dict[str, str | int | float] = {"width": raw.sizes.width, "height": raw.sizes.height}
    return Media(Kind.IMAGE, _pieces(rawpy, raw, windows), _exif(file) | facts)


def _is_raw_tiff(file: BinaryIO, head: bytes) -> bool:
    """Whether a TIFF is a DNG, or holds a camera's small preview and the sensor's values behind."""
    if not head.startswith(TIFF_MARKS):
        return False
    file.seek(0)
    try:
        tags = TiffImagePlugin.ImageFileDirectory_v2(head[:8])
        file.seek(tags.next)
        tags.load(file)
        preview = bool(tags.get(SUBFILE_TYPE, 0) & 1)
        return DNG_VERSION in tags or (MAKE in tags and SUB_IFDS in tags and preview)
    except Exception:
        return False


def _pieces(rawpy: Any, raw: Any, windows: Windows) -> Iterator[tuple[Moment, Content]]:
    least_side_px = 2 * windows.picture_px
    with raw, reasons("the RAW picture"):
        turn = TURNS.get(raw.sizes.flip, 1)
        picture = _preview(rawpy, raw, least_side_px)
        if picture is None:
            half = raw.postprocess(
                half_size=True, use_camera_wb=True, user_flip=0, no_auto_bright=False
            )
            picture = Image.fromarray(half)
        pixels = to_pixels(picture, turn, least_side_px)
    yield Moment(Modality.IMAGE), pixels


def _preview(rawpy: Any, raw: Any, least_side_px: int) -> Image.Image | None:
    """The embedded preview, if there is one that is large enough."""
    try:
        thumb = raw.extract_thumb()
    except (rawpy.LibRawNoThumbnailError, rawpy.LibRawUnsupportedThumbnailError):
        return None
    if thumb.format == rawpy.ThumbFormat.JPEG:
        picture: Image.Image = Image.open(io.BytesIO(thumb.data), formats=["JPEG"])
        picture.draft(None, (least_side_px, least_side_px))
    else:
        picture = Image.fromarray(thumb.data)
    return to_rgb(picture) if min(picture.size) >= least_side_px else None


def _exif(file: BinaryIO) -> dict[str, str | int | float]:
    """What the camera wrote, where the RAW is a TIFF."""
    file.seek(0)
    head = file.read(8)
    if not head.startswith(TIFF_MARKS):
        return {}
    exif = Image.Exif()
    try:
        file.seek(0)
        exif.load_from_fp(file)
    except Exception:
        return {}
    return exif_facts(exif)
