"""Pictures that Pillow decodes: one upright RGB array each, no larger than it needs to be."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, BinaryIO

from PIL import Image, JpegImagePlugin

from retrieval.errors import MediaError, UnknownMedia
from retrieval.media.animation import frames_of
from retrieval.media.exif import exif_facts
from retrieval.media.media import PIXEL_BYTES, Media
from retrieval.media.pixels import MAX_PIXELS, to_pixels
from retrieval.media.reasons import reasons
from retrieval.media.tags import tag_facts
from retrieval.media.xmp import xmp_facts
from retrieval.records import Kind, Modality, Moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from PIL.ImageFile import ImageFile

    from retrieval.media.content import Content, Picture
    from retrieval.media.windows import Windows
    from retrieval.records import Fact

MAX_JPEG_PIXELS = 1 << 30
"""Most pixels of a sequential JPEG, which is decoded at a coarser scale and line by line."""

PILLOW_REMARKS = ("ignore", None, Warning, re.compile(r"PIL\."), 0)
"""The entry of `warnings.filters` for whatever Pillow's modules remark."""

Image.init()
UNMARKED = ("IM", "IMT", "IPTC", "PCD", "SPIDER", "TGA")
"""Formats that begin with no clear mark, so that other data may be taken for them."""
REFUSED = ("EPS", "WMF", "MPEG", "BUFR", "GRIB", "HDF5")
"""EPS would start Ghostscript, WMF needs Windows; the others Pillow names but cannot decode."""
MOVING = ("GIF", "WEBP", "PNG", "AVIF", "FLI")
"""Formats whose frames follow each other in time; those of TIFF or PSD are pages and layers."""
MARKED = tuple(i for i in Image.ID if i not in (*UNMARKED, *REFUSED))


def open_picture(file: BinaryIO, windows: Windows) -> Media:
    """Open a picture in a format with a clear mark.

    Raises:
        UnknownMedia: no decoder takes it for a picture.
        MediaError: it begins like a picture, but its header is damaged or claims too many pixels.
    """
    return picture_media(_identify(file, MARKED), file, windows)


def open_unmarked_picture(file: BinaryIO, windows: Windows) -> Media:
    """Open a picture in a format without a clear mark, such as TGA; raises as `open_picture`."""
    try:
        return picture_media(_identify(file, UNMARKED), file, windows)
    except UnknownMedia:
        raise
    except MediaError as error:
        raise UnknownMedia(str(error)) from error


def _identify(file: BinaryIO, formats: Iterable[str]) -> ImageFile:
    """Let Pillow's plugins read the header.

    `Image.open` would refuse a large JPEG by its header's size, though it can be decoded at an
    eighth of it; the limit has to look at the format, so the plugins are asked one by one.
    """
    _ignore_pillow_warnings()
    prefix = file.read(16).ljust(16, b"\0")
    damage: MediaError | None = None
    for form in formats:
        plugin, accept = Image.OPEN[form]
        if accept and (not (accepted := accept(prefix)) or isinstance(accepted, str)):
            continue
        file.seek(0)
        try:
            with reasons(f"the {form} picture"):
                return plugin(file, "")
        except MediaError as error:
            damage = damage or error
    raise damage or UnknownMedia("the file is no picture")


def picture_media(image: ImageFile, file: BinaryIO, windows: Windows) -> Media:
    """The media of an opened, not yet decoded picture.

    Raises:
        MediaError: it claims too many pixels.
    """
    _check_size(image)
    width, height = image.size
    least_side_px = 2 * windows.picture_px
    facts = {**tag_facts(image.info), **_exif_facts(image), **_xmp_facts(image)}
    facts |= {"width": width, "height": height}
    with reasons(f"the {image.format} picture"):
        image.draft(None, (least_side_px, least_side_px))  # a JPEG is decoded at a coarser scale
    decoding = PIXEL_BYTES * image.width * image.height
    if "progressive" in image.info:  # whose coefficients are all in memory
        decoding += PIXEL_BYTES * width * height
    return Media(Kind.IMAGE, _pieces(image, file, windows), facts, decoding)


def _check_size(image: ImageFile) -> None:
    sequential_jpeg = isinstance(image, JpegImagePlugin.JpegImageFile) and (
        "progressive" not in image.info
    )
    limit = MAX_JPEG_PIXELS if sequential_jpeg else MAX_PIXELS
    width, height = image.size
    if width * height > limit:
        raise MediaError(
            f"the picture claims {width} x {height} pixels, more than the limit of "
            f"{limit // 1_000_000} million"
        )


def _pieces(image: ImageFile, file: BinaryIO, windows: Windows) -> Iterator[tuple[Moment, Content]]:
    _ignore_pillow_warnings()
    try:
        pixels = _decoded(image, 2 * windows.picture_px)
    except MediaError as damage:
        yield from _second_opinion(file, windows, damage)
        return
    if image.format in MOVING and _frame_count(image) > 1:
        yield from frames_of(image, pixels, windows)
    else:
        image.close()  # what was decoded may be a hundred times as large as what is left of it
        yield Moment(Modality.IMAGE), pixels


def _decoded(image: ImageFile, least_side_px: int) -> Picture:
    with reasons(f"the {image.format} picture"):
        image.load()
        return to_pixels(image, _orientation(image), least_side_px)


def _frame_count(image: ImageFile) -> int:
    """Frames of an animation; one whose later frames are broken is a picture."""
    try:
        return int(getattr(image, "n_frames", 1))
    except Exception:
        return 1


def _second_opinion(
    file: BinaryIO, windows: Windows, damage: MediaError
) -> Iterator[tuple[Moment, Content]]:
    """PyAV's decoder of the same format, unless the picture is only cut off.

    Half a picture is no picture: PyAV would fill the rest with grey.
    """
    if "truncated" in str(damage).lower():
        raise damage
    from retrieval.media.video import open_rare_picture

    try:
        yield from open_rare_picture(file, windows).pieces
    except MediaError:
        raise damage from None


def _exif_facts(image: ImageFile) -> dict[str, str | int | float]:
    """What the camera wrote. Only a loaded PNG would give EXIF that stands behind its pixels."""
    if image.format == "PNG" and "exif" not in image.info:
        return {}
    try:
        return exif_facts(image.getexif())
    except Exception:
        return {}


def _xmp_facts(image: ImageFile) -> dict[str, Fact]:
    """What photo programs wrote, as Pillow finds it in JPEG, PNG, WebP, TIFF and AVIF."""
    packet = image.info.get("xmp")
    if isinstance(packet, str):
        packet = packet.encode()
    if not isinstance(packet, bytes):
        return {}
    try:
        return xmp_facts(packet)
    except MediaError:
        return {}


def _orientation(image: ImageFile) -> int:
    """EXIF orientation, 1 if there is none; broken EXIF costs the turn, not the picture."""
    try:
        return int(image.getexif().get(0x0112, 1))
    except Exception:
        return 1


def _ignore_pillow_warnings() -> None:
    """Keep Pillow's remarks on odd files off the terminal; what matters arrives as an error.

    `warnings.catch_warnings` is not safe with threads, so the filter is added and stays.
    """
    if PILLOW_REMARKS not in warnings.filters:
        warnings.filterwarnings("ignore", module=PILLOW_REMARKS[3].pattern)
