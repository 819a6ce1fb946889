"""The walk finds what is there, follows nothing, and says what it could not see."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.exclusion import DEFAULT_EXCLUDE, Exclusion
from indexer.scan import Found, Scan, has_entries, path_order
from retrieval.catalog.new_content import FileState

NAMES = st.text(alphabet="ab. -é\udce9", min_size=1, max_size=4).filter(
    lambda name: not name.startswith(".")
)


def put(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(os.fsencode(path))


def found(
    root: Path,
    below: str = "",
    *,
    exclude: Sequence[str] = DEFAULT_EXCLUDE,
    skip: Sequence[Path] = (),
) -> list[str]:
    return [file.path for file in Scan(root, below, Exclusion(root, exclude, skip))]


def test_it_finds_files_with_size_and_time(tmp_path: Path) -> None:
    put(tmp_path, "a/b/c.txt")
    os.utime(tmp_path / "a/b/c.txt", ns=(0, 1_234_567_890_123_456_789))
    assert list(Scan(tmp_path)) == [Found("a/b/c.txt", FileState(9, 1_234_567_890_123_456_789))]


def test_it_opens_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "a.txt", "b/c.txt")

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a file was opened")

    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr(os, "open", refuse)
    assert found(tmp_path) == ["a.txt", "b/c.txt"]


def test_the_order_is_that_of_the_catalog(tmp_path: Path) -> None:
    # A folder sorts as its name with a slash, so "a.txt" comes before what lies in "a".
    put(tmp_path, "a/x.txt", "a.txt", "a-b", "a0", "B", "é/ü", "z")
    paths = found(tmp_path)
    assert paths == sorted(paths, key=path_order)
    assert paths == ["B", "a-b", "a.txt", "a/x.txt", "a0", "z", "é/ü"]


@settings(max_examples=30)
@given(st.sets(st.lists(NAMES, min_size=1, max_size=3).map(tuple), max_size=12))
def test_any_tree_comes_in_order_and_whole(
    tmp_path_factory: pytest.TempPathFactory, paths: set[tuple[str, ...]]
) -> None:
    root = tmp_path_factory.mktemp("root")
    expected = set()
    for parts in sorted(paths, key=len, reverse=True):  # a deeper path makes the folders first
        place = root.joinpath(*parts)
        if not place.exists() and not any(p.is_file() for p in place.parents):
            put(root, "/".join(parts))
            expected.add("/".join(parts))
    walked = found(root)
    assert set(walked) == expected
    assert walked == sorted(walked, key=path_order)
    shutil.rmtree(root)


def test_a_name_that_is_no_unicode(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/caf\xe9.txt"
    Path(os.fsdecode(raw)).write_text("x")
    (path,) = found(tmp_path)
    assert path == "caf\udce9.txt"
    assert (tmp_path / path).exists()


@pytest.mark.parametrize("name", ["two\nlines.txt", "\"quotes'.txt", "\x1b[31mred.txt", " "])
def test_odd_names(tmp_path: Path, name: str) -> None:
    put(tmp_path, name)
    assert found(tmp_path) == [name]


def test_hidden_files_and_folders_are_left_out(tmp_path: Path) -> None:
    put(tmp_path, ".hidden.txt", ".git/objects/aa", "a/.b/c.txt", "a/seen.txt")
    assert found(tmp_path) == ["a/seen.txt"]


@pytest.mark.parametrize(
    ("exclude", "left"),
    [
        ([], ["a/b.tmp", "a/c.txt", "d.tmp", "node_modules/e.txt"]),
        (["*.tmp"], ["a/c.txt", "node_modules/e.txt"]),
        (["a/*.tmp"], ["a/c.txt", "d.tmp", "node_modules/e.txt"]),
        (["a"], ["d.tmp", "node_modules/e.txt"]),
        (["node_modules", "[cd].*"], ["a/b.tmp"]),
        (["*"], []),
    ],
)
def test_what_is_excluded(tmp_path: Path, exclude: list[str], left: list[str]) -> None:
    put(tmp_path, "a/b.tmp", "a/c.txt", "d.tmp", "node_modules/e.txt")
    assert found(tmp_path, exclude=exclude) == left


def test_by_default_what_programs_leave_behind_is_excluded(tmp_path: Path) -> None:
    put(tmp_path, "node_modules/e.txt", "Thumbs.db", "a.txt")
    assert found(tmp_path) == ["a.txt"]


def test_folders_to_skip(tmp_path: Path) -> None:
    put(tmp_path, "a.txt", "other/b.txt", "deep/library/catalog.db", "deep/c.txt")
    skip = [tmp_path / "other", tmp_path / "deep/library"]
    assert found(tmp_path, skip=skip) == ["a.txt", "deep/c.txt"]


class TestLinks:
    def test_links_are_not_followed(self, tmp_path: Path) -> None:
        put(tmp_path, "outside/secret.txt", "root/a.txt", "root/folder/b.txt")
        root = tmp_path / "root"
        (root / "to-secret.txt").symlink_to(tmp_path / "outside/secret.txt")
        (root / "to-outside").symlink_to(tmp_path / "outside")
        (root / "to-folder").symlink_to(root / "folder")
        (root / "broken").symlink_to(tmp_path / "nowhere")
        assert found(root) == ["a.txt", "folder/b.txt"]

    def test_a_loop_ends(self, tmp_path: Path) -> None:
        put(tmp_path, "a/b/c.txt")
        (tmp_path / "a/b/loop").symlink_to(tmp_path / "a")
        (tmp_path / "itself").symlink_to(tmp_path / "itself")
        assert found(tmp_path) == ["a/b/c.txt"]

    def test_hard_links_are_files_of_their_own(self, tmp_path: Path) -> None:
        put(tmp_path, "a.txt")
        (tmp_path / "b.txt").hardlink_to(tmp_path / "a.txt")
        assert found(tmp_path) == ["a.txt", "b.txt"]


def test_pipes_and_sockets_are_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "a.txt")
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.chdir(tmp_path)  # a socket's path may be no longer than 108 bytes
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind("socket")
        assert found(tmp_path) == ["a.txt"]


def test_a_very_deep_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        for _ in range(1200):  # deeper than Python recurses, and yet no longer than a path may be
            Path("d").mkdir()
            os.chdir("d")
        Path("f").write_text("x")
        assert found(tmp_path) == ["d/" * 1200 + "f"]
    finally:
        subprocess.run(["rm", "-r", tmp_path / "d"], check=True)  # rmtree itself recurses


class TestBelow:
    def test_a_folder_below_the_root(self, tmp_path: Path) -> None:
        put(tmp_path, "a/b/c.txt", "a/b2/d.txt", "e.txt")
        assert found(tmp_path, "a/b") == ["a/b/c.txt"]

    def test_a_single_file(self, tmp_path: Path) -> None:
        put(tmp_path, "a/b.txt", "a/c.txt")
        assert found(tmp_path, "a/b.txt") == ["a/b.txt"]

    def test_what_is_not_there_is_gone(self, tmp_path: Path) -> None:
        put(tmp_path, "a.txt")
        for below in ("b", "b/c.txt", "a.txt/b"):
            scan = Scan(tmp_path, below)
            assert list(scan) == []
            assert scan.unreadable == []
            assert scan.could_see("b/c.txt")

    def test_a_link_is_not_entered(self, tmp_path: Path) -> None:
        put(tmp_path, "a/b.txt")
        (tmp_path / "link").symlink_to(tmp_path / "a")
        assert found(tmp_path, "link") == []

    def test_what_is_left_out_stays_out(self, tmp_path: Path) -> None:
        put(tmp_path, ".a/b/c.txt", "node_modules/d.txt", "lib/catalog.db")
        for below in (".a", ".a/b", ".a/b/c.txt", "node_modules/d.txt"):
            assert found(tmp_path, below) == []
        assert found(tmp_path, "lib/catalog.db", skip=[tmp_path / "lib"]) == []


class TestOutOfSight:
    """What cannot be looked at may well be there."""

    @pytest.fixture
    def locked(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
        """Paths that cannot be listed or asked about, also for a user who may do anything."""
        paths: set[str] = set()
        real_scandir, real_lstat = os.scandir, os.lstat

        def refuse(path: object) -> None:
            if str(path) in paths:
                raise PermissionError(errno.EACCES, "Permission denied", str(path))

        def scandir(path: str) -> Iterator[os.DirEntry[str]]:
            refuse(path)
            return real_scandir(path)

        def lstat(path: str) -> os.stat_result:
            refuse(path)
            return real_lstat(path)

        monkeypatch.setattr(os, "scandir", scandir)
        monkeypatch.setattr(os, "lstat", lstat)
        yield paths
        monkeypatch.undo()

    def test_a_root_that_is_not_there(self, tmp_path: Path) -> None:
        scan = Scan(tmp_path / "unmounted")
        assert list(scan) == []
        assert scan.unreadable == [""]
        assert not scan.could_see("a.txt")

    def test_a_root_that_is_empty(self, tmp_path: Path) -> None:
        scan = Scan(tmp_path)
        assert list(scan) == []
        assert scan.unreadable == [""]

    def test_a_root_with_empty_folders_only(self, tmp_path: Path) -> None:
        (tmp_path / "mount").mkdir()
        scan = Scan(tmp_path)
        assert list(scan) == []
        assert not scan.could_see("mount/a.txt")

    def test_a_folder_of_a_root_that_is_not_there(self, tmp_path: Path) -> None:
        scan = Scan(tmp_path / "unmounted", "folder")
        assert list(scan) == []
        assert not scan.could_see("folder/a.txt")

    def test_a_folder_that_may_not_be_read(self, tmp_path: Path, locked: set[str]) -> None:
        put(tmp_path, "a/b.txt", "locked/c.txt", "locked.txt", "z.txt")
        locked.add(f"{tmp_path}/locked")
        scan = Scan(tmp_path)
        assert [found.path for found in scan] == ["a/b.txt", "locked.txt", "z.txt"]
        assert scan.unreadable == ["locked"]
        assert not scan.could_see("locked/c.txt")
        assert not scan.could_see("locked/d/e.txt")
        assert scan.could_see("locked2/c.txt")
        assert scan.could_see("a/gone.txt")

    def test_a_path_that_may_not_be_asked_about(self, tmp_path: Path, locked: set[str]) -> None:
        put(tmp_path, "a/b.txt")
        locked.add(f"{tmp_path}/a/b.txt")
        scan = Scan(tmp_path, "a/b.txt")
        assert list(scan) == []
        assert not scan.could_see("a/b.txt")

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_a_real_lock(self, tmp_path: Path) -> None:
        put(tmp_path, "locked/c.txt", "z.txt")
        (tmp_path / "locked").chmod(0)
        scan = Scan(tmp_path)
        assert [found.path for found in scan] == ["z.txt"]
        (tmp_path / "locked").chmod(0o700)
        assert scan.unreadable == ["locked"]


def test_has_entries(tmp_path: Path) -> None:
    assert not has_entries(tmp_path)
    assert not has_entries(tmp_path / "nowhere")
    (tmp_path / ".hidden").touch()
    assert has_entries(tmp_path)
    assert not has_entries(tmp_path / ".hidden")
