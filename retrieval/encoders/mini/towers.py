"""The three towers at query time, in NumPy alone: prepared content in, one vector out.

Each content goes through by itself, so that the shapes of all matrix products, and with them every
bit of the result, are the same whatever else is being encoded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from retrieval.encoders.mini.preparation import Grams, LogMel, Pixels

Array: TypeAlias = npt.NDArray[np.float32]
Weights: TypeAlias = "Mapping[str, Array]"
"""Layer name to matrix; convolutions as `(taps * channels in, channels out)`, batch norm folded."""

DIM = 128
"""Length of the vectors."""

PICTURE_LAYERS = (
    ("picture.0", 3, 2, False), ("picture.1", 3, 2, False), ("picture.2", 3, 1, True),
    ("picture.3", 3, 2, False), ("picture.4", 3, 1, True), ("picture.5", 3, 1, True),
    ("picture.6", 1, 1, False),
)  # fmt: skip
"""Name, taps a side, stride, and whether the input is added to the output."""

SOUND_LAYERS = (
    ("sound.0", 5, 2, False), ("sound.1", 5, 2, False), ("sound.2", 3, 1, True),
    ("sound.3", 5, 2, False), ("sound.4", 3, 1, True),
)  # fmt: skip
"""The same for convolutions over time."""


def picture_regions(weights: Weights, pixels: Pixels) -> Array:
    """Vectors of the regions of a picture before they are averaged, `(rows, columns, DIM)`.

    The mean of all regions is the picture's vector before it is scaled to length 1, so that
    `regions @ query` shows exactly how much each part of the picture adds to a score.
    """
    x = pixels
    for name, taps, stride, residual in PICTURE_LAYERS:
        y = _convolve_2d(x, weights[f"{name}.matrix"], weights[f"{name}.bias"], taps, stride)
        x = x + y if residual else y
    regions: Array = x @ weights["picture.head.matrix"] + weights["picture.head.bias"]
    return regions


def encode_picture(weights: Weights, pixels: Pixels) -> Array:
    """Encode one prepared picture into `(DIM,)`, not yet of length 1."""
    vector: Array = picture_regions(weights, pixels).mean(axis=(0, 1))
    return vector


def encode_sound(weights: Weights, log_mel: LogMel) -> Array:
    """Encode one prepared sound into `(DIM,)`, not yet of length 1."""
    x = log_mel
    for name, taps, stride, residual in SOUND_LAYERS:
        y = _convolve_1d(x, weights[f"{name}.matrix"], weights[f"{name}.bias"], taps, stride)
        x = x + y if residual else y
    pooled = np.concatenate([x.mean(axis=0), x.max(axis=0)])[None, :]
    vector: Array = (pooled @ weights["sound.head.matrix"] + weights["sound.head.bias"])[0]
    return vector


def encode_text(weights: Weights, grams: Grams) -> Array:
    """Encode one prepared text into `(DIM,)`, not yet of length 1.

    Each word is the mean of its n-grams; four heads of attention weigh the words; two layers mix
    what they gathered.
    """
    lengths = np.array([len(word) for word in grams])
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    rows = weights["text.table"][np.concatenate(grams)]
    words = np.add.reduceat(rows, starts, axis=0) / lengths[:, None].astype(np.float32)
    scores = words @ weights["text.attention.matrix"]
    shares = np.exp(scores - scores.max(axis=0))
    shares /= shares.sum(axis=0)
    gathered = (shares.T @ words).reshape(1, -1)
    hidden = np.maximum(
        gathered @ weights["text.hidden.matrix"] + weights["text.hidden.bias"], np.float32(0)
    )
    mixed = np.concatenate([hidden, gathered], axis=1)
    vector: Array = (mixed @ weights["text.head.matrix"] + weights["text.head.bias"])[0]
    return vector


def _convolve_2d(x: Array, matrix: Array, bias: Array, taps: int, stride: int) -> Array:
    height, width, depth = x.shape
    if taps == 1:
        return _relu(x @ matrix + bias)
    edge = taps // 2
    padded = np.zeros((height + 2 * edge, width + 2 * edge, depth), x.dtype)  # np.pad is slower
    padded[edge : edge + height, edge : edge + width] = x
    shifted = [
        padded[dy : dy + height : stride, dx : dx + width : stride]
        for dy in range(taps)
        for dx in range(taps)
    ]
    columns = np.concatenate(shifted, axis=2)
    rows, across, depth = columns.shape
    flat = columns.reshape(rows * across, depth) @ matrix
    flat += bias
    return _relu(flat).reshape(rows, across, -1)


def _convolve_1d(x: Array, matrix: Array, bias: Array, taps: int, stride: int) -> Array:
    edge = taps // 2
    padded = np.zeros((len(x) + 2 * edge, x.shape[1]), x.dtype)
    padded[edge : edge + len(x)] = x
    shifted = [padded[d : d + len(x) : stride] for d in range(taps)]
    return _relu(np.concatenate(shifted, axis=1) @ matrix + bias)


def _relu(x: Any) -> Array:
    positive: Array = np.maximum(x, np.float32(0), out=x)
    return positive
