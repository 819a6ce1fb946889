from __future__ import annotations

from pathlib import Path

import pytest

from retrieval import Library
from retrieval.encoders.model_set import BUILT_IN
from retrieval.index_cache import IndexCache
from retrieval.records import Modality
from retrieval.vector_index import IndexStatus
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
    assert told["asked"] == "recall 0.99"
    assert told["fake image"] == "exact: 3 moments are scanned quickly enough"
    indexes = {f"fake {kind}" for kind in ("audio", "image", "text")}
    about = {"library", "on disk", "model set", "roots", "files", "moments", "asked"}
    assert set(told) == about | indexes


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
        from retrieval.catalog.new_content import FileState

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


def test_what_is_asked_of_the_indexes_is_remembered(filled: Library, media: Path) -> None:
    assert anyseek("rebuild", "--recall", "95%", "--memory", "1.5 GB").exit_code == 0
    assert facts()["asked"] == "recall 0.95, at most 1.5 GB in memory"
    assert anyseek("index", media, "--recall", "1").exit_code == 0
    assert facts()["asked"] == "recall 1, at most 1.5 GB in memory"
    assert anyseek("index", "--memory", "none").exit_code == 0
    assert facts()["asked"] == "recall 1"
    assert filled.indexes.wish.recall == 1


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--recall", "0.3"), ("--recall", "1.01"), ("--recall", "much"), ("--recall", "nan"),
        ("--memory", "0"), ("--memory", "-1GB"), ("--memory", "some"), ("--memory", "2 GHz"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused(option: str, value: str) -> None:
    result = anyseek("rebuild", f"{option}={value}")
    assert result.exit_code == 2
    assert value in result.stderr
    assert facts()["asked"] == "recall 0.99"


def test_status_says_what_was_measured(filled: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    one = IndexStatus(
        space="clip", modality=Modality.IMAGE, moments=10**6, asked=0.99, kind="lists of codes",
        why="1,000,000 moments are too many to scan all their codes", recall=0.993,
        recall_own=0.9984, recall_off=0.993, recall_bound=0.9913, search_ms=1.26,
        code_bytes=84_000_000,
    )  # fmt: skip
    monkeypatch.setattr(IndexCache, "describe", lambda self: [one])
    told = " ".join(anyseek("status").stdout.split())
    assert (
        "clip image lists of codes: 1,000,000 moments are too many to scan all their codes; finds "
        "99.8% of the nearest to its own moments and 99.3% to queries of other kinds, with 95 % "
        "confidence at least 99.1%, in 1.3 ms, with 84.0 MB in memory"
    ) in told
