"""A pen that draws shapes on a transparent sheet, in one of several styles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageDraw

RGB: TypeAlias = tuple[int, int, int]
Point: TypeAlias = tuple[float, float]

STYLES = ("outlined", "flat", "lines", "sketch")
"""Filled with an outline, filled without one, mostly lines, filled with a shaky hand."""


def blend(a: RGB, b: RGB, share: float) -> RGB:
    """Mix two colours; `share` is the part of the second one, 0..1."""
    return (
        round(a[0] + (b[0] - a[0]) * share),
        round(a[1] + (b[1] - a[1]) * share),
        round(a[2] + (b[2] - a[2]) * share),
    )


def brightness(colour: RGB) -> float:
    """Perceived brightness 0..255 (ITU-R BT.601 weights)."""
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]


class Pen:
    """Draws on a square RGBA sheet whose sides are 100 units long.

    Fills are given by role: `main` (the colour a person would name), `dark` and `light` (its
    shades), `ink` (lines), and the fixed `white`, `black`, `accent` and `glass`.
    """

    def __init__(self, side_px: int, colour: RGB, style: str, rng: np.random.Generator) -> None:
        self.sheet = Image.new("RGBA", (side_px, side_px), (*colour, 0))
        self._draw = ImageDraw.Draw(self.sheet)
        self._scale = side_px / 100
        self._rng = rng
        self._shake = {"sketch": 1.1}.get(style, 0.0)
        dark = brightness(colour) < 60
        ink = blend(colour, (150, 150, 150), 0.55) if dark else blend(colour, (0, 0, 0), 0.75)
        edge = colour if style == "lines" else ink
        self._edge: RGB | None = None if style == "flat" else edge
        self._edge_width = {"lines": 3.4, "outlined": 2.0, "sketch": 2.4}.get(style, 0.0)
        self._roles: dict[str, RGB] = {
            "main": blend(colour, (255, 255, 255), 0.35) if style == "lines" else colour,
            "dark": blend(colour, (120, 120, 120) if dark else (0, 0, 0), 0.4),
            "light": blend(colour, (255, 255, 255), 0.45),
            "ink": ink,
            "white": (248, 248, 244),
            "black": (25, 25, 30),
            "accent": (240, 170, 40),
            "glass": (190, 222, 236),
        }

    def oval(self, x0: float, y0: float, x1: float, y1: float, fill: str = "main") -> None:
        """An ellipse in the box from (x0, y0) to (x1, y1)."""
        (a, b), (c, d) = self._place([(x0, y0), (x1, y1)])
        box = (min(a, c), min(b, d), max(a, c), max(b, d))
        self._draw.ellipse(box, self._roles[fill], self._edge, self._width(self._edge_width))

    def box(
        self, x0: float, y0: float, x1: float, y1: float, fill: str = "main", *, round_: float = 0
    ) -> None:
        """A rectangle, its corners rounded by `round_` units."""
        (a, b), (c, d) = self._place([(x0, y0), (x1, y1)])
        box = (min(a, c), min(b, d), max(a, c), max(b, d))
        self._draw.rounded_rectangle(
            box,
            round_ * self._scale,
            self._roles[fill],
            self._edge,
            self._width(self._edge_width),
        )

    def shape(self, points: Sequence[Point], fill: str = "main") -> None:
        """A closed polygon."""
        placed = self._place(points)
        self._draw.polygon(placed, self._roles[fill])
        if self._edge is not None:
            width = self._width(self._edge_width)
            self._draw.line([*placed, placed[0]], self._edge, width, joint="curve")

    def line(self, points: Sequence[Point], width: float = 3, fill: str = "ink") -> None:
        """An open line `width` units thick."""
        self._draw.line(self._place(points), self._roles[fill], self._width(width), joint="curve")

    def arc(
        self,
        x0: float,
        y0: float,
        x1: float,
        y1: float,
        start: float,
        end: float,
        width: float = 3,
        fill: str = "ink",
    ) -> None:
        """Part of an ellipse's rim, clockwise from `start` to `end` degrees, 0 at the right."""
        (a, b), (c, d) = self._place([(x0, y0), (x1, y1)])
        box = (min(a, c), min(b, d), max(a, c), max(b, d))
        self._draw.arc(box, start, end, self._roles[fill], self._width(width))

    def eye(self, x: float, y: float, r: float = 4) -> None:
        """A white eye with a black pupil."""
        self.oval(x - r, y - r, x + r, y + r, "white")
        self.oval(x - r * 0.45, y - r * 0.45, x + r * 0.45, y + r * 0.45, "black")

    def _place(self, points: Sequence[Point]) -> list[Point]:
        if not self._shake:
            return [(x * self._scale, y * self._scale) for x, y in points]
        moved = np.asarray(points) + self._rng.normal(0, self._shake, (len(points), 2))
        return [(float(x), float(y)) for x, y in moved * self._scale]

    def _width(self, units: float) -> int:
        return max(1, round(units * self._scale))


Drawing: TypeAlias = Callable[[Pen], None]
