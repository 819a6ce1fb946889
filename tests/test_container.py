"""Containers: what PyAV opens, and what it must not follow."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition

from retrieval.errors import MediaError, UnknownMedia
from retrieval.media import container
from retrieval.media.container import (
    MOVING,
    STILL,
    decoded,
    duration_s,
    open_container,
    picture_stream,
    sound_stream,
    start_s,
)
from tests.films import encode_sound, film, tune


def test_every_format_named_is_known_to_ffmpeg() -> None:
    known = {part for name in av.formats_available for part in name.split(",")}
    assert set(MOVING.split()) <= known
    assert set(STILL.split()) <= known
    assert not set(MOVING.split()) & set(STILL.split())


@pytest.mark.parametrize(
    "form", ["hls", "dash", "concat", "tty", "srt", "webvtt", "image2", "lavfi", "sdp", "v4l2"]
)
def test_formats_that_name_other_files_or_are_no_media_are_left_out(form: str) -> None:
    assert form not in f"{MOVING} {STILL}".split()


def test_a_playlist_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "secret.ts"
    target.write_bytes(film("mpegts", "mpeg2video", None, fps=25))
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n{target}\n#EXT-X-ENDLIST\n"
    with pytest.raises(UnknownMedia):
        open_container(io.BytesIO(playlist.encode()), MOVING)


def test_a_quicktime_reference_to_another_file_is_not_opened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`mdat` in another file by a `dref` entry of type `url ` that is not self-contained."""
    content = film("mov", "mpeg4", None)
    reference = b"\0\0\0\x0curl \0\0\0\x01"
    assert reference in content
    opened: list[str] = []
    monkeypatch.setattr(container, "_refuse", lambda url, *_: opened.append(url))
    changed = content.replace(reference, b"\0\0\0\x0curl \0\0\0\x00")
    with open_container(io.BytesIO(changed), MOVING):
        pass
    assert opened == []


def test_the_name_of_the_file_decides_nothing(tmp_path: Path) -> None:
    path = tmp_path / "really.mp4"
    path.write_text("only words here, whatever the name says")
    with path.open("rb") as file, pytest.raises(UnknownMedia):
        open_container(file, MOVING)
    path.write_bytes(film("matroska", "mpeg4", None))
    with path.open("rb") as file, open_container(file, MOVING) as opened:
        assert opened.format.name == "matroska,webm"


def test_streams_of_a_film() -> None:
    with open_container(io.BytesIO(film(sounds=2)), MOVING) as opened:
        pictures, sound = picture_stream(opened), sound_stream(opened)
        assert pictures is not None
        assert (pictures.width, pictures.height) == (96, 64)
        assert sound is not None
        assert sound.index == 1
        assert duration_s(opened) == pytest.approx(3, abs=0.05)


def test_a_film_that_does_not_begin_at_zero() -> None:
    with open_container(io.BytesIO(film("mpegts", "mpeg2video", "mp2", fps=25)), MOVING) as opened:
        assert start_s(opened) > 0


def test_the_cover_of_an_album_is_no_video() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="mp3") as written:
        sound = written.add_stream("libmp3lame", rate=48_000)
        sound.layout = "mono"
        cover: Any = written.add_stream("png", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "rgb24"
        cover.disposition = Disposition.attached_pic
        picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
        picture.pts = 0
        written.mux([*cover.encode(picture), *cover.encode(None)])
        encode_sound(written, sound, tune(1, 48_000), 48_000)
    with open_container(io.BytesIO(file.getvalue()), MOVING) as opened:
        assert len(opened.streams.video) == 1
        assert picture_stream(opened) is None
        assert sound_stream(opened) is not None


def test_frames_too_large_are_refused_before_they_are_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(container, "MAX_PIXELS", 96 * 64 - 1)
    with (
        open_container(io.BytesIO(film()), MOVING) as opened,
        pytest.raises(MediaError, match="the video claims 96 x 64 pixels, more than the limit"),
    ):
        picture_stream(opened)


def test_damaged_packets_are_left_out() -> None:
    content = bytearray(film("matroska", "mpeg4", None, seconds=6))
    half = len(content) // 2
    content[half : half + 200] = bytes(200)
    with open_container(io.BytesIO(bytes(content)), MOVING) as opened:
        stream = picture_stream(opened)
        assert stream is not None
        assert 20 < len(list(decoded(opened, stream, "video"))) <= 60


@pytest.mark.parametrize("content", [b"", b"\0" * 5000, b"words " * 1000, b"RIFF\0\0\0\0AVI LIST"])
def test_what_is_no_container(content: bytes) -> None:
    with pytest.raises(MediaError), open_container(io.BytesIO(content), MOVING) as opened:
        if not opened.streams:
            raise UnknownMedia("empty")
