"""Animals, heard."""

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
    vibrato,
)  # fmt: skip

if TYPE_CHECKING:
    from retrieval.encoders.mini.world.voices.synth import Take, Voice, Wave


def dog(take: Take) -> Wave:
    """Short harsh barks whose pitch jumps up and falls."""

    def bark(_: int) -> Wave:
        hz = glide([380 * take.pitch, 620 * take.pitch, 330 * take.pitch], 0.17)
        rough = 0.5 * noise(0.17, 500, 2500, take.rng)
        return swell(tone(hz, saw_partials(9, 0.6)) + rough, 0.25)

    return place(take, beats(take, 1.9, 0.1), bark)


def cat(take: Take) -> Wave:
    """Long thin meows: up, then slowly down."""

    def meow(_: int) -> Wave:
        seconds = take.brief(0.75)
        hz = glide([520, 780, 760, 640, 480], seconds) * np.float32(take.pitch)
        return swell(tone(hz, (0.5, 1.0, 0.8, 0.25, 0.1)), 0.3)

    return place(take, beats(take, 0.9), meow)


def cow(take: Take) -> Wave:
    """Long low moos that begin closed and open."""

    def moo(_: int) -> Wave:
        seconds = take.brief(1.25)
        hz = glide([120, 165, 160, 150, 110], seconds) * np.float32(take.pitch)
        closed = tone(hz, (1.0, 0.6, 0.2))
        return swell(closed + glide([0, 1, 0.6], seconds) * tone(hz, saw_partials(14, 0.7)), 0.15)

    return place(take, beats(take, 0.55), moo)


def sheep(take: Take) -> Wave:
    """A bleat: a nasal tone with a strong quick tremble."""

    def bleat(_: int) -> Wave:
        seconds = take.brief(0.8)
        hz = glide([420, 440, 380], seconds) * np.float32(take.pitch)
        tremble = 0.55 + 0.45 * np.sin(2 * np.pi * 9 * times(seconds))
        return swell(tone(hz, (0.3, 0.7, 1.0, 0.9, 0.6, 0.3)) * tremble.astype(np.float32), 0.1)

    return place(take, beats(take, 0.85), bleat)


def horse(take: Take) -> Wave:
    """Gallop: three hollow hoof beats, a rest, and again."""

    def clop(k: int) -> Wave:
        hz = (520, 640, 430)[k % 3] * take.pitch
        click = 0.4 * fade(noise(0.06, 800, 3000, take.rng), 0.008)
        return fade(tone(np.full(960, hz, np.float32), (1, 0.4)), 0.016) + click

    starts = beats(take, 1.6, 0.02)
    gap_s = 0.13 / take.pace
    return place(take, [s + gap_s * k for s in starts for k in range(3)], clop)


def duck(take: Take) -> Wave:
    """Nasal quacks, several in a row, each falling a little."""

    def quack(_: int) -> Wave:
        hz = glide([300, 270, 235], 0.2) * np.float32(take.pitch)
        partials = (0.1, 0.2, 0.4, 1.0, 1.0, 0.9, 0.4, 0.6, 0.5, 0.2)
        return swell(tone(hz, partials), 0.15)

    return place(take, beats(take, 2.6, 0.06), quack)


def rooster(take: Take) -> Wave:
    """The crow: three short notes and a long one that falls."""

    def crow(_: int) -> Wave:
        parts = ((560, 600, 0.13), (700, 760, 0.13), (840, 860, 0.2), (980, 560, 0.7))
        notes = [
            swell(
                tone(
                    glide([a * take.pitch, b * take.pitch], take.brief(seconds)),
                    saw_partials(6, 0.5),
                ),
                0.12,
            )
            for a, b, seconds in parts
        ]
        return np.concatenate(notes)

    return place(take, beats(take, 0.6), crow)


def bird(take: Take) -> Wave:
    """Quick whistled chirps that swoop up and down, in groups."""

    def chirp(_: int) -> Wave:
        turn = take.rng.uniform(0.9, 1.2)
        hz = glide([2600, 3900 * turn, 2900 * turn], 0.09) * np.float32(take.pitch)
        return swell(tone(hz), 0.3)

    starts = beats(take, 1.5, 0.12)
    gap_s = 0.12 / take.pace
    return place(take, [s + gap_s * k for s in starts for k in range(4)], chirp)


