"""What many tests need: a small folder of media whose answers can be computed, and a library."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from retrieval import Library
from retrieval.encoders.fake import fake_model_set
from tests.media_files import COLOURS, TONES_HZ, write_picture, write_tone


@pytest.fixture
def media(tmp_path: Path) -> Path:
    """Three pictures, three tones and three texts, one each for red, green and blue."""
    folder = tmp_path / "media"
    folder.mkdir()
    for name, colour in COLOURS.items():
        write_picture(folder / f"{name}.png", colour)
        (folder / f"{name}.txt").write_text(f"something {name}")
    for name, frequency_hz in TONES_HZ.items():
        write_tone(folder / f"{name}.wav", frequency_hz)
    return folder


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    """An empty library whose vectors a person can compute."""
    with Library.open(tmp_path / "library", models=fake_model_set()) as opened:
        yield opened


@pytest.fixture
def filled(library: Library, media: Path) -> Library:
    """The library with everything in `media`."""
    for path in sorted(media.iterdir()):
        library.add(path)
    return library
