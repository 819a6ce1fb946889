"""The indexes of a library, each brought in step with the catalog when it is asked for."""

from __future__ import annotations

import logging
import zlib
from threading import Lock
from typing import TYPE_CHECKING

from retrieval.records import Modality
from retrieval.vector_index import IndexDamaged, IndexFile, VectorIndex, require_faiss

if TYPE_CHECKING:
    from pathlib import Path

    from retrieval.catalog.catalog import Catalog

log = logging.getLogger(__name__)

Key = tuple[str, Modality]
Stamp = tuple[int, int]


class IndexCache:
    """One index for each space and modality, kept under `vectors/` of the library."""

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        self._folder = folder
        self._catalog = catalog
        self._indexes: dict[Key, VectorIndex] = {}
        self._stamps: dict[Key, Stamp] = {}
        self._lock = Lock()

    def get(self, space: str, modality: Modality) -> VectorIndex:
        """The index of a modality in a space, in step with the catalog; safe in several threads.

        Raises:
            MissingPackage: FAISS is not installed.
        """
        require_faiss()
        key = (space, modality)
        with self._lock:
            index = self._indexes.get(key)
            if index is None:
                index = self._indexes[key] = VectorIndex(self._catalog.spaces()[space])
            if key not in self._stamps or index.change != self._catalog.changes():
                self._load_if_newer(key, index)
                with self._catalog.changes_since(index.change, *key) as changes:
                    index.update(changes.removed, changes.added, changes.change)
            return index

    def refresh(self) -> None:
        """Bring all indexes and their files in step with the catalog; for the writer only."""
        require_faiss()
        for space, dim in self._catalog.spaces().items():
            for modality in Modality:
                self._write((space, modality), dim)

    def is_saved(self) -> bool:
        """Whether the files are in step with the catalog; looks no further than their headers."""
        change = self._catalog.changes()
        try:
            return all(
                self._file((space, modality), dim).change() == change
                for space, dim in self._catalog.spaces().items()
                for modality in Modality
            )
        except IndexDamaged:
            return False

    def rebuild(self) -> None:
        """Throw every file away and make it anew from the catalog; for the writer only."""
        for file in self._folder.glob("*"):
            file.unlink()
        self.refresh()

    def _write(self, key: Key, dim: int) -> None:
        """The old index answers meanwhile."""
        file = self._file(key, dim)
        since = self._change_of(file)
        if file.stamp == self._stamps.get(key) and since == self._catalog.changes():
            return
        try:
            with self._catalog.changes_since(since, *key) as changes:
                state = file.write(changes.removed, changes.added, changes.change)
        except IndexDamaged as error:
            log.warning("rebuilding a damaged index: %s", error)
            file.drop()
            with self._catalog.changes_since(0, *key) as changes:
                state = file.write(changes.removed, changes.added, changes.change)
        with self._lock:
            self._indexes.setdefault(key, VectorIndex(dim)).state = state
            self._stamps[key] = file.stamp

    def _change_of(self, file: IndexFile) -> int:
        """Where a file can be continued from; one that cannot is dropped."""
        try:
            change = file.change()
            # Read after the file's own, since another process may be ahead of what we knew.
            if change <= self._catalog.changes():
                return change
            log.warning("rebuilding %s: it is ahead of the catalog", file)
        except IndexDamaged as error:
            log.warning("rebuilding a damaged index: %s", error)
        file.drop()
        return 0

    def _load_if_newer(self, key: Key, index: VectorIndex) -> None:
        """Take over what a writer has written since; a damaged file is passed over."""
        file = self._file(key, index.dim)
        stamp = file.stamp
        if stamp == self._stamps.get(key):
            return
        self._stamps[key] = stamp
        if stamp == (0, 0):
            return
        try:
            state = file.load()
        except IndexDamaged as error:
            log.warning("reading the catalog instead of a damaged index: %s", error)
            return
        if state.change > self._catalog.changes():
            log.warning("reading the catalog instead of %s: it is ahead of the catalog", file)
        elif state.change > index.change:
            index.state = state

    def _file(self, key: Key, dim: int) -> IndexFile:
        space, modality = key
        safe = "".join(c if c.isascii() and (c.islower() or c.isdigit()) else "-" for c in space)
        if safe != space:
            safe += f"-{zlib.crc32(space.encode()):08x}"
        return IndexFile(self._folder, f"{safe}.{modality}", dim)
