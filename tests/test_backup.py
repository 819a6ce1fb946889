"""A backup holds everything that was learned, and nothing damaged is ever restored."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

import pytest

from retrieval import Library
from retrieval.backup import backup, checksum_of, restore
from retrieval.encoders.fake import fake_model_set
from retrieval.errors import LibraryDamaged, LibraryError, LibraryGone, LibraryLocked
from tests.media_files import write_picture


def found(library: Library) -> list[tuple[str, float]]:
    return [(hit.path.name, hit.score) for hit in library.search("red red green blue", k=20)]


def test_a_restored_library_answers_as_before(filled: Library, tmp_path: Path) -> None:
    before = found(filled)
    backup(filled, tmp_path / "saved.db")
    restore(tmp_path / "saved.db", tmp_path / "elsewhere")
    with Library.open(tmp_path / "elsewhere", models=fake_model_set(), create=False) as restored:
        assert found(restored) == before
        assert restored.verify() == []


def test_what_came_after_the_backup_is_gone_and_kept_aside(
    filled: Library, tmp_path: Path, media: Path
) -> None:
    before = found(filled)
    backup(filled, tmp_path / "saved.db")
    filled.remove(media / "red.png")
    filled.add(write_picture(media / "white.png", (255, 255, 255)))
    filled.close()
    restore(tmp_path / "saved.db", filled.path)
    with Library.open(filled.path, models=fake_model_set()) as restored:
        assert found(restored) == before
        assert restored.verify() == []
    assert (filled.path / "catalog.db.replaced").exists()


def test_a_library_whose_catalog_is_no_database(filled: Library, tmp_path: Path) -> None:
    before = found(filled)
    backup(filled, tmp_path / "saved.db")
    filled.close()
    for file in filled.path.glob("catalog.db*"):
        file.write_bytes(b"damage" * 1000)
    restore(tmp_path / "saved.db", filled.path)
    with Library.open(filled.path, models=fake_model_set()) as restored:
        assert found(restored) == before


def test_a_backup_is_not_changed_by_being_restored(filled: Library, tmp_path: Path) -> None:
    """So that it can be restored again."""
    before = found(filled)
    saved = tmp_path / "saved.db"
    backup(filled, saved)
    data = saved.read_bytes()
    beside = set(tmp_path.iterdir())
    for name in ("one", "two"):
        restore(saved, tmp_path / name)
        assert saved.read_bytes() == data
        with Library.open(tmp_path / name, models=fake_model_set()) as restored:
            assert found(restored) == before
    assert set(tmp_path.iterdir()) - beside == {tmp_path / "one", tmp_path / "two"}


def test_the_checksum_is_one_that_other_tools_read(filled: Library, tmp_path: Path) -> None:
    checksum = backup(filled, tmp_path / "saved.db")
    assert checksum == checksum_of(tmp_path / "saved.db")
    check = subprocess.run(
        ["sha256sum", "--check", checksum.name], cwd=tmp_path, capture_output=True, text=True
    )
    assert check.stdout == "saved.db: OK\n"


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_a_flipped_bit_is_found_and_nothing_is_touched(
    filled: Library, tmp_path: Path, place: float
) -> None:
    backup(filled, tmp_path / "saved.db")
    data = bytearray((tmp_path / "saved.db").read_bytes())
    data[int(len(data) * place)] ^= 1
    (tmp_path / "saved.db").write_bytes(data)
    before = (filled.path / "catalog.db").read_bytes()
    with pytest.raises(LibraryDamaged, match="not what was written"):
        restore(tmp_path / "saved.db", filled.path)
    assert (filled.path / "catalog.db").read_bytes() == before


def test_a_backup_without_its_checksum(filled: Library, tmp_path: Path) -> None:
    checksum = backup(filled, tmp_path / "saved.db")
    checksum.unlink()
    with pytest.raises(LibraryError, match=r"saved\.db\.sha256 was written with it and must lie"):
        restore(tmp_path / "saved.db", filled.path)


def test_a_backup_that_is_not_there(filled: Library, tmp_path: Path) -> None:
    with pytest.raises(LibraryError) as error:
        restore(tmp_path / "saved.db", filled.path)
    missing = tmp_path / "saved.db"
    assert str(error.value) == f"Cannot read the backup {missing}: No such file or directory."


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b" \n"])
def test_a_checksum_that_says_nothing(filled: Library, tmp_path: Path, content: bytes) -> None:
    backup(filled, tmp_path / "saved.db").write_bytes(content)
    with pytest.raises((LibraryError, LibraryDamaged), match=r"saved\.db\.sha256"):
        restore(tmp_path / "saved.db", filled.path)


@pytest.mark.parametrize("place", ["saved.db", "vectors/saved.db", "../library/saved.db"])
def test_a_backup_does_not_lie_in_its_library(filled: Library, place: str) -> None:
    before = set(filled.path.rglob("*"))
    with pytest.raises(LibraryError, match="lies in the library itself"):
        backup(filled, filled.path / place)
    assert set(filled.path.rglob("*")) == before


@pytest.mark.skipif(os.name != "posix", reason="names are Unicode elsewhere")
def test_a_backup_whose_name_is_not_unicode(filled: Library, tmp_path: Path) -> None:
    saved = tmp_path / os.fsdecode(b"saved \xff.db")
    checksum = backup(filled, saved)
    assert checksum.read_bytes().endswith(b"  saved \xff.db\n")
    restore(saved, tmp_path / "elsewhere")


def test_a_backup_does_not_overwrite(filled: Library, tmp_path: Path) -> None:
    (tmp_path / "saved.db").write_text("mine")
    with pytest.raises(LibraryError, match="A backup is a new file"):
        backup(filled, tmp_path / "saved.db")
    assert (tmp_path / "saved.db").read_text() == "mine"


def test_a_backup_that_cannot_be_written_leaves_nothing(filled: Library, tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="Cannot write the backup"):
        backup(filled, tmp_path / "nowhere" / "saved.db")
    assert not (tmp_path / "nowhere").exists()


def test_a_backup_to_a_disk_that_only_reads(
    filled: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither can be written what is begun, nor be removed what is left of it."""

    def refuse(self: Path, **_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(self))

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(LibraryError, match="Cannot write the backup"):
        backup(filled, tmp_path / "nowhere" / "saved.db")


