"""Explanations point at what a person can see is right; drawings show it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from retrieval import Library, Query
from retrieval.drawing import CURVE_HEIGHT_PX, SIZE_PX, draw_curve, draw_heat
from retrieval.encoders.fake import WINDOWS
from retrieval.errors import QueryError
from retrieval.explain import GRID, Explainer, PictureReason, SoundReason, TextReason
from tests.pair_models import bridged_model_set, pair_model_set

PLACES = {
    "top left": (0, 0),
    "top right": (0, 90),
    "bottom left": (50, 0),
    "bottom right": (50, 90),
}


def flag(row: int, column: int) -> np.ndarray:
    """A green picture, 100 high and 160 wide, with a red patch of 50 by 70."""
    picture = np.zeros((100, 160, 3), dtype=np.uint8)
    picture[..., 1] = 200
    picture[row : row + 50, column : column + 70] = (220, 0, 0)
    return picture


@pytest.mark.parametrize("place", PLACES)
def test_it_points_at_the_patch(filled: Library, place: str) -> None:
    row, column = PLACES[place]
    reason = Explainer(filled, "red").picture(flag(row, column))
    x, y = reason.point
    assert column <= x < column + 70
    assert row <= y < row + 50
    assert reason.heat.shape == (GRID, GRID)
    assert reason.heat.min() == 0.0
    assert reason.heat.max() == 1.0
    elsewhere = Explainer(filled, "green").picture(flag(row, column)).point
    assert not (column <= elsewhere[0] < column + 70 and row <= elsewhere[1] < row + 50)


def test_the_same_all_over_is_no_place(filled: Library) -> None:
    reason = Explainer(filled, "red").picture(np.full((40, 40, 3), 90, dtype=np.uint8))
    assert reason.heat.max() == 0.0


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (400, 30)])
def test_odd_pictures(filled: Library, size: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (*size, 3)).astype(np.uint8)
    x, y = Explainer(filled, "red").picture(picture).point
    assert 0 <= x < size[1]
    assert 0 <= y < size[0]


def beep(path: Path, start_s: float, length_s: float = 6.0) -> Path:
    """A low hum with a high beep of one second in it."""
    times_s = np.arange(round(length_s * WINDOWS.sample_rate_hz)) / WINDOWS.sample_rate_hz
    wave = 0.1 * np.sin(2 * np.pi * 200 * times_s)
    here = (times_s >= start_s) & (times_s < start_s + 1)
    wave[here] = 0.5 * np.sin(2 * np.pi * 3000 * times_s[here])
    soundfile.write(path, wave, WINDOWS.sample_rate_hz)
    return path


@pytest.mark.parametrize("start_s", [0.0, 2.5, 5.0])
def test_it_says_when(filled: Library, tmp_path: Path, start_s: float) -> None:
    (reason,) = Explainer(filled, "high").file(beep(tmp_path / "beep.wav", start_s))
    assert isinstance(reason, SoundReason)
    assert start_s <= reason.peak_s <= start_s + 1
    assert (np.diff(reason.times_s) > 0).all()
    assert reason.times_s[0] >= 0
    assert reason.times_s[-1] <= 6
    (other,) = Explainer(filled, "low").file(tmp_path / "beep.wav")
    assert isinstance(other, SoundReason)
    assert not start_s <= other.peak_s <= start_s + 1


def test_a_sound_shorter_than_a_part(filled: Library, tmp_path: Path) -> None:
    (reason,) = Explainer(filled, "high").file(beep(tmp_path / "beep.wav", 0.0, 0.3))
    assert isinstance(reason, SoundReason)
    assert np.isfinite(reason.evidence).all()


def test_it_names_the_passage(filled: Library, tmp_path: Path) -> None:
    long = "Nothing here. " * 8 + "\n\nA red red red thing.\n\n" + "And nothing there. " * 8
    (tmp_path / "long.txt").write_text(long)
    (reason,) = Explainer(filled, "red").file(tmp_path / "long.txt")
    assert isinstance(reason, TextReason)
    best, evidence = reason.passages[0]
    assert "red" in (best.text or "")
    assert evidence > reason.passages[-1][1]


def test_a_sound_points_into_a_picture_over_the_bridge(tmp_path: Path, media: Path) -> None:
    with Library.open(
        tmp_path / "bridged", models=bridged_model_set(tmp_path / "models")
    ) as library:
        for path in sorted(media.iterdir()):
            library.add(path)
        Image.fromarray(flag(50, 90)).save(tmp_path / "flag.png")
        (reason,) = Explainer(library, media / "low.wav").file(tmp_path / "flag.png")
        assert isinstance(reason, PictureReason)
        patch = np.zeros((100, 160), dtype=bool)
        patch[50:, 90:] = True
        rows, columns = np.linspace(0, 99, GRID).astype(int), np.linspace(0, 159, GRID).astype(int)
        inside = patch[np.ix_(rows, columns)]
        assert reason.heat[inside].mean() > reason.heat[~inside].mean() + 0.2


def test_either_and_without(filled: Library) -> None:
    query = (Query("red") | Query("blue")) - Query("green")
    x, _ = Explainer(filled, query).picture(flag(0, 90)).point
    assert x >= 80


def test_what_cannot_be_explained(tmp_path: Path, media: Path) -> None:
    with Library.open(tmp_path / "plain", models=pair_model_set(None)) as library:
        library.add(media / "red.png")
        with pytest.raises(QueryError, match="can be compared with the query"):
            Explainer(library, media / "red.png").file(media / "low.wav")
        with pytest.raises(QueryError, match="Cannot read"):
            Explainer(library, "red").file(tmp_path / "nowhere.png")
        (tmp_path / "noise.bin").write_bytes(bytes(range(256)))
        with pytest.raises(QueryError, match="Cannot explain"):
            Explainer(library, "red").file(tmp_path / "noise.bin")


def test_heat_is_drawn_where_it_is(filled: Library) -> None:
    drawn = draw_heat(Explainer(filled, "red").picture(flag(50, 90)))
    assert max(drawn.size) == SIZE_PX
    pixels = np.asarray(drawn).astype(int)
    warmth = pixels[..., 0] - pixels[..., 2]
    corner = warmth[-100:, -160:].mean()
    assert corner > warmth[:100, :160].mean() + 40


def test_a_curve_is_drawn(filled: Library, tmp_path: Path) -> None:
    reason = SoundReason(np.arange(8.0), np.array([-2, -2, -2, 3, -2, -2, -2, -2.0]))
    drawn = draw_curve(reason)
    assert drawn.size == (SIZE_PX, CURVE_HEIGHT_PX)
    red = (np.asarray(drawn).astype(int) - [208, 48, 32]).__abs__().sum(axis=2) < 30
    columns = np.flatnonzero(red[:60].any(axis=0))
    assert abs(columns.mean() / SIZE_PX - 3 / 7) < 0.08
    draw_curve(SoundReason(np.array([1.0]), np.array([0.0])))
