"""What happens to files in their life: the library follows, and keeps what it has.

That it ends as a fresh one would is the matter of `test_life_cycle_events`.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO, NamedTuple

import pytest

from indexer import Summary, index, read_ahead, reading
from indexer.reading import Job
from retrieval import Library
from retrieval.media.decoder_pool import DecoderPool
from retrieval.media.media import Media
from retrieval.space import JointSpace
from tests.media_files import write_picture


class Known(NamedTuple):
    """What must stay the same while a file is moved about."""

    file_id: int
    moment_ids: tuple[int, ...]
    vectors: tuple[bytes, ...]


def known(library: Library, path: Path) -> Known:
    (file,) = [file for file in library.files() if file.path == path]
    digest = library.catalog.files.entry(file.id).content_hash
    assert digest
    ids = [moment.id or 0 for moment in library.catalog.moments.of(digest)]
    _, rows = library.catalog.vectors.get("fake", ids)
    return Known(file.id, tuple(ids), tuple(row.tobytes() for row in rows))


def paths(library: Library, *, missing: bool) -> set[str]:
    """File names by whether they are marked missing."""
    return {f.path.name for f in library.files() if (f.missing_since is not None) is missing}


def hits(library: Library, words: str, *, missing: bool = False) -> set[str]:
    return {hit.path.name for hit in library.search(words, k=100, missing=missing)}


def only(summary: Summary, **counts: int) -> None:
    """The summary has these counts, and no others."""
    found = {name: n for name, n in asdict(summary).items() if n and type(n) is int}
    assert found == counts


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Paths of the files that were decoded, to be encoded."""
    read: list[str] = []

    def read_media(file: BinaryIO, job: Job, space: JointSpace, decoders: DecoderPool) -> Media:
        read.append(job.path)
        return reading.read_media(file, job, space, decoders)

    monkeypatch.setattr(read_ahead, "read_media", read_media)
    return read


@pytest.fixture
def folder(media: Path, library: Library, decoded: list[str]) -> Path:
    """The folder with nine files, indexed."""
    only(index(library, media), added=9)
    decoded.clear()
    return media


class TestOneFile:
    def test_nothing_happened(self, library: Library, folder: Path) -> None:
        only(index(library, folder), unchanged=9)

    def test_new(self, library: Library, folder: Path) -> None:
        (folder / "more.txt").write_text("more blue")
        only(index(library, folder), added=1, unchanged=9)
        assert "more.txt" in hits(library, "blue")

    def test_new_and_nothing_that_is_read(self, library: Library, folder: Path) -> None:
        (folder / "more.bin").write_bytes(bytes(5000))
        only(index(library, folder), failed=1, not_media=1, unchanged=9)

    def test_edited_in_place(self, library: Library, folder: Path) -> None:
        before = known(library, folder / "red.md")
        (folder / "red.md").write_text("green green green")
        only(index(library, folder), updated=1, unchanged=8)
        after = known(library, folder / "red.md")
        assert after.file_id == before.file_id
        assert not set(after.moment_ids) & set(before.moment_ids)
        assert library.search("green", kinds=["text"])[0].path.name == "red.md"

    def test_touched(self, library: Library, folder: Path, decoded: list[str]) -> None:
        before = known(library, folder / "red.md")
        os.utime(folder / "red.md", (1, 1))
        only(index(library, folder), unchanged=9)
        assert known(library, folder / "red.md") == before
        assert not decoded
        (file,) = (f for f in library.files() if f.path.name == "red.md")
        assert file.modified.timestamp() == 1

    def test_deleted_and_restored(self, library: Library, folder: Path, decoded: list[str]) -> None:
        before = known(library, folder / "red.png")
        (folder / "red.png").rename(folder.parent / "away")
        only(index(library, folder), missing=1, unchanged=8)
        assert "red.png" not in hits(library, "red")
        assert "red.png" in hits(library, "red", missing=True)
        only(index(library, folder), unchanged=8)  # said once, not in every run
        (folder.parent / "away").rename(folder / "red.png")
        only(index(library, folder), restored=1, unchanged=8)
        assert known(library, folder / "red.png") == before
        assert "red.png" in hits(library, "red")
        assert not decoded

    def test_missing_says_since_when(self, library: Library, folder: Path) -> None:
        (folder / "red.png").unlink()
        index(library, folder)
        (first,) = [f.missing_since for f in library.files() if f.missing_since]
        index(library, folder)
        assert [f.missing_since for f in library.files() if f.missing_since] == [first]


