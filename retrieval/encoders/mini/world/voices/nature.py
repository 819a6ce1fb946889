"""Weather, water and fire, heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrieval.encoders.mini.world.voices.synth import (
    RATE_HZ,
    beats,
    chance_moments,
    fade,
    glide,
    noise,
    place,
    swell,
    times,
    tone,
)  # fmt: skip

if TYPE_CHECKING:
    from retrieval.encoders.mini.world.voices.synth import Take, Voice, Wave


def rain(take: Take) -> Wave:
    """A steady patter: a bed of high noise and many small drops."""

    def drop(_: int) -> Wave:
        hz = float(take.rng.uniform(1800, 4200)) * take.pitch
        wave = tone(np.full(320, min(hz, 7500), np.float32))
        return float(take.rng.uniform(0.3, 1.5)) * fade(wave, 0.005, 0.0005)

    bed = noise(take.duration_s, 1000 * take.pitch, 6500, take.rng)
    return 0.3 * bed + place(take, chance_moments(take, 45), drop)


def thunder(take: Take) -> Wave:
    """A crack, then rolling rumble that dies away slowly."""

    def clap(_: int) -> Wave:
        seconds = 2.4 / take.pace
        rumble = noise(seconds, 30, 190 * take.pitch, take.rng)
        rolls = glide(list(take.rng.uniform(0.3, 1.0, 10)), seconds)
        crack = 0.8 * fade(noise(seconds, 300, 3500 * take.pitch, take.rng), 0.07)
        return fade(1.6 * rumble * rolls, 0.9, 0.02) + crack

    return place(take, beats(take, 0.4), clap)


def sea(take: Take) -> Wave:
    """Waves: broad noise that swells, breaks and draws back, over and over."""

    def wave(_: int) -> Wave:
        seconds = 2.0 / take.pace
        deep = noise(seconds, 120, 800 * take.pitch, take.rng)
        foam = noise(seconds, 1200 * take.pitch, 5000, take.rng)
        return deep * glide([0, 0.5, 1, 0.4, 0.1, 0], seconds) + foam * glide(
            [0, 0, 0.4, 0.8, 0.5, 0.15, 0], seconds
        )

    bed = 0.12 * noise(take.duration_s, 150, 1500 * take.pitch, take.rng)
    return bed + place(take, beats(take, 0.6), wave)


def fire(take: Take) -> Wave:
    """Crackle: sharp dry snaps at random over a faint low roar."""

    def snap(_: int) -> Wave:
        strength = float(take.rng.exponential(1.0)) + 0.3
        return strength * fade(noise(0.03, 1000 * take.pitch, 7000, take.rng), 0.004, 0.0004)

    roar = noise(take.duration_s, 60, 320 * take.pitch, take.rng)
    return 0.22 * roar + place(take, chance_moments(take, 14), snap)


def wind(take: Take) -> Wave:
    """Howling air: a narrow band of noise that slides up and down."""
    knots = max(4, int(1.6 * take.pace * take.duration_s))
    centre_hz = glide(list(take.rng.uniform(350, 1000, knots) * take.pitch), take.duration_s)
    slow = noise(take.duration_s, 1, 45, take.rng)
    turned = noise(take.duration_s, 1, 45, take.rng)
    phase = 2 * np.pi * np.cumsum(centre_hz, dtype=np.float64) / RATE_HZ
    howl = slow * np.cos(phase) - turned * np.sin(phase)
    gust = glide(list(take.rng.uniform(0.35, 1.0, knots)), take.duration_s)
    hush = 0.1 * noise(take.duration_s, 200, 1500, take.rng)
    heard: Wave = (gust * howl + hush).astype(np.float32)
    return heard


def firework(take: Take) -> Wave:
    """A rising whistle, a bang, and glittering crackle after it."""

    def shot(_: int) -> Wave:
        climb = 0.3 * swell(tone(glide([900, 2600], 0.5) * np.float32(take.pitch)), 0.2)
        bang = 3 * fade(noise(0.9, 50, 900 * take.pitch, take.rng), 0.12)
        glitter = np.zeros(len(times(0.9)), np.float32)
        for moment in take.rng.uniform(0.15, 0.85, 22):
            start = round(moment * RATE_HZ)
            spark = fade(noise(0.02, 3000 * take.pitch, 7500, take.rng), 0.004, 0.0005)
            glitter[start : start + 320] += 1.3 * spark[: len(glitter) - start]
        return np.concatenate([climb, bang + glitter])

    return place(take, beats(take, 0.6), shot)


NATURE: dict[str, Voice] = {
    voice.__name__: voice for voice in (rain, thunder, sea, fire, wind, firework)
}
