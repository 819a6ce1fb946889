"""Explanations as pictures: what is drawn lies where it is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from retrieval.drawing import CURVE_HEIGHT_PX, HEAT, MARGIN_PX, SIZE_PX, draw_curve, draw_heat
from retrieval.explain import GRID, PictureReason, SoundReason

Pixels = npt.NDArray[np.int64]
RED = (208, 48, 32)


def heat_at(row: int, column: int) -> npt.NDArray[np.float64]:
    """Heat around one cell."""
    y, x = np.mgrid[:GRID, :GRID]
    heat: npt.NDArray[np.float64] = np.exp(-((y - row) ** 2 + (x - column) ** 2) / 50)
    heat[row, column] = 1.0
    return heat


def pixels(drawn: Image.Image) -> Pixels:
    return np.asarray(drawn).astype(np.int64)


def like(found: Pixels, colour: tuple[int, int, int], slack: int = 40) -> npt.NDArray[np.bool_]:
    near: npt.NDArray[np.bool_] = np.abs(found - colour).sum(axis=2) < slack
    return near


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((100, 100), (640, 640)),
        ((300, 600), (640, 320)),
        ((600, 300), (320, 640)),
        ((1, 1), (640, 640)),
        ((1, 2000), (640, 1)),
        ((2000, 3), (1, 640)),
        ((3000, 4000), (640, 480)),
    ],
)
def test_it_has_the_shape_of_the_picture(shape: tuple[int, int], size: tuple[int, int]) -> None:
    reason = PictureReason(np.zeros((*shape, 3), np.uint8), heat_at(10, 10))
    drawn = draw_heat(reason)
    assert drawn.size == size
    assert drawn.mode == "RGB"


@pytest.mark.parametrize("row", [5, 32, 58])
@pytest.mark.parametrize("column", [5, 32, 58])
def test_the_warmest_place_is_the_peak(row: int, column: int) -> None:
    reason = PictureReason(np.full((200, 300, 3), 120, np.uint8), heat_at(row, column))
    found = pixels(draw_heat(reason))
    warmth = found[..., 0] - found[..., 2]
    height, width = warmth.shape
    box = np.s_[
        max(0, row * height // GRID - 30) : row * height // GRID + 40,
        max(0, column * width // GRID - 30) : column * width // GRID + 40,
    ]
    assert warmth[box].mean() > warmth.mean() + 30


def test_a_ring_stands_around_the_peak() -> None:
    reason = PictureReason(np.full((200, 200, 3), 120, np.uint8), heat_at(20, 40))
    found = pixels(draw_heat(reason))
    rows, columns = np.nonzero(like(found, (255, 255, 255), 30))
    x, y = (v * SIZE_PX / 200 for v in reason.point)
    assert len(rows) > 20
    assert rows.mean() == pytest.approx(y, abs=3)
    assert columns.mean() == pytest.approx(x, abs=3)
    distances = np.hypot(rows - y, columns - x)
    assert distances.min() > 6
    assert distances.max() < 16


def test_the_picture_shines_through_in_grey() -> None:
    picture = np.zeros((100, 100, 3), np.uint8)
    picture[:, 50:] = 255
    found = pixels(draw_heat(PictureReason(picture, np.zeros((GRID, GRID)))))
    dark, bright = found[300:340, :280], found[300:340, 360:]
    assert bright.mean() > dark.mean() + 150
    # Where there is no heat, the coldest colour lies over it thinly.
    blue = found[..., 2] - found[..., 0]
    assert blue.mean() > 0


def test_more_heat_covers_more() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    contrast = []
    for level in (0.0, 0.5, 1.0):
        heat = np.full((GRID, GRID), level)
        found = pixels(draw_heat(PictureReason(picture, heat)))
        contrast.append(found[100:-100, 100:-100].std(axis=(0, 1)).max())
    assert contrast[0] > contrast[1] > contrast[2]


def test_the_colours_run_from_cold_to_hot() -> None:
    assert HEAT[0][2] > HEAT[0][0]
    assert HEAT[-1][0] > HEAT[-1][2]
    heat = np.tile(np.linspace(0, 1, GRID), (GRID, 1))
    found = pixels(draw_heat(PictureReason(np.full((64, 64, 3), 128, np.uint8), heat)))
    warmth = (found[..., 0] - found[..., 2])[500].astype(float)
    parts = [part.mean() for part in np.array_split(warmth, 5)]
    assert parts[1] < parts[2] < parts[3]
    assert parts[0] < 0 < parts[4]


def test_the_reason_is_not_changed() -> None:
    picture, heat = np.full((50, 70, 3), 100, np.uint8), heat_at(3, 3)
    before = picture.copy(), heat.copy()
    draw_heat(PictureReason(picture, heat))
    np.testing.assert_array_equal(picture, before[0])
    np.testing.assert_array_equal(heat, before[1])


def points(times_s: list[float], evidence: list[float]) -> list[tuple[float, float]]:
    """Middles of the dots that are drawn, as columns and rows."""
    found = like(pixels(draw_curve(SoundReason(np.array(times_s), np.array(evidence)))), RED)
    rows, columns = np.nonzero(found)
    return list(zip(columns.tolist(), rows.tolist(), strict=True))


def test_time_runs_to_the_right_and_evidence_up() -> None:
    found = points([0.0, 10.0], [-1.0, 3.0])
    left = min(found)
    right = max(found)
    assert left[0] == pytest.approx(MARGIN_PX - 3, abs=1)
    assert right[0] == pytest.approx(SIZE_PX - MARGIN_PX // 2 + 3, abs=1)
    assert np.mean([y for x, y in found if x < MARGIN_PX + 5]) > CURVE_HEIGHT_PX / 2
    assert np.mean([y for x, y in found if x > SIZE_PX - MARGIN_PX // 2 - 5]) < MARGIN_PX


@pytest.mark.parametrize("at", [0, 3, 6, 9])
def test_the_peak_is_where_it_is(at: int) -> None:
    evidence = np.full(10, -2.0)
    evidence[at] = 4.0
    found = points(np.arange(10.0).tolist(), evidence.tolist())
    top = min(y for _, y in found)
    columns = [x for x, y in found if y <= top + 3]
    share = (np.mean(columns) - MARGIN_PX) / (SIZE_PX - 1.5 * MARGIN_PX)
    assert share == pytest.approx(at / 9, abs=0.02)


def test_uneven_times_are_drawn_unevenly() -> None:
    found = points([0.0, 1.0, 10.0], [0.0, 5.0, 0.0])
    top = min(y for _, y in found)
    columns = [x for x, y in found if y <= top + 3]
    share = (np.mean(columns) - MARGIN_PX) / (SIZE_PX - 1.5 * MARGIN_PX)
    assert share == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize("lowest", [-0.5, -2.0, -8.0])
def test_the_line_of_nothing_lies_where_nothing_is(lowest: float) -> None:
    """Above it the sound speaks for a match, below it against one."""
    drawn = draw_curve(SoundReason(np.array([0.0, 1.0]), np.array([lowest, 2.0])))
    grey = like(pixels(drawn), (153, 153, 153), 12)
    (row,) = np.flatnonzero(grey.sum(axis=1) > 100)
    top, bottom = MARGIN_PX // 2, CURVE_HEIGHT_PX - MARGIN_PX
    assert row == pytest.approx(top + 2.0 / (2.0 - lowest) * (bottom - top), abs=1)


@settings(max_examples=40)
@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20),
    st.floats(0, 1e6),
    st.floats(1e-3, 1e4),
)
def test_any_curve_stays_on_the_paper(evidence: list[float], start_s: float, step_s: float) -> None:
    times_s = np.array([start_s + step_s * n for n in range(len(evidence))])
    drawn = draw_curve(SoundReason(times_s, np.array(evidence)))
    assert drawn.size == (SIZE_PX, CURVE_HEIGHT_PX)
    rows, columns = np.nonzero(like(pixels(drawn), RED))
    assert len(rows)
    assert columns.min() >= MARGIN_PX - 4
    assert columns.max() <= SIZE_PX - MARGIN_PX // 2 + 4
    assert rows.min() >= MARGIN_PX // 2 - 4
    assert rows.max() <= CURVE_HEIGHT_PX - MARGIN_PX + 4
