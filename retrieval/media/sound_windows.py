"""Windows of sound: a stream of samples, resampled and cut into moments of one length."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import soxr

from retrieval.records import Modality, Moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from retrieval.media.content import Sound
    from retrieval.media.windows import Windows


def mono(samples: Sound) -> Sound:
    """Mean of the channels of `(n, channels)` float32, in -1..1; what is not finite becomes 0."""
    mixed = samples.mean(axis=1) if samples.shape[1] > 1 else samples[:, 0]
    return np.clip(np.nan_to_num(mixed, posinf=0.0, neginf=0.0), -1.0, 1.0).astype(np.float32)


def resampled(blocks: Iterable[tuple[int, Sound]], sample_rate_hz: int) -> Iterator[Sound]:
    """Bring a stream of `(sample rate, mono samples)` to one sample rate, block by block.

    A stream that changes its rate on the way is followed: each stretch is resampled by itself.
    """
    rate, stream = 0, None
    silence = np.zeros(0, np.float32)
    for block_rate, block in blocks:
        if block_rate != rate:
            if stream is not None:
                yield stream.resample_chunk(silence, last=True)
            rate = block_rate
            stream = (
                soxr.ResampleStream(rate, sample_rate_hz, 1, dtype="float32")
                if rate != sample_rate_hz
                else None
            )
        yield stream.resample_chunk(block) if stream is not None else block
    if stream is not None:
        yield stream.resample_chunk(silence, last=True)


def cut(
    samples: Iterable[Sound], windows: Windows, late_s: float = 0.0
) -> Iterator[tuple[Moment, Sound]]:
    """Cut a stream of samples at `windows.sample_rate_hz` into moments.

    Every window has exactly `round(window_s * sample_rate_hz)` samples and begins a multiple of
    the hop after the start, except the last, which ends where the sound ends. A sound shorter
    than one window is repeated to fill it. Windows below `silence_dbfs` are left out. At most
    about two windows of samples are held at a time.

    Args:
        samples: Mono samples in blocks of any length.
        windows: Lengths, sample rate and what counts as silence.
        late_s: Seconds by which the samples begin after the file does.
    """
    window = round(windows.window_s * windows.sample_rate_hz)
    hop = max(1, round(windows.hop_s * windows.sample_rate_hz))
    held = np.zeros(0, np.float32)
    held_from = start = 0
    for block in samples:
        held = np.concatenate([held, block])
        while start + window <= held_from + len(held):
            yield from _moment(held[start - held_from :][:window], start, window, windows, late_s)
            start += hop
        spare = min(start, held_from + len(held) - window) - held_from
        if spare > 0:
            held, held_from = held[spare:], held_from + spare
    total = held_from + len(held)
    if 0 < total < window:
        yield from _moment(np.resize(held, window), 0, total, windows, late_s)
    elif start - hop + window < total:
        yield from _moment(held[-window:], total - window, window, windows, late_s)


def _moment(
    samples: Sound, start: int, length: int, windows: Windows, late_s: float
) -> Iterator[tuple[Moment, Sound]]:
    """The moment of one window, or nothing if it is silent; `length` is without the padding."""
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    if power < 10 ** (windows.silence_dbfs / 10):
        return
    start_s = late_s + start / windows.sample_rate_hz
    end_s = late_s + (start + length) / windows.sample_rate_hz
    yield Moment(Modality.AUDIO, start_s, end_s), samples.copy()
