from __future__ import annotations

import re
from pathlib import Path

import pytest

import indexer.read_ahead
from cli.index import told
from indexer import Summary
from retrieval import Library
from retrieval.encoders.model_set import BUILT_IN
from retrieval.errors import MediaError
from tests.command_line import anyseek
from tests.media_files import write_picture


@pytest.fixture(autouse=True)
def here(tmp_path: Path, media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BUILT_IN, "fake", "retrieval.encoders.fake:fake_model_set")
    monkeypatch.setenv("ANYSEEK_LIBRARY", str(tmp_path / "library"))
    monkeypatch.chdir(tmp_path)


def index(*arguments: str | Path) -> dict[str, int]:
    """The counts of the summary that are not 0."""
    result = anyseek("index", *arguments)
    assert result.exit_code == 0, result.stderr
    counts = re.findall(r"(\d+) ([a-z]+)[, ]", result.stdout)
    return {name: int(n) for n, name in counts if int(n)}


def test_a_summary_always_tells_the_same_five_counts_and_the_seconds() -> None:
    assert told(Summary(added=1200, seconds=3.14)) == (
        "1,200 added, 0 updated, 0 moved, 0 missing, 0 failed in 3.1 s"
    )


def test_a_summary_tells_other_counts_if_there_are_any() -> None:
    assert told(Summary(restored=1, unchanged=2, unsettled=3, seconds=0.04)) == (
        "0 added, 0 updated, 0 moved, 0 missing, 0 failed, 1 restored, 2 unchanged, 3 unsettled "
        "in 0.0 s"
    )


def test_the_life_of_a_folder(media: Path) -> None:
    assert index(media, "--models", "fake") == {"added": 9}
    assert index(media) == {"unchanged": 9}
    write_picture(media / "red.png", (255, 128, 0))
    (media / "blue.md").rename(media / "azure.txt")
    (media / "low.wav").unlink()
    (media / "bad.png").touch()
    assert index(media) == {"updated": 1, "moved": 1, "missing": 1, "failed": 1, "unchanged": 6}


def test_without_a_path_every_known_folder_is_looked_at(media: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.txt").write_text("red")
    index(media, other, "--models", "fake")
    (other / "b.txt").write_text("green")
    (media / "c.txt").write_text("blue")
    assert index() == {"added": 2, "unchanged": 10}


def test_a_single_file_can_be_indexed(media: Path) -> None:
    assert index(media / "red.png", media / "low.wav", "--models", "fake") == {"added": 2}


def test_what_is_excluded_is_left_out(media: Path) -> None:
    (media / "old").mkdir()
    (media / "old" / "a.txt").write_text("old and red")
    globs = ("--exclude", "*.wav", "--exclude", "old/*", "--exclude", "blue*")
    assert index(media, "--models", "fake", *globs) == {"added": 4}


def test_failed_files_are_read_again_on_request(
    media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise MediaError("not today")

    with monkeypatch.context() as patch:
        patch.setattr(indexer.read_ahead, "read_media", refuse)
        assert index(media, "--models", "fake") == {"failed": 9}
    assert index(media) == {"unchanged": 9}
    assert anyseek("failures").stdout.count("not today") == 9
    anyseek("index", media, "--retry-failed")
    assert anyseek("failures").stdout == ""
    assert "3 audio, 3 image, 3 text" in anyseek("status").stdout


def test_the_model_set_is_stored_when_the_library_is_made(media: Path, tmp_path: Path) -> None:
    index(media, "--models", "fake")
    with Library.open(tmp_path / "library", create=False) as library:
        assert library.stats().models == "fake"


def test_another_model_set_is_refused(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from retrieval.encoders import fake
    from retrieval.encoders.model_set import ModelSet

    def other() -> ModelSet:
        return ModelSet("other", (fake.FakeEncoder(seed=1),), fake.WINDOWS)

    monkeypatch.setattr(fake, "other", other, raising=False)
    monkeypatch.setitem(BUILT_IN, "other", "retrieval.encoders.fake:other")
    index(media, "--models", "fake")
    (media / "new.txt").write_text("red")
    result = anyseek("index", media, "--models", "other")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "was made with model set fake" in result.stderr
    assert result.stderr.endswith("index into another library: --library NEW_FOLDER\n")


def test_library_on_the_command_line_wins_over_the_environment(media: Path, tmp_path: Path) -> None:
    index(media, "--models", "fake", "--library", tmp_path / "elsewhere")
    assert (tmp_path / "elsewhere" / "catalog.db").exists()
    assert not (tmp_path / "library").exists()


def test_without_either_the_library_is_in_the_users_data_folder(
    media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANYSEEK_LIBRARY")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr("platformdirs.user_data_path", lambda name, **_: tmp_path / "data" / name)
    index(media, "--models", "fake")
    assert (tmp_path / "data" / "anyseek" / "library" / "catalog.db").exists()


def test_a_second_writer_gets_a_clear_error(media: Path, tmp_path: Path) -> None:
    index(media, "--models", "fake")
    with Library.open(tmp_path / "library") as library, library.writing():
        result = anyseek("index", media)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"anyseek: Another process is writing to {tmp_path / 'library'}. Searching works "
        "meanwhile; try again when it has finished.\n"
    )
