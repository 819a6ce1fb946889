"""Weather, water and fire, drawn."""

from __future__ import annotations

from math import cos, pi, sin
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retrieval.encoders.mini.world.drawings.pen import Drawing, Pen


def rain(p: Pen) -> None:
    """A cloud with slanting drops."""
    for x in range(18, 90, 16):
        for y in (62, 80):
            shift = 4 if y == 80 else 0
            p.line([(x + shift, y), (x + shift - 5, y + 13)], 4, "main")
    p.oval(4, 26, 40, 58)
    p.oval(24, 6, 66, 52)
    p.oval(54, 20, 96, 58)
    p.box(20, 38, 80, 58, round_=8)


def thunder(p: Pen) -> None:
    """A lightning bolt under a small flat cloud."""
    p.box(10, 4, 90, 24, "dark", round_=10)
    p.shape([(48, 18), (76, 18), (60, 46), (80, 46), (36, 98), (46, 60), (26, 60)])


def sea(p: Pen) -> None:
    """A breaking wave that curls over, with rows of smaller ones."""
    p.shape([(0, 96), (0, 70), (14, 34), (36, 12), (62, 10), (82, 26), (84, 44), (70, 34),
             (56, 36), (50, 52), (60, 70), (100, 76), (100, 96)])  # fmt: skip
    p.arc(52, 26, 86, 56, 190, 360, 5, "white")
    for y in (72, 84):
        p.line([(6, y), (20, y - 6), (34, y), (48, y - 6), (62, y + 4), (76, y), (92, y + 4)], 4,
               "light")  # fmt: skip


def fire(p: Pen) -> None:
    """A flame with a bright heart on crossed logs."""
    p.line([(14, 94), (86, 82)], 9, "ink")
    p.line([(86, 94), (14, 82)], 9, "ink")
    p.shape([(50, 0), (58, 22), (76, 36), (82, 62), (70, 84), (30, 84), (18, 62), (24, 38),
             (34, 46), (36, 22)])  # fmt: skip
    p.shape([(50, 38), (62, 56), (64, 74), (56, 84), (44, 84), (36, 74), (40, 56)], "light")


def wind(p: Pen) -> None:
    """Three long lines of air that curl at their ends."""
    p.line([(2, 36), (62, 36)], 8, "main")
    p.arc(48, 8, 76, 40, -170, 90, 8, "main")
    p.line([(8, 54), (80, 54)], 8, "main")
    p.arc(66, 28, 98, 58, -170, 90, 8, "main")
    p.line([(4, 72), (56, 72)], 8, "main")
    p.arc(42, 68, 70, 98, -90, 170, 8, "main")


def firework(p: Pen) -> None:
    """A burst of rays with sparks at their ends."""
    for k in range(12):
        angle = 2 * pi * k / 12
        reach = 46 if k % 2 else 36
        x, y = 50 + reach * cos(angle), 50 + reach * sin(angle)
        start = (50 + 12 * cos(angle), 50 + 12 * sin(angle))
        p.line([start, (x, y)], 4, "main")
        p.oval(x - 4, y - 4, x + 4, y + 4, "main" if k % 2 else "accent")
    p.oval(44, 44, 56, 56, "white")


NATURE: dict[str, Drawing] = {
    draw.__name__: draw for draw in (rain, thunder, sea, fire, wind, firework)
}
