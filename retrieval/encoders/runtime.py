"""In which way a model's towers multiply on a CPU in fp32, settled by a self-test at pull time.

There are two ways: torch as it comes, and torch with its linear layers packed for oneDNN
(`packed_linears`). They add the same float32 products in another order, which is less than what
another version of torch or another processor changes, so the way is no part of a fingerprint: a
library that was made in one of them is searched and extended in the other. What the test found
lies in the model's folder, so that on one machine the way, and with it every bit of a vector, stays
the same until a set is pulled or prepared anew.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from retrieval.encoders.query_words import SENTENCES, read_result
from retrieval.records import Modality
from retrieval.vectors import unit_rows

if TYPE_CHECKING:
    from pathlib import Path

    from retrieval.encoders.two_towers import Arrays, Towers, TwoTowerEncoder
    from retrieval.media.content import Content

RESULT = ".runtime_self_test.json"
"""In the folder of a model."""
LEAST_COSINE = 0.99999
"""Ways whose vectors differ by more are not the same model."""
LEAST_GAIN = 1.25
"""How many times as fast the packed way must be to be taken."""
ROUNDS = 5
"""The fastest of so many counts, as a busy machine only makes things slower."""


def is_packed(folder: Path | None) -> bool:
    """Whether the self-test in a model's folder chose packed layers."""
    result = read_result(folder, RESULT) if folder else {}
    try:
        return bool(result["packed"] and result["cosine"] >= LEAST_COSINE)
    except (KeyError, TypeError):
        return False


def self_test(encoder: TwoTowerEncoder) -> dict[str, Any]:
    """Try both ways, keep what was found in the model's folder, and take the better one.

    Returns:
        `packed`: which way is taken; `cosine`: the lowest between both; `gains`: modality to how
        many times as fast the packed way is. Empty where there is no choice: on a GPU, in another
        precision than fp32, or without oneDNN.
    """
    if encoder.folder is None:
        return {}
    (encoder.folder / RESULT).unlink(missing_ok=True)
    towers = encoder.load()
    rows = {
        modality: [towers.prepare(modality, content) for content in samples(modality)]
        for modality in sorted(encoder.modalities)
    }
    plain = {modality: _timed(towers, modality, some) for modality, some in rows.items()}
    if not towers.pack():
        return {}
    packed = {modality: _timed(towers, modality, some) for modality, some in rows.items()}
    cosines = [np.einsum("ij,ij->i", plain[m][0], packed[m][0]).min() for m in rows]
    # Words are few and searched; what is indexed by the thousand is the other modality.
    gains = {str(m): round(plain[m][1] / packed[m][1], 2) for m in rows}
    gain = min(value for modality, value in gains.items() if modality != Modality.TEXT)
    lowest = float(min(cosines))
    result = {
        "packed": lowest >= LEAST_COSINE and gain >= LEAST_GAIN,
        "cosine": lowest,
        "gains": gains,
    }
    (encoder.folder / RESULT).write_text(json.dumps(result), encoding="utf-8")
    return result


def samples(modality: Modality) -> list[Content]:
    """A few made contents: sentences, pictures with edges and grain, sounds of ten seconds."""
    if modality is Modality.TEXT:
        return list(SENTENCES)
    rng = np.random.default_rng(0)
    if modality is Modality.IMAGE:
        coarse = rng.integers(0, 256, (3, 12, 16, 3))
        grain = rng.integers(-20, 20, (3, 360, 480, 3))
        fine = coarse.repeat(30, axis=1).repeat(30, axis=2)
        return list(np.clip(fine + grain, 0, 255).astype(np.uint8))
    second = np.arange(480_000) / 48_000
    return [
        (
            0.3 * np.sin(2 * np.pi * pitch_hz * second) * np.exp(-(second % 0.7))
            + 0.01 * rng.standard_normal(len(second))
        ).astype(np.float32)
        for pitch_hz in (110, 440, 1760)
    ]


def _timed(towers: Towers, modality: Modality, rows: list[Arrays]) -> tuple[Any, float]:
    """Unit rows, and the seconds of the fastest of some rounds."""
    found = unit_rows(towers.run(modality, rows))
    taken = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        towers.run(modality, rows)
        taken.append(time.perf_counter() - begun)
    return found, min(taken)
