from __future__ import annotations

from pathlib import Path

import pytest

from retrieval import Library
from retrieval.encoders.model_set import BUILT_IN
from tests.command_line import anyseek


@pytest.fixture(autouse=True)
def here(tmp_path: Path, filled: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BUILT_IN, "fake", "retrieval.encoders.fake:fake_model_set")
    monkeypatch.setenv("ANYSEEK_LIBRARY", str(filled.path))
    monkeypatch.chdir(tmp_path)


def test_there_and_back(media: Path, tmp_path: Path) -> None:
    saved = anyseek("backup", "saved.db")
    assert (saved.exit_code, saved.stderr) == (0, "Wrote saved.db and saved.db.sha256.\n")
    anyseek("forget", media)
    assert anyseek("search", "red").exit_code == 1
    restored = anyseek("restore", "saved.db")
    assert restored.exit_code == 0, restored.stderr
    assert restored.stderr.startswith("Restored saved.db to ")
    assert anyseek("search", "red", "--min", "0").exit_code == 0


def test_a_damaged_backup(tmp_path: Path) -> None:
    anyseek("backup", "saved.db")
    (tmp_path / "saved.db").write_bytes(b"something else")
    result = anyseek("restore", "saved.db")
    assert result.exit_code == 1
    assert result.stderr == (
        "anyseek: saved.db is not what was written: its SHA-256 differs from saved.db.sha256. "
        "Use another backup; the library was not touched.\n"
    )


def test_prune_says_what_it_will_do_first(media: Path, filled: Library) -> None:
    assert anyseek("prune", "--older-than", "30d").stderr == (
        "Nothing has been missing for that long.\n"
    )
    (media / "red.png").unlink()
    anyseek("index")
    with filled.catalog.transaction() as transaction:
        file_id = next(file.id for file in filled.files() if file.missing_since)
        transaction.mark_seen([file_id])
        transaction.mark_missing([file_id], 1_600_000_000.0)
    asked = anyseek("prune", "--older-than", "30d")
    assert "red.png  (missing since 2020-09-13)" in asked.stdout
    assert asked.exit_code == 130  # nobody was there to answer
    assert len(list(filled.files())) == 9
    done = anyseek("prune", "--older-than", "30d", "--yes")
    assert "Dropped 1 file.\n" in done.stderr
    assert len(list(filled.files())) == 8


def test_a_span_that_is_none() -> None:
    result = anyseek("prune", "--older-than", "soon")
    assert result.exit_code == 2
    assert "is no span of time such as 12h, 30d or 2w" in result.stderr
