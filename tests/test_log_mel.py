"""The spectrogram equals that of transformers' own front end, for every kind of sound."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import ClapFeatureExtractor

from retrieval.encoders.log_mel import LogMel
from tests.model_files import SAMPLE_RATE_HZ, sounds


@pytest.fixture(scope="module")
def upstream() -> ClapFeatureExtractor:
    return ClapFeatureExtractor(truncation="rand_trunc", padding="repeatpad")


@pytest.fixture(scope="module")
def ours(upstream: ClapFeatureExtractor) -> LogMel:
    return LogMel(np.asarray(upstream.mel_filters_slaney), 1024, 480)


def expected(
    upstream: ClapFeatureExtractor, sound: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    made = upstream(sound, sampling_rate=SAMPLE_RATE_HZ, return_tensors="np")
    features: npt.NDArray[np.float32] = made.input_features[0, 0]
    return features


@pytest.mark.parametrize("which", range(4))
def test_ten_seconds_sound_the_same(
    upstream: ClapFeatureExtractor, ours: LogMel, which: int
) -> None:
    sound = sounds()[which]
    made = ours(sound)
    assert made.dtype == np.float32
    assert made.shape == (1001, 64)
    np.testing.assert_allclose(made, expected(upstream, sound), atol=1e-4)


@given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([0.0, 1e-7, 1e-3, 1.0]))
@settings(max_examples=8)
def test_noise_of_any_loudness(seed: int, scale: float) -> None:
    upstream = ClapFeatureExtractor(
        truncation="rand_trunc", padding="repeatpad", max_length_s=1, feature_size=32
    )
    ours = LogMel(np.asarray(upstream.mel_filters_slaney), 1024, 480)
    sound = (np.random.default_rng(seed).standard_normal(48_000) * scale).astype(np.float32)
    np.testing.assert_allclose(ours(sound), expected(upstream, sound), atol=1e-3)


def test_silence_is_the_floor(ours: LogMel) -> None:
    np.testing.assert_array_equal(ours(np.zeros(48_000, np.float32)), np.float32(-100.0))


def test_a_tone_shows_in_the_bands_at_its_pitch(ours: LogMel) -> None:
    t = np.arange(48_000) / SAMPLE_RATE_HZ
    peaks = [
        int(ours(np.sin(2 * np.pi * hz * t).astype(np.float32)).mean(axis=0).argmax())
        for hz in (200, 800, 3200, 12_000)
    ]
    assert peaks == sorted(set(peaks))
