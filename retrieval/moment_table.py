"""The moment table: what every query asks of hundreds of moments, on a memory map.

    moments.json       how many records are valid, and what they were made from; replaced whole
    moments.3.table    a record for each id: the content that has the moment, and its hub values

The catalog takes microseconds to tell this of one moment, and a query asks it of every candidate.
An id is never given twice and what it stands for never changes, so the table only grows: a moment
that is gone keeps its record, and no index finds it any more. Of what is not in the table yet, the
catalog is asked.
"""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from retrieval import checked_json
from retrieval.catalog.transaction import HUB_BANK

if TYPE_CHECKING:
    from pathlib import Path

    from retrieval.catalog.catalog import Catalog
    from retrieval.vectors import Ids

log = logging.getLogger(__name__)

Floats = npt.NDArray[np.float64]
Records = npt.NDArray[np.void]

FILE = "moments.json"
PIECE = 20_000
"""Moments taken in at a time."""
FORMAT = 1


@dataclass(frozen=True, slots=True, eq=False)
class KnownMoments:
    """Some moments of one library and what is known of them; `(n,)` each, ids ascending."""

    ids: Ids
    content_ids: Ids
    """0 for a moment that is gone."""
    hubs: dict[str, Floats]
    """Space to hub values; NaN where none is known."""

    def __len__(self) -> int:
        return len(self.ids)

    def chosen(self, at: npt.NDArray[Any]) -> KnownMoments:
        """Those at some places, or for which a mask is true."""
        hubs = {space: values[at] for space, values in self.hubs.items()}
        return KnownMoments(self.ids[at], self.content_ids[at], hubs)


@dataclass(frozen=True, slots=True)
class _Manifest:
    """What the table says about itself."""

    count: int = 0
    """Records that are valid, one for each id from 0 on."""
    change: int = 0
    """The change of the catalog that they were made at."""
    generation: int = 0
    """Number in the name of the table's file."""
    bank: str | None = None
    """Of the hub values."""
    spaces: tuple[str, ...] = ()
    format: int = FORMAT

    @classmethod
    def read(cls, path: Path) -> Self:
        """What was written; an empty one if it cannot be read or is of another format."""
        try:
            fields = checked_json.read(path)
            if fields["format"] == FORMAT:
                return cls(**fields | {"spaces": tuple(fields["spaces"])})
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("passing over %s: %s", path.name, error)
        return cls()


