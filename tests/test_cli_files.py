from __future__ import annotations

from pathlib import Path

import pytest

from retrieval import Library
from retrieval.encoders.model_set import BUILT_IN
from tests.command_line import anyseek


@pytest.fixture(autouse=True)
def here(filled: Library, media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BUILT_IN, "fake", "retrieval.encoders.fake:fake_model_set")
    monkeypatch.setenv("ANYSEEK_LIBRARY", str(filled.path))
    monkeypatch.chdir(media)


def known(library: Library) -> set[str]:
    return {file.path.name for file in library.files()}


def test_failures_name_each_file_with_its_reason(media: Path) -> None:
    (media / "a.png").touch()
    (media / "b.bin").write_bytes(bytes(range(256)) * 8)
    anyseek("index", media)
    result = anyseek("failures")
    assert result.exit_code == 0
    assert result.stdout == (
        "a.png\n    the file is empty\n"
        "b.bin\n    nothing in the file says text, picture, sound or video\n"
    )


def test_failures_are_gone_when_the_files_are_mended(media: Path) -> None:
    (media / "a.txt").touch()
    anyseek("index", media)
    (media / "a.txt").write_text("red")
    anyseek("index", media)
    result = anyseek("failures")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "Every file could be read.\n"


def test_forget_drops_a_file_from_the_library_and_not_from_the_disk(
    filled: Library, media: Path
) -> None:
    result = anyseek("forget", "red.png")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "Forgot 1 file: red.png\n"
    assert "red.png" not in known(filled)
    assert (media / "red.png").exists()


def test_forget_takes_several_paths_and_folders(filled: Library, media: Path) -> None:
    result = anyseek("forget", "red.png", media)
    assert result.stderr == "Forgot 1 file: red.png\nForgot 8 files: .\n"
    assert known(filled) == set()


def test_forget_is_the_way_to_drop_a_missing_file(filled: Library, media: Path) -> None:
    (media / "red.png").unlink()
    anyseek("index", media)
    assert "red.png" in known(filled)
    assert anyseek("forget", "red.png").exit_code == 0
    assert "red.png" not in known(filled)


def test_what_the_library_does_not_know_cannot_be_forgotten(filled: Library) -> None:
    result = anyseek("forget", "nothing.png")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "anyseek: The library knows nothing at nothing.png. See what it knows: anyseek roots\n"
    )
    assert len(known(filled)) == 9


def test_forgetting_needs_no_model(filled: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(BUILT_IN, "fake")
    assert anyseek("forget", "red.png").exit_code == 0
