"""The made library that is measured beside other programs answers as brute force does."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.clustered import ClusteredWorld
from benchmarks.nearest import nearest
from benchmarks.search_peer import EVERYTHING, FOLDER, Anyseek, K


def test_made_vectors_are_found_as_by_brute_force(tmp_path: Path) -> None:
    world = ClusteredWorld(300, 16)
    rows, queries = world.rows(300), world.queries(5)
    chosen = np.arange(300) % 10 == 0
    (tmp_path / "store").mkdir()
    peer = Anyseek(tmp_path / "store")
    peer.load()
    peer.build(rows, chosen)
    peer.open()
    allowed = {EVERYTHING: None, FOLDER: np.flatnonzero(chosen)}
    for way, ids in allowed.items():
        truth = nearest(rows, queries, K, ids)
        for query, true in zip(queries, truth, strict=True):
            assert peer.search(query, way) == true.tolist()
    peer.library.close()
