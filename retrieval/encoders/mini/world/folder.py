"""A folder full of the world: pictures, sounds and texts as files, and what is true of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import soundfile
from PIL import Image

from retrieval.encoders.mini.world.concepts import CONCEPTS
from retrieval.encoders.mini.world.pictures import COLOURS, NUMBERS, Look, draw
from retrieval.encoders.mini.world.sentences import Line, write_heard, write_seen
from retrieval.encoders.mini.world.sounds import PACES, PITCHES, Ring, play
from retrieval.encoders.mini.world.voices.synth import RATE_HZ
from retrieval.records import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PICTURE_SUFFIXES = (".png", ".jpg", ".webp")
SOUND_SUFFIXES = (".wav", ".flac", ".mp3")
TEXT_SUFFIXES = (".txt", ".md")


@dataclass(frozen=True, slots=True)
class Entry:
    """One written file and what is true of it."""

    path: Path
    kind: Kind
    concept: str
    scene: Look | Ring | Line
    """What is to be seen, heard or read in it."""
    boxes: tuple[tuple[int, int, int, int], ...] = ()
    """Where the things of a picture are: left, top, right, bottom in pixels."""


def write_folder(
    folder: Path,
    seed: int,
    *,
    per_concept: int = 1,
    concepts: Sequence[str] | None = None,
    kinds: Sequence[Kind] = (Kind.IMAGE, Kind.AUDIO, Kind.TEXT),
) -> list[Entry]:
    """Write `per_concept` files of each kind for each concept; same seed, same bytes.

    The files lie in `pictures/`, `sounds/` and `texts/` below `folder`, which are made. Names say
    what is inside, for people; a file that exists is overwritten.

    Raises:
        KeyError: a concept is unknown.
        OSError: the folder cannot be written to.
    """
    entries = []
    for concept in concepts or list(CONCEPTS):
        place = list(CONCEPTS).index(concept)
        for copy in range(per_concept):
            for kind in kinds:
                rng = np.random.default_rng([seed, place, copy, list(Kind).index(kind)])
                write = {Kind.IMAGE: _picture, Kind.AUDIO: _sound, Kind.TEXT: _text}[kind]
                entries.append(write(folder, concept, place + copy, copy, rng))
    return entries


def _picture(folder: Path, concept: str, turn: int, copy: int, rng: np.random.Generator) -> Entry:
    look = Look(concept, str(rng.choice(list(COLOURS))), int(rng.choice(NUMBERS)))
    width_px, height_px = (int(side) for side in rng.integers(200, 301, 2))
    drawn = draw(look, rng, width_px=width_px, height_px=height_px)
    name = f"{look.number} {look.colour} {CONCEPTS[concept].things[0][look.number > 1]}"
    path = _path(folder, "pictures", name, copy, PICTURE_SUFFIXES[turn % len(PICTURE_SUFFIXES)])
    Image.fromarray(drawn.picture).save(path, quality=88)
    return Entry(path, Kind.IMAGE, concept, look, drawn.boxes)


def _sound(folder: Path, concept: str, turn: int, copy: int, rng: np.random.Generator) -> Entry:
    ring = Ring(concept, str(rng.choice(list(PITCHES))), str(rng.choice(list(PACES))))
    sound = play(ring, rng, duration_s=float(rng.uniform(2.5, 7.0)))
    manner = " ".join(word for word in (ring.pitch, ring.pace) if word != "middle")
    name = f"{manner} {CONCEPTS[concept].things[0][0]} {CONCEPTS[concept].doing[0]}".strip()
    path = _path(folder, "sounds", name, copy, SOUND_SUFFIXES[turn % len(SOUND_SUFFIXES)])
    soundfile.write(path, sound, RATE_HZ)
    return Entry(path, Kind.AUDIO, concept, ring)


def _text(folder: Path, concept: str, turn: int, copy: int, rng: np.random.Generator) -> Entry:
    look = Look(concept, str(rng.choice(list(COLOURS))), int(rng.choice(NUMBERS)))
    ring = Ring(concept, str(rng.choice(list(PITCHES))), str(rng.choice(list(PACES))))
    seen, heard = write_seen(look, rng), write_heard(ring, rng)
    told = f"{seen.text}. {heard.text}."
    line = Line(told, concept, seen.colour, seen.number, heard.pitch, heard.pace)
    title = CONCEPTS[concept].things[0][0]
    suffix = TEXT_SUFFIXES[turn % len(TEXT_SUFFIXES)]
    path = _path(folder, "texts", f"note on the {title}", copy, suffix)
    text = f"# {title}\n\n{told}\n" if suffix == ".md" else f"{told}\n"
    path.write_text(text, encoding="utf-8", newline="\n")
    return Entry(path, Kind.TEXT, concept, line)


def _path(folder: Path, below: str, name: str, copy: int, suffix: str) -> Path:
    place = folder / below
    place.mkdir(parents=True, exist_ok=True)
    return place / f"{name} {copy + 1}{suffix}"
