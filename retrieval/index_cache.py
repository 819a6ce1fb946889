"""The indexes of a library, each brought in step with the catalog when it is asked for."""

from __future__ import annotations

import logging
import zlib
from dataclasses import asdict
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from retrieval.moment_table import MomentTable
from retrieval.records import Modality
from retrieval.vector_index import (
    DEFAULT_WISH,
    IndexDamaged,
    IndexFile,
    IndexStatus,
    VectorIndex,
    Wish,
    require_faiss,
)
from retrieval.vector_index.gpu_part import Gpu, gpu_number

if TYPE_CHECKING:
    from pathlib import Path

    from retrieval.catalog.catalog import Catalog
    from retrieval.vector_index.vector_index import State
    from retrieval.vectors import Vectors

log = logging.getLogger(__name__)

SAFE = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
"""What a space's name may hold to name a file as it stands, on every file system."""

WISH = "index_wish"
"""The fact in the catalog that says what is asked of the indexes."""

Key = tuple[str, Modality]
Stamp = tuple[int, int]


class IndexCache:
    """One index for each space and modality, kept under `vectors/` of the library."""

    def __init__(self, folder: Path, catalog: Catalog, device: str = "cpu") -> None:
        """Open nothing yet.

        Args:
            folder: Where the files lie.
            catalog: What the indexes follow, and where it stands what is asked of them.
            device: `cuda`, or `cuda:1`, to search large indexes on a GPU; any other for the CPU.
                A copy takes seconds, so that it must be asked for and pays for many queries.
        """
        self._device = device
        self._gpus: dict[Key, Gpu] = {}
        self._folder = folder
        self._catalog = catalog
        self.moments = MomentTable(folder, catalog)
        self._indexes: dict[Key, VectorIndex] = {}
        self._files: dict[Key, IndexFile] = {}
        self._stamps: dict[Key, Stamp] = {}
        self._lock = Lock()

    def get(self, space: str, modality: Modality, change: int | None = None) -> VectorIndex:
        """The index of a modality in a space, in step with the catalog; safe in several threads.

        Args:
            space: Where its vectors lie.
            modality: Of its moments.
            change: The change of the catalog to be in step with, by one who asked for it just now.

        Raises:
            MissingPackage: FAISS is not installed.
        """
        key = (space, modality)
        with self._lock:
            index = self._indexes.get(key)
            if index is None:
                require_faiss()
                index = self._indexes[key] = VectorIndex(self._catalog.spaces()[space])
            wanted = self._catalog.changes() if change is None else change
            if key not in self._stamps or index.change != wanted:
                self._load_if_newer(key, index)
                with self._catalog.vectors.changes_since(index.change, *key) as changes:
                    index.update(changes.removed, changes.added, changes.change)
                index.state = self._placed(key, index.state)
            return index

    def close(self) -> None:
        """Let go of all files that are mapped."""
        with self._lock:
            self._indexes.clear()
            self._stamps.clear()
        self.moments.close()

    @property
    def wish(self) -> Wish:
        """The recall to reach and the memory to stay in, of all indexes together."""
        asked = self._catalog.facts().get(WISH)
        return Wish(**asked) if asked else DEFAULT_WISH

    def ask(self, wish: Wish) -> None:
        """Ask for something else from the next refresh on; for the writer only."""
        if wish != self.wish:
            with self._catalog.transaction() as transaction:
                transaction.set_fact(WISH, asdict(wish))

    def refresh(self) -> None:
        """Bring all indexes and their files in step with the catalog; for the writer only."""
        require_faiss()
        self.moments.extend()
        wish = self.wish
        shares = {} if wish.memory is None else self._shares()
        for space, dim in self._catalog.spaces().items():
            for modality in Modality:
                key = (space, modality)
                self._file(key, dim).wish = wish.part(shares.get(key, 1.0))
                self._write(key, dim)

    def is_saved(self) -> bool:
        """Whether the files are in step with the catalog; looks no further than their headers."""
        change = self._catalog.changes()
        try:
            return self.moments.is_saved() and all(
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

    def describe(self) -> list[IndexStatus]:
        """Which kind every index is, why, and what it was measured to find."""
        found = []
        for space, dim in self._catalog.spaces().items():
            for modality in Modality:
                manifest = self._file((space, modality), dim).manifest()
                moments = len(self.get(space, modality))
                if moments:
                    found.append(IndexStatus.of(space, modality, moments, manifest))
        return found

    def _write(self, key: Key, dim: int) -> None:
        """The old index answers meanwhile."""
        file = self._file(key, dim)
        since = self._change_of(file)
        if file.stamp == self._stamps.get(key) and since == self._catalog.changes():
            return
        try:
            with self._catalog.vectors.changes_since(since, *key) as changes:
                state = file.write(changes.removed, changes.added, changes.change)
        except IndexDamaged as error:
            log.warning("rebuilding a damaged index: %s", error)
            file.drop()
            with self._catalog.vectors.changes_since(0, *key) as changes:
                state = file.write(changes.removed, changes.added, changes.change)
        with self._lock:
            index = self._indexes.setdefault(key, VectorIndex(dim))
            # Copied only where it was copied for a search before; a writer need not search.
            index.state = self._placed(key, state) if key in self._gpus else state
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

    def _placed(self, key: Key, state: State) -> State:
        """A state, searched on the device that was asked for."""
        if not self._device.startswith("cuda"):
            return state
        if key not in self._gpus:
            self._gpus[key] = Gpu(gpu_number(self._device))
        return self._gpus[key].over(state)

    def _file(self, key: Key, dim: int) -> IndexFile:
        if key not in self._files:
            space, modality = key
            safe = "".join(c if c in SAFE else "-" for c in space)
            if safe != space:
                safe += f"-{zlib.crc32(space.encode()):08x}"
            self._files[key] = IndexFile(
                self._folder,
                f"{safe}.{modality}",
                dim,
                queries=lambda n: self._foreign(space, modality, n),
            )
        return self._files[key]

    def _shares(self) -> dict[Key, float]:
        """Which part of all vectors' numbers lies in each index."""
        dims = self._catalog.spaces()
        sizes = {
            (space, modality): n * dims[space]
            for space, modality, n in self._catalog.vectors.counts()
        }
        return {key: size / sum(sizes.values()) for key, size in sizes.items()}

    def _foreign(self, space: str, modality: Modality, n: int) -> Vectors:
        """Up to n vectors of other modalities in a space: queries that lie off the data."""
        sample = np.random.default_rng(0)
        found = [np.empty((0, self._catalog.spaces()[space]), np.float32)]
        for other in Modality:
            if other is not modality:
                with self._catalog.vectors.changes_since(0, space, other) as changes:
                    _, rows = next(changes.added, (None, found[0]))
                at = sample.choice(len(rows), min(n, len(rows)), replace=False)
                found.append(rows[at])
        rows = np.concatenate(found)
        return rows[sample.permutation(len(rows))[:n]]
