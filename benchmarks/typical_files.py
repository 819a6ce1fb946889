"""Files as a person's folders hold them, made of pseudo-random numbers: no two alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import soundfile
from PIL import Image, ImageFilter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt

PHOTO_PX = (4000, 3000)
SCREEN_PX = (1920, 1080)
SONG_S = 60
SONG_HZ = 44_100
ORIGINALS = 40
"""Pictures that are drawn; more than that are the same ones with other bytes behind their end,
which decoders do not read, so that each is a content of its own and takes as long as the first."""
WORDS = ("quiet", "river", "past", "an old", "mill", "where", "birds", "sang", "nobody", "corn")


def write_photographs(folder: Path, count: int, seed: int, width: int = PHOTO_PX[0]) -> None:
    """JPEGs of 12 megapixels with the grain and the smooth parts of photographs."""
    size = (width, width * 3 // 4)

    def draw(rng: np.random.Generator) -> Image.Image:
        smooth = _blown_up(rng, (16, 12), size, Image.Resampling.BICUBIC)
        shapes = _blown_up(rng, (120, 90), size, Image.Resampling.NEAREST)
        grain = Image.effect_noise((size[0] // 2, size[1] // 2), 30).resize(size)
        mixed = Image.blend(smooth, shapes, 0.2)
        mixed = Image.blend(mixed, Image.merge("RGB", [grain] * 3), 0.1)
        return mixed.filter(ImageFilter.SMOOTH)

    _write(folder, count, seed, "jpg", lambda rng, path: draw(rng).save(path, quality=88))


def write_screenshots(folder: Path, count: int, seed: int) -> None:
    """PNGs with plain areas and sharp edges."""

    def draw(rng: np.random.Generator, path: Path) -> None:
        areas = _blown_up(rng, (24, 14), SCREEN_PX, Image.Resampling.NEAREST)
        letters = _blown_up(rng, (480, 270), SCREEN_PX, Image.Resampling.NEAREST)
        mask = Image.fromarray((rng.random((54, 96)) < 0.3).astype(np.uint8) * 255)
        areas.paste(letters, mask=mask.resize(SCREEN_PX, Image.Resampling.NEAREST))
        areas.save(path)

    _write(folder, count, seed, "png", draw)


def write_songs(folder: Path, count: int, seed: int, form: str) -> None:
    """A minute of tones and noise each, in stereo, as `form` (MP3, FLAC)."""
    folder.mkdir(parents=True)
    for number in range(count):
        sound = _song(np.random.default_rng([seed, number]))
        soundfile.write(folder / f"{number:05}.{form.lower()}", sound, SONG_HZ, format=form)


def write_notes(folder: Path, count: int, seed: int) -> None:
    """Texts of a page: some 2,000 letters in sentences."""
    folder.mkdir(parents=True)
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        sentences = (" ".join(rng.choice(WORDS, 9)).capitalize() + "." for _ in range(40))
        (folder / f"{number:05}.txt").write_text(f"Note {number}. " + " ".join(sentences))


def _write(
    folder: Path,
    count: int,
    seed: int,
    suffix: str,
    draw: Callable[[np.random.Generator, Path], None],
) -> None:
    folder.mkdir(parents=True)
    for number in range(count):
        path = folder / f"{number:05}.{suffix}"
        if number < ORIGINALS:
            draw(np.random.default_rng([seed, number]), path)
            continue
        original = folder / f"{number % ORIGINALS:05}.{suffix}"
        path.write_bytes(original.read_bytes() + number.to_bytes(8, "big"))


def _blown_up(
    rng: np.random.Generator, few: tuple[int, int], size: tuple[int, int], way: Image.Resampling
) -> Image.Image:
    pixels = rng.integers(0, 256, (few[1], few[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize(size, way)


def _song(rng: np.random.Generator) -> npt.NDArray[np.float32]:
    seconds = np.arange(SONG_S * SONG_HZ) / SONG_HZ
    tones = sum(
        rng.uniform(0.05, 0.2) * np.sin(2 * np.pi * rng.uniform(80, 2000) * seconds)
        for _ in range(4)
    )
    both = np.stack([tones, tones * 0.7], axis=1) + rng.normal(0, 0.02, (len(seconds), 2))
    return np.clip(both, -1, 1).astype(np.float32)
