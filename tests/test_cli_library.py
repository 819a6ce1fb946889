from __future__ import annotations

from pathlib import Path

import pytest

from retrieval import Library
from retrieval.encoders.model_set import BUILT_IN
from tests.command_line import anyseek
from tests.media_files import write_picture


@pytest.fixture(autouse=True)
def here(filled: Library, media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BUILT_IN, "fake", "retrieval.encoders.fake:fake_model_set")
    monkeypatch.setenv("ANYSEEK_LIBRARY", str(filled.path))
    monkeypatch.chdir(media)


def facts() -> dict[str, str]:
    lines = anyseek("status").stdout.splitlines()
    return {line[:11].strip(): line[11:].strip() for line in lines}


def test_status_says_where_the_library_is_what_it_holds_and_what_made_it(filled: Library) -> None:
    told = facts()
    assert told["library"] == str(filled.path)
    assert told["model set"] == f"fake ({filled.stats().fingerprint[:12]})"
    assert told["roots"] == "media"
    assert told["files"] == "3 audio, 3 image, 3 text"
    assert told["moments"] == "3 audio, 3 image, 3 text"
    assert told["on disk"].endswith("kB")
    assert set(told) == {"library", "on disk", "model set", "roots", "files", "moments"}


def test_status_tells_of_missing_and_failed_files_and_what_to_do(media: Path) -> None:
    (media / "red.png").unlink()
    (media / "empty.txt").touch()
    anyseek("index", media)
    told = facts()
    assert told["missing"] == "1  (search --missing shows them)"
    assert told["failed"] == "1  (anyseek failures says why)"


def test_status_of_an_empty_library(tmp_path: Path, media: Path) -> None:
    (tmp_path / "nothing").mkdir()
    empty = tmp_path / "empty"
    anyseek("index", tmp_path / "nothing", "--library", empty, "--models", "fake")
    result = anyseek("status", "--library", empty)
    assert result.exit_code == 0
    assert "files      none" in result.stdout


def test_status_needs_no_model(filled: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(BUILT_IN, "fake")
    assert facts()["files"] == "3 audio, 3 image, 3 text"


def test_verify_of_a_sound_library() -> None:
    result = anyseek("verify")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith("All is well. Checked in ")


def test_verify_tells_each_problem_and_ends_with_1(filled: Library, media: Path) -> None:
    state = (media / "red.png").stat()
    write_picture(media / "blue2.png", (0, 0, 255)).replace(media / "red.png")
    with filled.writing(), filled.catalog.transaction() as transaction:
        known = next(f for f in filled.files() if f.path.name == "red.png")
        from retrieval.catalog.transaction import FileState

        transaction.touch(known.id, FileState.of((media / "red.png").stat()))
    result = anyseek("verify")
    assert state.st_size  # it was a picture before
    assert result.exit_code == 1
    assert "red.png" in result.stdout
    assert result.stderr == "anyseek: 1 problem found.\n"


def test_rebuild_makes_the_indexes_anew(filled: Library) -> None:
    before = anyseek("search", "red", "--json", "--min", "0").stdout
    indexes = [path for path in (filled.path / "vectors").rglob("*") if path.is_file()]
    assert indexes
    for index in indexes:
        index.write_bytes(b"damaged")
    result = anyseek("rebuild")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith("Made the indexes of 9 moments anew in ")
    assert b"damaged" not in {index.read_bytes() for index in indexes if index.exists()}
    assert anyseek("search", "red", "--json", "--min", "0").stdout == before
