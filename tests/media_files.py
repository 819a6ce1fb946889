"""Media files whose vectors under the fake encoder a person can compute."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from PIL import Image

from retrieval.encoders.fake import WINDOWS

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}
TONES_HZ = {"low": 200.0, "mid": 1000.0, "high": 3000.0}


def write_picture(path: Path, colour: tuple[int, int, int]) -> Path:
    Image.new("RGB", (40, 30), colour).save(path)
    return path


def write_tone(path: Path, frequency_hz: float, seconds: float = 2.0) -> Path:
    times_s = np.arange(round(seconds * WINDOWS.sample_rate_hz)) / WINDOWS.sample_rate_hz
    wave = 0.3 * np.sin(2 * np.pi * frequency_hz * times_s)
    soundfile.write(path, wave, WINDOWS.sample_rate_hz)
    return path
