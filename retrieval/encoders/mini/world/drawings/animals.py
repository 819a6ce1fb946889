"""Animals, drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retrieval.encoders.mini.world.drawings.pen import Drawing, Pen


def dog(p: Pen) -> None:
    """A face with hanging ears, a light muzzle and the tongue out."""
    p.oval(22, 14, 78, 78)
    p.shape([(26, 18), (8, 26), (6, 62), (18, 70), (30, 42)], "dark")
    p.shape([(74, 18), (92, 26), (94, 62), (82, 70), (70, 42)], "dark")
    p.oval(32, 48, 68, 88, "light")
    p.shape([(45, 78), (55, 78), (54, 94), (50, 97), (46, 94)], "accent")
    p.oval(42, 52, 58, 64, "black")
    p.eye(38, 38)
    p.eye(62, 38)


def cat(p: Pen) -> None:
    """A round face with pointed ears and long whiskers."""
    p.shape([(16, 50), (16, 6), (46, 28)])
    p.shape([(84, 50), (84, 6), (54, 28)])
    p.oval(12, 22, 88, 90)
    p.oval(28, 42, 42, 58, "accent")
    p.oval(58, 42, 72, 58, "accent")
    p.line([(35, 43), (35, 57)], 3, "black")
    p.line([(65, 43), (65, 57)], 3, "black")
    p.shape([(45, 63), (55, 63), (50, 69)], "black")
    for y in (64, 72, 80):
        p.line([(34, 70), (2, y - 2)], 2)
        p.line([(66, 70), (98, y - 2)], 2)


def cow(p: Pen) -> None:
    """A long face with horns, side ears and a broad light muzzle."""
    p.arc(8, -14, 48, 26, 60, 190, 5, "accent")
    p.arc(52, -14, 92, 26, -10, 120, 5, "accent")
    p.oval(2, 24, 30, 42, "dark")
    p.oval(70, 24, 98, 42, "dark")
    p.shape([(28, 16), (72, 16), (76, 44), (66, 80), (34, 80), (24, 44)])
    p.shape([(28, 16), (48, 16), (44, 46), (28, 52)], "white")
    p.oval(24, 62, 76, 96, "light")
    p.oval(36, 74, 44, 84, "black")
    p.oval(56, 74, 64, 84, "black")
    p.eye(38, 42)
    p.eye(62, 42)


def sheep(p: Pen) -> None:
    """A woolly cloud of a body on four legs, with a dark face."""
    for x in (30, 42, 60, 72):
        p.line([(x, 68), (x, 94)], 5, "black")
    for x, y in ((22, 44), (36, 32), (54, 30), (70, 36), (78, 52), (66, 64), (46, 68), (28, 62)):
        p.oval(x - 15, y - 15, x + 15, y + 15)
    p.oval(24, 28, 78, 72, "main")
    p.oval(2, 30, 30, 66, "black")
    p.oval(22, 30, 38, 40, "black")
    p.oval(10, 40, 18, 48, "white")


def horse(p: Pen) -> None:
    """A whole horse from the side: long neck, mane, four legs, tail."""
    p.shape([(84, 40), (98, 48), (96, 78), (90, 60), (82, 52)], "dark")
    for x in (36, 46, 72, 80):
        p.shape([(x - 4, 60), (x + 4, 60), (x + 3, 96), (x - 3, 96)])
    p.oval(28, 36, 88, 70)
    p.shape([(30, 62), (20, 28), (32, 12), (46, 36), (50, 50)])
    p.shape([(34, 10), (30, 30), (4, 40), (2, 30), (22, 12)])
    p.shape([(34, 6), (46, 14), (56, 44), (44, 34)], "dark")
    p.shape([(28, 14), (30, 2), (35, 12)])
    p.oval(20, 17, 25, 22, "black")


def duck(p: Pen) -> None:
    """A swimming duck from the side with a flat bill."""
    p.shape([(2, 30), (26, 26), (26, 38), (2, 38)], "accent")
    p.oval(18, 12, 50, 46)
    p.shape([(24, 52), (46, 36), (60, 50), (98, 40), (86, 78), (40, 84), (22, 70)])
    p.oval(42, 54, 78, 74, "dark")
    p.oval(28, 22, 36, 30, "black")
    p.line([(4, 88), (20, 84), (36, 90), (52, 84), (68, 90), (84, 84), (96, 88)], 3, "glass")


def rooster(p: Pen) -> None:
    """A cock with a comb, a fan of tail feathers and thin legs."""
    p.shape([(62, 56), (74, 10), (88, 8), (98, 22), (92, 40), (80, 66)], "dark")
    p.line([(46, 78), (44, 96), (36, 96)], 3, "accent")
    p.line([(58, 78), (58, 96), (50, 96)], 3, "accent")
    p.shape([(24, 22), (42, 22), (52, 44), (82, 50), (74, 76), (44, 82), (26, 62)])
    p.oval(18, 12, 44, 38)
    p.shape([(18, 16), (18, 2), (25, 9), (30, 0), (35, 9), (42, 3), (42, 16)], "accent")
    p.shape([(20, 24), (6, 28), (20, 32)], "accent")
    p.oval(20, 34, 28, 48, "accent")
    p.oval(27, 20, 33, 26, "black")


def bird(p: Pen) -> None:
    """A songbird with spread wings, seen from the side in flight."""
    p.shape([(40, 46), (50, 4), (72, 10), (66, 48)], "dark")
    p.shape([(72, 52), (98, 44), (96, 66), (74, 62)], "dark")
    p.oval(22, 38, 80, 70)
    p.oval(8, 32, 38, 60)
    p.shape([(10, 44), (-2, 48), (10, 52)], "accent")
    p.shape([(38, 62), (44, 94), (58, 84), (62, 62)], "dark")
    p.oval(15, 40, 21, 46, "black")


def owl(p: Pen) -> None:
    """An upright owl with very large round eyes."""
    p.shape([(20, 26), (16, 2), (40, 14)])
    p.shape([(80, 26), (84, 2), (60, 14)])
    p.oval(16, 8, 84, 96)
    p.oval(32, 50, 68, 92, "light")
    p.shape([(18, 44), (32, 60), (26, 84), (14, 66)], "dark")
    p.shape([(82, 44), (68, 60), (74, 84), (86, 66)], "dark")
    for x in (35, 65):
        p.oval(x - 17, 18, x + 17, 52, "white")
        p.oval(x - 10, 25, x + 10, 45, "accent")
        p.oval(x - 5, 30, x + 5, 40, "black")
    p.shape([(44, 46), (56, 46), (50, 60)], "accent")


def frog(p: Pen) -> None:
    """A wide frog sitting, eyes on top of the head, a long mouth."""
    p.oval(0, 56, 30, 94, "dark")
    p.oval(70, 56, 100, 94, "dark")
    p.oval(10, 30, 90, 88)
    p.oval(16, 12, 42, 40)
    p.oval(58, 12, 84, 40)
    p.oval(21, 17, 37, 35, "white")
    p.oval(63, 17, 79, 35, "white")
    p.oval(26, 21, 33, 31, "black")
    p.oval(67, 21, 74, 31, "black")
    p.arc(20, 28, 80, 68, 15, 165, 4, "ink")
    p.oval(28, 70, 72, 88, "light")


def bee(p: Pen) -> None:
    """A striped oval body with glassy wings and a sting."""
    p.oval(30, 4, 56, 46, "glass")
    p.oval(50, 4, 78, 46, "glass")
    p.shape([(86, 54), (100, 60), (86, 66)], "black")
    p.oval(18, 34, 92, 86)
    for x, half in ((46, 24), (60, 25), (74, 20)):
        p.line([(x, 60 - half), (x, 60 + half)], 7, "black")
    p.oval(4, 40, 36, 78, "dark")
    p.eye(16, 54)
    p.line([(16, 42), (8, 24)], 2.5)
    p.line([(24, 40), (22, 22)], 2.5)


def snake(p: Pen) -> None:
    """A winding body with a raised head and a forked tongue."""
    track = [(96, 88), (72, 94), (64, 78), (80, 64), (66, 52), (44, 62), (28, 80), (12, 68)]
    track += [(18, 50), (40, 38), (40, 22)]
    p.line(track, 15, "ink")
    p.line(track, 11, "main")
    for x, y in track[1:-1]:
        p.oval(x - 3, y - 3, x + 3, y + 3, "light")
    p.oval(24, 6, 56, 30)
    p.line([(26, 20), (12, 22), (4, 16)], 2, "accent")
    p.line([(12, 22), (4, 28)], 2, "accent")
    p.eye(36, 14, 3.5)


def wolf(p: Pen) -> None:
    """A sitting wolf howling, muzzle up to the sky."""
    p.shape([(72, 90), (96, 84), (98, 62), (88, 70), (74, 74)], "dark")
    p.shape([(34, 46), (58, 30), (78, 58), (82, 92), (34, 92), (36, 70)])
    p.shape([(30, 54), (36, 92), (26, 96), (46, 96), (46, 60)], "light")
    p.shape([(54, 40), (32, 50), (24, 32), (4, 4), (14, 2), (40, 14), (58, 24)])
    p.shape([(50, 24), (70, 6), (66, 34)], "dark")
    p.shape([(22, 26), (10, 18), (16, 34), (28, 42)], "white")
    p.oval(32, 18, 38, 24, "black")


def whale(p: Pen) -> None:
    """A whale from the side, spouting water, the fluke raised."""
    p.line([(30, 32), (30, 10)], 4, "glass")
    p.arc(8, 6, 30, 30, 180, 360, 4, "glass")
    p.arc(30, 6, 52, 30, 180, 360, 4, "glass")
    p.shape([(66, 62), (84, 40), (72, 20), (88, 26), (100, 16), (98, 40), (88, 70)])
    p.oval(2, 32, 90, 92)
    p.shape([(8, 76), (30, 90), (60, 90), (44, 80)], "light")
    p.shape([(40, 74), (58, 74), (54, 96)], "dark")
    p.eye(20, 58)


def pig(p: Pen) -> None:
    """A round face with a big snout of two holes and folded ears."""
    p.shape([(14, 36), (14, 4), (44, 18)], "dark")
    p.shape([(86, 36), (86, 4), (56, 18)], "dark")
    p.oval(8, 12, 92, 92)
    p.oval(28, 48, 72, 80, "dark")
    p.oval(37, 57, 46, 71, "black")
    p.oval(54, 57, 63, 71, "black")
    p.eye(32, 38)
    p.eye(68, 38)


ANIMALS: dict[str, Drawing] = {
    draw.__name__: draw
    for draw in (
        dog, cat, cow, sheep, horse, duck, rooster, bird, owl, frog, bee, snake, wolf, whale, pig
    )
}  # fmt: skip
