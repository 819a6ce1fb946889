"""The indexes of a library, each brought in step with the catalog when it is asked for."""

from __future__ import annotations

import logging
from threading import Lock
from typing import TYPE_CHECKING

from retrieval.records import Modality
from retrieval.vector_index import IndexDamaged, VectorIndex

if TYPE_CHECKING:
    from pathlib import Path

    from retrieval.catalog.catalog import Catalog

log = logging.getLogger(__name__)


class IndexCache:
    """One index for each space and modality, kept under `vectors/` of the library."""

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        self._folder = folder
        self._catalog = catalog
        self._indexes: dict[tuple[str, Modality], VectorIndex] = {}
        self._saved: dict[tuple[str, Modality], int] = {}
        self._lock = Lock()

    def get(self, space: str, modality: Modality) -> VectorIndex:
        """The index of a modality in a space, in step with the catalog."""
        key = (space, modality)
        with self._lock:
            if key not in self._indexes:
                self._indexes[key] = self._load(space, modality)
                self._saved[key] = self._indexes[key].change
            index = self._indexes[key]
            if index.change != self._catalog.changes():
                self._catch_up(index, space, modality)
            return index

    def save(self) -> None:
        """Write every index that has changed since it was read; for the writer only."""
        self._folder.mkdir(exist_ok=True)
        for key, index in self._indexes.items():
            if self._saved[key] != index.change:
                index.save(self._file(*key))
                self._saved[key] = index.change

    def rebuild(self) -> None:
        """Throw every index away and make it anew from the catalog."""
        for file in self._folder.glob("*.faiss*"):
            file.unlink()
        self._indexes.clear()
        self.refresh()

    def refresh(self) -> None:
        """Bring all indexes in step with the catalog and write them down."""
        for space in self._catalog.spaces():
            for modality in Modality:
                self.get(space, modality)
        self.save()

    def is_saved(self) -> bool:
        """Whether every index is written down and in step; reads no more than their headers."""
        change = self._catalog.changes()
        return all(
            VectorIndex.saved_change(self._file(space, modality)) == change
            for space in self._catalog.spaces()
            for modality in Modality
        )

    def _load(self, space: str, modality: Modality) -> VectorIndex:
        dim = self._catalog.spaces()[space]
        file = self._file(space, modality)
        if file.exists():
            try:
                index = VectorIndex.load(file, dim)
            except IndexDamaged as error:
                log.warning("rebuilding a damaged index: %s", error)
            else:
                if index.change <= self._catalog.changes():
                    return index
                log.warning("rebuilding %s: it is ahead of the catalog", file.name)
        return VectorIndex(dim)

    def _catch_up(self, index: VectorIndex, space: str, modality: Modality) -> None:
        with self._catalog.changes_since(index.change, space, modality) as changes:
            index.remove(changes.removed)
            for ids, vectors in changes.added:
                index.add(ids, vectors)
            index.change = changes.change

    def _file(self, space: str, modality: Modality) -> Path:
        safe = "".join(c if c.isalnum() else "-" for c in space)
        return self._folder / f"{safe}.{modality}.faiss"
