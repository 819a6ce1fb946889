"""Things that make music, heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrieval.encoders.mini.world.voices.synth import (
    RATE_HZ,
    beats,
    fade,
    glide,
    noise,
    place,
    saw_partials,
    swell,
    times,
    tone,
    vibrato,
)  # fmt: skip

if TYPE_CHECKING:
    from retrieval.encoders.mini.world.voices.synth import Take, Voice, Wave

_SCALE = (1.0, 9 / 8, 5 / 4, 3 / 2, 5 / 3)
"""Steps of a pentatonic scale."""


def _note(take: Take, middle_hz: float) -> float:
    return middle_hz * take.pitch * float(take.rng.choice(_SCALE))


def bell(take: Take) -> Wave:
    """A big bell: inharmonic partials that ring on for seconds."""
    hz = 420 * take.pitch
    partials = ((0.5, 0.5, 2.0), (1, 1, 1.4), (1.19, 0.7, 1.0), (1.56, 0.4, 0.8), (2, 0.7, 0.7),
                (2.66, 0.4, 0.4), (3.76, 0.3, 0.25), (5.2, 0.2, 0.12))  # fmt: skip

    def strike(_: int) -> Wave:
        t = times(2.6)
        wave = np.zeros(len(t), np.float32)
        for ratio, strength, decay_s in partials:
            wave += strength * fade(np.sin(2 * np.pi * ratio * hz * t).astype(np.float32), decay_s)
        return wave

    return place(take, beats(take, 0.8, 0.02), strike)


def drum(take: Take) -> Wave:
    """Snare strokes in a marching rhythm: a thump and a rattle of noise."""

    def stroke(k: int) -> Wave:
        thump = fade(tone(glide([240 * take.pitch, 150 * take.pitch], 0.2)), 0.06)
        rattle = 0.5 * fade(noise(0.2, 1200 * take.pitch, 6500, take.rng), 0.05)
        return np.float32(1.0 if k % 4 == 0 else 0.6) * (thump + rattle)

    return place(take, beats(take, 4.2, 0.02), stroke)


def piano(take: Take) -> Wave:
    """Struck chords of clean decaying notes."""

    def chord(_: int) -> Wave:
        root = _note(take, 262)
        wave = np.zeros(round(1.4 * RATE_HZ), np.float32)
        for step in (1, 5 / 4, 3 / 2):
            hz = np.full(len(wave), root * step, np.float32)
            wave += fade(tone(hz, (1, 0.5, 0.3, 0.2, 0.1, 0.06)), 0.45, 0.002)
        return wave

    return place(take, beats(take, 1.7, 0.02), chord)


def guitar(take: Take) -> Wave:
    """Plucked strings strummed one after another, each dying away from the top."""

    def pluck(k: int) -> Wave:
        string_hz = (82, 110, 147, 196, 247)[k % 5] * 1.3 * take.pitch
        wave = np.zeros(round(0.9 * RATE_HZ), np.float32)
        for partial in range(1, 9):
            strength = abs(np.sin(np.pi * partial / 5.3)) / partial
            hz = np.full(len(wave), string_hz * partial, np.float32)
            wave += fade(tone(hz, (strength,)), 0.45 / partial, 0.002)
        return wave

    starts = beats(take, 1.1, 0.02)
    gap_s = 0.09 / take.pace
    return place(take, [s + gap_s * k for s in starts for k in range(5)], pluck)


def violin(take: Take) -> Wave:
    """Long bowed notes, bright, with vibrato, tied together."""

    def bow(_: int) -> Wave:
        seconds = min(1.4, 0.8 / take.pace)
        hz = vibrato(_note(take, 587), seconds, depth=0.025)
        return swell(tone(hz, (1, 0.9, 0.8, 0.8, 0.5, 0.5, 0.4, 0.3, 0.2)), 0.14)

    return place(take, beats(take, 1.3, 0.01), bow)


def trumpet(take: Take) -> Wave:
    """A brassy fanfare: short steady notes that open up, tongued apart."""

    def blow(k: int) -> Wave:
        seconds = (0.14, 0.14, 0.42)[k % 3]
        hz = np.full(len(times(seconds)), _note(take, 349), np.float32)
        dull = tone(hz, (1, 0.6, 0.3))
        return swell(dull + glide([0, 1, 0.8], seconds) * tone(hz, saw_partials(10, 0.25)), 0.12)

    starts = beats(take, 1.15, 0.01)
    offsets = (0.0, 0.2 / take.pace, 0.4 / take.pace)
    return place(take, [s + o for s in starts for o in offsets], blow)


def flute(take: Take) -> Wave:
    """A soft pure melody with breath in it."""

    def breathe(_: int) -> Wave:
        hz = _note(take, 784)
        seconds = min(0.9, 0.5 / take.pace)
        air = 0.12 * noise(seconds, hz * 0.9, hz * 4, take.rng)
        return swell(tone(vibrato(hz, seconds, depth=0.008), (1, 0.15, 0.05)) + air, 0.2)

    return place(take, beats(take, 2.0, 0.02), breathe)


def whistle(take: Take) -> Wave:
    """Referee's blasts: a very high tone chopped by the rolling pea."""

    def blast(_: int) -> Wave:
        seconds = take.brief(0.55)
        t = times(seconds)
        roll = np.sin(2 * np.pi * 38 * t).astype(np.float32)
        hz = (np.float32(2900 * take.pitch) * (1 + 0.03 * roll)).astype(np.float32)
        return swell(tone(hz, (1, 0.3)) * (0.65 + 0.35 * roll), 0.06)

    return place(take, beats(take, 1.1), blast)


INSTRUMENTS: dict[str, Voice] = {
    voice.__name__: voice for voice in (bell, drum, piano, guitar, violin, trumpet, flute, whistle)
}
