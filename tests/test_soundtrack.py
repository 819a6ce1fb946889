"""Sounds through PyAV."""

from __future__ import annotations

import io
import tracemalloc

import av
import numpy as np
import pytest

from retrieval.errors import MediaError, UnknownMedia
from retrieval.media.sound import open_sound
from retrieval.media.soundtrack import sound_pieces
from retrieval.media.windows import Windows
from tests.films import TONES_HZ, encode_sound, film, loudest_hz, tune

SECONDS = Windows(window_s=0.5, hop_s=1.0)
FORMATS = [
    ("ipod", "aac"), ("adts", "aac"), ("mp4", "alac"), ("ogg", "libopus"), ("asf", "wmav2"),
    ("aiff", "pcm_s16be"), ("caf", "pcm_s16le"), ("ac3", "ac3"), ("wv", "wavpack"), ("tta", "tta"),
    ("flac", "flac"), ("wav", "pcm_s16le"), ("wav", "pcm_u8"), ("wav", "pcm_f32le"),
    ("wav", "pcm_f64le"), ("wav", "pcm_s24le"), ("wav", "pcm_s32le"), ("mp3", "libmp3lame"),
    ("mp2", "mp2"), ("w64", "pcm_s16le"), ("matroska", "libopus"), ("au", "pcm_mulaw"),
]  # fmt: skip


@pytest.mark.parametrize(("form", "codec"), FORMATS)
def test_formats(form: str, codec: str) -> None:
    pieces = list(sound_pieces(io.BytesIO(film(form, None, codec)), SECONDS))
    assert [m.start_s for m, _ in pieces[:3]] == pytest.approx([0, 1, 2], abs=0.1)
    for second, (_, content) in enumerate(pieces[:3]):
        assert isinstance(content, np.ndarray)
        assert content.shape == (24_000,)
        assert loudest_hz(content[4_000:]) == pytest.approx(TONES_HZ[second], rel=0.01)
        assert np.sqrt(np.mean(content[4_000:] ** 2)) == pytest.approx(0.354, rel=0.1)


@pytest.mark.parametrize("form", ["wav", "flac", "aiff"])
def test_the_same_samples_as_libsndfile(form: str) -> None:
    codec = {"wav": "pcm_s16le", "flac": "flac", "aiff": "pcm_s16be"}[form]
    content = film(form, None, codec, rate=44_100)
    ours = list(sound_pieces(io.BytesIO(content), Windows()))
    theirs = list(open_sound(io.BytesIO(content), Windows()).pieces)
    assert [m for m, _ in ours] == [m for m, _ in theirs]
    np.testing.assert_allclose(ours[0][1], theirs[0][1], atol=1e-5)  # type: ignore[arg-type]


def test_channels_are_mixed() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="wav") as container:
        track = container.add_stream("pcm_s16le", rate=48_000)
        track.layout = "stereo"
        left, right = np.full(48_000, 16_384, np.int16), np.zeros(48_000, np.int16)
        samples = np.stack([left, right], axis=1).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="stereo")
        frame.sample_rate, frame.pts = 48_000, 0
        container.mux(track.encode(frame))
    ((_, content), *_) = sound_pieces(io.BytesIO(file.getvalue()), Windows())
    np.testing.assert_allclose(content, 0.25, atol=1e-4)  # type: ignore[arg-type]


def test_a_sound_that_begins_late_keeps_its_seconds() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as container:
        pictures = container.add_stream("mpeg4", rate=10)
        pictures.width, pictures.height, pictures.pix_fmt = 32, 32, "yuv420p"
        track = container.add_stream("pcm_s16le", rate=48_000)
        track.layout = "mono"
        for number in range(50):
            frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
            frame.pts = number
            container.mux(pictures.encode(frame))
        sound = (tune(1, 48_000)[None, :] * 32767).astype(np.int16)
        late = av.AudioFrame.from_ndarray(sound, format="s16", layout="mono")
        late.sample_rate, late.pts = 48_000, 2 * 48_000
        container.mux(track.encode(late))
    ((moment, _),) = sound_pieces(io.BytesIO(file.getvalue()), Windows())
    assert (moment.start_s, moment.end_s) == pytest.approx((2, 3), abs=0.01)


def test_no_sound() -> None:
    with pytest.raises(UnknownMedia, match="the file has no sound"):
        list(sound_pieces(io.BytesIO(film(sound=None)), SECONDS))


def test_a_sound_without_samples() -> None:
    content = film("ipod", None, "aac")
    with pytest.raises(MediaError):
        list(sound_pieces(io.BytesIO(content[: len(content) // 20]), SECONDS))


def test_memory_does_not_grow_with_the_length() -> None:
    content = film("wv", None, "wavpack", seconds=300, rate=8_000)
    tracemalloc.start()
    count = sum(1 for _ in sound_pieces(io.BytesIO(content), Windows()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 59
    assert peak < 20e6


def test_encode_sound_is_what_these_tests_take_it_for() -> None:
    """The tune itself, looked at without any of our own decoding."""
    file = io.BytesIO()
    with av.open(file, "w", format="wav") as container:
        track = container.add_stream("pcm_s16le", rate=48_000)
        track.layout = "mono"
        encode_sound(container, track, tune(2, 48_000), 48_000)
    samples = np.frombuffer(file.getvalue()[-192_000:], "<i2").astype(float)
    assert loudest_hz(samples[:48_000]) == 440
    assert loudest_hz(samples[48_000:]) == 880
