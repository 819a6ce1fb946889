"""Sounds through libsndfile."""

from __future__ import annotations

import io
import tracemalloc

import numpy as np
import pytest
import soundfile

from retrieval.errors import MediaError, UnknownMedia
from retrieval.media.sound import open_sound
from retrieval.media.windows import Windows
from retrieval.records import Kind

WINDOWS = Windows()


def tone(seconds: float, rate: int = 44_100, hz: float = 440, channels: int = 1) -> np.ndarray:
    t = np.arange(round(seconds * rate)) / rate
    wave = 0.5 * np.sin(2 * np.pi * hz * t)
    return np.repeat(wave[:, None], channels, axis=1).astype(np.float32)


def encoded(samples: np.ndarray, rate: int, form: str, subtype: str | None = None) -> io.BytesIO:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=form, subtype=subtype)
    file.seek(0)
    return file


def loudest_hz(samples: np.ndarray, rate: int) -> float:
    return float(np.abs(np.fft.rfft(samples)).argmax() * rate / len(samples))


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(
    ("form", "subtype"),
    [
        ("WAV", "PCM_U8"), ("WAV", "PCM_16"), ("WAV", "PCM_24"), ("WAV", "FLOAT"), ("WAV", "ULAW"),
        ("FLAC", "PCM_16"), ("FLAC", "PCM_24"), ("OGG", "VORBIS"), ("MP3", None),
        ("AIFF", "PCM_16"),
    ],
)  # fmt: skip
def test_formats(form: str, subtype: str | None, channels: int, rate: int) -> None:
    file = encoded(tone(12, rate, 440, channels), rate, form, subtype)
    media = open_sound(file, WINDOWS)
    pieces = list(media.pieces)
    assert media.kind is Kind.AUDIO
    assert media.metadata["duration_s"] == pytest.approx(12, abs=0.2)
    assert [m.start_s for m, _ in pieces] == pytest.approx([0, 2], abs=0.2)
    for _, content in pieces:
        assert isinstance(content, np.ndarray)
        assert content.shape == (480_000,)
        assert loudest_hz(content, 48_000) == pytest.approx(440, abs=0.2)
        assert np.sqrt(np.mean(content**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)


def test_a_wav_that_states_too_many_samples_gives_what_it_has() -> None:
    content = bytearray(encoded(tone(3), 44_100, "WAV", "PCM_16").getvalue())
    content[40:44] = b"\xff\xff\xff\x7f"
    (piece,) = open_sound(io.BytesIO(content), WINDOWS).pieces
    assert piece[0].end_s == pytest.approx(3, abs=0.001)


def test_a_flac_without_a_sample_total_is_read_to_its_end() -> None:
    content = bytearray(encoded(tone(12), 44_100, "FLAC", "PCM_16").getvalue())
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    assert soundfile.info(io.BytesIO(content)).frames > 2**62
    media = open_sound(io.BytesIO(content), WINDOWS)
    assert "duration_s" not in media.metadata
    assert [m.end_s for m, _ in media.pieces] == pytest.approx([10, 12])


def test_a_truncated_sound_gives_what_it_has() -> None:
    content = encoded(tone(20), 44_100, "WAV", "PCM_16").getvalue()
    ends = [
        m.end_s for m, _ in open_sound(io.BytesIO(content[: len(content) // 2]), WINDOWS).pieces
    ]
    assert ends == pytest.approx([10], abs=0.001)


def test_an_mp3_that_calls_itself_wav() -> None:
    """Content decides: nothing here even sees a name."""
    media = open_sound(encoded(tone(2), 44_100, "MP3"), WINDOWS)
    assert len(list(media.pieces)) == 1


def test_no_samples() -> None:
    file = encoded(np.zeros((0, 1), np.float32), 44_100, "WAV", "PCM_16")
    with pytest.raises(MediaError, match="the sound holds no samples"):
        list(open_sound(file, WINDOWS).pieces)


@pytest.mark.parametrize(
    "content", [b"RIFF", b"words, not a sound", b"\0" * 100, b"\xff\xd8\xff\xe0" + b"\1" * 900]
)
def test_what_is_no_sound(content: bytes) -> None:
    with pytest.raises(UnknownMedia):
        open_sound(io.BytesIO(content), WINDOWS)


def test_frames_found_deep_in_other_data_are_no_mp3() -> None:
    frames = encoded(tone(1), 44_100, "MP3").getvalue()
    with pytest.raises(UnknownMedia):
        open_sound(io.BytesIO(b"\x01\x02 something else " * 20 + frames), WINDOWS)


def test_silence_has_no_moments() -> None:
    file = encoded(np.zeros((44_100, 1), np.float32), 44_100, "FLAC")
    assert list(open_sound(file, WINDOWS).pieces) == []


def test_the_same_bytes_give_the_same_samples() -> None:
    content = encoded(tone(7, 22_050), 22_050, "OGG", "VORBIS").getvalue()
    first, second = (
        [c for _, c in open_sound(io.BytesIO(content), WINDOWS).pieces] for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


def test_memory_does_not_grow_with_the_length() -> None:
    """Twenty minutes are 230 MB of samples at 48 kHz; 20 MB must do."""
    content = encoded(tone(1200, 8_000), 8_000, "FLAC", "PCM_16").getvalue()
    tracemalloc.start()
    count = sum(1 for _ in open_sound(io.BytesIO(content), WINDOWS).pieces)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 239
    assert peak < 20e6
