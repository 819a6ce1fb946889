"""Marks: alike for one thing in many forms, unlike for other things."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from retrieval.encoders.fake import WINDOWS
from retrieval.likeness import (
    PICTURE_DIFFERENCE,
    PICTURE_SIDE,
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


def test_marks_of_a_ramp() -> None:
    """Brighter to the right and darker downward: every first mark is set and no second one."""
    x = np.arange(170)[None, :]
    y = np.arange(170)[:, None]
    level = (255 * (x + 169 - y) / 338).astype(np.uint8)
    ramp = np.repeat(level[:, :, None], 3, axis=2)
    found = picture_marks(ramp)
    assert found.shape == (2, PICTURE_SIDE, PICTURE_SIDE)
    assert found[0].all()
    assert not found[1].any()
    assert difference(found, picture_marks(ramp[::-1, ::-1])) == 1.0


def test_a_flat_picture_has_no_marks() -> None:
    assert not picture_marks(np.full((40, 40, 3), 90, np.uint8)).any()


def test_marks_where_they_belong() -> None:
    """A white field in one cell of 17 x 17: marks to its left and above it."""
    picture = np.zeros((170, 170, 3), np.uint8)
    picture[50:60, 80:90] = 255
    found = picture_marks(picture)
    assert np.argwhere(found[0]).tolist() == [[5, 7]]
    assert np.argwhere(found[1]).tolist() == [[4, 8]]


@given(st.integers(0, 5), st.integers(0, 5), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_difference_by_counting(m: int, n: int, bands: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, other = rng.random((m, bands)) < 0.5, rng.random((n, bands)) < 0.5
    pairs = [(one[i, j], other[i, j]) for i in range(min(m, n)) for j in range(bands)]
    expected = sum(a != b for a, b in pairs) / len(pairs) if pairs else 1.0
    assert difference(one, other) == difference(other, one) == pytest.approx(expected)


def test_rows_and_columns_of_sound_marks() -> None:
    found = sound_marks(tune(0, seconds=3.1), 8000)
    # Twelve whole frames of a quarter of a second, compared pairwise; 24 bands, pairwise too.
    assert found.shape == (11, 23)
    assert sound_marks(tune(0, seconds=0.2), 8000).shape == (0, 23)
    assert sound_marks(np.zeros(0, np.float32), 8000).shape == (0, 23)


def test_what_is_silent_says_nothing() -> None:
    wave = tune(1, seconds=4.0)
    quiet = wave.copy()
    quiet[8000:24000] *= 1e-4
    found = sound_marks(quiet, 8000)
    # From 1 s to 3 s: each pair of frames of which one is silent.
    assert not found[3:12].any()
    np.testing.assert_array_equal(found[:3], sound_marks(wave, 8000)[:3])
    np.testing.assert_array_equal(found[12:], sound_marks(wave, 8000)[12:])
    assert not sound_marks(np.zeros(16000, np.float32), 8000).any()


def test_the_growing_of_one_band_against_the_next() -> None:
    """A low tone that gets louder, a high one that does not: high over low shrinks."""
    times_s = np.arange(2000) / 8000
    low, high = (np.sin(2 * np.pi * hz * times_s) for hz in (300, 2000))
    wave = np.concatenate([0.1 * low + 0.1 * high, 0.8 * low + 0.1 * high]).astype(np.float32)
    back = wave[::-1].copy()
    forth, backward = sound_marks(wave, 8000), sound_marks(back, 8000)
    assert forth.shape == backward.shape == (1, 23)
    assert difference(forth, backward) > 0.9


def test_marks_do_not_know_how_loud_it_is() -> None:
    wave = tune(2)
    assert (
        difference(sound_marks(wave, 8000), sound_marks((0.3 * wave).astype(np.float32), 8000))
        < 0.01
    )


def test_only_the_first_windows_of_a_long_sound_are_looked_at(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "long.wav", tune(3, seconds=20.0), 8000)
    soundfile.write(tmp_path / "start.wav", tune(3, seconds=20.0)[: 4 * 8000], 8000)
    long, start = (marks_of(tmp_path / f"{n}.wav", WINDOWS) for n in ("long", "start"))
    # Windows of 2 s, seven pairs of frames in each.
    assert long[Modality.AUDIO].shape == (3 * 7, 23)
    np.testing.assert_array_equal(long[Modality.AUDIO], start[Modality.AUDIO])


def test_a_picture_has_marks_of_a_picture(tmp_path: Path) -> None:
    scene(5).save(tmp_path / "a.png")
    assert {m: x.shape for m, x in marks_of(tmp_path / "a.png", WINDOWS).items()} == {
        Modality.IMAGE: (2, PICTURE_SIDE, PICTURE_SIDE)
    }
    with pytest.raises(FileNotFoundError):
        marks_of(tmp_path / "none.png", WINDOWS)
