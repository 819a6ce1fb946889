"""Files of true vectors, in the forms in which they are commonly published.

| file           | what it holds                                                                 |
|----------------|-------------------------------------------------------------------------------|
| `.npy`         | rows `(n, dim)`                                                               |
| `.npz`         | `rows` and, if there are any, `queries`                                       |
| `.fbin`        | two little-endian int32, n and dim, then n * dim float32 (big-ann-benchmarks) |
| `.hdf5`, `.h5` | `train` and `test` (ann-benchmarks); needs the package `h5py`                 |

A file of rows alone gives some of them up as queries. An `.fbin` has its queries beside it, in
`NAME.query.fbin`, if there is such a file. Rows are brought to unit length; what is measured is the
inner product.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from retrieval.vectors import Vectors, unit_rows

SEED = 0
PIECE = 50_000


def read_vectors(file: Path, queries: int) -> tuple[Vectors, Vectors]:
    """Unit rows `(n, dim)` and at most so many unit queries `(q, dim)` of a file.

    Raises:
        ValueError: the file has no such form, its arrays do not fit together, or a vector is not
            finite or has no length.
    """
    rows, asked = _READERS.get(file.suffix.lower(), _unknown)(file)
    _check(file, "rows", rows)
    if asked is None:
        apart = min(queries, len(rows) // 10)
        at = np.random.default_rng(SEED).permutation(len(rows))
        rows, asked = rows[np.sort(at[apart:])], rows[np.sort(at[:apart])]
    _check(file, "queries", asked)
    if asked.shape[1] != rows.shape[1]:
        raise ValueError(f"{file}: rows have {rows.shape[1]} dimensions, queries {asked.shape[1]}.")
    return _unit(file, rows), _unit(file, asked[:queries])


def _npy(file: Path) -> tuple[Any, Any]:
    return np.load(file, mmap_mode="r", allow_pickle=False), None


def _npz(file: Path) -> tuple[Any, Any]:
    with np.load(file, allow_pickle=False) as held:
        if "rows" not in held:
            raise ValueError(f"{file} holds {', '.join(held) or 'nothing'}, and no `rows`.")
        return held["rows"], held.get("queries")


def _fbin(file: Path) -> tuple[Any, Any]:
    beside = file.with_suffix(".query.fbin")
    return _one_fbin(file), _one_fbin(beside) if beside.exists() else None


def _one_fbin(file: Path) -> Any:
    size = file.stat().st_size
    head = np.fromfile(file, "<i4", 2)
    n, dim = (int(value) for value in head) if len(head) == 2 else (0, 0)
    if n < 0 or dim < 0 or size != 8 + 4 * n * dim:
        raise ValueError(f"{file} has {size:,} bytes, which {n:,} rows of {dim:,} do not take.")
    if n * dim == 0:
        return np.empty((n, dim), np.float32)
    return np.memmap(file, "<f4", mode="r", offset=8, shape=(n, dim))


def _hdf5(file: Path) -> tuple[Any, Any]:
    try:
        h5py = import_module("h5py")
    except ImportError as error:
        raise ValueError(f"{file} cannot be read without the package h5py.") from error
    with h5py.File(file) as held:
        if "train" not in held:
            raise ValueError(f"{file} holds {', '.join(held) or 'nothing'}, and no `train`.")
        return held["train"][:], held["test"][:] if "test" in held else None


def _unknown(file: Path) -> tuple[Any, Any]:
    raise ValueError(f"{file}: only {', '.join(_READERS)} can be read.")


_READERS = {".npy": _npy, ".npz": _npz, ".fbin": _fbin, ".hdf5": _hdf5, ".h5": _hdf5}


def _check(file: Path, what: str, held: Any) -> None:
    if held.ndim != 2 or not np.issubdtype(held.dtype, np.floating):
        raise ValueError(f"{file}: {what} are {held.dtype} of shape {held.shape}, not (n, dim).")
    if not held.size:
        raise ValueError(f"{file}: there are no {what}.")


def _unit(file: Path, held: Any) -> Vectors:
    made = np.empty(held.shape, np.float32)
    for start in range(0, len(held), PIECE):
        piece = np.asarray(held[start : start + PIECE], np.float32)
        if not (np.isfinite(piece).all() and piece.any(axis=1).all()):
            raise ValueError(f"{file}: a vector is not finite, or has no length.")
        made[start : start + PIECE] = unit_rows(piece)
    return made
