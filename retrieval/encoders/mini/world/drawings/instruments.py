"""Things that make music, drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retrieval.encoders.mini.world.drawings.pen import Drawing, Pen


def bell(p: Pen) -> None:
    """A church bell with its clapper."""
    p.arc(40, 0, 60, 20, 150, 390, 4)
    p.oval(40, 78, 60, 98, "dark")
    p.shape([(50, 10), (66, 18), (72, 40), (76, 64), (90, 82), (10, 82), (24, 64), (28, 40),
             (34, 18)])  # fmt: skip
    p.line([(22, 68), (78, 68)], 3)
    p.line([(38, 24), (34, 56)], 4, "light")


def drum(p: Pen) -> None:
    """A snare drum with laces and two sticks."""
    p.box(12, 38, 88, 84)
    p.oval(12, 70, 88, 96)
    p.box(14, 40, 86, 82, "main")
    for x in range(14, 86, 18):
        p.line([(x, 46), (x + 9, 84), (x + 18, 46)], 2, "light")
    p.oval(12, 24, 88, 52, "white")
    p.line([(4, 4), (46, 36)], 5, "accent")
    p.line([(96, 4), (56, 36)], 5, "accent")


def piano(p: Pen) -> None:
    """An upright piano: a big body with a row of keys."""
    p.box(6, 10, 94, 54)
    p.box(16, 18, 84, 36, "dark")
    p.box(2, 50, 98, 72, "white")
    for k in range(1, 10):
        p.line([(2 + 9.6 * k, 50), (2 + 9.6 * k, 72)], 1.5, "black")
    for k in (1, 2, 4, 5, 6, 8, 9):
        p.box(2 + 9.6 * k - 2.6, 50, 2 + 9.6 * k + 2.6, 62, "black")
    p.box(6, 72, 94, 80)
    p.box(8, 80, 18, 98)
    p.box(82, 80, 92, 98)


def guitar(p: Pen) -> None:
    """An acoustic guitar lying at a slant."""
    p.line([(54, 46), (88, 12)], 8, "dark")
    p.shape([(84, 8), (92, 0), (100, 8), (92, 16)], "dark")
    p.oval(34, 28, 72, 66)
    p.oval(4, 42, 58, 96)
    p.oval(36, 40, 60, 64, "main")
    p.oval(30, 50, 50, 70, "black")
    p.line([(18, 70), (30, 82)], 4, "black")
    for d in (-2, 2):
        p.line([(24 + d, 76 + d), (90 + d, 10 + d)], 1, "white")


def violin(p: Pen) -> None:
    """A violin with a narrow waist, and its bow across."""
    p.line([(50, 40), (50, 4)], 6, "black")
    p.oval(44, 0, 56, 10, "dark")
    p.oval(32, 26, 68, 58)
    p.oval(26, 54, 74, 98)
    p.oval(38, 44, 62, 70, "main")
    p.arc(26, 44, 38, 66, -70, 70, 3, "ink")
    p.arc(62, 44, 74, 66, 110, 250, 3, "ink")
    p.line([(50, 14), (50, 88)], 2, "white")
    p.line([(40, 66), (44, 76)], 2, "black")
    p.line([(60, 66), (56, 76)], 2, "black")
    p.box(44, 74, 56, 78, "light")
    p.line([(4, 72), (96, 46)], 4, "accent")


def trumpet(p: Pen) -> None:
    """A trumpet from the side: flared mouth, valves, loop of tube."""
    p.box(26, 46, 66, 74, round_=14)
    p.box(33, 53, 59, 67, "light", round_=7)
    p.line([(4, 44), (70, 44)], 7, "main")
    p.line([(4, 48), (70, 48)], 1.5, "ink")
    p.shape([(62, 38), (78, 34), (96, 18), (96, 74), (78, 54), (62, 50)])
    p.box(0, 38, 6, 54, "dark")
    for x in (34, 44, 54):
        p.box(x - 3, 28, x + 3, 70, "light")
        p.oval(x - 5, 22, x + 5, 30, "accent")


def flute(p: Pen) -> None:
    """A long straight tube at a slant with a row of holes."""
    p.shape([(0, 82), (92, 8), (100, 18), (8, 92)])
    p.shape([(18, 68), (26, 62), (34, 71), (26, 77)], "dark")
    for k in range(6):
        x, y = 42 + 9 * k, 54 - 7.2 * k
        p.oval(x - 4, y - 4, x + 4, y + 4, "black")


def whistle(p: Pen) -> None:
    """A referee's whistle: round chamber, straight mouthpiece, ring."""
    p.arc(2, 6, 26, 30, 0, 360, 4, "ink")
    p.oval(8, 28, 64, 84)
    p.box(34, 28, 98, 50)
    p.box(56, 24, 66, 38, "black")
    p.oval(24, 44, 48, 68, "dark")
    p.oval(30, 50, 42, 62, "light")


INSTRUMENTS: dict[str, Drawing] = {
    draw.__name__: draw for draw in (bell, drum, piano, guitar, violin, trumpet, flute, whistle)
}
