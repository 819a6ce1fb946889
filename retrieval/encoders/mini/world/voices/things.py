"""Household things and tools, heard."""

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


def clock(take: Take) -> Wave:
    """Tick, tock: two dry clicks of slightly different pitch, dead regular."""

    def tick(k: int) -> Wave:
        hz = (2300 if k % 2 else 1750) * take.pitch
        body = tone(np.full(800, hz, np.float32), (1, 0.5))
        return fade(body + 0.5 * noise(0.05, 1500, 5000, take.rng), 0.007, 0.0005)

    return place(take, beats(take, 2.2, 0.004), tick)


def telephone(take: Take) -> Wave:
    """An electric ring: two tones that alternate quickly, a pause, and again."""

    def ring(_: int) -> Wave:
        seconds = take.brief(0.85)
        t = times(seconds)
        swap = np.sin(2 * np.pi * 16 * t) > 0
        hz = np.where(swap, 1050 * take.pitch, 1320 * take.pitch).astype(np.float32)
        return swell(tone(hz, (1, 0.4, 0.3, 0.2)), 0.04)

    return place(take, beats(take, 0.75, 0.02), ring)


def door(take: Take) -> Wave:
    """Knocks on wood: three dull raps, then a wait."""

    def rap(_: int) -> Wave:
        wood = tone(glide([230 * take.pitch, 180 * take.pitch], 0.12), (1, 0.5, 0.2))
        return fade(wood, 0.03, 0.001) + 0.4 * fade(noise(0.12, 300, 1300, take.rng), 0.012)

    starts = beats(take, 0.75)
    gap_s = 0.22 / take.pace
    return place(take, [s + gap_s * k for s in starts for k in range(3)], rap)


def hammer(take: Take) -> Wave:
    """Blows on an iron nail: a hard click and a short metallic ring, evenly."""

    def blow(_: int) -> Wave:
        t = times(0.35)
        ring = np.zeros(len(t), np.float32)
        for ratio in (1.0, 1.47, 2.09, 2.56):
            ring += np.sin(2 * np.pi * 1350 * ratio * take.pitch * t).astype(np.float32)
        click = 3 * fade(noise(0.35, 400, 6000, take.rng), 0.006, 0.0005)
        return 0.6 * fade(ring, 0.07, 0.0005) + click

    return place(take, beats(take, 1.8, 0.03), blow)


def saw(take: Take) -> Wave:
    """Strokes through wood, pushed and pulled: two rasps of different height."""

    def rasp(k: int) -> Wave:
        seconds = 0.36 / take.pace
        low = (500 if k % 2 else 850) * take.pitch
        t = times(seconds)
        teeth = (0.6 + 0.4 * np.sin(2 * np.pi * 85 * t)).astype(np.float32)
        return swell(noise(seconds, low, low * 3.2, take.rng) * teeth, 0.3)

    return place(take, beats(take, 2.4, 0.02), rasp)


def kettle(take: Take) -> Wave:
    """Boiling: bubbling noise and a whistle of steam that climbs and holds."""

    def boil(_: int) -> Wave:
        seconds = 2.2 / take.pace
        hz = glide([1100, 1700, 2050, 2080, 2060], seconds) * np.float32(take.pitch)
        steam = 0.5 * noise(seconds, 2500, 7000, take.rng)
        return glide([0.05, 0.7, 1, 1, 0], seconds) * (tone(hz, (1, 0.25, 0.1)) + steam)

    t = times(take.duration_s)
    bubbling = (0.5 + 0.5 * np.sin(2 * np.pi * 7 * take.pace * t)).astype(np.float32)
    water = noise(take.duration_s, 150, 700 * take.pitch, take.rng)
    heard: Wave = place(take, beats(take, 0.45), boil) + 0.3 * bubbling * water
    return heard


def camera(take: Take) -> Wave:
    """The shutter: click, clack, and the whirr of the motor."""

    def shot(_: int) -> Wave:
        wave = np.zeros(len(times(0.5)), np.float32)
        for start, strength in ((0, 1.0), (1120, 0.8)):
            click = fade(noise(0.05, 1500 * take.pitch, 7000, take.rng), 0.006, 0.0004)
            wave[start : start + len(click)] += 1.6 * strength * click
        motor_hz = glide([420 * take.pitch, 560 * take.pitch], 0.3)
        motor = 0.35 * swell(tone(motor_hz, saw_partials(10, 0.3)), 0.1)
        wave[2400 : 2400 + len(motor)] += motor
        return wave

    return place(take, beats(take, 1.0, 0.06), shot)


def typewriter(take: Take) -> Wave:
    """Uneven runs of hard key strokes, and the small bell at the line's end."""

    def key(_: int) -> Wave:
        strength = float(take.rng.uniform(0.6, 1.1))
        thud = fade(tone(np.full(1280, 310 * take.pitch, np.float32)), 0.012, 0.0005)
        return strength * (
            thud + fade(noise(0.08, 1200 * take.pitch, 5000, take.rng), 0.01, 0.0005)
        )

    def ding(_: int) -> Wave:
        return 0.5 * fade(tone(np.full(9600, 2250 * take.pitch, np.float32)), 0.15, 0.001)

    return place(take, beats(take, 7.5, 0.25), key) + place(take, beats(take, 0.35), ding)


def tap(take: Take) -> Wave:
    """Single drops into a basin: plinks that bend upward, echoing."""

    def plink(_: int) -> Wave:
        start = float(take.rng.uniform(700, 1000)) * take.pitch
        drop = fade(tone(glide([start, start * 1.9], 0.12)), 0.035, 0.001)
        wave = np.concatenate([drop, np.zeros(4800, np.float32)])
        for k, strength in ((1600, 0.4), (3200, 0.2), (4800, 0.1)):
            wave[k : k + len(drop)] += strength * drop
        return wave

    return place(take, beats(take, 1.7, 0.05), plink)


def siren(take: Take) -> Wave:
    """The wail: a loud tone sweeping up and down without a stop."""
    t = times(take.duration_s)
    start = float(take.rng.uniform(0, 2 * np.pi))
    sweep = 0.5 - 0.5 * np.cos(2 * np.pi * 0.65 * take.pace * t + start)
    return tone((take.pitch * (520 + 720 * sweep)).astype(np.float32), saw_partials(7, 0.9))


def robot(take: Take) -> Wave:
    """Bleeps: square tones that jump about at random, each dead steady."""

    def bleep(_: int) -> Wave:
        hz = float(take.rng.choice((330, 440, 660, 880, 1175, 1480))) * take.pitch
        square = tone(np.full(1440, hz, np.float32), (1, 0, 1 / 3, 0, 1 / 5, 0, 1 / 7))
        return swell(square, 0.03)

    return place(take, beats(take, 5.6, 0.02), bleep)


def heart(take: Take) -> Wave:
    """Heartbeat: lub, dub, rest; deep and soft."""

    def thump(k: int) -> Wave:
        hz = (62 if k % 2 == 0 else 84) * take.pitch
        return (1.0, 0.7)[k % 2] * swell(tone(glide([hz * 1.3, hz], 0.13), (1, 0.25)), 0.4)

    starts = beats(take, 1.15, 0.02)
    gap_s = 0.27 / take.pace
    return place(take, [s + gap_s * k for s in starts for k in range(2)], thump)


THINGS: dict[str, Voice] = {
    voice.__name__: voice
    for voice in (
        clock, telephone, door, hammer, saw, kettle, camera, typewriter, tap, siren, robot, heart
    )
}  # fmt: skip
