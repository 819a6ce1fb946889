"""What happens to a picture, a sound or a text before the towers see it; needs no weights."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias
from zlib import crc32

import numpy as np
import numpy.typing as npt
from PIL import Image

if TYPE_CHECKING:
    from retrieval.media.content import Picture, Sound

SIDE_PX = 64
RATE_HZ = 16_000
WINDOW_S = 4.0
MELS = 64
FRAME = 1024
HOP = 400
FLOOR_DB = 80.0
FRAMES = (round(WINDOW_S * RATE_HZ) - FRAME) // HOP + 1
BUCKETS = 16_384
"""Rows of the table of n-grams; row 0 marks the start of every text."""
MOST_WORDS = 512
"""Words past this many are not read."""

Pixels: TypeAlias = npt.NDArray[np.float32]
"""`(SIDE_PX, SIDE_PX, 3)` in -1..1."""
LogMel: TypeAlias = npt.NDArray[np.float32]
"""`(FRAMES, MELS)` in -1..1: 0 dB is the loudest cell, -1 lies `FLOOR_DB` below it."""
Grams: TypeAlias = tuple[npt.NDArray[np.int64], ...]
"""Per word, the table rows of its n-grams."""

_WORD = re.compile(r"[^\W_]+|[^\w\s]", re.UNICODE)


def prepare_picture(picture: Picture) -> Pixels:
    """Squeeze a picture of any size and shape into a square; all of it stays in view.

    Args:
        picture: `(height, width, 3)` uint8 RGB.
    """
    small = Image.fromarray(picture).resize((SIDE_PX, SIDE_PX), Image.Resampling.BILINEAR)
    pixels: Pixels = np.asarray(small, dtype=np.float32) / np.float32(127.5) - np.float32(1)
    return pixels


def prepare_sound(sound: Sound) -> LogMel:
    """Turn one window of sound into a log-mel spectrogram that does not depend on its loudness.

    Args:
        sound: `(samples,)` float32 mono at `RATE_HZ`; one that is shorter than the window is
            repeated, one that is longer is cut.
    """
    samples = round(WINDOW_S * RATE_HZ)
    window = np.resize(sound, samples) if len(sound) else np.zeros(samples, np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(window, FRAME)[::HOP]
    spectrum = np.fft.rfft(frames * np.hanning(FRAME).astype(np.float32), axis=1)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    mel = power @ mel_filters()
    loudest = max(float(mel.max()), 1e-12)
    decibels = 10 * np.log10(np.maximum(mel / np.float32(loudest), np.float32(10**-8)))
    log_mel: LogMel = (decibels / np.float32(FLOOR_DB / 2) + 1).astype(np.float32)
    return log_mel


@lru_cache(maxsize=1)
def mel_filters() -> npt.NDArray[np.float32]:
    """Triangular filters, evenly spaced in mel (2595 log10(1 + f / 700)), `(bins, MELS)`."""
    top_mel = 2595 * np.log10(1 + 7800 / 700)
    low_mel = 2595 * np.log10(1 + 40 / 700)
    edges_hz = 700 * (10 ** (np.linspace(low_mel, top_mel, MELS + 2) / 2595) - 1)
    bins_hz = np.arange(FRAME // 2 + 1)[:, None] * RATE_HZ / FRAME
    left, middle, right = edges_hz[:-2], edges_hz[1:-1], edges_hz[2:]
    rising = (bins_hz - left) / (middle - left)
    falling = (right - bins_hz) / (right - middle)
    filters = np.maximum(0, np.minimum(rising, falling))
    narrow = filters.sum(axis=0) < 1e-3
    nearest = np.abs(bins_hz - middle).argmin(axis=0)
    filters[nearest[narrow], np.flatnonzero(narrow)] = 1
    return filters.astype(np.float32)


def prepare_text(text: str) -> Grams:
    """Cut a text into words and look up the n-grams of each.

    Any script works; words that training never saw share n-grams with those it did. The first
    entry stands for the text as such, so that an empty text has one too.
    """
    folded = unicodedata.normalize("NFKC", text[: MOST_WORDS * 64]).casefold()
    words = _WORD.findall(folded)[:MOST_WORDS]
    return (np.zeros(1, np.int64), *(_grams(word) for word in words))


@lru_cache(maxsize=65_536)
def _grams(word: str) -> npt.NDArray[np.int64]:
    """Rows for the whole word (twice, so that it weighs more) and its n-grams of 2 to 4 letters."""
    marked = f"<{word[:32]}>"
    parts = [marked, marked]
    parts += [marked[i : i + n] for n in (2, 3, 4) for i in range(len(marked) - n + 1)]
    return np.array([1 + crc32(part.encode()) % (BUCKETS - 1) for part in parts], np.int64)
