"""`mini`: a small tri-modal model set, trained on a generated world and shipped in the package."""

from __future__ import annotations

from pathlib import Path

from retrieval.encoders.mini.encoder import MiniEncoder
from retrieval.encoders.mini.preparation import RATE_HZ, SIDE_PX, WINDOW_S
from retrieval.encoders.model_set import ModelSet
from retrieval.media.windows import Windows

WINDOWS = Windows(
    sample_rate_hz=RATE_HZ,
    window_s=WINDOW_S,
    hop_s=WINDOW_S / 2,
    passage_chars=200,
    picture_px=SIDE_PX,
)
"""How files are cut for `mini`."""

FOLDER = Path(__file__).parent
"""Where its calibration lies."""


def model_set() -> ModelSet:
    """The model set `mini`: one encoder for text, image and audio in one space."""
    return ModelSet("mini", (MiniEncoder(),), WINDOWS, FOLDER)