def owl(take: Take) -> Wave:
    """Soft hoots: one long, two short."""

    def hoot(k: int) -> Wave:
        seconds = (0.5, 0.16, 0.28)[k % 3]
        hz = glide([330, 370, 345], seconds) * np.float32(take.pitch)
        return swell(tone(hz, (1.0, 0.08)), 0.35)

    starts = beats(take, 0.55)
    offsets = (0.0, 0.75 / take.pace, 1.05 / take.pace)
    return place(take, [s + o for s in starts for o in offsets], hoot)


def frog(take: Take) -> Wave:
    """Croaks: a rattle of very short pulses, twice."""

    def croak(_: int) -> Wave:
        t = times(0.22)
        pulses = (np.sin(2 * np.pi * 34 * t) > 0.55).astype(np.float32)
        hz = np.full(len(t), 640 * take.pitch, np.float32)
        return swell(tone(hz, (1, 0.6, 0.5, 0.2)) * pulses, 0.1)

    starts = beats(take, 1.0)
    return place(take, [s + 0.3 / take.pace * k for s in starts for k in range(2)], croak)


def bee(take: Take) -> Wave:
    """A steady buzz whose pitch wanders as the bee flies about."""
    knots = take.rng.uniform(0.86, 1.14, max(3, int(3 * take.pace * take.duration_s)))
    hz = glide(list(225 * take.pitch * knots), take.duration_s)
    near = glide(list(take.rng.uniform(0.35, 1.0, len(knots))), take.duration_s)
    return tone(hz, (0.6, 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.5, 0.4, 0.3, 0.2, 0.2)) * near


def snake(take: Take) -> Wave:
    """Hisses: long breaths of the highest noise."""

    def hiss(_: int) -> Wave:
        seconds = take.brief(0.95)
        high = min(7600.0, 6800 * take.pitch)
        return swell(noise(seconds, 3600 * take.pitch, high, take.rng), 0.3)

    return place(take, beats(take, 0.75), hiss)


def wolf(take: Take) -> Wave:
    """A long howl that climbs, holds and sinks."""

    def howl(_: int) -> Wave:
        seconds = take.brief(1.7)
        hz = glide([310, 520, 620, 610, 590, 430], seconds) * np.float32(take.pitch)
        hz = hz * (1 + 0.012 * np.sin(2 * np.pi * 6 * times(seconds))).astype(np.float32)
        return swell(tone(hz, (1.0, 0.55, 0.25, 0.08)), 0.25)

    return place(take, beats(take, 0.45), howl)


def whale(take: Take) -> Wave:
    """Slow moans far below and a high squeal between, with long echoes."""

    def moan(k: int) -> Wave:
        seconds = take.brief(1.3)
        low = [90, 130, 70] if k % 2 == 0 else [260, 900, 1300]
        hz = glide(low, seconds) * np.float32(take.pitch)
        wave = swell(tone(hz, (1, 0.3, 0.15)), 0.35)
        echoed = np.concatenate([wave, np.zeros(11_200, np.float32)])
        echoed[5600:-5600] += 0.5 * wave
        echoed[11_200:] += 0.3 * wave
        return echoed

    return place(take, beats(take, 0.75), moan)


def pig(take: Take) -> Wave:
    """Grunts: rough snorts of low noise with a throaty flutter."""

    def grunt(_: int) -> Wave:
        t = times(0.2)
        flutter = (0.5 + 0.5 * np.sign(np.sin(2 * np.pi * 52 * take.pitch * t))).astype(np.float32)
        snort = noise(0.2, 180 * take.pitch, 1000 * take.pitch, take.rng)
        return swell(flutter * snort + 0.5 * tone(vibrato(104 * take.pitch, 0.2), (1, 1, 1)), 0.2)

    starts = beats(take, 1.2, 0.1)
    return place(take, [s + 0.26 / take.pace * k for s in starts for k in range(2)], grunt)


ANIMALS: dict[str, Voice] = {
    voice.__name__: voice
    for voice in (
        dog, cat, cow, sheep, horse, duck, rooster, bird, owl, frog, bee, snake, wolf, whale, pig
    )
}  # fmt: skip
