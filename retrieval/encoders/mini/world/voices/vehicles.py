"""Things that carry people, heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrieval.encoders.mini.world.voices.synth import (
    beats,
    fade,
    glide,
    noise,
    place,
    saw_partials,
    swell,
    times,
    tone,
)  # fmt: skip

if TYPE_CHECKING:
    from retrieval.encoders.mini.world.voices.synth import Take, Voice, Wave


def car(take: Take) -> Wave:
    """Two short honks of a two-tone horn over a running engine."""

    def honk(_: int) -> Wave:
        t = len(times(0.26))
        low = tone(np.full(t, 415 * take.pitch, np.float32), saw_partials(12, 0.4))
        high = tone(np.full(t, 523 * take.pitch, np.float32), saw_partials(10, 0.4))
        return swell(low + high, 0.04)

    starts = beats(take, 0.7)
    horn = place(take, [s + 0.36 / take.pace * k for s in starts for k in range(2)], honk)
    engine = tone(glide([70 * take.pitch, 82 * take.pitch], take.duration_s), saw_partials(10, 0.6))
    return horn + 0.5 * engine


def train(take: Take) -> Wave:
    """Chuffs of steam, every fourth stronger, and a whistle of three notes now and then."""

    def chuff(k: int) -> Wave:
        strength = 1.0 if k % 4 == 0 else 0.55
        return strength * fade(noise(0.2, 250 * take.pitch, 1700 * take.pitch, take.rng), 0.06)

    def toot(_: int) -> Wave:
        n = len(times(0.6))
        parts = [tone(np.full(n, h * take.pitch, np.float32), (1, 0.2)) for h in (622, 740, 932)]
        return 0.35 * swell(np.sum(parts, axis=0, dtype=np.float32), 0.15)

    chuffs = place(take, beats(take, 4.4, 0.02), chuff)
    return chuffs + place(take, beats(take, 0.3), toot)


def airplane(take: Take) -> Wave:
    """A jet passing: a broad roar with a whine that sinks as it goes by."""

    def passing(_: int) -> Wave:
        seconds = 3.0 / take.pace
        whine = tone(glide([2500, 2400, 1800, 1700], seconds) * np.float32(take.pitch), (1, 0.3))
        roar = noise(seconds, 120 * take.pitch, 1500 * take.pitch, take.rng)
        return swell(roar + 0.35 * whine, 0.45)

    return place(take, beats(take, 0.4), passing)


def helicopter(take: Take) -> Wave:
    """Rotor blades chopping the air many times a second over a turbine's hiss."""
    t = times(take.duration_s)
    chop = (0.5 + 0.5 * np.cos(2 * np.pi * 12 * take.pace * t)).astype(np.float32) ** 4
    body = noise(take.duration_s, 60 * take.pitch, 700 * take.pitch, take.rng)
    turbine = 0.08 * noise(take.duration_s, 2500, 5000 * take.pitch, take.rng)
    heard: Wave = chop * body + turbine
    return heard


def ship(take: Take) -> Wave:
    """A fog horn: a very low steady blast, long, then silence."""

    def blast(_: int) -> Wave:
        seconds = take.brief(1.5)
        n = len(times(seconds))
        deep = tone(np.full(n, 92 * take.pitch, np.float32), saw_partials(12, 0.5))
        beating = tone(np.full(n, 94.5 * take.pitch, np.float32), saw_partials(12, 0.5))
        return swell(deep + beating, 0.06)

    return place(take, beats(take, 0.45), blast)


def rocket(take: Take) -> Wave:
    """Lift-off: crackling low thunder of an engine that grows and grows."""

    def liftoff(_: int) -> Wave:
        seconds = 2.2 / take.pace
        roar = noise(seconds, 40, 420 * take.pitch, take.rng)
        hiss = 0.5 * noise(seconds, 1800 * take.pitch, 6500, take.rng)
        crackle = (take.rng.random(len(roar)) > 0.995) * take.rng.uniform(2, 5, len(roar))
        growth = glide([0.02, 0.15, 0.5, 1.0, 1.0, 0.0], seconds)
        heard: Wave = growth * (roar + hiss + crackle.astype(np.float32))
        return heard

    return place(take, beats(take, 0.45), liftoff)


def bicycle(take: Take) -> Wave:
    """The thumb bell: a burst of quick dings, and the freewheel ticking."""

    def ring(_: int) -> Wave:
        t = times(0.6)
        ding = np.sin(2 * np.pi * 3300 * take.pitch * t) + np.sin(2 * np.pi * 3860 * take.pitch * t)
        struck = fade(ding.astype(np.float32), 0.16, 0.001)
        again = np.zeros_like(struck)
        for k in range(4):
            start = round(0.055 * k * 16_000)
            again[start:] += struck[: len(struck) - start]
        return again

    def tick(_: int) -> Wave:
        return 0.5 * fade(noise(0.012, 2200 * take.pitch, 6000, take.rng), 0.003)

    return place(take, beats(take, 0.75), ring) + place(take, beats(take, 13, 0.02), tick)


VEHICLES: dict[str, Voice] = {
    voice.__name__: voice for voice in (car, train, airplane, helicopter, ship, rocket, bicycle)
}
