"""Sounds of the world: one thing, high or low, fast or slow, in a room and some noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retrieval.encoders.mini.world.voices import VOICES
from retrieval.encoders.mini.world.voices.synth import RATE_HZ, Take, fade, glide, noise, tone

if TYPE_CHECKING:
    from retrieval.encoders.mini.world.voices.synth import Wave
    from retrieval.media.content import Sound

PITCHES: dict[str, tuple[float, float]] = {
    "low": (0.56, 0.68),
    "middle": (0.9, 1.1),
    "high": (1.45, 1.75),
}
"""Pitch name to the range of the factor on every frequency."""

PACES: dict[str, tuple[float, float]] = {
    "slow": (0.48, 0.6),
    "middle": (0.9, 1.1),
    "fast": (1.65, 2.05),
}
"""Pace name to the range of the factor on how often things happen."""


@dataclass(frozen=True, slots=True)
class Ring:
    """What is heard in a sound."""

    concept: str
    pitch: str
    pace: str


def play(ring: Ring, rng: np.random.Generator, *, duration_s: float = 4.0) -> Sound:
    """Make one sound; performance, room, loudness and noise come from `rng`.

    Returns:
        `(samples,)` float32 mono at `RATE_HZ`, peak below 1.

    Raises:
        KeyError: the concept, the pitch or the pace is unknown.
    """
    take = Take(
        duration_s,
        float(rng.uniform(*PITCHES[ring.pitch])),
        float(rng.uniform(*PACES[ring.pace])),
        rng,
    )
    return _record(VOICES[ring.concept](take), rng)


def hubbub(rng: np.random.Generator, *, duration_s: float = 4.0) -> Sound:
    """Make a sound of nothing in particular: chance bands of noise and wandering tones."""
    wave = np.zeros(round(duration_s * RATE_HZ), np.float32)
    for _ in range(int(rng.integers(1, 4))):
        low, high = np.sort(np.exp(rng.uniform(np.log(60), np.log(7500), 2)))
        gate = glide(list(rng.uniform(0, 1, int(rng.integers(2, 14)))), duration_s)
        if rng.random() < 0.6:
            wave += gate * noise(duration_s, float(low), float(high) + 50, rng)
        else:
            path = np.exp(rng.uniform(np.log(80), np.log(3000), int(rng.integers(1, 25))))
            wave += gate * tone(glide(list(path), duration_s), tuple(rng.uniform(0, 1, 4)))
    return _record(wave, rng)


def _record(wave: Wave, rng: np.random.Generator) -> Sound:
    """Put a sound into a room, add the room's own noise, set the loudness."""
    if rng.random() < 0.6:
        wave = _in_room(wave, float(rng.uniform(0.04, 0.3)), float(rng.uniform(0.05, 0.35)), rng)
    level = np.float32(np.sqrt(np.mean(wave**2)) + 1e-9)
    wave = wave / level
    hiss_db = float(rng.uniform(-45, -16))
    hiss = noise(
        len(wave) / RATE_HZ, 30, float(np.exp(rng.uniform(np.log(400), np.log(9000)))), rng
    )
    wave = wave + np.float32(10 ** (hiss_db / 20)) * hiss[: len(wave)]
    peak_db = float(rng.uniform(-22, -1))
    loud = wave * np.float32(10 ** (peak_db / 20)) / np.float32(np.abs(wave).max() + 1e-9)
    return loud.astype(np.float32)


def _in_room(wave: Wave, decay_s: float, wet: float, rng: np.random.Generator) -> Wave:
    tail = fade(rng.standard_normal(round(0.4 * RATE_HZ), np.float32), decay_s, 0.001)
    tail /= np.sqrt(np.sum(tail**2))
    size = 1 << (len(wave) + len(tail) - 1).bit_length()
    echo = np.fft.irfft(np.fft.rfft(wave, size) * np.fft.rfft(tail, size), size)[: len(wave)]
    return wave + np.float32(wet * 2) * echo.astype(np.float32)
