"""The published checkpoints themselves, for whoever has pulled them; skipped without.

anyseek models pull clip-clap
ESC50=/data/ESC-50-master pytest -m model tests/test_published_models.py
"""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import soxr
from PIL import Image, ImageDraw

from retrieval.encoders.model_set import ModelSet, load_model_set
from retrieval.encoders.model_store import info
from retrieval.encoders.published import SETS
from retrieval.records import Modality

pytestmark = pytest.mark.model
RATE_HZ = 48_000


@pytest.fixture(scope="module", params=SETS)
def models(request: pytest.FixtureRequest) -> ModelSet:
    if not info(request.param).present:
        pytest.skip(f"{request.param} was not pulled")
    return load_model_set(request.param)


def encode(
    models: ModelSet, modality: Modality, beside: Modality, contents: list[Any]
) -> npt.NDArray[np.float32]:
    """Vectors in the space that two modalities share."""
    (encoder,) = (e for e in models.encoders if {modality, beside} <= e.modalities)
    return encoder.encode(modality, [encoder.prepare(modality, c) for c in contents])


def drawn(colour: str, shape: str) -> npt.NDArray[np.uint8]:
    """A shape on white."""
    picture = Image.new("RGB", (400, 300), "white")
    draw = ImageDraw.Draw(picture)
    if shape == "circle":
        draw.ellipse((120, 70, 280, 230), fill=colour)
    else:
        draw.rectangle((120, 70, 280, 230), fill=colour)
    return np.asarray(picture)


def test_words_find_their_picture(models: ModelSet) -> None:
    things = [(c, s) for c in ("red", "green", "blue", "black") for s in ("circle", "square")]
    looked = encode(models, Modality.IMAGE, Modality.TEXT, [drawn(c, s) for c, s in things])
    read = encode(
        models, Modality.TEXT, Modality.IMAGE, [f"a picture of a {c} {s}" for c, s in things]
    )
    found = (read @ looked.T).argmax(axis=1)
    assert np.mean([things[i][0] == things[f][0] for i, f in enumerate(found)]) == 1.0
    assert np.mean(found == np.arange(len(things))) >= 0.75


def test_words_find_their_sound(models: ModelSet) -> None:
    t = np.arange(10 * RATE_HZ) / RATE_HZ
    noise = np.random.default_rng(0).standard_normal(len(t)) * 0.1
    sounds = {
        "white noise, static": noise,
        "a high pitched electronic beep tone": 0.3 * np.sin(2 * np.pi * 1000 * t),
        "a ticking clock": np.where(t % 0.5 < 0.002, 0.9, 0.0) * noise * 10,
    }
    heard = encode(
        models, Modality.AUDIO, Modality.TEXT, [s.astype(np.float32) for s in sounds.values()]
    )
    read = encode(models, Modality.TEXT, Modality.AUDIO, list(sounds))
    assert list((read @ heard.T).argmax(axis=1)) == [0, 1, 2]


PUBLISHED_ESC50 = {"clip-clap": 0.817, "clip-clap-light": 0.817, "clip-clap-large": 0.905}
"""Zero-shot accuracy as published for the CLAP model of each set."""


def test_zero_shot_of_esc_50_is_near_the_published_figure(models: ModelSet) -> None:
    if "ESC50" not in os.environ:
        pytest.skip("ESC50 does not name a copy of the ESC-50 dataset")
    folder = Path(os.environ["ESC50"])
    with (folder / "meta" / "esc50.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    classes = sorted({row["category"] for row in table})
    sentences = [f"This is a sound of {c.replace('_', ' ')}." for c in classes]
    read = encode(models, Modality.TEXT, Modality.AUDIO, sentences)
    right = 0
    for row in table:
        sound, rate_hz = soundfile.read(folder / "audio" / row["filename"], dtype="float32")
        window = soxr.resample(sound, rate_hz, RATE_HZ).astype(np.float32)
        heard = encode(models, Modality.AUDIO, Modality.TEXT, [window])
        right += classes[int((heard @ read.T).argmax())] == row["category"]
    assert right / len(table) >= PUBLISHED_ESC50[models.name] - 0.03