def test_no_restore_while_another_writes(filled: Library, tmp_path: Path) -> None:
    backup(filled, tmp_path / "saved.db")
    with filled.writing(), pytest.raises(LibraryLocked):
        restore(tmp_path / "saved.db", filled.path)


def test_a_backup_taken_while_a_transaction_is_open_holds_what_was_committed(
    filled: Library, tmp_path: Path
) -> None:
    before = found(filled)
    with filled.catalog.transaction() as transaction:
        transaction.forget([1, 2, 3])
        backup(filled, tmp_path / "saved.db")
    restore(tmp_path / "saved.db", tmp_path / "elsewhere")
    with Library.open(tmp_path / "elsewhere", models=fake_model_set()) as restored:
        assert found(restored) == before


def test_a_library_that_was_restored_under_a_writer_is_not_written_past(
    filled: Library, media: Path, tmp_path: Path
) -> None:
    """What still holds the old catalog would write to where nobody looks."""
    backup(filled, tmp_path / "one.backup")
    filled.catalog.close()
    restore(tmp_path / "one.backup", filled.path)
    (media / "new.txt").write_text("new")
    with pytest.raises(LibraryGone, match="was deleted or replaced while it was in use"):
        filled.add(media / "new.txt")
    with Library.open(filled.path, models=filled.space.model_set) as again:
        again.add(media / "new.txt")
        assert len(list(again.files())) == 10
