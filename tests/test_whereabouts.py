"""Is a file that the library knows still there, gone, or only out of sight?"""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from indexer.whereabouts import Sight, Whereabouts
from retrieval.catalog.transaction import Place


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    (folder / "sub").mkdir(parents=True)
    (folder / "here.txt").write_text("here")
    (folder / "sub/deep.txt").write_text("deep")
    return folder


def place(path: str, file_id: int = 7, root_id: int = 1) -> Place:
    return Place(file_id, root_id, path, missing=False)


def look(root: Path, path: str, absent: tuple[int, ...] = ()) -> Sight:
    return Whereabouts({1: root}, absent).of(place(path))


def test_a_file_at_its_place(root: Path) -> None:
    assert look(root, "here.txt") is Sight.THERE
    assert look(root, "sub/deep.txt") is Sight.THERE


@pytest.mark.parametrize("path", ["gone.txt", "sub/gone.txt", "nowhere/gone.txt"])
def test_a_file_that_is_not_there(root: Path, path: str) -> None:
    assert look(root, path) is Sight.LEFT


def test_a_folder_that_has_become_a_file(root: Path) -> None:
    assert look(root, "here.txt/inside.txt") is Sight.LEFT


@pytest.mark.parametrize("other", ["folder", "link", "dangling", "pipe"])
def test_something_else_at_its_place_is_not_the_file(root: Path, other: str) -> None:
    """A link is not followed: what it points to has a name of its own, or is not in the root."""
    it = root / "was.txt"
    match other:
        case "folder":
            it.mkdir()
        case "link":
            it.symlink_to(root / "here.txt")
        case "dangling":
            it.symlink_to(root / "nothing")
        case "pipe":
            os.mkfifo(it)
    assert look(root, "was.txt") is Sight.LEFT


def test_a_root_that_is_gone_hides_its_files(root: Path, tmp_path: Path) -> None:
    root.rename(tmp_path / "unplugged")
    assert look(root, "here.txt") is Sight.HIDDEN


def test_an_empty_root_is_an_unmounted_disk(tmp_path: Path) -> None:
    (tmp_path / "mount point").mkdir()
    assert look(tmp_path / "mount point", "here.txt") is Sight.HIDDEN


def test_a_root_that_has_become_a_file_hides_its_files(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    assert look(tmp_path / "file", "here.txt") is Sight.HIDDEN


def test_the_word_of_the_walk_counts(root: Path) -> None:
    """Where case is ignored, a look at `Here.txt` finds `here.txt`; the walk saw better."""
    assert look(root, "here.txt", absent=(7,)) is Sight.LEFT
    assert look(root, "here.txt", absent=(8,)) is Sight.THERE


def test_the_word_of_the_walk_counts_even_out_of_sight(tmp_path: Path) -> None:
    assert look(tmp_path / "nowhere", "here.txt", absent=(7,)) is Sight.LEFT


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO, errno.ESTALE, errno.ELOOP])
def test_what_cannot_be_looked_at_is_taken_to_be_there(
    root: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """Else a copy elsewhere would take its vectors as if it were the moved file."""

    def refuse(path: object) -> None:
        raise OSError(code, os.strerror(code), str(path))

    monkeypatch.setattr(os, "lstat", refuse)
    assert look(root, "here.txt") is Sight.THERE


def test_a_root_is_looked_at_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a root that answers slowly, or not at all, a thousand files are asked for."""
    asked = []

    def has_entries(folder: Path) -> bool:
        asked.append(folder)
        return False

    monkeypatch.setattr("indexer.whereabouts.has_entries", has_entries)
    whereabouts = Whereabouts({1: root, 2: root.parent}, ())
    for n in range(10):
        assert whereabouts.of(place(f"gone {n}.txt")) is Sight.HIDDEN
    assert asked == [root]
    assert whereabouts.of(place("gone.txt", root_id=2)) is Sight.HIDDEN
    assert asked == [root, root.parent]


def test_a_root_is_not_looked_at_for_files_that_are_there(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.whereabouts.has_entries", lambda _: pytest.fail("looked"))
    assert look(root, "here.txt") is Sight.THERE


@pytest.mark.skipif(os.name != "posix", reason="file names are bytes on POSIX alone")
def test_a_name_that_is_not_utf_8(root: Path) -> None:
    name = os.fsdecode(b"caf\xe9.txt")
    try:
        (root / name).write_text("here")
    except OSError as error:
        pytest.skip(f"this file system takes no such name: {error}")
    assert look(root, name) is Sight.THERE
    assert look(root, os.fsdecode(b"caf\xe8.txt")) is Sight.LEFT
