"""Pictures of the world: some copies of one thing, in one colour, on a varied background."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from retrieval.encoders.mini.world.drawings import DRAWINGS
from retrieval.encoders.mini.world.drawings.pen import STYLES, Pen, blend, brightness

if TYPE_CHECKING:
    from retrieval.encoders.mini.world.drawings.pen import RGB
    from retrieval.media.content import Picture

COLOURS: dict[str, RGB] = {
    "red": (208, 36, 40),
    "orange": (242, 132, 24),
    "yellow": (246, 214, 44),
    "green": (44, 150, 62),
    "blue": (36, 84, 200),
    "purple": (124, 52, 168),
    "pink": (244, 140, 184),
    "brown": (122, 76, 40),
    "black": (28, 28, 32),
    "white": (246, 246, 246),
    "grey": (132, 134, 138),
}
"""Colour name to the middle of what is drawn under that name, RGB."""

NUMBERS = (1, 2, 3, 4)
"""How many copies of a thing a picture may show."""

_LEAST_CONTRAST = 95.0
"""Least Euclidean distance in RGB between a thing and the background."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a picture shows."""

    concept: str
    colour: str
    number: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """A drawn picture and where its things are."""

    picture: Picture
    boxes: tuple[tuple[int, int, int, int], ...]
    """Per thing: left, top, right, bottom in pixels, the last two exclusive."""


def draw(look: Look, rng: np.random.Generator, *, width_px: int = 96, height_px: int = 96) -> Drawn:
    """Draw one picture; style, place, size, turn, background and noise come from `rng`.

    Raises:
        KeyError: the concept or the colour is unknown.
    """
    colour = _vary(COLOURS[look.colour], 13, rng)
    canvas = _background(colour, width_px, height_px, rng)
    short_px = min(width_px, height_px)
    style = STYLES[int(rng.choice(len(STYLES), p=(0.4, 0.25, 0.1, 0.25)))]
    pen = Pen(short_px + short_px % 2, colour, style, rng)
    DRAWINGS[look.concept](pen)
    sprite = pen.sheet
    if rng.random() < 0.5:
        sprite = sprite.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    boxes = []
    for left, top, side in _places(look.number, width_px, height_px, rng):
        copy = sprite.rotate(float(rng.normal(0, 9)), Image.Resampling.BILINEAR)
        copy = copy.resize((side, side), Image.Resampling.BOX)
        canvas.paste(copy, (left, top), copy)
        inked = copy.getchannel("A").point(lambda a: 255 * (a > 60)).getbbox()
        if inked is not None:
            boxes.append((left + inked[0], top + inked[1], left + inked[2], top + inked[3]))
    return Drawn(_grain(np.asarray(canvas), rng), tuple(boxes))


