"""Nearest neighbours: one FAISS index over the vectors of one modality in one space.

An index is a cache. It says up to which change of the catalog it is in step, can be brought up to
date from there, and can be thrown away at any time.
"""

from __future__ import annotations

import json
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from retrieval.errors import MissingPackage

if TYPE_CHECKING:
    from pathlib import Path

    from retrieval.vectors import Ids, Vectors


class IndexDamaged(Exception):  # noqa: N818 - caught where it can be mended, by a rebuild
    """An index file cannot be used; the catalog still has everything."""


def faiss() -> Any:
    """The module `faiss`, imported when it is first needed.

    Raises:
        MissingPackage: neither faiss-cpu nor faiss-gpu is installed.
    """
    try:
        return import_module("faiss")
    except ImportError as error:
        raise MissingPackage(
            "Searching needs FAISS. Install it with: pip install 'anyseek[cpu]' "
            "or, on a machine with CUDA: pip install 'anyseek[gpu]'"
        ) from error


class VectorIndex:
    """Exact inner-product search over `(n, dim)` vectors with int64 ids."""

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self.change = 0
        """The change of the catalog up to which this index is in step."""
        self._index = faiss().IndexIDMap2(faiss().IndexFlatIP(dim))

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def ids(self) -> Ids:
        """The ids it holds, in the order they were added."""
        ids: Ids = faiss().vector_to_array(self._index.id_map)
        return ids

    @property
    def vectors(self) -> Vectors:
        """The vectors it holds, one row for each of `ids`."""
        stored = faiss().downcast_index(self._index.index)
        rows: Vectors = stored.reconstruct_n(0, stored.ntotal)
        return rows.reshape(-1, self.dim)

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Add vectors `(n, dim)` under ids `(n,)` that it does not hold yet."""
        if len(ids):
            self._index.add_with_ids(np.ascontiguousarray(vectors, dtype=np.float32), ids)

    def remove(self, ids: Ids) -> None:
        """Remove ids; those it does not hold are passed over."""
        if len(ids):
            self._index.remove_ids(np.ascontiguousarray(ids, dtype=np.int64))

    def search(
        self, queries: Vectors, k: int, allowed: Ids | None = None
    ) -> list[tuple[Ids, Vectors]]:
        """The k nearest of each query.

        Args:
            queries: `(q, dim)` of any length.
            k: At most this many for each query.
            allowed: Only these ids; None for all.

        Returns:
            For each query ids `(m,)` and inner products `(m,)`, best first, equal ones by id;
            m < k where fewer are there.
        """
        k = min(k, len(self) if allowed is None else min(len(allowed), len(self)))
        if k <= 0:
            return [(np.empty(0, np.int64), np.empty(0, np.float32)) for _ in queries]
        parameters = None
        if allowed is not None:
            selector = faiss().IDSelectorBatch(np.ascontiguousarray(allowed, dtype=np.int64))
            parameters = faiss().SearchParameters(sel=selector)
        scores, ids = self._index.search(
            np.ascontiguousarray(queries, dtype=np.float32), k, params=parameters
        )
        return [_best_first(row_ids, row) for row_ids, row in zip(ids, scores, strict=True)]

    def save(self, path: Path) -> None:
        """Write to a file; the old file stays until the new one is complete."""
        fresh = path.with_name(path.name + ".new")
        about = json.dumps({"change": self.change, "dim": self.dim, "count": len(self)}).encode()
        data = faiss().serialize_index(self._index)
        with fresh.open("wb") as file:
            file.write(len(about).to_bytes(4, "little") + about)
            file.write(memoryview(data))
        fresh.replace(path)

    @staticmethod
    def saved_change(path: Path) -> int | None:
        """Up to which change a saved index is in step; None if no index can be read there."""
        try:
            with path.open("rb") as file:
                about = json.loads(file.read(int.from_bytes(file.read(4), "little")))
            return int(about["change"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @classmethod
    def load(cls, path: Path, dim: int) -> VectorIndex:
        """Read what `save` wrote.

        Raises:
            IndexDamaged: the file is not there, incomplete, or of another dimension.
        """
        try:
            with path.open("rb") as file:
                about = json.loads(file.read(int.from_bytes(file.read(4), "little")))
                data = np.frombuffer(file.read(), dtype=np.uint8)
            loaded = cls(dim)
            loaded._index = faiss().deserialize_index(data)
            loaded.change = int(about["change"])
        except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
            raise IndexDamaged(f"{path.name}: {error}") from error
        if loaded._index.d != dim or about["count"] != len(loaded):
            raise IndexDamaged(f"{path.name}: not what its header says")
        return loaded


def _best_first(ids: Ids, scores: Vectors) -> tuple[Ids, Vectors]:
    found = ids >= 0
    ids, scores = ids[found], scores[found]
    order = np.lexsort((ids, -scores))
    return ids[order], scores[order]
