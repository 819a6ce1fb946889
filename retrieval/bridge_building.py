"""Building the bridges of a model set, and improving them with a library's own films."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from itertools import combinations
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from retrieval.bridge import Bridge, Pairs, fit_bridge
from retrieval.caption_bank import caption_bank
from retrieval.hubness import BATCH, FILE, Hubs
from retrieval.records import Modality

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from retrieval.encoders.model_set import ModelSet
    from retrieval.space import JointSpace
    from retrieval.vectors import Vectors

Progress: TypeAlias = Callable[[int, int], None]
"""Called with captions done and captions in all."""


def build_bridges(
    space: JointSpace,
    folder: Path,
    *,
    captions: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> list[Path]:
    """Fit and store what a model set needs beside its encoders: bridges and hub bank.

    Args:
        space: The model set.
        folder: Where to write; made if need be.
        captions: Instead of the built-in bank; each counts as about a thing of its own.
        progress: Called after every batch.

    Returns:
        The files written; a set with one space of text needs no bridge.
    """
    folder.mkdir(parents=True, exist_ok=True)
    hub_file = folder / FILE
    Hubs(space).bank.save(hub_file)
    names = space.spaces_of(Modality.TEXT)
    if len(names) < 2:
        return [hub_file]
    texts = list(captions) if captions is not None else [c.text for c in caption_bank()]
    things = texts if captions is not None else [c.thing for c in caption_bank()]
    _, groups = np.unique(things, return_inverse=True)
    rows = _embed(space, texts, progress)
    written = [hub_file]
    for first, second in combinations(names, 2):
        bridge = fit_bridge(
            (first, second),
            Pairs(rows[first], rows[second], groups.tolist()),
            bank=bank_fingerprint(space.model_set, texts),
        )
        written.append(folder / bridge_file(bridge))
        bridge.save(written[-1])
    return written


def bridge_file(bridge: Bridge) -> str:
    """The name of a bridge's file."""
    safe = ("".join(c if c.isalnum() else "-" for c in space) for space in bridge.spaces)
    return "+".join(safe) + ".bridge.safetensors"


def bank_fingerprint(model_set: ModelSet, texts: Sequence[str]) -> str:
    """Hash of captions and encoders: a bridge fitted with others is another bridge."""
    return hashlib.sha256("\n".join([model_set.fingerprint, *texts]).encode()).hexdigest()


def _embed(
    space: JointSpace, texts: Sequence[str], progress: Progress | None
) -> Mapping[str, Vectors]:
    batches = []
    for start in range(0, len(texts), BATCH):
        batches.append(space.embed(Modality.TEXT, texts[start : start + BATCH]))
        if progress is not None:
            progress(min(start + BATCH, len(texts)), len(texts))
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}
