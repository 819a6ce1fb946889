"""A library on a disk, or of a person, that lets nobody write: it is searched all the same.

Where the tests may not mount a disk, permissions stand for it, unless they run as root.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer import index
from retrieval import Library
from retrieval.backup import backup, restore
from retrieval.catalog.database import may_be_written
from retrieval.encoders.fake import fake_model_set
from retrieval.errors import LibraryDamaged, LibraryError


def found(library: Library) -> list[tuple[str, float]]:
    return [(hit.path.name, hit.score) for hit in library.search("red red green blue", k=20)]


@pytest.fixture
def answers(filled: Library) -> list[tuple[str, float]]:
    """What the library answers before it is closed and put where nobody may write."""
    answers = found(filled)
    filled.close()
    return answers


def forbid(folder: Path, *, mounted: bool) -> None:
    if mounted:
        subprocess.run(["mount", "--bind", folder, folder], check=True, capture_output=True)
        subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True, capture_output=True)
    else:
        for place in (folder, *folder.rglob("*")):
            place.chmod(0o555 if place.is_dir() else 0o444)


def allow(folder: Path) -> None:
    subprocess.run(
        ["umount", "--lazy", folder], check=False, capture_output=True
    )  # if it was mounted
    for place in (folder, *folder.rglob("*")):
        place.chmod(0o755 if place.is_dir() else 0o644)


@pytest.fixture
def place(filled: Library, answers: list[tuple[str, float]]) -> Iterator[Path]:
    """A library that may not be written."""
    if sys.platform == "win32":
        pytest.skip("permissions of folders are others there")
    try:
        forbid(filled.path, mounted=os.getuid() == 0)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("nothing may be mounted here, and permissions do not bind root")
    assert not may_be_written(filled.path / "catalog.db")
    yield filled.path
    allow(filled.path)


def test_it_is_searched(place: Path, answers: list[tuple[str, float]]) -> None:
    before = {file: file.stat().st_mtime_ns for file in place.rglob("*")}
    with Library.open(place, models=fake_model_set(), create=False) as library:
        assert found(library) == answers
        assert len(list(library.files())) == 9
        assert library.stats().counts.failed == 0
        assert library.verify() == []
    assert {file: file.stat().st_mtime_ns for file in place.rglob("*")} == before


def test_what_writes_says_why_not(place: Path, media: Path, tmp_path: Path) -> None:
    backup_file = tmp_path / "saved.db"
    with Library.open(place, models=fake_model_set(), create=False) as library:
        for write in (
            lambda: index(library, media),
            lambda: library.remove(media / "red.png"),
            library.rebuild,
            library.refresh,
        ):
            with pytest.raises(LibraryError, match=rf"^Cannot write to {place}: \w"):
                write()
        backup(library, backup_file)
    with pytest.raises(LibraryError, match=rf"^Cannot restore to {place}: \w"):
        restore(backup_file, place)


def test_a_backup_of_it_is_whole(
    place: Path, answers: list[tuple[str, float]], tmp_path: Path
) -> None:
    with Library.open(place, models=fake_model_set(), create=False) as library:
        backup(library, tmp_path / "saved.db")
    restore(tmp_path / "saved.db", tmp_path / "elsewhere")
    with Library.open(tmp_path / "elsewhere", models=fake_model_set()) as restored:
        assert found(restored) == answers


def test_without_its_indexes(filled: Library, answers: list[tuple[str, float]]) -> None:
    """They are read from the catalog, and not written."""
    shutil.rmtree(filled.path / "vectors")
    try:
        forbid(filled.path, mounted=os.getuid() == 0)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("nothing may be mounted here, and permissions do not bind root")
    try:
        with Library.open(filled.path, models=fake_model_set(), create=False) as library:
            assert found(library) == answers
    finally:
        allow(filled.path)


def test_what_a_killed_writer_left_in_its_log_is_read_too(
    filled: Library, tmp_path: Path, media: Path
) -> None:
    """A catalog with its log beside it, as it lies on the disk after a kill."""
    filled.close()
    connection = sqlite3.connect(filled.path / "catalog.db")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.execute("UPDATE files SET missing_since_s = 1 WHERE path = CAST('red.png' AS BLOB)")
    connection.commit()
    killed = tmp_path / "killed"
    shutil.copytree(filled.path, killed)
    connection.close()
    assert (killed / "catalog.db-wal").stat().st_size
    without = tmp_path / "without"
    shutil.copytree(killed, without)
    (without / "catalog.db-shm").unlink()
    try:
        for folder in (killed, without):
            forbid(folder, mounted=os.getuid() == 0)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("nothing may be mounted here, and permissions do not bind root")
    try:
        with Library.open(killed, models=fake_model_set(), create=False) as library:
            assert {hit.path.name for hit in library.search("red", k=20)} >= {"red.md"}
            assert "red.png" not in {hit.path.name for hit in library.search("red", k=20)}
        # SQLite cannot read a log without a place to make its index: never the old state instead.
        with pytest.raises((LibraryError, LibraryDamaged), match="check the disk"):
            Library.open(without, models=fake_model_set(), create=False)
    finally:
        for folder in (killed, without):
            allow(folder)


def test_once_it_may_be_written_again(place: Path, media: Path) -> None:
    with (
        Library.open(place, models=fake_model_set(), create=False) as library,
        pytest.raises(LibraryError, match="Cannot write"),
    ):
        index(library, media)
    allow(place)
    (media / "new.txt").write_text("red and new")
    with Library.open(place, models=fake_model_set(), create=False) as library:
        assert index(library, media).added == 1
