"""Video: image moments and audio moments of one file."""

from __future__ import annotations

import io

import av
import av.stream
import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError

from retrieval.errors import MediaError, UnknownMedia
from retrieval.media.media import open_media
from retrieval.media.video import open_rare_picture, open_video
from retrieval.media.windows import Windows
from retrieval.records import Kind, Modality
from tests.films import TONES_HZ, film, loudest_hz, scene, second_of

WINDOWS = Windows(picture_px=32, window_s=1.0, hop_s=1.0)


@pytest.mark.parametrize(
    ("form", "video", "sound"),
    [("mp4", "libx264", "aac"), ("mov", "mpeg4", "aac"), ("matroska", "libvpx-vp9", "libopus"),
     ("webm", "libvpx", "libopus"), ("avi", "mpeg4", "libmp3lame"), ("asf", "wmv2", "wmav2"),
     ("mpegts", "mpeg2video", "mp2"), ("mpeg", "mpeg2video", "mp2"), ("flv", "flv", "libmp3lame")],
)  # fmt: skip
def test_both_kinds_of_moments_with_their_seconds(form: str, video: str, sound: str) -> None:
    media = open_media(io.BytesIO(film(form, video, sound, fps=25)), WINDOWS, name="a.txt")
    assert media.kind is Kind.VIDEO
    assert media.metadata["duration_s"] == pytest.approx(3, abs=0.2)
    assert (media.metadata["width"], media.metadata["height"]) == (96, 64)
    pieces = list(media.pieces)
    pictures = [(m, c) for m, c in pieces if m.modality is Modality.IMAGE]
    sounds = [(m, c) for m, c in pieces if m.modality is Modality.AUDIO]
    assert pieces == pictures + sounds
    assert [second_of(c) for _, c in pictures if isinstance(c, np.ndarray)] == [0, 1, 2]
    for second, (moment, content) in enumerate(sounds[:3]):
        assert moment.start_s == pytest.approx(second, abs=0.1)
        assert isinstance(content, np.ndarray)
        assert loudest_hz(content[6_000:-6_000]) == pytest.approx(TONES_HZ[second], rel=0.01)


def test_no_sound() -> None:
    media = open_video(io.BytesIO(film(sound=None)), WINDOWS)
    assert media.kind is Kind.VIDEO
    assert {m.modality for m, _ in media.pieces} == {Modality.IMAGE}


def test_sound_only_is_audio_whatever_the_container() -> None:
    for form, codec in (("mp4", "aac"), ("matroska", "libopus"), ("asf", "wmav2")):
        media = open_media(io.BytesIO(film(form, None, codec)), WINDOWS, name="a.mp4")
        assert media.kind is Kind.AUDIO
        assert "width" not in media.metadata
        assert {m.modality for m, _ in media.pieces} == {Modality.AUDIO}


def test_several_sound_tracks_give_one() -> None:
    media = open_video(io.BytesIO(film(sounds=3)), WINDOWS)
    starts = [m.start_s for m, _ in media.pieces if m.modality is Modality.AUDIO]
    assert starts == sorted(set(starts))  # type: ignore[type-var]
    assert len(starts) in (3, 4)


def test_of_several_picture_tracks_the_one_a_player_would_choose() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as container:
        tracks = [container.add_stream("mpeg4", rate=2) for _ in range(2)]
        for track, size in zip(tracks, [(48, 32), (96, 64)], strict=True):
            track.width, track.height = size
            track.pix_fmt = "yuv420p"
        tracks[1].disposition = av.stream.Disposition.default
        for number in range(6):
            for track in tracks:
                shown = number // 2 if track is tracks[1] else 4
                picture = av.VideoFrame.from_ndarray(
                    scene(shown, track.width, track.height), format="rgb24"
                )
                picture.pts = number
                container.mux(track.encode(picture))
        for track in tracks:
            container.mux(track.encode(None))
    media = open_media(file, WINDOWS)
    assert media.kind is Kind.VIDEO
    assert media.metadata["width"] == 96
    assert [second_of(c) for _, c in media.pieces if isinstance(c, np.ndarray)] == [0, 1, 2]


def test_a_truncated_mp4_without_its_index_is_an_error() -> None:
    content = film()
    assert content.index(b"mdat") < content.index(b"moov")
    with pytest.raises(MediaError):
        list(open_media(io.BytesIO(content[: content.index(b"moov")]), WINDOWS).pieces)


def test_pictures_that_cannot_be_decoded_do_not_cost_the_sound() -> None:
    content = film("matroska", "mpeg4", "libopus").replace(b"V_MPEG4/ISO/ASP", b"V_MPEG4/ISO/AXX")
    media = open_video(io.BytesIO(content), WINDOWS)
    assert {m.modality for m, _ in media.pieces} == {Modality.AUDIO}


def test_neither_sound_nor_pictures() -> None:
    content = b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + b"\0\0\0\x08free"
    with pytest.raises(MediaError):
        open_video(io.BytesIO(content), WINDOWS)


@pytest.mark.parametrize("content", [b"words and words", b"\0" * 3000, b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_video(content: bytes) -> None:
    with pytest.raises(UnknownMedia):
        open_video(io.BytesIO(content), WINDOWS)


def test_a_picture_that_only_pyav_reads() -> None:
    """A portable float map of sixteen bits."""
    file = io.BytesIO(b"PH\n4 2\n-1.0\n" + np.ones(24, "<f2").tobytes())
    with pytest.raises(UnidentifiedImageError):
        Image.open(file)
    media = open_media(file, WINDOWS)
    assert media.kind is Kind.IMAGE
    ((moment, picture),) = media.pieces
    assert moment.start_s is None
    assert isinstance(picture, np.ndarray)
    assert picture.shape == (2, 4, 3)
    assert picture.min() > 250


def test_a_truncated_png_is_not_rescued_as_a_rare_picture() -> None:
    file = io.BytesIO()
    Image.effect_noise((90, 90), 50).save(file, "PNG")
    with pytest.raises(MediaError, match="the PNG picture"):
        list(open_media(io.BytesIO(file.getvalue()[:3000]), WINDOWS).pieces)


def test_what_is_no_rare_picture() -> None:
    for content in (b"words and words", film()):
        with pytest.raises(UnknownMedia):
            open_rare_picture(io.BytesIO(content), WINDOWS)
