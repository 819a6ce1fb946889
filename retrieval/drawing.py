"""Explanations as pictures: heat over a picture, a curve over the seconds of a sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from retrieval.explain import PictureReason, SoundReason

SIZE_PX = 640
"""Longer side of a drawn picture, and width of a drawn curve."""

CURVE_HEIGHT_PX = 220
MARGIN_PX = 36
HEAT = ((0, 0, 96), (0, 96, 255), (0, 220, 180), (255, 230, 0), (255, 40, 0))
"""From nothing to most."""


def draw_heat(reason: PictureReason) -> Image.Image:
    """The picture in grey with the heat laid over it, a ring around its peak."""
    picture = Image.fromarray(reason.picture).convert("L").convert("RGB")
    scale = SIZE_PX / max(picture.size)
    size = (max(round(picture.width * scale), 1), max(round(picture.height * scale), 1))
    picture = picture.resize(size, Image.Resampling.BICUBIC)
    stops = np.linspace(0, 1, len(HEAT))
    colours = np.stack(
        [np.interp(reason.heat, stops, [c[channel] for c in HEAT]) for channel in range(3)], axis=-1
    )
    overlay = Image.fromarray(colours.astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
    share = Image.fromarray((40 + 130 * reason.heat).astype(np.uint8))
    drawn = Image.composite(overlay, picture, share.resize(size, Image.Resampling.BICUBIC))
    x, y = (round(v * scale) for v in reason.point)
    ring = ImageDraw.Draw(drawn)
    for radius, colour in ((13, "black"), (11, "white")):
        ring.ellipse((x - radius, y - radius, x + radius, y + radius), outline=colour, width=2)
    return drawn


def draw_curve(reason: SoundReason) -> Image.Image:
    """Evidence over seconds; above the line it speaks for a match."""
    drawn = Image.new("RGB", (SIZE_PX, CURVE_HEIGHT_PX), "white")
    pen = ImageDraw.Draw(drawn)
    left, right = MARGIN_PX, SIZE_PX - MARGIN_PX // 2
    top, bottom = MARGIN_PX // 2, CURVE_HEIGHT_PX - MARGIN_PX
    low, high = min(float(reason.evidence.min()), 0.0), max(float(reason.evidence.max()), 0.0)
    unit_px = (bottom - top) / max(high - low, 1e-9)
    first_s, last_s = float(reason.times_s[0]), float(reason.times_s[-1])
    along = (reason.times_s - first_s) / max(last_s - first_s, 1e-9)
    xs = left + along * (right - left)
    ys = bottom - (reason.evidence - low) * unit_px
    zero = bottom + low * unit_px
    pen.line((left, zero, right, zero), fill="#999999")
    pen.line(list(zip(xs.tolist(), ys.tolist(), strict=True)), fill="#d03020", width=3)
    for x, y in zip(xs.tolist(), ys.tolist(), strict=True):
        pen.ellipse((x - 3, y - 3, x + 3, y + 3), fill="#d03020")
    pen.rectangle((left, top, right, bottom), outline="black")
    pen.text((left, bottom + 8), f"{first_s:.1f} s", "black")
    pen.text((right - 48, bottom + 8), f"{last_s:.1f} s", "black")
    pen.text((4, zero - 6), "0", "black")
    return drawn
