"""Files of true vectors for the benchmarks: every form is read alike, and what is odd is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.vector_files import read_vectors

RNG = np.random.default_rng(0)
ROWS, ASKED = RNG.normal(size=(40, 6)), RNG.normal(size=(5, 6))


def unit(rows: np.ndarray) -> np.ndarray:
    lengths: np.ndarray = np.linalg.norm(rows, axis=1, keepdims=True)
    found: np.ndarray = rows / lengths
    return found


def write_fbin(path: Path, rows: np.ndarray) -> None:
    path.write_bytes(np.array(rows.shape, "<i4").tobytes() + rows.astype("<f4").tobytes())


def written(folder: Path, form: str) -> Path:
    file = folder / f"vectors.{form}"
    if form == "npz":
        np.savez(file, rows=ROWS, queries=ASKED)
    elif form == "fbin":
        write_fbin(file, ROWS)
        write_fbin(folder / "vectors.query.fbin", ASKED)
    else:
        h5py = pytest.importorskip("h5py")
        with h5py.File(file, "w") as held:
            held["train"], held["test"] = ROWS, ASKED
    return file


@pytest.mark.parametrize("form", ["npz", "fbin", "hdf5"])
def test_rows_and_queries_are_read_as_unit_rows(tmp_path: Path, form: str) -> None:
    rows, queries = read_vectors(written(tmp_path, form), 4)
    assert rows.dtype == queries.dtype == np.float32
    np.testing.assert_allclose(rows, unit(ROWS), atol=1e-6)
    np.testing.assert_allclose(queries, unit(ASKED)[:4], atol=1e-6)


def test_rows_alone_give_some_up_as_queries(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", ROWS.astype(np.float16))
    rows, queries = read_vectors(tmp_path / "rows.npy", 100)
    assert (len(rows), len(queries)) == (36, 4)
    both = np.concatenate([rows, queries])
    wanted = unit(ROWS.astype(np.float16).astype(np.float64))
    # Each row of the file is in one of the two, once.
    assert sorted((both @ wanted.T).argmax(axis=1)) == list(range(40))
    np.testing.assert_allclose((both @ wanted.T).max(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        (np.where(np.arange(6) == 2, np.nan, ROWS), "finite"),
        (np.concatenate([ROWS, np.zeros((1, 6))]), "no length"),
        (np.empty((0, 6)), "no rows"),
        (ROWS[0], "not"),
        (ROWS.astype(np.int64), "int64"),
    ],
)
def test_odd_rows_are_refused(tmp_path: Path, spoilt: np.ndarray, said: str) -> None:
    np.savez(tmp_path / "odd.npz", rows=spoilt, queries=ASKED)
    with pytest.raises(ValueError, match=said):
        read_vectors(tmp_path / "odd.npz", 4)


def test_odd_files_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", vectors=ROWS)
    with pytest.raises(ValueError, match="vectors, and no `rows`"):
        read_vectors(tmp_path / "other.npz", 4)
    np.savez(tmp_path / "apart.npz", rows=ROWS, queries=ASKED[:, :3])
    with pytest.raises(ValueError, match="6 dimensions, queries 3"):
        read_vectors(tmp_path / "apart.npz", 4)
    write_fbin(tmp_path / "cut.fbin", ROWS)
    (tmp_path / "cut.fbin").write_bytes((tmp_path / "cut.fbin").read_bytes()[:-4])
    with pytest.raises(ValueError, match="40 rows of 6"):
        read_vectors(tmp_path / "cut.fbin", 4)
    (tmp_path / "rows.csv").touch()
    with pytest.raises(ValueError, match="only"):
        read_vectors(tmp_path / "rows.csv", 4)
