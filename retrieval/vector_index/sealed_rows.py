"""Vectors on disk, memory-mapped: only ever appended to, so that what is mapped stays true."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from retrieval.vector_index.damage import IndexDamaged
from retrieval.vector_index.part import Part, longest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

    from retrieval.vectors import Ids, Vectors

COPY_ROWS = 8192
"""Rows copied at a time."""


@dataclass(frozen=True, slots=True)
class SealedRows:
    """One generation of rows: `STEM.rows` (little-endian float32) and `STEM.ids` (int64)."""

    stem: Path
    dim: int
    count: int = 0
    """Rows that are valid; what lies behind them is left of a run that was killed."""
    reach: float = 0.0
    """No row is longer than this."""

    @property
    def rows_path(self) -> Path:
        """The file of vectors."""
        return self.stem.with_name(self.stem.name + ".rows")

    @property
    def ids_path(self) -> Path:
        """The file of ids."""
        return self.stem.with_name(self.stem.name + ".ids")

    def mapped(self) -> Part:
        """All rows as a part on a memory map.

        Raises:
            IndexDamaged: a file is too short or its ids are not ascending.
            FileNotFoundError: a file is gone.
        """
        ids = _mapped(self.ids_path, np.dtype("<i8"), (self.count,))
        rows = _mapped(self.rows_path, np.dtype("<f4"), (self.count, self.dim))
        if not (ids[1:] > ids[:-1]).all():
            raise IndexDamaged(f"{self.ids_path.name} is not what was written")
        return Part(ids, rows, self.reach, sealed=True)

    def appended(self, part: Part) -> SealedRows:
        """These rows with those of a part, whose ids are all greater, written behind them."""
        return self._extended(
            (part.ids[at], part.rows[at]) for at in _pieces(np.arange(len(part.ids)))
        )

    def rewritten(self, stem: Path, parts: list[Part]) -> SealedRows:
        """A new generation with what is alive in some parts, in the order of ids."""
        held = [(part, part.living_positions()) for part in parts]
        ids = np.concatenate([part.ids[at] for part, at in held])
        source = np.repeat(np.arange(len(held)), [len(at) for _, at in held])
        position = np.concatenate([at for _, at in held])
        order = np.argsort(ids, kind="stable")

        def pieces() -> Iterator[tuple[Ids, Vectors]]:
            for chosen in _pieces(order):
                rows = np.empty((len(chosen), self.dim), np.float32)
                for i, (part, _) in enumerate(held):
                    mine = source[chosen] == i
                    rows[mine] = part.rows[position[chosen[mine]]]
                yield ids[chosen], rows

        return SealedRows(stem, self.dim)._extended(pieces())

    def _extended(self, pieces: Iterator[tuple[Ids, Vectors]]) -> SealedRows:
        count, reach = self.count, self.reach
        mode = "r+b" if count else "wb"
        with self.ids_path.open(mode) as ids_file, self.rows_path.open(mode) as rows_file:
            ids_file.seek(8 * count)
            rows_file.seek(4 * self.dim * count)
            for ids, rows in pieces:
                ids_file.write(np.ascontiguousarray(ids, dtype="<i8").tobytes())
                rows_file.write(np.ascontiguousarray(rows, dtype="<f4").tobytes())
                count += len(ids)
                reach = max(reach, longest(rows))
            for file in (ids_file, rows_file):
                file.truncate()
                file.flush()
                os.fsync(file.fileno())
        return replace(self, count=count, reach=reach)


def _pieces(positions: npt.NDArray[np.int64]) -> Iterator[npt.NDArray[np.int64]]:
    for start in range(0, len(positions), COPY_ROWS):
        yield positions[start : start + COPY_ROWS]


def _mapped(path: Path, dtype: np.dtype[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    if 0 in shape:
        return np.empty(shape, dtype)
    if path.stat().st_size < int(np.prod(shape)) * dtype.itemsize:
        raise IndexDamaged(f"{path.name} is too short")
    # As a plain array: every look into a memmap object costs microseconds more.
    return np.asarray(np.memmap(path, dtype=dtype, mode="r", shape=shape))
