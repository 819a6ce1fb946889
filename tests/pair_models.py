"""A model set of two spaces, as CLIP and CLAP are, whose vectors a person can compute."""

from __future__ import annotations

from itertools import product
from pathlib import Path

from retrieval.bridge_building import build_bridges
from retrieval.encoders.fake import WINDOWS, FakeEncoder
from retrieval.encoders.model_set import ModelSet
from retrieval.records import Modality
from retrieval.space import JointSpace

CAPTIONS = [
    " ".join(words)
    for words in product(
        ("red", "green", "blue", "thing"), ("low", "mid", "high", "red"), ("a", "blue")
    )
]


def pair_model_set(folder: Path | None) -> ModelSet:
    """Pictures and words in `seen`, sounds and words in `heard`."""
    encoders = (
        FakeEncoder("seen", frozenset({Modality.TEXT, Modality.IMAGE})),
        FakeEncoder("heard", frozenset({Modality.TEXT, Modality.AUDIO}), seed=1),
    )
    return ModelSet("fake-pair", encoders, WINDOWS, folder)


def bridged_model_set(folder: Path) -> ModelSet:
    """The same with a bridge in its folder."""
    build_bridges(JointSpace(pair_model_set(None)), folder, captions=CAPTIONS)
    return pair_model_set(folder)
