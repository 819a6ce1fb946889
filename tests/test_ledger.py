"""The ledger: what readers found out becomes rows, in one transaction at a time."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from indexer.ledger import COMMIT_S, UNKNOWN_MTIME_NS, Ledger, Tally
from indexer.message import Failed, Finished, Known
from indexer.reading import Job
from indexer.whereabouts import Whereabouts
from retrieval import File, Kind, Library, Modality, Moment
from retrieval.catalog.listing import Listed
from retrieval.catalog.new_content import EncodedMoment, FileState, NewContent
from retrieval.errors import LibraryError
from retrieval.vectors import unit_rows

STATE, LATER = FileState(10, 1000), FileState(12, 2000)


@dataclass
class Readers:
    """What the ledger tells the readers."""

    settled: list[str] = field(default_factory=list)
    repeated: list[Job] = field(default_factory=list)

    def settle(self, content_hash: str) -> None:
        self.settled.append(content_hash)

    def again(self, job: Job) -> None:
        self.repeated.append(job)


class Desk:
    """A ledger over a root on disk, and short words for what may happen to a file."""

    def __init__(self, library: Library, folder: Path) -> None:
        folder.mkdir()
        self.library, self.folder, self.readers = library, folder, Readers()
        with library.catalog.transaction() as transaction:
            self.root_id = transaction.add_root("root", str(folder))
        self.absent: set[int] = set()
        self.open()

    def open(self) -> None:
        """As a new run does."""
        whereabouts = Whereabouts({self.root_id: self.folder}, self.absent)
        self.ledger = Ledger(self.library, self.readers, whereabouts)  # type: ignore[arg-type]

    def job(self, path: str) -> Job:
        known = {listed.path: listed for listed in self.library.catalog.files.listing(self.root_id)}
        return Job(self.root_id, str(self.folder), path, 10, known.get(path))

    def read(self, path: str, text: str, state: FileState = STATE) -> None:
        """A file was read to its end and encoded."""
        (self.folder / path).write_text(text)
        told = Finished(self.job(path), state, text, Kind.TEXT, {})
        row = unit_rows([[1.0, len(text), 0, 0]])[0]
        moment = EncodedMoment(Moment(Modality.TEXT, text=text), {"fake": row})
        self.ledger.add((told, NewContent(text, Kind.TEXT, [moment])))

    def known(self, path: str, text: str, state: FileState = LATER) -> None:
        """A file holds what is stored already."""
        (self.folder / path).write_text(text)
        self.ledger.add(Known(self.job(path), state, text))

    def files(self) -> dict[str, File]:
        return {file.path.name: file for file in self.library.files()}

    def listed(self) -> dict[str, Listed]:
        return {listed.path: listed for listed in self.library.catalog.files.listing(self.root_id)}


@pytest.fixture
def desk(library: Library, tmp_path: Path) -> Desk:
    return Desk(library, tmp_path / "root")


def test_nothing_is_written_before_the_commit(desk: Desk) -> None:
    desk.read("a.txt", "a")
    assert desk.files() == {}
    desk.ledger.commit()
    assert set(desk.files()) == {"a.txt"}
    assert desk.readers.settled == ["a"]
    assert desk.ledger.tally == Tally(added=1)


def test_an_empty_ledger_makes_no_transaction(desk: Desk) -> None:
    before = desk.library.catalog.changes()
    desk.ledger.commit()
    desk.ledger.commit_if_due()
    assert desk.library.catalog.changes() == before


def test_all_that_waits_is_one_transaction(desk: Desk) -> None:
    before = desk.library.catalog.changes()
    for n in range(20):
        desk.read(f"{n}.txt", f"text {n}")
    desk.ledger.commit()
    assert desk.library.catalog.changes() == before + 1
    assert desk.ledger.tally.added == 20
    desk.ledger.commit()
    assert desk.library.catalog.changes() == before + 1


def test_a_commit_is_due_a_second_after_the_last(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [time.monotonic()]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    desk.open()
    desk.ledger._last = now[0]
    desk.read("a.txt", "a")
    desk.ledger.commit_if_due()
    assert desk.files() == {}
    now[0] += COMMIT_S
    desk.ledger.commit_if_due()
    assert set(desk.files()) == {"a.txt"}
    desk.read("b.txt", "b")
    desk.ledger.commit_if_due()
    assert set(desk.files()) == {"a.txt"}


def test_other_content_under_a_known_path_is_an_update(desk: Desk) -> None:
    desk.read("a.txt", "old")
    desk.ledger.commit()
    before = desk.files()["a.txt"]
    desk.open()
    desk.read("a.txt", "new", LATER)
    desk.ledger.commit()
    after = desk.files()["a.txt"]
    assert after.id == before.id
    assert after.size == LATER.size
    assert desk.ledger.tally == Tally(updated=1)
    assert len(desk.ledger.spare) == 1, "the old content waits for the sweep"


def test_a_file_that_was_only_touched_is_unchanged(desk: Desk) -> None:
    desk.read("a.txt", "a")
    desk.ledger.commit()
    desk.open()
    desk.known("a.txt", "a")
    desk.ledger.commit()
    assert desk.ledger.tally == Tally(unchanged=1)
    assert desk.listed()["a.txt"].state == LATER


def test_a_copy_of_what_is_there_is_added(desk: Desk) -> None:
    desk.read("a.txt", "same")
    desk.ledger.commit()
    desk.known("b.txt", "same")
    desk.ledger.commit()
    assert desk.ledger.tally == Tally(added=2)
    assert len({file.id for file in desk.files().values()}) == 2
    assert desk.library.stats().counts.moments == {Modality.TEXT: 1}


def test_the_same_content_elsewhere_is_the_moved_file(desk: Desk) -> None:
    desk.read("a.txt", "same")
    desk.ledger.commit()
    before = desk.files()["a.txt"]
    (desk.folder / "a.txt").unlink()
    desk.open()
    desk.known("b.txt", "same")
    desk.ledger.commit()
    assert desk.ledger.tally == Tally(moved=1)
    assert desk.ledger.moved == {before.id}
    assert {name: file.id for name, file in desk.files().items()} == {"b.txt": before.id}


def test_a_file_is_moved_once_and_then_copied(desk: Desk) -> None:
    """One file went and two came: one of them is it, the other a copy."""
    desk.read("a.txt", "same")
    desk.ledger.commit()
    before = desk.files()["a.txt"]
    (desk.folder / "a.txt").unlink()
    desk.open()
    desk.known("b.txt", "same")
    desk.known("c.txt", "same")
    desk.ledger.commit()
    assert desk.ledger.tally == Tally(moved=1, added=1)
    assert desk.files()["b.txt"].id == before.id
    assert desk.files()["c.txt"].id != before.id


def test_what_the_walk_did_not_find_has_moved_even_if_a_look_finds_it(desk: Desk) -> None:
    """Where case is ignored: `A.txt` is renamed to `a.txt`, and a look at `A.txt` finds it."""
    desk.read("A.txt", "same")
    desk.ledger.commit()
    desk.absent.add(desk.files()["A.txt"].id)
    desk.open()
    desk.known("a.txt", "same")
    desk.ledger.commit()
    assert desk.ledger.tally == Tally(moved=1)
    assert set(desk.files()) == {"a.txt"}


def test_what_is_out_of_sight_is_marked_missing_and_copied(
    desk: Desk, library: Library, tmp_path: Path
) -> None:
    """The disk of the first file is unplugged: the second is no move of it."""
    desk.read("a.txt", "same")
    desk.ledger.commit()
    other = tmp_path / "other"
    other.mkdir()
    with library.catalog.transaction() as transaction:
        other_id = transaction.add_root("other", str(other))
    desk.folder.rename(tmp_path / "unplugged")
    whereabouts = Whereabouts({desk.root_id: desk.folder, other_id: other}, ())
    second = Ledger(library, desk.readers, whereabouts)  # type: ignore[arg-type]
    second.add(Known(Job(other_id, str(other), "b.txt", 10, None), STATE, "same"))
    second.commit()
    assert second.tally == Tally(added=1)
    first = desk.files()["a.txt"]
    assert first.missing_since is not None
    assert first.missing_since.timestamp() == pytest.approx(time.time(), abs=600)
    assert desk.files()["b.txt"].missing_since is None


def test_a_content_that_is_gone_is_read_again(desk: Desk) -> None:
    """A reader was told that it is stored; until the commit its last file has changed."""
    desk.known("a.txt", "never stored")
    desk.ledger.commit()
    assert desk.files() == {}
    assert [job.path for job in desk.readers.repeated] == ["a.txt"]
    assert desk.ledger.tally == Tally()


def test_a_chain_of_renames_encodes_nothing_anew(desk: Desk) -> None:
    """b becomes a, c becomes b: at no time is a content dropped that the next one needs."""
    for name in "abc":
        desk.read(f"{name}.txt", f"text of {name}")
    desk.ledger.commit()
    desk.open()
    (desk.folder / "c.txt").unlink()
    desk.known("a.txt", "text of b")
    desk.known("b.txt", "text of c")
    desk.ledger.commit()
    assert desk.readers.repeated == []
    held = {
        name: desk.library.catalog.files.entry(file.id).content_hash
        for name, file in desk.files().items()
    }
    assert held["a.txt"] == "text of b"
    assert held["b.txt"] == "text of c"


def test_a_failure_is_written_with_its_reason(desk: Desk) -> None:
    desk.ledger.add(Failed(desk.job("a.png"), STATE, "the picture is cut off"))
    desk.ledger.commit()
    assert desk.files()["a.png"].failure == "the picture is cut off"
    assert desk.ledger.tally == Tally(failed=1)
    assert desk.listed()["a.png"].state == STATE
    assert desk.readers.settled == []


def test_a_failure_that_may_pass_is_tried_again_by_the_next_run(desk: Desk) -> None:
    """Permission denied: the file itself need not change for it to be readable."""
    desk.ledger.add(Failed(desk.job("a.png"), None, "Permission denied"))
    desk.ledger.commit()
    assert desk.listed()["a.png"].state == FileState(10, UNKNOWN_MTIME_NS)
    assert desk.listed()["a.png"].failed


def test_a_commit_that_fails_writes_nothing_and_keeps_what_waits(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.read("a.txt", "a")
    desk.ledger.add(Failed(desk.job("b.png"), STATE, "broken"))
    with monkeypatch.context() as patch:

        def full(*_: object) -> None:
            raise LibraryError("the disk is full")

        patch.setattr(Ledger, "_fail", full)
        with pytest.raises(LibraryError):
            desk.ledger.commit()
    assert desk.files() == {}
    assert desk.ledger.tally == Tally()
    assert desk.readers.settled == []
    desk.ledger.commit()
    assert set(desk.files()) == {"a.txt", "b.png"}
    assert desk.ledger.tally == Tally(added=1, failed=1)


def test_a_file_without_moments_is_a_file_too(desk: Desk) -> None:
    told = Finished(desk.job("empty.txt"), STATE, "nothing", Kind.TEXT, {"pages": 3})
    desk.ledger.add((told, NewContent("nothing", Kind.TEXT, [], {"pages": 3})))
    desk.read("full.txt", "full")
    desk.ledger.commit()
    assert desk.files()["empty.txt"].moments == 0
    assert desk.files()["full.txt"].moments == 1
