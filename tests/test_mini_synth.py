"""Tones, noises and their places in time: held against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.encoders.mini.world.voices.synth import (
    RATE_HZ,
    Take,
    Wave,
    beats,
    chance_moments,
    fade,
    glide,
    noise,
    place,
    saw_partials,
    swell,
    times,
    tone,
    vibrato,
)


def take(pace: float = 1.0, seed: int = 0, duration_s: float = 4.0, pitch: float = 1.0) -> Take:
    return Take(duration_s, pitch, pace, np.random.default_rng(seed))


def power_hz(wave: Wave) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies and the power at them."""
    return np.fft.rfftfreq(len(wave), 1 / RATE_HZ), np.abs(np.fft.rfft(wave)) ** 2


@given(st.floats(0, 20))
def test_times_count_samples(seconds: float) -> None:
    made = times(seconds)
    assert len(made) == max(1, round(seconds * RATE_HZ))
    assert made[0] == 0
    assert made.dtype == np.float32
    if len(made) > 1:
        np.testing.assert_allclose(np.diff(made), 1 / RATE_HZ, atol=2e-6)


def test_a_glide_goes_through_its_points_evenly() -> None:
    curve = glide([0.0, 10.0, 4.0], 2.0)
    assert len(curve) == 2 * RATE_HZ
    assert (curve[0], curve[-1]) == (0.0, 4.0)
    assert curve.max() == pytest.approx(10.0, abs=1e-3)
    assert np.argmax(curve) == pytest.approx(RATE_HZ, abs=1)
    assert curve[RATE_HZ // 2] == pytest.approx(5.0, abs=1e-2)


def test_a_glide_of_one_point_is_constant() -> None:
    assert set(glide([440.0], 0.1).tolist()) == {440.0}


@pytest.mark.parametrize("hz", [55.0, 440.0, 2500.0, 7000.0])
def test_a_tone_has_its_pitch(hz: float) -> None:
    frequencies_hz, power = power_hz(tone(glide([hz], 1.0)))
    assert frequencies_hz[power.argmax()] == pytest.approx(hz, abs=1.0)
    assert power[np.abs(frequencies_hz - hz) < 3].sum() > 0.99 * power.sum()


def test_overtones_have_their_strengths() -> None:
    frequencies_hz, power = power_hz(tone(glide([200.0], 1.0), (1.0, 0.0, 0.5)))
    at = [power[np.abs(frequencies_hz - k * 200).argmin()] for k in (1, 2, 3)]
    assert at[1] < 1e-4 * at[0]
    assert at[2] == pytest.approx(0.25 * at[0], rel=0.02)


def test_no_overtone_folds_back_from_above() -> None:
    """What would lie over half of the sample rate would be heard as another, lower tone."""
    frequencies_hz, power = power_hz(tone(glide([3000.0], 1.0), saw_partials(10)))
    heard = power > 1e-4 * power.max()
    assert {round(f, -2) for f in frequencies_hz[heard]} == {3000.0, 6000.0}


def test_a_tone_that_glides_reaches_both_ends() -> None:
    wave = tone(glide([300.0, 1200.0], 2.0))
    tenth = len(wave) // 10
    for part, expected in ((wave[:tenth], 345), (wave[-tenth:], 1155)):
        frequencies_hz, power = power_hz(part)
        assert frequencies_hz[power.argmax()] == pytest.approx(expected, abs=60)
    assert np.abs(np.diff(wave)).max() < 2 * np.pi * 1200 / RATE_HZ * 1.05, "without a click"


@pytest.mark.parametrize("slope", [0.5, 1.0, 2.0])
def test_the_partials_of_a_saw(slope: float) -> None:
    made = saw_partials(5, slope)
    assert made == pytest.approx([k**-slope for k in range(1, 6)])


@pytest.mark.parametrize(("low_hz", "high_hz"), [(100, 400), (1000, 3000), (4000, 7000)])
def test_noise_lies_in_its_band_at_rms_1(low_hz: float, high_hz: float) -> None:
    wave = noise(2.0, low_hz, high_hz, np.random.default_rng(0))
    assert len(wave) == 2 * RATE_HZ
    assert np.sqrt(np.mean(wave**2)) == pytest.approx(1.0, abs=1e-3)
    frequencies_hz, power = power_hz(wave)
    inside = (frequencies_hz > low_hz * 0.7) & (frequencies_hz < high_hz * 1.4)
    assert power[inside].sum() > 0.9 * power.sum()


def test_noise_comes_from_its_generator() -> None:
    first, again, other = (noise(0.5, 100, 900, np.random.default_rng(s)) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert abs(np.corrcoef(first, other)[0, 1]) < 0.2


@pytest.mark.parametrize("decay_s", [0.05, 0.3, 2.0])
def test_a_fade_dies_by_its_time_constant(decay_s: float) -> None:
    faded = fade(np.ones(RATE_HZ, np.float32), decay_s)
    assert faded[0] == 0
    for seconds in (0.1, 0.5, 0.9):
        assert faded[int(seconds * RATE_HZ)] == pytest.approx(np.exp(-seconds / decay_s), abs=1e-4)
    assert faded.argmax() <= 0.004 * RATE_HZ


@given(st.integers(2, 5000), st.floats(0.05, 0.5))
@settings(max_examples=30)
def test_a_swell_begins_and_ends_in_silence(samples: int, edge: float) -> None:
    wave = swell(np.ones(samples, np.float32), edge)
    assert wave[0] == 0
    assert abs(wave[-1]) < 1e-6
    assert wave.min() >= 0
    assert wave.max() <= 1 + 1e-6
    np.testing.assert_allclose(wave, wave[::-1], atol=1e-5)


@pytest.mark.parametrize("pace", [0.5, 1.0, 2.0])
def test_beats_come_at_their_pace(pace: float) -> None:
    moments = beats(take(pace, duration_s=20.0), per_s=2.0, jitter=0.0)
    assert len(moments) == pytest.approx(20 * 2 * pace, abs=2)
    np.testing.assert_allclose(np.diff(moments), 1 / (2 * pace), rtol=1e-9)
    assert 0 <= moments[0] <= 0.6


def test_beats_that_are_shaken_stay_near_their_places() -> None:
    even = np.array(beats(take(seed=3, duration_s=20.0), 2.0, jitter=0.0))
    shaken = np.array(beats(take(seed=3, duration_s=20.0), 2.0, jitter=0.1))
    off = shaken - even
    assert 0.02 < off.std() < 0.1
    assert abs(off.mean()) < 0.03


@given(st.integers(0, 1000), st.floats(0.4, 2.1), st.floats(0.3, 12))
@settings(max_examples=40)
def test_moments_lie_within_the_sound(seed: int, pace: float, per_s: float) -> None:
    assert all(m >= 0 for m in beats(take(pace, seed), per_s))
    assert all(0 <= m <= 4.0 for m in chance_moments(take(pace, seed), per_s))


def test_chance_moments_come_as_often_as_they_should() -> None:
    counts = [len(chance_moments(take(1.5, seed), 4.0)) for seed in range(200)]
    assert np.mean(counts) == pytest.approx(4.0 * 1.5 * 4.0, rel=0.05)
    assert np.var(counts) == pytest.approx(np.mean(counts), rel=0.35)  # Poisson


def test_events_are_laid_at_their_moments_and_add_up() -> None:
    def event(k: int) -> Wave:
        return np.full(100, k + 1, np.float32)

    wave = place(take(), [0.0, 1.0, 1.0 + 50 / RATE_HZ], event)
    assert len(wave) == 4 * RATE_HZ
    assert wave[:100].tolist() == [1.0] * 100
    assert wave[RATE_HZ : RATE_HZ + 50].tolist() == [2.0] * 50
    assert wave[RATE_HZ + 50 : RATE_HZ + 100].tolist() == [5.0] * 50
    assert wave[RATE_HZ + 100 : RATE_HZ + 150].tolist() == [3.0] * 50
    assert wave.sum() == 100 * (1 + 2 + 3)


def test_what_hangs_over_the_end_is_cut() -> None:
    wave = place(take(), [3.999, 4.0, 9.0], lambda _: np.ones(RATE_HZ, np.float32))
    assert len(wave) == 4 * RATE_HZ
    assert wave.sum() == 16


def test_an_event_is_brief_at_a_fast_pace_and_never_longer_than_asked() -> None:
    assert take(2.0).brief(0.4) == pytest.approx(0.2)
    assert take(0.5).brief(0.4) == pytest.approx(0.4)
    assert take(1.0).samples == 4 * RATE_HZ


def test_vibrato_sways_around_its_pitch() -> None:
    pitch = vibrato(440.0, 2.0, rate_hz=5.0, depth=0.03)
    assert pitch.mean() == pytest.approx(440.0, rel=1e-3)
    assert pitch.max() == pytest.approx(440 * 1.03, rel=1e-3)
    assert pitch.min() == pytest.approx(440 * 0.97, rel=1e-3)
    turns = np.flatnonzero(np.diff(pitch > 440.1))
    assert len(turns) == pytest.approx(2 * 5 * 2, abs=1)
