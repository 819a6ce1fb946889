from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from retrieval.encoders.model_set import BUILT_IN
from tests.command_line import anyseek, write_red_green_blue


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Red, green and blue things beside a library of them, for all tests of this file."""
    return write_red_green_blue(tmp_path_factory.mktemp("shared"))


@pytest.fixture(autouse=True)
def here(media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BUILT_IN, "fake", "retrieval.encoders.fake:fake_model_set")
    monkeypatch.setenv("ANYSEEK_LIBRARY", str(media.parent / "library"))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("options", "column"), [([], "vector_fake"), (["--joint"], "joint")])
def test_every_moment_is_written_with_its_vector(
    tmp_path: Path, options: list[str], column: str
) -> None:
    result = anyseek("export", "all.npz", *options)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "Wrote 9 moments: all.npz\n"
    with np.load(tmp_path / "all.npz") as held:
        assert held[column].shape == (9, 4)
        assert np.linalg.norm(held[column], axis=1) == pytest.approx(1, abs=1e-5)
        assert sorted(set(held["kind"].tolist())) == ["audio", "image", "text"]


def test_the_help_names_every_column(tmp_path: Path) -> None:
    anyseek("export", "all.npz")
    told = anyseek("export", "--help").stdout
    with np.load(tmp_path / "all.npz") as held:
        assert all(name in told for name in held.files if not name.startswith("vector_"))


def test_another_suffix_is_refused() -> None:
    result = anyseek("export", "all.csv")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "all.csv says no format: name it *.npz or *.parquet." in result.stderr


def test_a_file_that_exists_is_not_overwritten(tmp_path: Path) -> None:
    mine = tmp_path / "mine.npz"
    mine.write_bytes(b"mine")
    result = anyseek("export", mine)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"anyseek: {mine} exists. An export is a new file; name another one.\n"
    )
    assert mine.read_bytes() == b"mine"
