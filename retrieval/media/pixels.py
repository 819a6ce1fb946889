"""Pixels: from every way Pillow stores a picture to 8-bit RGB on white."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

if TYPE_CHECKING:
    from retrieval.media.content import Picture

MAX_PIXELS = 178_956_970
"""Most pixels that are decoded: 512 MB as 3 bytes each, and Pillow's own limit for an error."""
BAND_PIXELS = 1 << 20
"""Pixels that are converted at a time, about."""
TURNS = {
    2: (Image.Transpose.FLIP_LEFT_RIGHT,),
    3: (Image.Transpose.ROTATE_180,),
    4: (Image.Transpose.FLIP_TOP_BOTTOM,),
    5: (Image.Transpose.TRANSPOSE,),
    6: (Image.Transpose.ROTATE_270,),
    7: (Image.Transpose.TRANSVERSE,),
    8: (Image.Transpose.ROTATE_90,),
}
"""EXIF orientation (tag 0x0112) to the turn that undoes it: Exif 2.3, section 4.6.4."""


def to_pixels(image: Image.Image, orientation: int, least_side_px: int) -> Picture:
    """Make the `(h, w, 3)` uint8 array of a loaded picture, turned upright and made coarser.

    The picture is averaged over whole blocks of pixels, as often as its short side stays at
    `least_side_px` or above. Any Pillow mode will do; transparency becomes white.
    """
    factor = min(image.size) // least_side_px
    image = _coarser(image, factor) if factor > 1 else to_rgb(image)
    for turn in TURNS.get(orientation, ()):
        image = image.transpose(turn)
    return np.array(image, dtype=np.uint8)


def to_rgb(image: Image.Image) -> Image.Image:
    """Convert a loaded picture of any Pillow mode to mode RGB; transparency becomes white."""
    image = _in_eight_bits(image)
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        canvas = Image.new("RGB", layer.size, "white")
        canvas.paste(layer, mask=layer.getchannel("A"))
        return canvas
    return image if image.mode == "RGB" else image.convert("RGB")


def _coarser(image: Image.Image, factor: int) -> Image.Image:
    """What `to_rgb(image).reduce(factor)` is, to the bit.

    A picture that has to be converted goes through it in bands of whole blocks, so that no copy
    of it stands in memory beside it, and a transparent one, which takes two, not both.
    """
    image = _in_eight_bits(image)
    if image.mode == "RGB" and not image.has_transparency_data:
        return image.reduce(factor)
    width, height = image.size
    coarse = Image.new("RGB", (-(-width // factor), -(-height // factor)))
    band_height = max(1, BAND_PIXELS // (width * factor)) * factor
    for top in range(0, height, band_height):
        band = image.crop((0, top, width, min(top + band_height, height)))
        coarse.paste(to_rgb(band).reduce(factor), (0, top // factor))
    return coarse


def _in_eight_bits(image: Image.Image) -> Image.Image:
    wide = image.mode.startswith("I") or image.mode == "F"
    return Image.fromarray(_eight_bit(image), "L") if wide else image


def _eight_bit(image: Image.Image) -> npt.NDArray[np.uint8]:
    """Scale a picture of 16 or 32 bits or of floats to 0..255.

    16-bit values and floats in 0..1 have a known white; anything else is spread from its own
    darkest to its own brightest pixel. Pillow itself would clip at 255.
    """
    values = np.asarray(image)
    if values.dtype.itemsize == 2 and values.dtype.kind == "u":
        return (values >> 8).astype(np.uint8)
    finite = np.nan_to_num(values.astype(np.float64), posinf=0.0, neginf=0.0)
    low, high = float(finite.min()), float(finite.max())
    if values.dtype.kind == "f":
        low, high = (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)
    else:
        low, high = (0.0, 65535.0) if low >= 0 and high <= 65535 else (low, high)
    spread = (finite - low) * (255.0 / (high - low)) if high > low else np.zeros_like(finite)
    return np.rint(spread).astype(np.uint8)
