"""Frames of a video: spread evenly, upright, without near repeats."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from retrieval.errors import MediaError
from retrieval.media import container, frames
from retrieval.media.frames import frame_pieces
from retrieval.media.windows import Windows
from retrieval.records import Modality
from tests.films import film, second_of

WINDOWS = Windows(picture_px=32)


def read(content: bytes, windows: Windows = WINDOWS) -> list[tuple[float, np.ndarray]]:
    pieces = []
    for moment, picture in frame_pieces(io.BytesIO(content), windows):
        assert moment.modality is Modality.IMAGE
        assert moment.start_s is not None
        assert moment.start_s == moment.end_s
        assert isinstance(picture, np.ndarray)
        assert picture.dtype == np.uint8
        pieces.append((moment.start_s, picture))
    return pieces


@pytest.mark.parametrize(
    ("form", "codec"),
    [("mp4", "libx264"), ("mov", "mpeg4"), ("matroska", "libvpx-vp9"), ("webm", "libvpx"),
     ("avi", "mpeg4"), ("asf", "wmv2"), ("mpegts", "mpeg2video"), ("flv", "flv"),
     ("mpeg", "mpeg1video"), ("avi", "mjpeg")],
)  # fmt: skip
def test_one_frame_a_second_with_its_seconds(form: str, codec: str) -> None:
    pieces = read(film(form, codec, None, seconds=4, fps=25))
    assert [time for time, _ in pieces] == pytest.approx([0.5, 1.5, 2.5, 3.5], abs=0.1)
    assert [second_of(picture) for _, picture in pieces] == [0, 1, 2, 3]
    assert all(picture.shape == (64, 96, 3) for _, picture in pieces)


def test_a_bare_stream_without_any_times() -> None:
    pieces = read(film("h264", "libx264", None, seconds=4, fps=25))
    assert [(time, second_of(picture)) for time, picture in pieces] == [(i, i) for i in range(4)]


def test_near_repeats_are_dropped() -> None:
    pieces = read(film(seconds=6, scenes=[0, 0, 0, 1, 1, 0]))
    assert [(time, second_of(picture)) for time, picture in pieces] == [
        (0.5, 0),
        (3.5, 1),
        (5.5, 0),
    ]


@pytest.mark.parametrize("most", [1, 3, 5, 10])
def test_at_most_so_many_spread_evenly(most: int) -> None:
    content = film(seconds=10, sound=None)
    pieces = read(content, Windows(picture_px=32, max_frames=most))
    assert [t for t, _ in pieces] == pytest.approx(
        [(i + 0.5) * 10 / most for i in range(most)], abs=1.01
    )
    for time, picture in pieces:
        assert second_of(picture) == int(time) % 5


@pytest.mark.parametrize("gop", [5, 50, 1000])
@pytest.mark.parametrize("form", ["mp4", "matroska", "avi", "mpegts", "flv"])
def test_seeking_finds_the_right_seconds(form: str, gop: int) -> None:
    """Whatever the distance of key frames: the seconds told are those of the frame shown."""
    codec = {"flv": "flv", "mpegts": "mpeg2video"}.get(form, "mpeg4")
    content = film(form, codec, None, seconds=60, gop=gop, fps=25)
    pieces = read(content, Windows(picture_px=32, max_frames=8))
    assert 6 <= len(pieces) <= 8
    for time, picture in pieces:
        assert second_of(picture) == int(time + 0.02) % 5
    assert np.diff([time for time, _ in pieces]).min() > 1


def test_seeking_decodes_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recording of 100 s with a key frame every second: 8 frames are decoded, not 1,000."""
    decoded = 0
    original = container.decoded

    def counted(*arguments: Any) -> Iterator[Any]:
        nonlocal decoded
        for frame in original(*arguments):
            decoded += 1
            yield frame

    monkeypatch.setattr(frames, "decoded", counted)
    assert len(read(film(seconds=100, sound=None), Windows(picture_px=32, max_frames=8))) >= 7
    assert decoded <= 16


@pytest.mark.parametrize(("degrees", "corner"), [(0, "tl"), (90, "bl"), (180, "br"), (270, "tr")])
def test_a_rotated_phone_video_is_turned_upright(degrees: int, corner: str) -> None:
    """The white field of the upper left goes where a player that turns shows it."""
    ((_, picture), *_) = read(film(sound=None, rotation=degrees))
    height, width, _ = picture.shape
    assert (width, height) == ((96, 64) if degrees in (0, 180) else (64, 96))
    y = 4 if corner[0] == "t" else height - 5
    x = 4 if corner[1] == "l" else width - 5
    assert picture[y, x].min() > 200
    assert picture[height - 1 - y, width - 1 - x].min() < 200


def test_a_short_video_gives_its_middle() -> None:
    assert [time for time, _ in read(film(seconds=0.4, sound=None))] == [0.2]


def test_a_single_frame() -> None:
    assert [time for time, _ in read(film(seconds=0.1, sound=None))] == [0.0]


def test_a_video_without_a_duration_is_measured() -> None:
    content = film("matroska", "mpeg4", None, seconds=8, seekable=False)
    pieces = read(content, Windows(picture_px=32, max_frames=4))
    assert [time for time, _ in pieces] == pytest.approx([1, 3, 5, 7], abs=0.11)


def test_large_frames_are_averaged_down() -> None:
    ((_, picture), *_) = read(film(seconds=1, size=(640, 400), sound=None))
    assert picture.shape == (400 // 6, 640 // 6, 3)


def test_a_broken_off_video_gives_what_it_has() -> None:
    content = film("matroska", "mpeg4", None, seconds=10)
    pieces = read(content[: len(content) // 2])
    assert 3 <= len(pieces) <= 6
    assert [second_of(picture) for _, picture in pieces] == [int(t) % 5 for t, _ in pieces]


def test_no_video() -> None:
    with pytest.raises(MediaError, match="the file has no video"):
        read(film("ipod", None, "aac"))


def test_the_same_bytes_give_the_same_frames() -> None:
    content = film(seconds=3, size=(320, 240), sound=None)
    first, second = read(content), read(content)
    for (time, picture), (other_time, other) in zip(first, second, strict=True):
        assert time == other_time
        np.testing.assert_array_equal(picture, other)
