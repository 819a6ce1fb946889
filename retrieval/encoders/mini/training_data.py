"""What `mini` learns from: pictures and sounds made in advance, sentences written as it goes."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from retrieval.encoders.mini.preparation import WINDOW_S, prepare_picture, prepare_sound
from retrieval.encoders.mini.world.concepts import CONCEPTS
from retrieval.encoders.mini.world.pictures import Look, draw, scribble
from retrieval.encoders.mini.world.sentences import (
    Line,
    misspell,
    write_foreign,
    write_heard,
    write_seen,
)
from retrieval.encoders.mini.world.sounds import Ring, hubbub, play
from retrieval.encoders.mini.world.splits import looks, rings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

PICTURES_PER_LOOK = 9
SOUNDS_PER_RING = 14
NOTHINGS = 1200
"""Scribbles, and as many noises, that show and sound like nothing."""


@dataclass(frozen=True)
class Pictures:
    """Prepared pictures and what they show; None for a scribble."""

    pixels: npt.NDArray[np.uint8]
    """`(n, SIDE_PX, SIDE_PX, 3)`."""
    looks: Sequence[Look | None]


@dataclass(frozen=True)
class Sounds:
    """Prepared sounds and what is heard in them; None for a noise."""

    log_mels: npt.NDArray[np.float16]
    """`(n, FRAMES, MELS)`."""
    rings: Sequence[Ring | None]


def make_pictures(seed: int, *, workers: int = 2, keep: Path | None = None) -> Pictures:
    """Draw the training pictures: every look that is not held out, many times.

    Args:
        seed: Same seed, same pictures.
        workers: Processes to draw with.
        keep: A folder to keep them in, and to take them from if they are there.
    """
    every = [look for name in CONCEPTS for look in looks(name, held_out=False)]
    wanted: list[Look | None] = [*every * PICTURES_PER_LOOK, *[None] * NOTHINGS]
    kept = keep / f"pictures-{seed}.npy" if keep else None
    return Pictures(_in_processes(partial(_picture, seed), wanted, workers, kept), wanted)


def make_sounds(seed: int, *, workers: int = 2, keep: Path | None = None) -> Sounds:
    """Play the training sounds: every ring that is not held out, many times.

    The arguments are those of `make_pictures`.
    """
    every = [ring for name in CONCEPTS for ring in rings(name, held_out=False)]
    wanted: list[Ring | None] = [*every * SOUNDS_PER_RING, *[None] * NOTHINGS]
    kept = keep / f"sounds-{seed}.npy" if keep else None
    return Sounds(_in_processes(partial(_sound, seed), wanted, workers, kept), wanted)


def write_line(look: Look, ring: Ring, rng: np.random.Generator, *, seen: bool) -> Line:
    """Write one training sentence about a picture or a sound, sometimes with more around it."""
    line = write_seen(look, rng) if seen else write_heard(ring, rng)
    roll = rng.random()
    if roll < 0.08:
        other = write_heard(ring, rng) if seen else write_seen(look, rng)
        line = Line(
            f"{line.text}. {other.text}.",
            line.concept,
            line.colour or other.colour,
            line.number or other.number,
            line.pitch or other.pitch,
            line.pace or other.pace,
        )
    elif roll < 0.16:
        aside = write_foreign(rng).text
        both = [line.text, aside] if rng.random() < 0.5 else [aside, line.text]
        line = replace(line, text=". ".join(both))
    if rng.random() < 0.08:
        line = replace(line, text=misspell(line.text, rng))
    return line


def _in_processes(
    make: Callable[[tuple[int, Any]], npt.NDArray[Any]],
    wanted: Sequence[object],
    workers: int,
    kept: Path | None,
) -> npt.NDArray[Any]:
    if kept is not None and kept.exists():
        found: npt.NDArray[Any] = np.load(kept)
        return found
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        made = np.stack(list(pool.map(make, enumerate(wanted), chunksize=64)))
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.save(kept, made)
    return made


def _picture(seed: int, item: tuple[int, Look | None]) -> npt.NDArray[np.uint8]:
    number, look = item
    rng = np.random.default_rng([seed, 1, number])
    width_px, height_px = (int(side) for side in rng.integers(80, 121, 2))
    if look is None:
        picture = scribble(rng, width_px=width_px, height_px=height_px)
    else:
        picture = draw(look, rng, width_px=width_px, height_px=height_px).picture
    return np.round((prepare_picture(picture) + 1) * 127.5).astype(np.uint8)


def _sound(seed: int, item: tuple[int, Ring | None]) -> npt.NDArray[np.float16]:
    number, ring = item
    rng = np.random.default_rng([seed, 2, number])
    duration_s = WINDOW_S if rng.random() < 0.7 else float(rng.uniform(2.2, WINDOW_S))
    sound = hubbub(rng) if ring is None else play(ring, rng, duration_s=duration_s)
    return prepare_sound(sound).astype(np.float16)