class TestMoved:
    @pytest.mark.parametrize("target", ["scarlet.png", "sub/deep/red.png", "RED.PNG", "Red.png"])
    def test_renamed(self, library: Library, folder: Path, target: str, decoded: list[str]) -> None:
        before = known(library, folder / "red.png")
        (folder / target).parent.mkdir(parents=True, exist_ok=True)
        (folder / "red.png").rename(folder / target)
        only(index(library, folder), moved=1, unchanged=8)
        assert known(library, folder / target) == before
        assert len(list(library.files())) == 9
        assert not decoded

    def test_a_case_only_rename_where_case_is_ignored(
        self, library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A look at the old name still finds a file there: the walk must be believed."""
        before = known(library, folder / "red.png")
        (folder / "red.png").rename(folder / "RED.png")
        real = os.lstat

        def lstat(path: os.PathLike[str] | str) -> os.stat_result:
            return real(str(path).replace("red.png", "RED.png"))

        monkeypatch.setattr(os, "lstat", lstat)
        only(index(library, folder), moved=1, unchanged=8)
        assert known(library, folder / "RED.png") == before

    def test_a_renamed_folder(self, library: Library, folder: Path, decoded: list[str]) -> None:
        (folder / "a").mkdir()
        for file in list(folder.glob("*.*")):
            file.rename(folder / "a" / file.name)
        only(index(library, folder), moved=9)
        (folder / "a").rename(folder / "b")
        only(index(library, folder), moved=9)
        assert {f.path.parent.name for f in library.files()} == {"b"}
        assert not decoded

    def test_over_another_file(self, library: Library, folder: Path) -> None:
        before = known(library, folder / "red.png")
        (folder / "red.png").replace(folder / "blue.png")
        only(index(library, folder), moved=1, unchanged=7)
        assert known(library, folder / "blue.png") == before
        assert len(list(library.files())) == 8

    def test_moved_and_copied_at_once(self, library: Library, folder: Path) -> None:
        before = known(library, folder / "red.png")
        (folder / "red.png").rename(folder / "one.png")
        shutil.copy(folder / "one.png", folder / "two.png")
        only(index(library, folder), moved=1, added=1, unchanged=8)
        ids = {known(library, folder / name).file_id for name in ("one.png", "two.png")}
        assert before.file_id in ids
        assert len(ids) == 2

    def test_one_of_two_copies_moved(self, library: Library, folder: Path) -> None:
        shutil.copy(folder / "red.png", folder / "copy.png")
        index(library, folder)
        before = known(library, folder / "copy.png")
        (folder / "copy.png").rename(folder / "moved.png")
        only(index(library, folder), moved=1, unchanged=9)
        assert known(library, folder / "moved.png") == before

    def test_found_later_than_lost(self, library: Library, folder: Path) -> None:
        """The move takes two runs: first the file is gone, then it turns up elsewhere."""
        before = known(library, folder / "red.png")
        (folder / "red.png").rename(folder.parent / "elsewhere")
        index(library, folder)
        (folder.parent / "elsewhere").rename(folder / "back.png")
        only(index(library, folder), moved=1, unchanged=8)
        assert known(library, folder / "back.png") == before

    def test_moved_and_edited_is_another_file(self, library: Library, folder: Path) -> None:
        (folder / "red.md").unlink()
        (folder / "new.txt").write_text("something red!")
        only(index(library, folder), added=1, missing=1, unchanged=8)

    def test_two_files_swap_names(self, library: Library, folder: Path, decoded: list[str]) -> None:
        red, blue = known(library, folder / "red.png"), known(library, folder / "blue.png")
        (folder / "red.png").rename(folder / "x")
        (folder / "blue.png").rename(folder / "red.png")
        (folder / "x").rename(folder / "blue.png")
        only(index(library, folder), updated=2, unchanged=7)
        assert known(library, folder / "red.png").vectors == blue.vectors
        assert known(library, folder / "blue.png").vectors == red.vectors
        assert not decoded

    def test_renumbered(self, library: Library, folder: Path, decoded: list[str]) -> None:
        """Each takes the name of the next: the contents stay, though every path changes."""
        numbers = folder / "numbers"
        numbers.mkdir()
        for n in range(20):
            write_picture(numbers / f"{n:02}.png", (n, 100, 100))
        index(library, folder)
        decoded.clear()
        for n in reversed(range(20)):
            (numbers / f"{n:02}.png").rename(numbers / f"{n + 1:02}.png")
        only(index(library, folder), moved=1, updated=18, added=1, unchanged=9)
        assert not decoded
        assert library.verify(sample=100) == []
        assert len(list(library.files(under=numbers))) == 20


class TestCopies:
    def test_many_paths_one_embedding(
        self, library: Library, folder: Path, decoded: list[str]
    ) -> None:
        for n in range(30):
            shutil.copy(folder / "red.png", folder / f"copy-{n}.png")
        only(index(library, folder), added=30, unchanged=9)
        assert not decoded
        (hit,) = [hit for hit in library.search("red", kinds=["image"]) if hit.score > 0.9]
        assert len(hit.copies) == 30

    def test_new_copies_are_encoded_once(
        self, library: Library, folder: Path, decoded: list[str]
    ) -> None:
        for n in range(30):
            write_picture(folder / f"grey-{n}.png", (9, 9, 9))
        only(index(library, folder, threads=4), added=30, unchanged=9)
        assert len(decoded) == 1

    def test_new_copies_that_are_broken_all_fail(self, library: Library, folder: Path) -> None:
        for n in range(10):
            (folder / f"broken-{n}.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
        only(index(library, folder, threads=4), failed=10, unchanged=9)
        assert len({f.failure for f in library.files() if f.failure}) == 1

    def test_a_touched_file_with_more_copies_than_are_looked_at(
        self, library: Library, folder: Path
    ) -> None:
        for n in range(40):
            shutil.copy(folder / "red.png", folder / f"copy-{n:02}.png")
        index(library, folder)
        os.utime(folder / "copy-39.png", (1, 1))
        only(index(library, folder), unchanged=49)

    def test_hard_links(self, library: Library, folder: Path, decoded: list[str]) -> None:
        (folder / "link.png").hardlink_to(folder / "red.png")
        only(index(library, folder), added=1, unchanged=9)
        assert not decoded


class TestRoots:
    def test_unmounted_and_back(self, library: Library, folder: Path, decoded: list[str]) -> None:
        before = {f.path: f.id for f in library.files()}
        folder.rename(folder.parent / "unplugged")
        summary = index(library, folder)
        only(summary, missing=9)
        assert summary.unreadable == (folder,)
        assert hits(library, "red") == set()
        assert len(hits(library, "red", missing=True)) == 9
        (folder.parent / "unplugged").rename(folder)
        only(index(library, folder), restored=9)
        assert {f.path: f.id for f in library.files()} == before
        assert not decoded

    def test_suddenly_empty_is_unmounted(self, library: Library, folder: Path) -> None:
        folder.rename(folder.parent / "unplugged")
        folder.mkdir()
        only(index(library, folder), missing=9)
        folder.rmdir()
        (folder.parent / "unplugged").rename(folder)
        only(index(library, folder), restored=9)

    def test_unmounted_and_a_copy_elsewhere_is_no_move(
        self, library: Library, folder: Path, decoded: list[str]
    ) -> None:
        """A backup that is indexed while the disk is away must not take over its files."""
        before = {f.id: f.path for f in library.files()}
        backup = folder.parent / "backup"
        shutil.copytree(folder, backup)
        folder.rename(folder.parent / "unplugged")
        only(index(library, folder, backup), added=9, missing=9)
        assert {i: p for i, p in ((f.id, f.path) for f in library.files()) if i in before} == before
        assert not decoded

    def test_a_renamed_root_is_found_again_without_encoding(
        self, library: Library, folder: Path, decoded: list[str]
    ) -> None:
        """Hits show where the files are now, though the old root was not looked at."""
        elsewhere = folder.parent / "elsewhere"
        folder.rename(elsewhere)
        only(index(library, elsewhere), added=9)
        assert not decoded
        assert {hit.path.parent for hit in library.search("red", k=99)} == {elsewhere}

    def test_a_root_mounted_elsewhere(
        self, library: Library, folder: Path, decoded: list[str]
    ) -> None:
        before = {f.id for f in library.files()}
        elsewhere = folder.parent / "elsewhere"
        folder.rename(elsewhere)
        (root,) = library.catalog.roots()
        with library.catalog.transaction() as transaction:
            transaction.move_root(root.id, str(elsewhere))
        only(index(library, elsewhere), unchanged=9)
        assert {f.id for f in library.files()} == before
        assert not decoded

    def test_a_library_copied_to_another_machine_works_after_one_line(
        self, library: Library, folder: Path, decoded: list[str]
    ) -> None:
        elsewhere = folder.parent / "machine"
        shutil.copytree(library.path, elsewhere / "library")
        shutil.copytree(folder, elsewhere / "files")  # with the times of the files
        with Library.open(elsewhere / "library", models=library.space.model_set) as copied:
            copied.move_root(folder.name, elsewhere / "files")
            only(index(copied), unchanged=9)
            assert {f.path.parent for f in copied.files()} == {elsewhere / "files"}
            before = {f.path.name: known(library, f.path) for f in library.files()}
            assert {f.path.name: known(copied, f.path) for f in copied.files()} == before
            assert copied.verify(sample=100) == []
        assert not decoded

    def test_moved_to_another_root(
        self, library: Library, folder: Path, decoded: list[str]
    ) -> None:
        other = folder.parent / "other"
        other.mkdir()
        (other / "x.txt").write_text("x")
        index(library, other)
        decoded.clear()
        before = known(library, folder / "red.png")
        (folder / "red.png").rename(other / "red.png")
        only(index(library, folder, other), moved=1, unchanged=9)
        assert known(library, other / "red.png") == before
        assert not decoded

    def test_moved_to_another_root_and_only_that_is_looked_at(
        self, library: Library, folder: Path
    ) -> None:
        other = folder.parent / "other"
        other.mkdir()
        before = known(library, folder / "red.png")
        (folder / "red.png").rename(other / "red.png")
        only(index(library, other), moved=1)
        assert known(library, other / "red.png") == before

    def test_a_root_inside_another_keeps_its_files(
        self, library: Library, folder: Path, decoded: list[str]
    ) -> None:
        """Indexing the folder around a root finds the root's files once, where they were."""
        before = {f.id: f.path for f in library.files()}
        (folder.parent / "beside.txt").write_text("beside")
        summary = index(library, folder.parent)
        only(summary, added=1, unchanged=9)
        assert {f.id: f.path for f in library.files() if f.id in before} == before
        assert len(list(library.files())) == 10  # and the library's own folder is no part of it

    def test_without_paths_every_root(self, library: Library, folder: Path) -> None:
        other = folder.parent / "other"
        other.mkdir()
        (other / "x.txt").write_text("x")
        index(library, other)
        (other / "y.txt").write_text("y")
        (folder / "z.txt").write_text("z")
        only(index(library), added=2, unchanged=10)


class TestPermission:
    @pytest.fixture
    def forbid(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
        """Make a path unreadable, also for a user who may read everything."""

        def deny(locked: Path) -> None:
            real_open, real_scandir, real_lstat = os.open, os.scandir, os.lstat

            def check(path: object) -> None:
                if Path(str(path)).is_relative_to(locked):
                    raise PermissionError(errno.EACCES, "Permission denied", str(path))

            def scandir(path: str) -> object:
                check(path)
                return real_scandir(path)

            def open_(path: str, flags: int, *rest: int) -> int:
                check(path)
                return real_open(path, flags, *rest)

            def lstat(path: str) -> os.stat_result:
                if Path(str(path)) != locked:
                    check(path)
                return real_lstat(path)

            monkeypatch.setattr(os, "open", open_)
            monkeypatch.setattr(os, "scandir", scandir)
            monkeypatch.setattr(os, "lstat", lstat)

        return deny

    def test_of_a_known_folder(
        self,
        library: Library,
        folder: Path,
        forbid: Callable[[Path], None],
        monkeypatch: pytest.MonkeyPatch,
        decoded: list[str],
    ) -> None:
        (folder / "sub").mkdir()
        (folder / "red.png").rename(folder / "sub/red.png")
        index(library, folder)
        before = known(library, folder / "sub/red.png")
        shutil.copy(folder / "sub/red.png", folder / "copy.png")
        forbid(folder / "sub")
        summary = index(library, folder)
        only(summary, added=1, missing=1, unchanged=8)  # a copy, not a move
        assert summary.unreadable == (folder / "sub",)
        monkeypatch.undo()
        only(index(library, folder), restored=1, unchanged=9)
        assert known(library, folder / "sub/red.png") == before

    def test_of_a_new_file(
        self,
        library: Library,
        folder: Path,
        forbid: Callable[[Path], None],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        (folder / "secret.txt").write_text("blue")
        os.utime(folder / "secret.txt", (0, 0))  # a time like any other
        forbid(folder / "secret.txt")
        for _ in range(2):  # it is tried again: nobody can say when the permission comes
            only(index(library, folder), failed=1, unchanged=9)
        (failure,) = [f.failure for f in library.files() if f.failure]
        assert failure == "the file cannot be read: Permission denied"
        monkeypatch.undo()
        only(index(library, folder), updated=1, unchanged=9)

    def test_of_a_known_file_costs_nothing(
        self, library: Library, folder: Path, forbid: Callable[[Path], None]
    ) -> None:
        before = known(library, folder / "red.png")
        forbid(folder / "red.png")
        only(index(library, folder), unchanged=9)
        assert known(library, folder / "red.png") == before

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_real(self, library: Library, folder: Path) -> None:
        (folder / "secret.txt").write_text("blue")
        (folder / "secret.txt").chmod(0)
        only(index(library, folder), failed=1, unchanged=9)
        (folder / "secret.txt").chmod(0o600)
        only(index(library, folder), updated=1, unchanged=9)
