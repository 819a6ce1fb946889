"""Animations: several frames of a picture with their seconds."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from retrieval.media.media import open_media
from retrieval.media.windows import Windows
from retrieval.records import Kind
from tests.films import scene, second_of

WINDOWS = Windows(picture_px=32)


def animation(form: str, scenes: list[int], duration_ms: int = 1000, side: int = 64) -> bytes:
    images = [Image.fromarray(scene(number, side, side)) for number in scenes]
    file = io.BytesIO()
    extra = {"lossless": True} if form == "WEBP" else {}
    images[0].save(
        file, form, save_all=True, append_images=images[1:], duration=duration_ms, **extra
    )
    return file.getvalue()


def read(content: bytes, windows: Windows = WINDOWS) -> list[tuple[float | None, int]]:
    media = open_media(io.BytesIO(content), windows)
    assert media.kind is Kind.IMAGE
    found = []
    for moment, picture in media.pieces:
        assert isinstance(picture, np.ndarray)
        assert moment.start_s == moment.end_s
        found.append((moment.start_s, second_of(picture)))
    return found


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "AVIF"])
def test_frames_with_their_seconds(form: str) -> None:
    assert read(animation(form, [0, 1, 2, 3])) == [(0, 0), (1, 1), (2, 2), (3, 3)]


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
def test_repeats_are_dropped(form: str) -> None:
    assert [scene for _, scene in read(animation(form, [0, 1, 1, 1, 2, 2, 0]))] == [0, 1, 2, 0]


def test_quick_frames_are_thinned_to_the_rate() -> None:
    flicker = [3 if number % 2 else number // 10 for number in range(30)]
    assert read(animation("GIF", flicker, duration_ms=100)) == [(0, 0), (1, 1), (2, 2)]
    assert len(read(animation("GIF", [0, 1, 2] * 9, 100), Windows(frames_per_s=10))) == 27


def test_at_most_so_many() -> None:
    found = read(animation("GIF", [0, 1, 2, 3, 4] * 10), Windows(picture_px=32, max_frames=7))
    assert len(found) <= 7
    assert found[-1][0] is not None
    assert found[-1][0] > 40


def test_a_single_frame_has_no_time() -> None:
    assert read(animation("GIF", [3])) == [(None, 3)]


def test_an_animation_that_breaks_off_ends_with_its_last_whole_frame() -> None:
    content = animation("GIF", [0, 1, 2, 3])
    found = read(content[: int(len(content) * 0.7)])
    assert found[:2] == [(0, 0), (1, 1)]
    assert len(found) < 4


def test_pages_of_a_tiff_do_not_follow_each_other_in_time() -> None:
    images = [Image.fromarray(scene(number, 64, 64)) for number in range(3)]
    file = io.BytesIO()
    images[0].save(file, "TIFF", save_all=True, append_images=images[1:])
    assert read(file.getvalue()) == [(None, 0)]
