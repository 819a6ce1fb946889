"""Everything that a library knows of its moments, as one file for other programs."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from retrieval.catalog.filter import Filter
from retrieval.errors import LibraryError, MissingPackage
from retrieval.records import Modality
from retrieval.stored import moments_of_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from retrieval.library import Library
    from retrieval.records import File, Moment
    from retrieval.vectors import Vectors

FORMATS = (".npz", ".parquet")

BATCH = 1000
"""Moments whose vectors are read at a time."""

COLUMNS = (
    "moment", "path", "kind", "modality", "start_s", "end_s", "start_char", "end_char", "text",
)  # fmt: skip
"""What is written of each moment beside its vectors; what a moment does not have is null in
Parquet, NaN, -1 or empty in NPZ."""


def export(library: Library, path: Path, *, joint: bool = False) -> int:
    """Write every moment with its metadata and vectors; a file with copies appears once.

    Args:
        library: What to write.
        path: Where to; the suffix says how: `.npz` or `.parquet`.
        joint: One joint vector `(sum of dims,)` a moment, bridged where need be, under
            `joint`; otherwise its native vectors, under `vector_` and the name of the space,
            rows of NaN (null in Parquet) where a moment has none.

    Returns:
        How many moments were written.

    Raises:
        LibraryError: the suffix is another, or the file cannot be written.
        ModelError: joint vectors need a bridge that is not there.
        MissingPackage: Parquet needs pyarrow.
    """
    if path.suffix not in FORMATS:
        raise LibraryError(f"Cannot export to {path.name}: name it *.npz or *.parquet.")
    rows = list(_rows(library))
    moments = [moment for _, moment in rows]
    vectors = _joint(library, moments) if joint else _native(library, moments)
    table = {name: [_cell(name, file, moment) for file, moment in rows] for name in COLUMNS}
    fresh = path.with_name(f".{path.name}.new{path.suffix}")
    try:
        if path.suffix == ".npz":
            _write_npz(fresh, table, vectors)
        else:
            _write_parquet(fresh, table, vectors)
        fresh.replace(path)
    except OSError as error:
        raise LibraryError(f"Cannot write {path}: {error.strerror}.") from error
    finally:
        fresh.unlink(missing_ok=True)
    return len(rows)


def _rows(library: Library) -> Iterator[tuple[File, Moment]]:
    """Files in the order of the listing, each content once, with its moments."""
    seen: set[int] = set()
    for file in library.catalog.files.matching(Filter(missing=True)):
        for moment in moments_of_file(library, file):
            if moment.id is not None and moment.id not in seen:
                seen.add(moment.id)
                yield file, moment


def _cell(name: str, file: File, moment: Moment) -> Any:
    match name:
        case "moment":
            return moment.id
        case "path":
            return str(file.path)
        case "kind":
            return str(file.kind)
        case "modality":
            return str(moment.modality)
        case _:
            return getattr(moment, name)


def _native(library: Library, moments: list[Moment]) -> dict[str, Vectors]:
    """Space to `(n, dim)`, NaN where a moment has no vector."""
    found = {}
    at = {moment.id: row for row, moment in enumerate(moments)}
    for space, dim in library.catalog.spaces().items():
        matrix = np.full((len(moments), dim), np.nan, dtype=np.float32)
        for start in range(0, len(moments), BATCH):
            ids = [m.id for m in moments[start : start + BATCH] if m.id is not None]
            known, rows = library.catalog.vectors.get(space, ids)
            for moment_id, row in zip(known.tolist(), rows, strict=True):
                matrix[at[moment_id]] = row
        found[f"vector_{space}"] = matrix
    return found


def _joint(library: Library, moments: list[Moment]) -> dict[str, Vectors]:
    native = _native(library, moments)
    joint = np.zeros((len(moments), sum(library.space.dims.values())), np.float32)
    for modality in Modality:
        which = np.array([m.modality is modality for m in moments], dtype=bool)
        spaces = library.space.spaces_of(modality)
        if which.any():
            rows = {space: native[f"vector_{space}"][which] for space in spaces}
            joint[which] = library.space.joined(modality, rows, library.searcher.scoring.means)
    return {"joint": joint}


def _write_npz(path: Path, table: dict[str, list[Any]], vectors: dict[str, Vectors]) -> None:
    arrays: dict[str, Any] = {}
    for name, cells in table.items():
        if name.endswith("_s"):
            arrays[name] = np.array([np.nan if c is None else c for c in cells], dtype=np.float64)
        elif name.endswith("_char") or name == "moment":
            arrays[name] = np.array([-1 if c is None else c for c in cells], dtype=np.int64)
        else:
            arrays[name] = np.array(["" if c is None else c for c in cells], dtype=np.str_)
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays, **vectors)  # type: ignore[arg-type]


def _write_parquet(path: Path, table: dict[str, list[Any]], vectors: dict[str, Vectors]) -> None:
    try:
        arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise MissingPackage(
            "Writing Parquet needs pyarrow. Install it with: pip install 'anyseek[parquet]', "
            "or export to a name that ends in .npz"
        ) from error
    types = {"moment": arrow.int64(), "start_char": arrow.int64(), "end_char": arrow.int64()}
    types |= {"start_s": arrow.float64(), "end_s": arrow.float64()}
    columns = {
        name: arrow.array([_printable(c) for c in cells], types.get(name, arrow.string()))
        for name, cells in table.items()
    }
    for name, rows in vectors.items():
        missing = [bool(np.isnan(row).any()) for row in rows]
        kind = arrow.list_(arrow.float32())
        cells = [None if gone else row for gone, row in zip(missing, rows, strict=True)]
        columns[name] = arrow.array(cells, kind)
    parquet.write_table(arrow.table(columns), path)


def _printable(cell: Any) -> Any:
    """Arrow's strings are UTF-8; a file name need not be."""
    return cell.encode("utf-8", "backslashreplace").decode() if isinstance(cell, str) else cell
