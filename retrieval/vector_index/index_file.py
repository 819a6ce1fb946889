"""How an index lies on disk: a manifest that names its files, and rows that are memory-mapped.

    clip.image.json        the manifest; replaced whole, so what it names is complete
    clip.image.3.rows      sealed vectors
    clip.image.3.ids       their ids, ascending
    clip.image.3.9000.117.codes  short codes of the sealed rows, for sizes that call for them
    clip.image.117.tail    what came since: ids, rows, and which of the sealed rows are gone

A reader that has mapped a generation keeps it, also when the writer has begun another.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from contextlib import suppress
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from retrieval import checked_json
from retrieval.vector_index.coder import Coder
from retrieval.vector_index.damage import IndexDamaged
from retrieval.vector_index.manifest import Manifest
from retrieval.vector_index.part import Part
from retrieval.vector_index.policy import DEFAULT_WISH
from retrieval.vector_index.sealed_rows import SealedRows
from retrieval.vector_index.vector_index import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from retrieval.vector_index.policy import Wish
    from retrieval.vectors import Ids, Vectors

TAIL_ROWS = 2048
"""A tail longer than this is sealed."""

MOST_GONE = 0.25
"""When a larger share of the sealed rows is gone, the rest is written anew."""

TRIES = 5
"""How often a reader looks again when a writer drops files under its hands."""


class IndexFile:
    """The files of one index; written by one process at a time, read by any number."""

    def __init__(
        self,
        folder: Path,
        name: str,
        dim: int,
        wish: Wish = DEFAULT_WISH,
        queries: Callable[[int], Vectors] | None = None,
    ) -> None:
        """Name the files; nothing is read or written.

        Args:
            folder: Where they lie.
            name: What their names begin with.
            dim: Of the vectors.
            wish: What is asked of the index; for the writer.
            queries: Gives up to so many queries from off the data, to measure recall with.
        """
        self.folder = folder
        self._name = name
        self._dim = dim
        self.wish = wish
        """What is asked of the index when it is written next."""
        self._coder = Coder(folder, name, queries)

    def __str__(self) -> str:
        return self._name

    @property
    def stamp(self) -> tuple[int, int]:
        """Changes with every write; zeros if nothing was written."""
        return checked_json.stamp(self._path("json"))

    def load(self) -> State:
        """Read what `write` wrote; sealed rows are mapped, not read.

        Raises:
            IndexDamaged: something is missing, incomplete or not what was written.
        """
        for _ in range(TRIES):
            manifest = self._manifest()
            try:
                sealed, tail = self._parts(manifest)
            except FileNotFoundError as error:
                missing = error
            except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
                raise IndexDamaged(f"{self._name}: {error}") from error
            else:
                return State.of(manifest.change, [sealed, tail])
        raise IndexDamaged(f"{self._name}: {missing}") from missing

    def manifest(self) -> Manifest | None:
        """What the files say about themselves; None if there are none that can be read."""
        try:
            return self._manifest() if self.stamp[0] else None
        except IndexDamaged:
            return None

    def change(self) -> int:
        """The change of the catalog up to which the files are in step; 0 if there are none.

        Raises:
            IndexDamaged: the manifest cannot be read.
        """
        return self._manifest().change if self.stamp[0] else 0

    def write(self, removed: Ids, added: Iterable[tuple[Ids, Vectors]], change: int) -> State:
        """Bring the files from their change to another one, in bounded memory.

        Args:
            removed: Ids `(n,)` that go.
            added: Pieces of ids `(n,)` and vectors `(n, dim)` that come.
            change: The change of the catalog that this leads to.

        Raises:
            IndexDamaged: what is there cannot be continued.
        """
        self.folder.mkdir(exist_ok=True)
        old = self._manifest() if self.stamp[0] else Manifest(self._dim)
        rows = SealedRows(self._stem(old.generation), self._dim, old.count, old.reach)
        try:
            was_sealed, was_tail = self._parts(old)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise IndexDamaged(f"{self._name}: {error}") from error
        sealed, tail = was_sealed.without(removed), was_tail.without(removed)
        generation = old.generation
        for ids, vectors in added:
            tail = Part.joined([tail, Part.of(ids, vectors)], self._dim)
            if len(tail) > TAIL_ROWS:
                rows, sealed, generation = self._sealed(rows, sealed, tail, generation)
                tail = Part.joined([], self._dim)
        if len(sealed) < (1 - MOST_GONE) * len(sealed.ids):
            rows, sealed, generation = self._rewritten(rows, [sealed, tail], generation)
            tail = Part.joined([], self._dim)
        manifest = replace(
            old, change=change, generation=generation, count=rows.count, reach=rows.reach
        )
        if sealed is not was_sealed or tail is not was_tail:
            manifest = self._write_tail(manifest, sealed, tail)
        sealed, manifest = self._coder.written(sealed, old, manifest, self.wish)
        manifest.write(self._path("json"))
        self._sweep(manifest)
        return State.of(change, [sealed, tail])

    def drop(self) -> None:
        """Remove all files of this index."""
        self._sweep(None)

    def _sealed(
        self, rows: SealedRows, sealed: Part, tail: Part, generation: int
    ) -> tuple[SealedRows, Part, int]:
        """Put a tail behind the sealed rows, or in between if its ids are not greater."""
        if len(sealed.ids) and tail.ids[0] <= sealed.ids[-1]:
            return self._rewritten(rows, [sealed, tail], generation)
        longer = rows.appended(Part.joined([tail], self._dim))
        mapped = longer.mapped()
        if sealed.alive is not None:
            new = np.ones(longer.count - rows.count, np.bool_)
            mapped = replace(mapped, alive=np.concatenate([sealed.alive, new]))
        return longer, mapped, generation

    def _rewritten(
        self, rows: SealedRows, parts: list[Part], generation: int
    ) -> tuple[SealedRows, Part, int]:
        fresh = rows.rewritten(self._stem(generation + 1), parts)
        return fresh, fresh.mapped(), generation + 1

    def _parts(self, manifest: Manifest) -> tuple[Part, Part]:
        """The sealed part and the tail; FileNotFoundError if a writer was quicker."""
        stem = self._stem(manifest.generation)
        rows = SealedRows(stem, self._dim, manifest.count, manifest.reach)
        sealed = self._coder.read(rows.mapped(), manifest)
        if not manifest.tail:
            return sealed, Part.joined([], self._dim)
        data = (self.folder / manifest.tail).read_bytes()
        if zlib.crc32(data) != manifest.tail_crc:
            raise IndexDamaged(f"{manifest.tail} is not what was written")
        with np.load(BytesIO(data)) as arrays:
            if len(arrays["gone"]):
                alive = np.ones(manifest.count, np.bool_)
                alive[arrays["gone"]] = False
                sealed = replace(sealed, alive=alive)
            return sealed, Part.of(arrays["ids"], arrays["rows"])

    def _write_tail(self, manifest: Manifest, sealed: Part, tail: Part) -> Manifest:
        held = Part.joined([tail], self._dim)
        alive = sealed.alive
        gone = np.empty(0, np.int64) if alive is None else np.flatnonzero(~alive)
        buffer = BytesIO()
        np.savez(buffer, ids=held.ids, rows=held.rows, gone=gone)
        path = self._path(f"{manifest.change}.tail")
        with path.open("wb") as file:
            file.write(buffer.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        return replace(manifest, tail=path.name, tail_crc=zlib.crc32(buffer.getbuffer()))

    def _sweep(self, manifest: Manifest | None) -> None:
        """Remove files that a manifest does not name."""
        kept = set()
        if manifest is not None:
            rows = SealedRows(self._stem(manifest.generation), self._dim)
            kept = {rows.rows_path.name, rows.ids_path.name, manifest.tail, manifest.codes}
            kept |= {self._path("json").name}
        for file in self.folder.glob(f"{self._name}.*"):
            if file.name not in kept:
                with suppress(OSError):  # Windows keeps a file while a reader has it mapped
                    file.unlink()

    def _manifest(self) -> Manifest:
        return Manifest.read(self._path("json"), self._dim)

    def _stem(self, generation: int) -> Path:
        return self._path(str(generation))

    def _path(self, ending: str) -> Path:
        return self.folder / f"{self._name}.{ending}"
