"""Export: every moment, its metadata and its vectors come back from the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from retrieval import Library
from retrieval.errors import LibraryError, MissingPackage, ModelError
from retrieval.export import export
from tests.pair_models import bridged_model_set, pair_model_set


def test_npz_holds_every_moment(filled: Library, tmp_path: Path) -> None:
    assert export(filled, tmp_path / "all.npz") == 9
    with np.load(tmp_path / "all.npz") as found:
        assert {Path(p).name for p in found["path"]} == {f.path.name for f in filled.files()}
        for i, moment_id in enumerate(found["moment"]):
            _, row = filled.catalog.vectors.get("fake", [int(moment_id)])
            np.testing.assert_array_equal(found["vector_fake"][i], row[0])
            _, moment = filled.catalog.moments.get([int(moment_id)])[int(moment_id)]
            assert found["modality"][i] == moment.modality
            assert found["text"][i] == (moment.text or "")
            if moment.start_s is None:
                assert np.isnan(found["start_s"][i])
            else:
                assert found["start_s"][i] == moment.start_s


def test_parquet_holds_the_same(filled: Library, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    assert export(filled, tmp_path / "all.parquet") == 9
    export(filled, tmp_path / "all.npz")
    rows = parquet.read_table(tmp_path / "all.parquet").to_pylist()
    with np.load(tmp_path / "all.npz") as arrays:
        for i, row in enumerate(rows):
            assert row["path"] == arrays["path"][i]
            np.testing.assert_array_equal(
                np.array(row["vector_fake"], dtype=np.float32), arrays["vector_fake"][i]
            )
            assert (row["start_s"] is None) == np.isnan(arrays["start_s"][i])
            assert (row["start_char"] is None) == (arrays["start_char"][i] == -1)


def test_blocks_that_a_moment_lacks_are_empty(tmp_path: Path, media: Path) -> None:
    with Library.open(tmp_path / "pair", models=pair_model_set(None)) as library:
        for path in sorted(media.iterdir()):
            library.add(path)
        export(library, tmp_path / "all.npz")
        with np.load(tmp_path / "all.npz") as found:
            for space, lacking in (("seen", "audio"), ("heard", "image")):
                gone = np.isnan(found[f"vector_{space}"]).all(axis=1)
                assert set(found["modality"][gone]) == {lacking}
        with pytest.raises(ModelError, match="fit-bridge"):
            export(library, tmp_path / "joint.npz", joint=True)
        assert not (tmp_path / "joint.npz").exists()


def test_joint_vectors_are_whole(tmp_path: Path, media: Path) -> None:
    models = bridged_model_set(tmp_path / "models")
    with Library.open(tmp_path / "pair", models=models) as library:
        for path in sorted(media.iterdir()):
            library.add(path)
        export(library, tmp_path / "joint.npz", joint=True)
        with np.load(tmp_path / "joint.npz") as found:
            assert found["joint"].shape == (9, 8)
            np.testing.assert_allclose(np.linalg.norm(found["joint"], axis=1), 1, atol=1e-6)
            assert "vector_seen" not in found


def test_copies_are_one_moment(filled: Library, media: Path, tmp_path: Path) -> None:
    (media / "again.png").write_bytes((media / "red.png").read_bytes())
    filled.add(media / "again.png")
    assert export(filled, tmp_path / "all.npz") == 9


def test_an_empty_library(library: Library, tmp_path: Path) -> None:
    assert export(library, tmp_path / "none.npz") == 0
    with np.load(tmp_path / "none.npz") as found:
        assert found["vector_fake"].shape == (0, 4)


def test_what_cannot_be_written(
    filled: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(LibraryError, match=r"name it \*\.npz or \*\.parquet"):
        export(filled, tmp_path / "all.csv")
    with pytest.raises(LibraryError, match="Cannot write"):
        export(filled, tmp_path / "nowhere" / "all.npz")
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(MissingPackage, match=r"pip install 'anyseek\[parquet\]'"):
        export(filled, tmp_path / "all.parquet")
    assert list(tmp_path.glob("*.new*")) == []
