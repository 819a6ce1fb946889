"""Things that carry people, drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retrieval.encoders.mini.world.drawings.pen import Drawing, Pen


def _wheel(p: Pen, x: float, y: float, r: float) -> None:
    p.oval(x - r, y - r, x + r, y + r, "black")
    p.oval(x - r * 0.45, y - r * 0.45, x + r * 0.45, y + r * 0.45, "light")


def car(p: Pen) -> None:
    """A small car from the side."""
    p.shape([(22, 48), (34, 24), (68, 24), (82, 48)])
    p.shape([(30, 46), (38, 30), (49, 30), (49, 46)], "glass")
    p.shape([(53, 46), (53, 30), (65, 30), (74, 46)], "glass")
    p.box(2, 46, 98, 74, round_=8)
    p.box(90, 52, 98, 60, "accent")
    _wheel(p, 25, 74, 13)
    _wheel(p, 75, 74, 13)


def train(p: Pen) -> None:
    """A steam engine from the side with its chimney and smoke."""
    p.oval(2, 0, 20, 14, "light")
    p.oval(16, 4, 32, 16, "light")
    p.shape([(18, 42), (14, 18), (34, 18), (30, 42)], "dark")
    p.box(8, 38, 66, 72, round_=8)
    p.oval(42, 28, 54, 42, "dark")
    p.box(60, 20, 96, 76)
    p.box(68, 28, 88, 46, "glass")
    p.box(56, 14, 100, 22, "dark")
    p.shape([(0, 90), (12, 70), (12, 90)], "accent")
    for x in (22, 42):
        _wheel(p, x, 82, 10)
    _wheel(p, 78, 78, 15)
    p.line([(22, 82), (78, 80)], 3, "light")


def airplane(p: Pen) -> None:
    """An airliner seen from above, wings swept back."""
    p.shape([(40, 46), (60, 46), (60, 60), (98, 66), (98, 74), (60, 72)], "dark")
    p.shape([(42, 30), (2, 62), (2, 72), (44, 60)], "main")
    p.shape([(58, 30), (98, 62), (98, 72), (56, 60)], "main")
    p.shape([(45, 78), (26, 92), (26, 98), (50, 92), (74, 98), (74, 92), (55, 78)], "dark")
    p.shape([(50, 0), (57, 10), (59, 30), (57, 80), (50, 96), (43, 80), (41, 30), (43, 10)])
    p.shape([(46, 12), (54, 12), (55, 18), (45, 18)], "glass")


def helicopter(p: Pen) -> None:
    """A helicopter from the side: bubble cabin, tail boom, rotor, skids."""
    p.shape([(54, 40), (96, 36), (96, 44), (56, 60)])
    p.line([(94, 24), (94, 56)], 4, "ink")
    p.line([(36, 12), (36, 28)], 5, "ink")
    p.line([(0, 12), (76, 12)], 4, "ink")
    p.oval(6, 26, 66, 78)
    p.shape([(10, 52), (16, 36), (34, 30), (34, 54)], "glass")
    p.line([(22, 76), (18, 90)], 3)
    p.line([(50, 76), (54, 90)], 3)
    p.line([(4, 90), (68, 90)], 4)


def ship(p: Pen) -> None:
    """A steamer from the side with two funnels."""
    p.box(34, 12, 46, 40, "main")
    p.box(56, 12, 68, 40, "main")
    p.box(34, 12, 46, 20, "black")
    p.box(56, 12, 68, 20, "black")
    p.box(22, 38, 80, 60, "white")
    for x in (32, 46, 60, 72):
        p.oval(x - 4, 44, x + 4, 52, "glass")
    p.shape([(2, 58), (98, 58), (84, 90), (16, 90)])
    p.line([(10, 72), (90, 72)], 3, "light")
    p.line([(0, 92), (14, 88), (28, 94), (42, 88), (56, 94), (70, 88), (84, 94), (98, 88)], 4,
           "glass")  # fmt: skip


def rocket(p: Pen) -> None:
    """A rocket taking off, flame below."""
    p.shape([(38, 78), (62, 78), (56, 98), (50, 90), (44, 98)], "accent")
    p.shape([(34, 54), (14, 84), (36, 80)], "dark")
    p.shape([(66, 54), (86, 84), (64, 80)], "dark")
    p.shape([(50, 0), (64, 18), (70, 44), (66, 80), (34, 80), (30, 44), (36, 18)])
    p.shape([(50, 0), (64, 18), (66, 24), (34, 24), (36, 18)], "dark")
    p.oval(40, 34, 60, 54, "glass")


def bicycle(p: Pen) -> None:
    """A bicycle from the side: two thin wheels and a frame."""
    for x in (24, 76):
        p.arc(x - 22, 46, x + 22, 90, 0, 360, 4, "black")
        p.line([(x - 20, 68), (x + 20, 68)], 1, "ink")
        p.line([(x, 48), (x, 88)], 1, "ink")
    p.line([(24, 68), (40, 34), (68, 34), (48, 68), (24, 68)], 6, "main")
    p.line([(40, 34), (48, 68)], 6, "main")
    p.line([(76, 68), (66, 24)], 6, "main")
    p.line([(66, 24), (78, 20)], 5, "dark")
    p.box(30, 26, 48, 32, "dark")
    p.line([(38, 34), (39, 28)], 4, "main")


VEHICLES: dict[str, Drawing] = {
    draw.__name__: draw for draw in (car, train, airplane, helicopter, ship, rocket, bicycle)
}
