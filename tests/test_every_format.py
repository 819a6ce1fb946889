"""A folder with every format that the page names: one query for each finds it, at its seconds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from indexer import index
from retrieval import Library
from retrieval.encoders.mini.world.concepts import CONCEPTS
from retrieval.encoders.mini.world.pictures import Look, draw, scribble
from retrieval.encoders.mini.world.sentences import write_foreign
from retrieval.encoders.mini.world.sounds import Ring, hubbub, play
from retrieval.encoders.mini.world.voices.synth import RATE_HZ as WORLD_HZ
from retrieval.records import Hit, Modality
from tests import format_files
from tests.format_files import (
    ANIMATIONS,
    CANNOT_BE_MADE,
    FILMS,
    PICTURES,
    RATE_HZ,
    SOUNDS,
    SUBTITLES,
    TEXTS,
)

PAGE = Path(__file__).parent.parent / "docs" / "formats.md"
MADE = {
    "Pictures": {*PICTURES, *ANIMATIONS},
    "Sound": {*SOUNDS},
    "Video": {*FILMS},
    "Text": {*TEXTS, *SUBTITLES},
}
PART_S = 4.0
"""What is asked for comes after so much of something else."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A query and what must be its best hit."""

    words: str
    kind: str
    name: str
    modality: Modality
    start_s: float | None


def seen(concept: str, seed: int) -> np.ndarray:
    return draw(
        Look(concept, "blue", 1), np.random.default_rng(seed), width_px=160, height_px=160
    ).picture


def heard(concept: str, seed: int) -> np.ndarray:
    """Four seconds of nothing in particular and four of the concept, at 48 kHz."""
    rng = np.random.default_rng(seed)
    before = hubbub(rng, duration_s=PART_S)
    after = play(Ring(concept, "middle", "middle"), rng, duration_s=PART_S)
    wave = np.concatenate([before, after]).astype(np.float32)
    return np.repeat(wave, RATE_HZ // WORLD_HZ)


def thing(concept: str) -> str:
    return CONCEPTS[concept].things[0][0]


def sounding(concept: str) -> str:
    return f"a {thing(concept)} {CONCEPTS[concept].doing[0]}"


def write_all(folder: Path) -> Iterator[Asked]:
    """A file in each format, each about another thing; of a film its picture and its sound are."""
    unseen, unheard, unread = iter(CONCEPTS), iter(CONCEPTS), reversed(CONCEPTS)
    scribbled = scribble(np.random.default_rng(0), width_px=160, height_px=160)
    written: Any
    for seed, (name, picture) in enumerate(PICTURES.items()):
        concept = next(unseen)
        (folder / name).write_bytes(picture(seen(concept, seed)))
        yield Asked(f"a {thing(concept)}", "image", name, Modality.IMAGE, None)
    for seed, (name, animation) in enumerate(ANIMATIONS.items()):
        concept = next(unseen)
        (folder / name).write_bytes(animation([scribbled, scribbled, seen(concept, seed)]))
        yield Asked(f"a {thing(concept)}", "image", name, Modality.IMAGE, 2)
    for seed, (name, sound) in enumerate(SOUNDS.items()):
        concept = next(unheard)
        (folder / name).write_bytes(sound(heard(concept, seed)))
        yield Asked(sounding(concept), "audio", name, Modality.AUDIO, PART_S)
    for seed, (name, film) in enumerate(FILMS.items()):
        shown, played = next(unseen), next(unheard)
        pictures = [scribbled] * round(PART_S) + [seen(shown, seed)] * round(PART_S)
        (folder / name).write_bytes(film(pictures, heard(played, seed)))
        yield Asked(f"a {thing(shown)}", "video", name, Modality.IMAGE, PART_S)
        yield Asked(sounding(played), "video", name, Modality.AUDIO, PART_S)
    for seed, (name, written) in enumerate({**TEXTS, **SUBTITLES}.items()):
        concept = next(unread)
        before, at = f"They had heard of the {thing(concept)}", None
        if name in SUBTITLES:
            before, at = write_foreign(np.random.default_rng(seed)).text, 70
        said = f"Everybody came to look at the {thing(concept)}."
        (folder / name).write_bytes(written([f"{before}.", said]))
        yield Asked(f"a {thing(concept)}", "text", name, Modality.TEXT, at)


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Library, list[Asked]]]:
    place = tmp_path_factory.mktemp("formats")
    folder = place / "files"
    folder.mkdir()
    asked = list(write_all(folder))
    with Library.open(place / "library", models="mini") as library:
        index(library, folder)
        yield library, asked


def test_each_is_read(indexed: tuple[Library, list[Asked]]) -> None:
    library, asked = indexed
    files = list(library.files())
    assert {file.path.name: file.failure for file in files if file.failure} == {}
    assert {(file.path.name, file.kind) for file in files} == {(a.name, a.kind) for a in asked}


def test_one_query_for_each_finds_it_at_its_seconds(indexed: tuple[Library, list[Asked]]) -> None:
    library, asked = indexed
    wrong = []
    for query in asked:
        # Not by its name: by what is seen, heard or said in it.
        (hit,) = library.search(query.words, kinds=[query.kind], k=1, words="no")
        if not answers(query, hit):
            wrong.append((query, hit.path.name, hit.moment))
    assert wrong == []


def answers(query: Asked, hit: Hit) -> bool:
    moment = hit.moment
    if (hit.path.name, moment.modality) != (query.name, query.modality):
        return False
    if query.start_s is None or moment.start_s is None:
        return query.start_s is moment.start_s
    # Of a film any frame of those four seconds will do.
    late = PART_S if hit.kind == "video" and moment.modality is Modality.IMAGE else 0.2
    return -0.2 < moment.start_s - query.start_s < late


@pytest.mark.parametrize("section", MADE)
def test_no_format_is_named_without_a_file_of_it(section: str) -> None:
    """The page and the files of this test are one list: who adds to one adds to the other."""
    named = format_files.formats_named(PAGE, section)
    assert len(named) == len(set(named))
    assert set(named) - set(CANNOT_BE_MADE) == MADE[section]


def test_what_cannot_be_made_is_named_and_known_to_its_decoder() -> None:
    named = {name for section in MADE for name in format_files.formats_named(PAGE, section)}
    assert set(CANNOT_BE_MADE) <= named
    assert av.codec.Codec("ape", "r").name == "ape"


def test_a_format_that_is_added_to_the_page_is_missed(tmp_path: Path) -> None:
    page = tmp_path / "formats.md"
    text = PAGE.read_text(encoding="utf-8")
    page.write_text(text.replace("PNG, JPEG, ", "PNG, JPEG, XYZ, ", 1), encoding="utf-8")
    assert "XYZ" in format_files.formats_named(page, "Pictures")
    page.write_text(text.replace("| HTML |", "| HTML | x | y | z |\n| ODT |", 1), encoding="utf-8")
    assert "ODT" in format_files.formats_named(page, "Text")
