"""Marks: alike for one thing in many forms, unlike for other things."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image, ImageEnhance

from retrieval.encoders.fake import WINDOWS
from retrieval.likeness import (
    PICTURE_DIFFERENCE,
    SOUND_DIFFERENCE,
    Marks,
    difference,
    marks_of,
    picture_marks,
    sound_marks,
)
from retrieval.records import Modality


def scene(seed: int) -> Image.Image:
    """A picture with soft and hard parts."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 255, (7, 9, 3)).astype(np.uint8))
    return coarse.resize((360, 280), Image.Resampling.BICUBIC)


def marks(picture: Image.Image) -> Marks:
    return picture_marks(np.asarray(picture.convert("RGB")))


def jpeg(picture: Image.Image, quality: int) -> Image.Image:
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=quality)
    return Image.open(data)


@pytest.mark.parametrize("seed", range(4))
def test_forms_of_one_picture_are_alike(seed: int) -> None:
    original = scene(seed)
    forms = {
        "small": original.resize((90, 70)),
        "stretched": original.resize((300, 300)),
        "jpeg": jpeg(original, 25),
        "brighter": ImageEnhance.Brightness(original).enhance(1.15),
        "grey": original.convert("L"),
    }
    for name, form in forms.items():
        assert difference(marks(original), marks(form)) < PICTURE_DIFFERENCE, name


def test_other_pictures_are_not() -> None:
    all_marks = [marks(scene(seed)) for seed in range(12)]
    for i, one in enumerate(all_marks):
        for other in all_marks[:i]:
            assert difference(one, other) > 2 * PICTURE_DIFFERENCE
    mirrored = scene(0).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert difference(marks(scene(0)), marks(mirrored)) > PICTURE_DIFFERENCE


def tune(seed: int, rate_hz: int = 8000, seconds: float = 6.0) -> np.ndarray:
    """Notes that come and go, over a little noise."""
    rng = np.random.default_rng(seed)
    times_s = np.arange(round(seconds * rate_hz)) / rate_hz
    wave = 0.01 * rng.standard_normal(len(times_s))
    for start_s in np.arange(0, seconds, 0.3):
        pitch_hz, length_s = rng.uniform(200, 2500), rng.uniform(0.2, 0.8)
        here = (times_s >= start_s) & (times_s < start_s + length_s)
        wave[here] += 0.3 * np.sin(2 * np.pi * pitch_hz * times_s[here])
    return np.asarray(wave / np.abs(wave).max() * 0.8, dtype=np.float32)


@pytest.mark.parametrize("seed", range(3))
def test_forms_of_one_sound_are_alike(tmp_path: Path, seed: int) -> None:
    wave = tune(seed)
    first = tmp_path / "first.wav"
    soundfile.write(first, wave, 8000)
    forms = {"quiet.wav": 0.2 * wave, "other.ogg": wave, "other.mp3": wave}
    for name, form in forms.items():
        soundfile.write(tmp_path / name, form, 8000)
    expected = marks_of(first, WINDOWS)[Modality.AUDIO]
    for name in forms:
        found = marks_of(tmp_path / name, WINDOWS)[Modality.AUDIO]
        assert difference(expected, found) < SOUND_DIFFERENCE, name


def test_other_sounds_are_not() -> None:
    all_marks = [sound_marks(tune(seed), 8000) for seed in range(8)]
    for i, one in enumerate(all_marks):
        for other in all_marks[:i]:
            assert difference(one, other) > 1.4 * SOUND_DIFFERENCE


def test_nothing_shared_is_no_likeness() -> None:
    assert difference(np.zeros((0, 5), bool), np.zeros((3, 5), bool)) == 1.0
    assert difference(np.zeros((2, 5), bool), np.zeros((3, 5), bool)) == 0.0


def test_a_text_has_no_marks(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("some words")
    assert marks_of(tmp_path / "a.txt", WINDOWS) == {}
