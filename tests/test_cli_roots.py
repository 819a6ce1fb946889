from __future__ import annotations

from pathlib import Path

import pytest

from retrieval import Library
from retrieval.encoders.model_set import BUILT_IN
from tests.command_line import anyseek
from tests.media_files import write_picture


@pytest.fixture(autouse=True)
def here(tmp_path: Path, library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BUILT_IN, "fake", "retrieval.encoders.fake:fake_model_set")
    monkeypatch.setenv("ANYSEEK_LIBRARY", str(library.path))
    monkeypatch.setenv("COLUMNS", "300")  # the paths of temporary folders may be long
    monkeypatch.chdir(tmp_path)


def lines() -> list[list[str]]:
    result = anyseek("roots")
    assert (result.exit_code, result.stderr) == (0, "")
    return [line.split() for line in result.stdout.splitlines()]


def folder(path: Path, n_pictures: int) -> Path:
    path.mkdir(parents=True)
    for n in range(n_pictures):
        write_picture(path / f"{n}.png", (255, n, 0))
    return path


def test_a_library_without_roots_says_how_to_get_one() -> None:
    result = anyseek("roots")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "No folder was indexed yet: anyseek index FOLDER\n"


def test_each_root_with_its_files(tmp_path: Path) -> None:
    one, two = folder(tmp_path / "one", 2), folder(tmp_path / "two", 3)
    (two / "0.png").write_bytes(b"")
    anyseek("index", one, two)
    (one / "1.png").unlink()
    anyseek("index")
    assert lines() == [
        ["name", "files", "missing", "failed", "folder"],
        ["one", "2", "1", "0", str(one)],
        ["two", "3", "0", "1", str(two)],
    ]


def test_a_root_that_is_not_there_is_marked(tmp_path: Path) -> None:
    one = folder(tmp_path / "one", 1)
    anyseek("index", one)
    one.rename(tmp_path / "away")
    assert lines()[1] == ["one", "1", "0", "0", str(one), "(not", "there", "now)"]


def test_two_roots_with_the_same_name_are_told_apart(tmp_path: Path) -> None:
    one, other = folder(tmp_path / "a" / "music", 1), folder(tmp_path / "b" / "music", 1)
    anyseek("index", one, other)
    assert [(line[0], line[-1]) for line in lines()[1:]] == [
        ("music", str(one)),
        ("music-2", str(other)),
    ]


def test_in_a_narrow_window_a_folder_is_a_line_that_can_be_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = (
        folder(tmp_path / "one", 2),
        folder(tmp_path / "a folder with a long name" / "two", 1),
    )
    anyseek("index", one, two)
    one.rename(tmp_path / "away")
    monkeypatch.setenv("COLUMNS", "40")
    assert anyseek("roots").stdout.splitlines() == [
        "one: 2 files, 0 missing, 0 failed",
        f"  {one}  (not there now)",
        "two: 1 files, 0 missing, 0 failed",
        f"  {two}",
    ]


def test_a_root_moves(tmp_path: Path) -> None:
    anyseek("index", folder(tmp_path / "one", 2))
    (tmp_path / "one").rename(tmp_path / "two")
    result = anyseek("roots", "move", "one", tmp_path / "two")
    assert (result.exit_code, result.stderr) == (0, f"one lies at {tmp_path / 'two'} now.\n")
    again = anyseek("index")
    assert "0 added" in again.stderr + again.stdout
    assert "0 missing" in again.stderr + again.stdout


def test_a_root_that_is_not_known(tmp_path: Path) -> None:
    result = anyseek("roots", "move", "nothing", tmp_path)
    assert result.exit_code == 1
    assert result.stderr == "anyseek: There is no root named nothing. Known: none.\n"
