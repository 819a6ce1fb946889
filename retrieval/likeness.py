"""Likenesses: small marks of how a picture or a sound *is*, not of what it shows.

Two pictures of one dog have near vectors and unlike marks; one picture stored twice, in two sizes
and formats, has like marks. They are made of signs of differences, which survive compression,
scaling and a change of brightness or loudness.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt
from PIL import Image

from retrieval.media.media import open_media
from retrieval.records import Modality

if TYPE_CHECKING:
    from pathlib import Path

    from retrieval.media.content import Picture, Sound
    from retrieval.media.windows import Windows

Marks = npt.NDArray[np.bool_]

PICTURE_SIDE = 16
"""Marks of a picture: so many in each of so many rows, and again in columns."""

FRAME_S = 0.25
"""Seconds of sound for one row of marks."""

BANDS_HZ = np.geomspace(150, 3500, 25)
"""Edges of the bands whose energies are compared: what every format and rate keeps."""

LOUD_ENOUGH = 1e-4
"""Rows with less than this share of the loudest row's energy say nothing."""

SOUND_WINDOWS = 3
"""Windows at the start of a sound that are looked at."""

PICTURE_DIFFERENCE = 0.12
SOUND_DIFFERENCE = 0.2
"""Share of marks that may differ between two forms of one thing; unrelated ones differ in half."""


def picture_marks(picture: Picture) -> Marks:
    """Whether it gets brighter from cell to cell, rightward and downward: `(2, side, side)`.

    The difference hash (dHash), both ways.
    """
    grey = Image.fromarray(picture).convert("L")
    size = PICTURE_SIDE + 1
    cells = np.asarray(grey.resize((size, size), Image.Resampling.BOX), dtype=np.int16)
    return np.stack([cells[:-1, 1:] > cells[:-1, :-1], cells[1:, :-1] > cells[:-1, :-1]])


def sound_marks(sound: Sound, rate_hz: int) -> Marks:
    """Whether energy differences between bands grow from frame to frame: `(frames, bands)`.

    As in Haitsma and Kalker, A Highly Robust Audio Fingerprinting System (ISMIR 2002).
    """
    length = round(FRAME_S * rate_hz)
    count = len(sound) // length
    frames = sound[: count * length].reshape(count, length).astype(np.float64)
    power = np.abs(np.fft.rfft(frames * np.hanning(length), axis=1)) ** 2
    frequencies_hz = np.fft.rfftfreq(length, 1 / rate_hz)
    edges = np.searchsorted(frequencies_hz, BANDS_HZ)
    energies = np.add.reduceat(power, edges[:-1], axis=1)
    loud = energies.sum(axis=1) > LOUD_ENOUGH * (energies.sum(axis=1).max(initial=0) + 1e-12)
    slopes = np.diff(np.log(energies + 1e-9), axis=1)
    marks: Marks = np.diff(slopes, axis=0) > 0
    marks[~(loud[1:] & loud[:-1])] = False
    return marks


def difference(a: Marks, b: Marks) -> float:
    """Share of marks that differ, over the part that both have; 1 if there is none."""
    shared = tuple(slice(min(m, n)) for m, n in zip(a.shape, b.shape, strict=True))
    return float(np.mean(a[shared] != b[shared])) if a[shared].size else 1.0


def marks_of(path: Path, windows: Windows) -> dict[Modality, Marks]:
    """The marks of a file's first picture and of its first windows of sound.

    Raises:
        OSError: the file cannot be opened.
        MediaError: it cannot be read as media.
    """
    found: dict[Modality, list[Marks]] = {}
    with path.open("rb") as file:
        media = open_media(file, windows, name=path.name)
        for moment, content in islice(media.pieces, SOUND_WINDOWS):
            if moment.modality is Modality.IMAGE:
                marks = picture_marks(cast("Picture", content))
            elif moment.modality is Modality.AUDIO:
                marks = sound_marks(cast("Sound", content), windows.sample_rate_hz)
            else:
                continue
            found.setdefault(moment.modality, []).append(marks)
    return {m: np.concatenate(each) for m, each in found.items()}
