"""What many tests need: a small folder of media whose answers can be computed, and a library."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from retrieval import Library
from retrieval.encoders.fake import WINDOWS, fake_model_set

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}
TONES_HZ = {"low": 200.0, "mid": 1000.0, "high": 3000.0}


def write_picture(path: Path, colour: tuple[int, int, int]) -> Path:
    Image.new("RGB", (40, 30), colour).save(path)
    return path


def write_tone(path: Path, frequency_hz: float, seconds: float = 2.0) -> Path:
    times_s = np.arange(round(seconds * WINDOWS.sample_rate_hz)) / WINDOWS.sample_rate_hz
    wave = 0.3 * np.sin(2 * np.pi * frequency_hz * times_s)
    soundfile.write(path, wave, WINDOWS.sample_rate_hz)
    return path


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
