"""Tones, noises and their placing in time: what all sounds of the world are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

RATE_HZ = 16_000
"""Sample rate of every sound of the world."""

Wave: TypeAlias = npt.NDArray[np.float32]
"""`(samples,)` float32 mono."""


@dataclass(frozen=True, slots=True)
class Take:
    """What one performance of a sound is to be like."""

    duration_s: float
    pitch: float
    """Factor on every frequency; 1 is the middle."""
    pace: float
    """Factor on how often things happen; 1 is the middle."""
    rng: np.random.Generator

    @property
    def samples(self) -> int:
        """Length of the whole sound."""
        return round(self.duration_s * RATE_HZ)

    def brief(self, seconds: float) -> float:
        """Length of one event: shorter at a fast pace, so that events stay apart."""
        return seconds / max(1.0, self.pace)


Voice: TypeAlias = Callable[[Take], Wave]


def times(seconds: float) -> Wave:
    """Time of each sample in seconds."""
    return np.arange(max(1, round(seconds * RATE_HZ)), dtype=np.float32) / np.float32(RATE_HZ)


def glide(points: Sequence[float], seconds: float) -> Wave:
    """A curve through evenly spaced values, one per sample; a constant for a single value."""
    samples = len(times(seconds))
    return np.interp(np.linspace(0, len(points) - 1, samples), range(len(points)), points).astype(
        np.float32
    )


def tone(pitch_hz: Wave, partials: Sequence[float] = (1.0,)) -> Wave:
    """A harmonic tone following `pitch_hz`; `partials` are the strengths of its overtones."""
    phase = 2 * np.pi * np.cumsum(pitch_hz, dtype=np.float64) / RATE_HZ
    top_hz = float(pitch_hz.max())
    wave = np.zeros(len(pitch_hz), np.float32)
    for k, strength in enumerate(partials, 1):
        if strength and k * top_hz < RATE_HZ * 0.49:
            wave += np.float32(strength) * np.sin(k * phase).astype(np.float32)
    return wave


def saw_partials(count: int, slope: float = 1.0) -> tuple[float, ...]:
    """Strengths `1 / k ** slope`, the buzz of a saw-tooth."""
    return tuple(1 / k**slope for k in range(1, count + 1))


def noise(seconds: float, low_hz: float, high_hz: float, rng: np.random.Generator) -> Wave:
    """Noise between two frequencies with soft edges, RMS 1."""
    count = len(times(seconds))
    size = 1 << (count - 1).bit_length()
    spectrum = np.fft.rfft(rng.standard_normal(size, np.float32))
    hz = np.fft.rfftfreq(size, 1 / RATE_HZ).astype(np.float32)
    gain = 1 / (1 + (np.float32(low_hz) / np.maximum(hz, 1)) ** 6) / (1 + (hz / high_hz) ** 6)
    wave: Wave = np.fft.irfft(spectrum * gain, size)[:count].astype(np.float32)
    return wave / np.float32(np.sqrt(np.mean(wave**2)) + 1e-9)


def fade(wave: Wave, decay_s: float, attack_s: float = 0.003) -> Wave:
    """Let a sound begin within `attack_s` and die away with the time constant `decay_s`."""
    t = np.arange(len(wave), dtype=np.float32) / np.float32(RATE_HZ)
    faded: Wave = wave * np.minimum(1, t / np.float32(attack_s)) * np.exp(-t / np.float32(decay_s))
    return faded


def swell(wave: Wave, edge: float = 0.2) -> Wave:
    """Let a sound rise and fall; each edge takes that share of its length."""
    place = np.linspace(0, 1, len(wave), dtype=np.float32)
    shape = np.clip(np.minimum(place, 1 - place) / np.float32(edge), 0, 1)
    return wave * np.sin(shape * np.float32(np.pi / 2)).astype(np.float32)


def beats(take: Take, per_s: float, jitter: float = 0.05) -> list[float]:
    """Moments in seconds at `per_s` times the pace, starting at a random phase."""
    gap_s = 1 / (per_s * take.pace)
    start_s = float(take.rng.uniform(0, 0.6 * min(gap_s, 1.0)))
    count = int((take.duration_s - start_s) / gap_s) + 1
    shaken = start_s + gap_s * (np.arange(count) + take.rng.normal(0, jitter, count))
    return [float(max(0.0, moment)) for moment in shaken]


def chance_moments(take: Take, per_s: float) -> list[float]:
    """Moments in seconds that come by chance, `per_s` times the pace on average."""
    count = int(take.rng.poisson(per_s * take.pace * take.duration_s))
    return [float(moment) for moment in take.rng.uniform(0, take.duration_s, count)]


def place(take: Take, moments: Sequence[float], event: Callable[[int], Wave]) -> Wave:
    """Lay the wave `event(k)` at the k-th moment; what hangs over the end is cut."""
    wave = np.zeros(take.samples, np.float32)
    for k, moment in enumerate(moments):
        start = round(moment * RATE_HZ)
        part = event(k)[: max(0, take.samples - start)]
        wave[start : start + len(part)] += part
    return wave


def vibrato(pitch_hz: float, seconds: float, *, rate_hz: float = 5.5, depth: float = 0.02) -> Wave:
    """A steady pitch that wavers by the share `depth`."""
    t = times(seconds)
    sway = (1 + np.float32(depth) * np.sin(2 * np.pi * rate_hz * t)).astype(np.float32)
    pitch: Wave = np.float32(pitch_hz) * sway
    return pitch