def scribble(rng: np.random.Generator, *, width_px: int = 96, height_px: int = 96) -> Picture:
    """Draw a picture of nothing in particular: a background, chance shapes, noise."""
    canvas = _background(_any_colour(rng), width_px, height_px, rng)
    short_px = min(width_px, height_px)
    for _ in range(int(rng.integers(0, 7))):
        pen = Pen(short_px, _any_colour(rng), STYLES[int(rng.integers(len(STYLES)))], rng)
        points = [(float(x), float(y)) for x, y in rng.uniform(0, 100, (rng.integers(2, 8), 2))]
        kind = int(rng.integers(4))
        if kind == 0:
            (x0, x1), (y0, y1) = np.sort(rng.uniform(0, 100, (2, 2))).tolist()
            pen.oval(x0, y0, x1, y1)
        elif kind == 1 and len(points) > 2:
            pen.shape(points)
        elif kind == 2:
            (x0, x1), (y0, y1) = np.sort(rng.uniform(0, 100, (2, 2))).tolist()
            pen.box(x0, y0, x1, y1)
        else:
            pen.line(points, float(rng.uniform(2, 14)), "main")
        sheet = pen.sheet
        left, top = (int(v) for v in rng.integers(-short_px // 3, short_px // 3, 2))
        canvas.paste(sheet, (left, top), sheet)
    return _grain(np.asarray(canvas), rng)


def _places(
    number: int, width_px: int, height_px: int, rng: np.random.Generator
) -> list[tuple[int, int, int]]:
    """Left, top and side of squares that hardly overlap, in pixels."""
    short = min(width_px, height_px)
    low, high = {1: (0.55, 0.98), 2: (0.42, 0.6), 3: (0.36, 0.5), 4: (0.33, 0.46)}[number]
    size = float(rng.uniform(low, high))
    places: list[tuple[int, int, int]] = []
    for tries in range(400):
        if len(places) == number:
            break
        side = max(8, int(short * size * rng.uniform(0.88, 1.0) * 0.998**tries))
        left = int(rng.integers(0, width_px - side + 1))
        top = int(rng.integers(0, height_px - side + 1))
        if all(
            max(abs(left + side / 2 - x - s / 2), abs(top + side / 2 - y - s / 2))
            > 0.47 * (side + s)
            for x, y, s in places
        ):
            places.append((left, top, side))
        elif tries % 60 == 59:
            places.clear()
    return places


def _background(
    colour: RGB, width_px: int, height_px: int, rng: np.random.Generator
) -> Image.Image:
    first = _ground(colour, rng)
    second = blend(first, _ground(colour, rng), float(rng.uniform(0.2, 0.9)))
    if _distance(second, colour) < _LEAST_CONTRAST:
        second = first
    y, x = np.mgrid[0:height_px, 0:width_px].astype(np.float32)
    y, x = y / height_px, x / width_px
    kind = int(rng.integers(5))
    if kind == 0:
        share = np.zeros_like(x)
    elif kind == 1:
        turn = rng.uniform(0, 2 * np.pi)
        share = np.clip(0.5 + (x - 0.5) * np.cos(turn) + (y - 0.5) * np.sin(turn), 0, 1)
    elif kind == 2:
        share = (y > rng.uniform(0.3, 0.8)).astype(np.float32)
    elif kind == 3:
        turn = rng.uniform(0, np.pi)
        waves = np.sin((x * np.cos(turn) + y * np.sin(turn)) * rng.uniform(12, 50))
        share = 0.4 * (waves > 0).astype(np.float32)
    else:
        coarse = rng.random((int(rng.integers(3, 9)), int(rng.integers(3, 9))), np.float32)
        patches = Image.fromarray(coarse).resize((width_px, height_px), Image.Resampling.BICUBIC)
        share = np.clip(np.asarray(patches), 0, 1) * 0.7
    mixed = np.asarray(first) + share[..., None] * (np.asarray(second) - np.asarray(first))
    return Image.fromarray(mixed.astype(np.uint8))


def _ground(colour: RGB, rng: np.random.Generator) -> RGB:
    """A background colour that the thing stands out from: mostly pale, sometimes dark or dull."""
    for _ in range(50):
        hue = _any_colour(rng)
        roll = rng.random()
        if roll < 0.7:
            ground = blend(hue, (255, 255, 255), float(rng.uniform(0.72, 0.95)))
        elif roll < 0.9:
            ground = blend(hue, (0, 0, 0), float(rng.uniform(0.7, 0.92)))
        else:
            ground = blend(hue, (128, 128, 128), float(rng.uniform(0.75, 0.95)))
        if _distance(ground, colour) >= _LEAST_CONTRAST:
            return ground
    return (20, 24, 40) if brightness(colour) > 128 else (236, 236, 230)


def _grain(pixels: Picture, rng: np.random.Generator) -> Picture:
    """Change exposure a little and add sensor noise."""
    gain = rng.uniform(0.88, 1.06)
    noise = rng.standard_normal(pixels.shape[:2], np.float32)[..., None] * rng.uniform(0, 9)
    lit: Picture = np.clip(pixels * np.float32(gain) + noise.astype(np.float32), 0, 255).astype(
        np.uint8
    )
    return lit


def _any_colour(rng: np.random.Generator) -> RGB:
    red, green, blue = (int(v) for v in rng.integers(0, 256, 3))
    return (red, green, blue)


def _vary(colour: RGB, by: int, rng: np.random.Generator) -> RGB:
    moved = np.clip(np.asarray(colour) + rng.integers(-by, by + 1, 3), 0, 255)
    return (int(moved[0]), int(moved[1]), int(moved[2]))


def _distance(a: RGB, b: RGB) -> float:
    return float(np.sqrt(sum((p - q) ** 2 for p, q in zip(a, b, strict=True))))
