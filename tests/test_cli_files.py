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
    (media / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    anyseek("index", media)
    result = anyseek("failures")
    assert result.exit_code == 0
    assert result.stdout == (
        "a.png\n    the file is empty\n"
        "b.png\n    the PNG picture cannot be decoded: broken PNG file (chunk b'ken')\n"
    )
    assert result.stderr == ""


def test_what_is_no_media_is_counted_and_listed_when_asked_for(media: Path) -> None:
    (media / "a.png").touch()
    (media / "b.bin").write_bytes(bytes(range(256)) * 8)
    (media / "c.py").write_text("print()")
    told = anyseek("index", media)
    assert "1 failed, 2 not media" in told.stdout
    result = anyseek("failures")
    assert result.stdout == "a.png\n    the file is empty\n"
    assert "And 2 files of no kind that anyseek reads" in result.stderr
    assert anyseek("failures", "--all").stdout == (
        "a.png\n    the file is empty\n"
        "b.bin\n    nothing in the file says text, picture, sound or video\n"
        "c.py\n    source code and settings are left out\n"
    )
    status = anyseek("status").stdout
    assert "not media" in status
    assert "failed" in status


def test_only_what_is_no_media_is_no_failure(media: Path) -> None:
    (media / "c.py").write_text("print()")
    told = anyseek("index", media)
    assert "0 failed, 1 not media" in told.stdout
    assert "To see why files failed" not in told.stderr


def test_a_sidecar_that_cannot_be_understood_is_a_line_of_its_own(media: Path) -> None:
    (media / "red.xmp").write_text("<broken")
    anyseek("index", media)
    assert anyseek("failures").stdout.startswith("red.xmp\n    the XMP cannot be decoded: ")


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


def test_the_name_of_a_root_is_no_path(
    filled: Library, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(media.parent.parent)
    result = anyseek("forget", "media")
    assert result.exit_code == 1
    assert result.stderr == (
        f"anyseek: The library knows nothing at media. The root media lies at {media}\n"
    )
    assert len(known(filled)) == 9


def test_a_root_without_a_file_can_be_forgotten(filled: Library, media: Path) -> None:
    empty = media.parent / "empty"
    empty.mkdir()
    anyseek("index", empty)
    assert len(filled.catalog.roots()) == 2
    result = anyseek("forget", empty)
    assert (result.exit_code, result.stderr) == (0, f"Forgot 0 files: {empty}\n")
    assert [root.folder for root in filled.catalog.roots()] == [media]


def test_forgetting_needs_no_model(filled: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(BUILT_IN, "fake")
    assert anyseek("forget", "red.png").exit_code == 0


def test_a_folder_of_which_everything_was_forgotten_is_not_indexed_again(
    filled: Library, media: Path
) -> None:
    assert anyseek("forget", media).exit_code == 0
    assert filled.catalog.roots() == []
    result = anyseek("index")
    assert result.exit_code == 1
    assert "No folder was indexed yet, or all were forgotten" in result.stderr
    assert anyseek("index", media).exit_code == 0
    assert len(known(filled)) == 9


def test_a_folder_of_which_something_is_left_stays(filled: Library, media: Path) -> None:
    assert anyseek("forget", "red.png").exit_code == 0
    assert len(filled.catalog.roots()) == 1
