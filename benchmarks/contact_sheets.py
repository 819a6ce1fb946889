"""Contact sheets of the generated world, to be looked at by a person.

    python benchmarks/contact_sheets.py OUT_FOLDER [--seed N]

Writes `pictures.png` (eight pictures of each concept) and `sounds.png` (three log-mel
spectrograms of each: low and slow, middling, high and fast; 4 s across, 40 to 7800 Hz upward).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from retrieval.encoders.mini.preparation import prepare_sound
from retrieval.encoders.mini.world.concepts import CONCEPTS
from retrieval.encoders.mini.world.pictures import COLOURS, NUMBERS, Look, draw
from retrieval.encoders.mini.world.sounds import Ring, play

_CELL_PX = 96
_LABEL_PX = 84


def picture_sheet(seed: int, columns: int = 8) -> Image.Image:
    """Two concepts a row, `columns` pictures each, with their names."""
    names = list(CONCEPTS)
    rows = (len(names) + 1) // 2
    half = _LABEL_PX + columns * _CELL_PX
    sheet = Image.new("RGB", (2 * half, rows * _CELL_PX), "white")
    pen = ImageDraw.Draw(sheet)
    rng = np.random.default_rng(seed)
    for place, name in enumerate(names):
        left, top = (place % 2) * half, (place // 2) * _CELL_PX
        pen.text((left + 4, top + 40), name, "black")
        for column in range(columns):
            number = 1 if column < columns // 2 else int(rng.choice(NUMBERS))
            look = Look(name, str(rng.choice(list(COLOURS))), number)
            picture = Image.fromarray(draw(look, rng).picture)
            sheet.paste(picture, (left + _LABEL_PX + column * _CELL_PX, top))
    return sheet


def sound_sheet(seed: int) -> Image.Image:
    """Four concepts a row, three spectrograms each, with their names."""
    names = list(CONCEPTS)
    height, width, across = 68, 160, 2
    cell = _LABEL_PX + 3 * width
    sheet = Image.new("RGB", (across * cell, (len(names) + across - 1) // across * height), "white")
    pen = ImageDraw.Draw(sheet)
    rng = np.random.default_rng(seed)
    for place, name in enumerate(names):
        left, top = (place % across) * cell, (place // across) * height
        pen.text((left + 4, top + 26), name, "black")
        manners = (("low", "slow"), ("middle", "middle"), ("high", "fast"))
        for column, (pitch, pace) in enumerate(manners):
            log_mel = prepare_sound(play(Ring(name, pitch, pace), rng))
            shade = ((log_mel.T[::-1] + 1) * 127.5).astype(np.uint8)
            sheet.paste(Image.fromarray(shade), (left + _LABEL_PX + column * width, top))
    return sheet


def main() -> None:
    """Write both sheets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    picture_sheet(chosen.seed).save(chosen.folder / "pictures.png")
    sound_sheet(chosen.seed).save(chosen.folder / "sounds.png")


if __name__ == "__main__":
    main()