class MomentTable:
    """The moment table of one library; written by one process at a time, read by any number."""

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        """Read nothing yet; the files lie in a folder."""
        self._folder = folder
        self._catalog = catalog
        self._spaces = tuple(sorted(catalog.spaces()))
        self._dtype = np.dtype([("content", "<i8"), ("hubs", "<f8", (len(self._spaces),))])
        self._mapped: tuple[int, tuple[int, int], Records] = (-1, (0, 0), self._none(0))

    def close(self) -> None:
        """Let go of the file; it is looked for again when it is needed."""
        self._mapped = (-1, (0, 0), self._none(0))

    def get(self, ids: Ids, change: int | None = None) -> KnownMoments:
        """What is known of moments `(n,)`, ids ascending.

        Args:
            ids: The moments.
            change: The change of the catalog, by one who asked for it just now.
        """
        rows = self._rows(self._catalog.changes() if change is None else change)
        inside = int(np.searchsorted(ids, len(rows)))
        found = rows[ids[:inside]]
        if inside < len(ids):
            found = np.concatenate([found, self._asked(ids[inside:])])
        hubs = found["hubs"]
        return KnownMoments(
            ids,
            np.ascontiguousarray(found["content"]),
            {space: np.ascontiguousarray(hubs[:, i]) for i, space in enumerate(self._spaces)},
        )

    def is_saved(self) -> bool:
        """Whether it holds every moment that it can."""
        was, known, upto = self._due()
        return known.generation == was.generation and upto <= known.count

    def extend(self) -> None:
        """Take in every moment whose hub values are known; for the writer only."""
        was, known, upto = self._due()
        if known.generation == was.generation and upto <= known.count:
            return
        self._folder.mkdir(exist_ok=True)
        path = self._path(known)
        with path.open("r+b" if known.count else "wb") as file:
            file.seek(known.count * self._dtype.itemsize)
            for start in range(known.count, upto, PIECE):
                ids = np.arange(start, min(start + PIECE, upto), dtype=np.int64)
                file.write(self._asked(ids).tobytes())
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
        known = replace(known, count=max(upto, known.count))
        checked_json.write(self._folder / FILE, asdict(known))
        self.close()
        for other in self._folder.glob("moments.*.table"):
            if other != path:
                with suppress(OSError):  # Windows keeps a file while a reader has it mapped
                    other.unlink()

    def differing(self) -> int:
        """How many records say other things than the catalog of moments that are there."""
        rows = self._rows(self._catalog.changes())
        wrong = 0
        for start in range(0, len(rows), PIECE):
            held = rows[start : start + PIECE]
            asked = self._asked(np.arange(start, start + len(held), dtype=np.int64))
            same = held["content"] == asked["content"]
            same &= ((held["hubs"] == asked["hubs"]) | np.isnan(asked["hubs"])).all(axis=1)
            wrong += int((~same & (asked["content"] != 0)).sum())
        return wrong

    def _due(self) -> tuple[_Manifest, _Manifest, int]:
        """The manifest, the one to go on from, and the id up to which moments can be taken in."""
        change, bank = self._catalog.changes(), self._catalog.facts().get(HUB_BANK)
        was = _Manifest.read(self._folder / FILE)
        known = replace(was, change=change)
        if was.bank != bank or was.spaces != self._spaces or not self._is_whole(was):
            known = _Manifest(0, change, was.generation + 1, bank, self._spaces)
        return was, known, self._catalog.vectors.settled() + 1

    def _rows(self, change: int) -> Records:
        """The records as a reader sees them at a change, looked for once for each."""
        seen, stamp, rows = self._mapped  # read once: other threads search too
        if seen == change:
            return rows
        now = checked_json.stamp(self._folder / FILE)
        if now != stamp:
            rows = self._map(_Manifest.read(self._folder / FILE))
        self._mapped = change, now, rows
        return rows

    def _map(self, manifest: _Manifest) -> Records:
        if not manifest.count or manifest.spaces != self._spaces:
            return self._none(0)
        if not self._is_whole(manifest):
            log.warning("asking the catalog instead of the moment table, which does not fit it")
            return self._none(0)
        try:
            return np.asarray(
                np.memmap(self._path(manifest), self._dtype, mode="r", shape=(manifest.count,))
            )
        except (OSError, ValueError):  # a writer has begun another, which the next change tells
            return self._none(0)

    def _is_whole(self, manifest: _Manifest) -> bool:
        """Whether a table has all its records, and the catalog is no older one than it knew."""
        try:
            size = self._path(manifest).stat().st_size if manifest.count else 0
        except OSError:
            return False
        enough = size >= manifest.count * self._dtype.itemsize
        return enough and manifest.change <= self._catalog.changes()

    def _asked(self, ids: Ids) -> Records:
        """Records of moments `(n,)`, ids ascending, as the catalog tells them."""
        records = self._none(len(ids))
        found, content_ids = self._catalog.moments.contents(ids)
        records["content"][np.searchsorted(ids, found)] = content_ids
        for i, space in enumerate(self._spaces):
            known = self._catalog.vectors.hubs(space, ids)
            at = np.searchsorted(ids, np.fromiter(known.keys(), np.int64))
            records["hubs"][at, i] = np.fromiter(known.values(), np.float64)
        return records

    def _none(self, n: int) -> Records:
        records = np.zeros(n, self._dtype)
        records["hubs"] = np.nan
        return records

    def _path(self, manifest: _Manifest) -> Path:
        return self._folder / f"moments.{manifest.generation}.table"
