"""Near repeats of pictures in a row."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.media.near_repeats import GRID, LEAST_CHANGE, NearRepeats, _fields

RNG = np.random.default_rng(1)
PICTURE = RNG.integers(60, 190, (48, 64, 3), np.uint8)


def test_the_first_is_new_and_its_repeat_is_not() -> None:
    repeats = NearRepeats()
    assert repeats.is_new(PICTURE)
    assert not repeats.is_new(PICTURE.copy())


def test_noise_of_a_codec_is_no_change() -> None:
    repeats = NearRepeats()
    repeats.is_new(PICTURE)
    noise = RNG.integers(-6, 7, PICTURE.shape)
    assert not repeats.is_new((PICTURE + noise).astype(np.uint8))


def test_one_small_thing_that_moved_is_a_change() -> None:
    repeats = NearRepeats()
    repeats.is_new(PICTURE)
    moved = PICTURE.copy()
    moved[20:26, 30:36] = 255
    assert repeats.is_new(moved)


def test_one_colour_that_changed_is_a_change() -> None:
    repeats = NearRepeats()
    repeats.is_new(np.full((10, 10, 3), (100, 100, 100), np.uint8))
    assert repeats.is_new(np.full((10, 10, 3), (100, 100, 100 + int(LEAST_CHANGE)), np.uint8))


def test_a_slow_change_is_noticed() -> None:
    repeats = NearRepeats()
    new = [repeats.is_new(np.full((20, 20, 3), level, np.uint8)) for level in range(0, 200, 2)]
    assert sum(new) == 25
    assert new[:5] == [True, False, False, False, True]


def test_it_is_the_kept_one_that_counts() -> None:
    repeats = NearRepeats()
    dark, light = np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 200, np.uint8)
    assert [repeats.is_new(p) for p in (dark, light, light, dark, light)] == [
        True, True, False, True, True,
    ]  # fmt: skip


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 500, 3), (7, 3, 3), (17, 33, 3)])
def test_pictures_of_any_shape(shape: tuple[int, int, int]) -> None:
    repeats = NearRepeats()
    assert repeats.is_new(np.zeros(shape, np.uint8))
    assert not repeats.is_new(np.zeros(shape, np.uint8))
    assert repeats.is_new(np.full(shape, 99, np.uint8))


def test_another_shape_is_new() -> None:
    repeats = NearRepeats()
    repeats.is_new(np.zeros((4, 4, 3), np.uint8))
    assert repeats.is_new(np.zeros((4, 5, 3), np.uint8))


def test_just_under_the_least_change_is_a_repeat() -> None:
    """A field's mean decides: half of its pixels changed twice as much is the same change."""
    repeats = NearRepeats()
    dark = np.full((32, 32, 3), 100, np.uint8)
    repeats.is_new(dark)
    under, at = dark.copy(), dark.copy()
    # Fields are two pixels each way.
    under[10:12, 10, 1] += 2 * int(LEAST_CHANGE) - 1
    at[10:12, 10, 1] += 2 * int(LEAST_CHANGE)
    assert not repeats.is_new(under)
    assert repeats.is_new(at)


def test_a_change_across_a_border_of_fields_is_shared_between_them() -> None:
    repeats = NearRepeats()
    dark = np.full((32, 32, 3), 100, np.uint8)
    repeats.is_new(dark)
    across = dark.copy()
    across[11:13, 10] += 2 * int(LEAST_CHANGE) - 1
    assert not repeats.is_new(across)


@given(st.integers(1, 70), st.integers(1, 70), st.integers(0, 2**32 - 1))
@settings(max_examples=50)
def test_fields_are_means_of_parts_that_cover_the_picture(
    height: int, width: int, seed: int
) -> None:
    picture = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    fields = _fields(picture)
    rows, columns = min(height, GRID), min(width, GRID)
    assert fields.shape == (rows, columns, 3)
    row_of = [max(i for i in range(GRID) if int(i * height / GRID) <= y) for y in range(height)]
    column_of = [max(i for i in range(GRID) if int(i * width / GRID) <= x) for x in range(width)]
    row_names, column_names = sorted(set(row_of)), sorted(set(column_of))
    for i, row in enumerate(row_names):
        part = picture[[y for y in range(height) if row_of[y] == row]]
        for j, column in enumerate(column_names):
            block = part[:, [x for x in range(width) if column_of[x] == column]]
            np.testing.assert_allclose(fields[i, j], block.reshape(-1, 3).mean(axis=0))
