"""Household things and tools, drawn."""

from __future__ import annotations

from math import cos, pi, sin
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retrieval.encoders.mini.world.drawings.pen import Drawing, Pen


def clock(p: Pen) -> None:
    """An alarm clock: round dial, two hands, two feet, two caps."""
    p.line([(26, 84), (16, 98)], 6, "main")
    p.line([(74, 84), (84, 98)], 6, "main")
    p.oval(8, 4, 40, 30, "dark")
    p.oval(60, 4, 92, 30, "dark")
    p.oval(10, 14, 90, 94)
    p.oval(20, 24, 80, 84, "white")
    for k in range(12):
        x, y = 50 + 25 * cos(pi * k / 6), 54 + 25 * sin(pi * k / 6)
        p.oval(x - 1.5, y - 1.5, x + 1.5, y + 1.5, "black")
    p.line([(50, 54), (50, 32)], 4, "black")
    p.line([(50, 54), (66, 62)], 4, "black")


def telephone(p: Pen) -> None:
    """An old telephone: receiver lying on a body with a dial."""
    p.shape([(28, 36), (72, 36), (92, 90), (8, 90)])
    p.oval(30, 46, 70, 84, "white")
    for k in range(8):
        x, y = 50 + 13 * cos(pi * k / 4), 65 + 13 * sin(pi * k / 4)
        p.oval(x - 3, y - 3, x + 3, y + 3, "black")
    p.box(4, 12, 96, 28, round_=8)
    p.box(2, 14, 26, 42, "dark", round_=6)
    p.box(74, 14, 98, 42, "dark", round_=6)


def door(p: Pen) -> None:
    """A closed door with panels and a knob, in its frame."""
    p.box(18, 0, 82, 100, "dark")
    p.box(24, 5, 76, 100)
    p.box(31, 12, 47, 44, "light")
    p.box(53, 12, 69, 44, "light")
    p.box(31, 56, 47, 92, "light")
    p.box(53, 56, 69, 92, "light")
    p.oval(66, 46, 75, 55, "accent")


def hammer(p: Pen) -> None:
    """A claw hammer with a wooden handle."""
    p.box(42, 26, 56, 98, "accent", round_=4)
    p.shape([(24, 8), (66, 8), (84, 14), (96, 32), (80, 28), (64, 32), (24, 32)])
    p.box(8, 4, 28, 36)


def saw(p: Pen) -> None:
    """A hand saw: toothed blade and a grip."""
    teeth = [(92 - 5.0 * k, 56 + (6 if k % 2 else 0) - 1.1 * k * 0.6) for k in range(13)]
    p.shape([(32, 30), (98, 42), (98, 52), *teeth, (30, 62)], "light")
    p.box(2, 24, 36, 74, round_=12)
    p.box(11, 36, 27, 62, "white", round_=6)


def kettle(p: Pen) -> None:
    """A kettle with spout, handle, lid and steam."""
    p.arc(28, 4, 82, 60, 180, 360, 6, "ink")
    p.shape([(30, 56), (6, 34), (0, 42), (26, 78)], "dark")
    p.shape([(34, 36), (76, 36), (92, 86), (86, 94), (24, 94), (18, 86)])
    p.box(36, 30, 74, 38, "dark")
    p.oval(50, 22, 60, 32, "black")
    p.arc(-4, 6, 10, 20, 90, 270, 3, "glass")
    p.arc(2, 18, 14, 32, -90, 90, 3, "glass")


def camera(p: Pen) -> None:
    """A photo camera: box, big lens, flash and button."""
    p.box(34, 12, 66, 30, "dark")
    p.box(12, 18, 26, 28, "black")
    p.box(4, 26, 96, 86, round_=6)
    p.oval(28, 34, 72, 78, "black")
    p.oval(36, 42, 64, 70, "glass")
    p.oval(44, 50, 56, 62, "black")
    p.box(78, 32, 90, 42, "white")


def typewriter(p: Pen) -> None:
    """A typewriter: sheet of paper, roller and rows of keys."""
    p.box(26, 2, 74, 40, "white")
    for y in (10, 18, 26):
        p.line([(32, y), (66, y)], 2, "black")
    p.box(4, 32, 96, 44, "black", round_=5)
    p.shape([(12, 44), (88, 44), (98, 94), (2, 94)])
    for row, y in enumerate((54, 67, 80)):
        for k in range(6):
            x = 20 + 12 * k - 2 * row + (2 * row * k) / 2.5
            p.oval(x - 4.5, y - 4.5, x + 4.5, y + 4.5, "white")


def tap(p: Pen) -> None:
    """A water tap with a cross handle and a falling drop."""
    p.line([(26, 10), (62, 10)], 8, "main")
    p.box(40, 8, 48, 34)
    p.box(2, 30, 16, 58, "dark")
    p.box(12, 34, 72, 54)
    p.box(62, 36, 84, 70, round_=4)
    p.oval(66, 82, 80, 98, "glass")
    p.shape([(73, 74), (79, 88), (67, 88)], "glass")


def siren(p: Pen) -> None:
    """A flashing beacon: a dome on a base with rays of light."""
    p.box(18, 76, 82, 96, "black")
    p.shape([(28, 76), (28, 52), (36, 38), (50, 32), (64, 38), (72, 52), (72, 76)])
    p.box(42, 50, 58, 76, "light")
    for x0, y0, x1, y1 in ((50, 24, 50, 4), (28, 32, 14, 16), (72, 32, 86, 16), (18, 54, 0, 48),
                           (82, 54, 100, 48)):  # fmt: skip
        p.line([(x0, y0), (x1, y1)], 5, "accent")


def robot(p: Pen) -> None:
    """A robot: square head with antenna, square body, arms."""
    p.line([(50, 14), (50, 4)], 3, "ink")
    p.oval(45, 0, 55, 9, "accent")
    p.box(26, 12, 74, 48)
    p.box(34, 20, 46, 32, "white")
    p.box(54, 20, 66, 32, "white")
    p.line([(36, 40), (64, 40)], 4, "black")
    p.box(20, 52, 80, 88, "main")
    p.box(34, 60, 66, 78, "light")
    p.box(6, 52, 17, 80, "dark")
    p.box(83, 52, 94, 80, "dark")
    p.box(28, 88, 42, 98, "dark")
    p.box(58, 88, 72, 98, "dark")


def heart(p: Pen) -> None:
    """A heart."""
    turns = [2 * pi * k / 40 for k in range(40)]
    p.shape(
        [
            (
                50 + 2.9 * 16 * sin(t) ** 3,
                46 - 2.9 * (13 * cos(t) - 5 * cos(2 * t) - 2 * cos(3 * t) - cos(4 * t)),
            )
            for t in turns
        ]
    )
    p.arc(16, 18, 46, 48, 180, 260, 4, "light")


THINGS: dict[str, Drawing] = {
    draw.__name__: draw
    for draw in (
        clock, telephone, door, hammer, saw, kettle, camera, typewriter, tap, siren, robot, heart
    )
}  # fmt: skip
