"""Hubs: moments that turn up for every query, and by how much to hold them back.

Nearest-neighbour normalisation (NNN, EMNLP 2024): a moment's hub value is the mean of its highest
cosines with a bank of queries of all sorts; a share of it is taken off every cosine with that
moment. A value depends on its own vector and the bank alone, so it stays right while the library
grows; it is stored when the moment comes, so that a query need not encode the bank.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from retrieval.caption_bank import bank_hash, caption_bank, spread
from retrieval.catalog.transaction import HUB_BANK
from retrieval.records import Modality

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from retrieval.catalog.catalog import Catalog
    from retrieval.space import JointSpace
    from retrieval.vectors import Vectors

log = logging.getLogger(__name__)

FILE = "hub_bank.safetensors"
"""Its name in the folder of a model set."""

QUERIES = 512
"""Captions in the bank."""

NEAREST = 32
"""How many of the highest cosines count."""

BATCH = 64
"""Captions encoded at a time."""

FILL_ROWS = 4096
"""Moments given their values at a time."""

LEAST_MOMENTS = 200
"""A modality with fewer moments is not corrected: what turns up often may simply be wanted."""


@dataclass(frozen=True)
class HubBank:
    """Queries of all sorts in every space that embeds text."""

    queries: Mapping[str, Vectors]
    """Space to `(n, dim)`."""
    fingerprint: str
    """Hash of the captions, the encoders and the number of nearest."""

    def values(self, space: str, rows: Vectors) -> npt.NDArray[np.float64]:
        """The hub values `(n,)` of moments `(n, dim)`."""
        cosines = rows @ self.queries[space].T
        count = min(NEAREST, cosines.shape[1])
        nearest = np.partition(cosines, -count, axis=1)[:, -count:]
        mean: npt.NDArray[np.float64] = nearest.mean(axis=1, dtype=np.float64)
        return mean

    def save(self, path: Path) -> None:
        """Write as safetensors."""
        save_file(dict(self.queries), path, metadata={"fingerprint": self.fingerprint})


class Hubs:
    """Gives the moments of a library their hub values."""

    def __init__(self, space: JointSpace) -> None:
        self._space = space

    @cached_property
    def fingerprint(self) -> str:
        """What the bank of the model set is known by, without making it."""
        captions = bank_hash(spread(caption_bank(), QUERIES))
        facts = [captions, self._space.model_set.fingerprint, str(NEAREST)]
        return hashlib.sha256("\n".join(facts).encode()).hexdigest()

    @cached_property
    def bank(self) -> HubBank:
        """The bank of the model set: read from its folder, or encoded where there is none."""
        folder = self._space.model_set.folder
        stored = None if folder is None else _read(folder / FILE)
        if stored is not None and stored.fingerprint == self.fingerprint:
            return stored
        texts = [caption.text for caption in spread(caption_bank(), QUERIES)]
        return HubBank(embed_texts(self._space, texts), self.fingerprint)

    def fill(self, catalog: Catalog) -> int:
        """Give every moment that has none its values; the caller holds the writer's lock.

        Returns:
            How many values were stored.
        """
        if catalog.facts().get(HUB_BANK) != self.fingerprint:
            with catalog.transaction() as transaction:
                transaction.drop_hubs(self.fingerprint)
        filled = 0
        for name in self._space.spaces_of(Modality.TEXT):
            while True:
                ids, rows = catalog.vectors.without_hub(name, FILL_ROWS)
                if not len(ids):
                    break
                values = self.bank.values(name, rows).tolist()
                with catalog.transaction() as transaction:
                    transaction.set_hubs(name, dict(zip(ids.tolist(), values, strict=True)))
                filled += len(ids)
        return filled


def embed_texts(space: JointSpace, texts: Sequence[str]) -> dict[str, Vectors]:
    """Texts in every space of text, `(n, dim)` each, a batch at a time."""
    batches = [
        space.embed(Modality.TEXT, texts[start : start + BATCH])
        for start in range(0, len(texts), BATCH)
    ]
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}


def _read(path: Path) -> HubBank | None:
    if not path.exists():
        return None
    try:
        with safe_open(path, "numpy") as file:
            queries = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return HubBank(queries, (file.metadata() or {}).get("fingerprint", ""))
    except (OSError, SafetensorError) as error:
        log.warning("making the hub bank anew: %s", error)
        return None
