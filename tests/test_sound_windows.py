"""Windows of sound: fixed length and hop, the last one right-aligned, short ones repeated."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import soxr
from hypothesis import given
from hypothesis import strategies as st

from retrieval.media.sound_windows import cut, mono, resampled
from retrieval.media.windows import Windows
from retrieval.records import Modality

Samples = npt.NDArray[np.float32]
EVERYTHING = Windows(sample_rate_hz=10, window_s=2.0, hop_s=0.5, silence_dbfs=-1000)


def noise(n: int) -> Samples:
    return np.random.default_rng(n).uniform(-0.9, 0.9, n).astype(np.float32)


def in_blocks(samples: Samples, size: int) -> list[Samples]:
    return [samples[i : i + size] for i in range(0, len(samples), size)]


@given(st.integers(1, 300), st.integers(1, 40), st.integers(1, 40), st.integers(1, 120))
def test_against_cutting_the_whole_sound(total: int, window: int, hop: int, block: int) -> None:
    samples = noise(total)
    windows = Windows(sample_rate_hz=10, window_s=window / 10, hop_s=hop / 10, silence_dbfs=-1000)
    starts = list(range(0, max(total - window, 0) + 1, hop))
    if total > window and starts[-1] + window < total:
        starts.append(total - window)
    pieces = list(cut(in_blocks(samples, block), windows))
    assert [moment.start_s for moment, _ in pieces] == [start / 10 for start in starts]
    for start, (moment, content) in zip(starts, pieces, strict=True):
        assert moment.modality is Modality.AUDIO
        assert moment.end_s == (start + min(window, total)) / 10
        repeated = np.tile(samples, -(-window // total)) if total < window else samples
        np.testing.assert_array_equal(content, repeated[start : start + window])
        assert content.dtype == np.float32


def test_default_windows_have_the_exact_length() -> None:
    windows = Windows()
    pieces = list(cut(in_blocks(noise(48_000 * 23), 65_536), windows))
    assert [(m.start_s, m.end_s) for m, _ in pieces] == [(0, 10), (5, 15), (10, 20), (13, 23)]
    assert all(content.shape == (480_000,) for _, content in pieces)


def test_silence_gets_no_moment() -> None:
    loud, quiet = noise(20), np.full(20, 10 ** (-61 / 20), np.float32)
    windows = Windows(sample_rate_hz=10, window_s=2.0, hop_s=2.0, silence_dbfs=-60)
    pieces = list(cut([loud, quiet, loud], windows))
    assert [moment.start_s for moment, _ in pieces] == [0, 4]
    just_heard = np.full(20, 10 ** (-59 / 20), np.float32)
    assert len(list(cut([just_heard], windows))) == 1
    assert list(cut([np.zeros(20, np.float32)], windows)) == []


def test_no_samples_no_moment() -> None:
    assert list(cut([], EVERYTHING)) == []


def test_contents_are_not_views_of_what_comes_later() -> None:
    samples = noise(60)
    pieces = [content for _, content in cut(in_blocks(samples, 7), EVERYTHING)]
    pieces[0][:] = 0
    np.testing.assert_array_equal(pieces[1], samples[5:25])


def test_holds_no_more_than_two_windows() -> None:
    """Ten hours in blocks of a second, cut while they come: the first window is there early."""
    given_out = 0

    def blocks() -> object:
        nonlocal given_out
        for _ in range(36_000):
            given_out += 1
            yield np.full(10, 0.5, np.float32)

    first = next(iter(cut(blocks(), EVERYTHING)))  # type: ignore[arg-type]
    assert first[0].start_s == 0
    assert given_out == 2


def test_mono_is_the_mean_of_the_channels() -> None:
    stereo = np.array([[0.5, -0.5], [1.0, 0.5], [0.25, 0.25]], np.float32)
    np.testing.assert_array_equal(mono(stereo), np.array([0, 0.75, 0.25], np.float32))


def test_mono_tames_what_is_not_finite_or_too_loud() -> None:
    wild = np.array([[np.nan], [np.inf], [-np.inf], [3.0], [-7.0], [0.5]], np.float32)
    np.testing.assert_array_equal(mono(wild), np.array([0, 0, 0, 1, -1, 0.5], np.float32))


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 96_000, 22_050])
def test_resampling_in_blocks_equals_resampling_the_whole(rate: int) -> None:
    t = np.arange(rate * 2) / rate
    tone = (0.5 * np.sin(2 * np.pi * 440 * t)).astype(np.float32)
    streamed = np.concatenate(list(resampled(((rate, b) for b in in_blocks(tone, 4_096)), 48_000)))
    whole = soxr.resample(tone, rate, 48_000)
    assert len(streamed) == 96_000
    np.testing.assert_allclose(streamed, whole, atol=1e-5)


def test_a_sound_at_the_right_rate_is_passed_on_untouched() -> None:
    blocks = in_blocks(noise(1000), 300)
    for sent, got in zip(blocks, resampled(((48_000, b) for b in blocks), 48_000), strict=True):
        assert got is sent


def test_a_rate_that_changes_on_the_way_is_followed() -> None:
    second = [(8_000, noise(8_000)), (48_000, noise(48_000)), (16_000, noise(16_000))]
    assert sum(map(len, resampled(second, 48_000))) == 3 * 48_000


def test_a_late_sound_keeps_its_place() -> None:
    """Samples that begin 1.5 s after the file does."""
    pieces = list(cut([noise(33)], EVERYTHING, late_s=1.5))
    assert [(m.start_s, m.end_s) for m, _ in pieces] == [
        (1.5, 3.5), (2.0, 4.0), (2.5, 4.5), (2.8, 4.8),
    ]  # fmt: skip
    ((moment, content),) = cut([noise(3)], EVERYTHING, late_s=1.5)
    assert (moment.start_s, moment.end_s) == (1.5, 1.8)
    assert len(content) == 20


@pytest.mark.parametrize("total", [20, 25, 30])
def test_where_the_last_window_fits_exactly_there_is_no_further_one(total: int) -> None:
    starts = [m.start_s for m, _ in cut([noise(total)], EVERYTHING)]
    assert starts == [i * 0.5 for i in range((total - 20) // 5 + 1)]


def test_a_silent_end_is_no_moment_and_a_loud_end_is() -> None:
    windows = Windows(sample_rate_hz=10, window_s=2.0, hop_s=2.0, silence_dbfs=-60)
    silent = np.zeros(5, np.float32)
    assert [m.start_s for m, _ in cut([np.zeros(40, np.float32), silent], windows)] == []
    loud_end = list(cut([np.zeros(40, np.float32), noise(5)], windows))
    assert [m.start_s for m, _ in loud_end] == [2.5]
    # Only the first window is loud; what ends the sound is all silence.
    assert [m.start_s for m, _ in cut([noise(20), np.zeros(25, np.float32)], windows)] == [0]


@given(st.floats(-90, -1), st.floats(-90, -1))
def test_what_counts_as_silence(level_dbfs: float, limit_dbfs: float) -> None:
    """The RMS of a sine is 3.01 dB below that of its peak."""
    if abs(level_dbfs - limit_dbfs) < 0.1:
        return
    turns = np.sin(2 * np.pi * np.arange(100) / 20)
    wave = (2**0.5 * 10 ** (level_dbfs / 20) * turns).astype(np.float32)
    windows = Windows(sample_rate_hz=10, window_s=10.0, hop_s=10.0, silence_dbfs=limit_dbfs)
    assert len(list(cut([wave], windows))) == (level_dbfs > limit_dbfs)


def test_a_hop_below_one_sample_is_one_sample() -> None:
    windows = Windows(sample_rate_hz=10, window_s=0.5, hop_s=0.01, silence_dbfs=-1000)
    assert [m.start_s for m, _ in cut([noise(8)], windows)] == [0, 0.1, 0.2, 0.3]


def test_empty_blocks_change_nothing() -> None:
    samples, nothing = noise(50), np.zeros(0, np.float32)
    plain = list(cut([samples], EVERYTHING))
    holed = list(cut([nothing, samples[:7], nothing, nothing, samples[7:], nothing], EVERYTHING))
    assert [m for m, _ in plain] == [m for m, _ in holed]
    assert list(cut([nothing, nothing], EVERYTHING)) == []


@pytest.mark.parametrize("hop", [5, 20, 35])
def test_little_is_held_whatever_the_hop(hop: int) -> None:
    """Also where the hop is longer than a window, what lies between is let go."""
    windows = Windows(sample_rate_hz=10, window_s=2.0, hop_s=hop / 10, silence_dbfs=-1000)
    total = 2000
    samples = noise(total)
    starts = list(range(0, total - 20 + 1, hop))
    # What the last window leaves over is covered by one that ends with the sound.
    if starts[-1] + 20 < total:
        starts.append(total - 20)
    pieces = list(cut(in_blocks(samples, 3), windows))
    assert [round(10 * (m.start_s or 0)) for m, _ in pieces] == starts
    for start, (_, content) in zip(starts, pieces, strict=True):
        np.testing.assert_array_equal(content, samples[start : start + 20])


@given(st.integers(1, 6), st.integers(0, 50), st.integers(0, 2**32 - 1))
def test_mono_by_hand(channels: int, n: int, seed: int) -> None:
    samples = np.random.default_rng(seed).uniform(-1, 1, (n, channels)).astype(np.float32)
    by_hand = [sum(row) / channels for row in samples.astype(np.float64).tolist()]
    np.testing.assert_allclose(mono(samples), by_hand, atol=1e-6)
    assert mono(samples).dtype == np.float32


def test_nothing_to_resample() -> None:
    assert list(resampled([], 48_000)) == []


@pytest.mark.parametrize("rate", [8_000, 22_050, 96_000])
def test_resampling_keeps_pitch_length_and_loudness(rate: int) -> None:
    times_s = np.arange(rate) / rate
    tone = (0.5 * np.sin(2 * np.pi * 1000 * times_s)).astype(np.float32)
    found = np.concatenate(list(resampled([(rate, tone)], 16_000)))
    assert len(found) == 16_000
    assert np.argmax(np.abs(np.fft.rfft(found))) == 1000
    assert np.sqrt(np.mean(found[800:-800] ** 2)) == pytest.approx(0.5 / 2**0.5, rel=0.01)
