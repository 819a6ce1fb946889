from __future__ import annotations

from pathlib import Path

import pytest

from cli.demo import DIRECTIONS
from retrieval import Kind
from tests.command_line import anyseek

MODALITIES = (Kind.TEXT, Kind.IMAGE, Kind.AUDIO)


def rows(stdout: str) -> list[str]:
    return [line for line in stdout.splitlines() if line.endswith(("right", "wrong"))]


def everything(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "library" not in path.relative_to(folder).parts
    }


def test_the_questions_cover_all_nine_directions() -> None:
    assert {(asked, wanted) for asked, wanted, _, _ in DIRECTIONS} == {
        (asked, wanted) for asked in MODALITIES for wanted in MODALITIES
    }
    assert len(DIRECTIONS) == 9


def test_a_demo_answers_all_directions_and_can_be_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANYSEEK_LIBRARY", str(tmp_path / "my own library"))
    first = anyseek("demo", "shown")
    assert first.exit_code == 0, first.stderr
    assert len(rows(first.stdout)) == 9
    assert sum(row.endswith("right") for row in rows(first.stdout)) >= 8
    assert first.stdout.splitlines()[0].split(",")[0].endswith(" added")
    assert " of 9 right. The folder is shown: " in first.stderr
    assert f"--library {Path('shown', 'library')}" in first.stderr
    before = everything(tmp_path / "shown")

    again = anyseek("demo", "shown")
    assert again.exit_code == 0
    assert again.stdout.startswith("0 added, 0 updated, 0 moved, 0 missing, 0 failed, ")
    assert rows(again.stdout) == rows(first.stdout)
    assert everything(tmp_path / "shown") == before
    assert not (tmp_path / "my own library").exists()


def test_a_demo_does_not_write_into_a_folder_of_other_things(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    result = anyseek("demo", "mine")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "anyseek: mine holds other things. Name a new folder: anyseek demo NEW_DIR\n"
    )
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]


def test_a_demo_that_cannot_write_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    result = anyseek("demo", tmp_path / "file")
    assert result.exit_code == 1
    assert "Cannot write to " in result.stderr
