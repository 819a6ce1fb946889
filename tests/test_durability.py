"""Disks that fill up, fail or lie about the time: nothing that was committed is lost."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.faults.world import contents
from indexer import Progress, index
from retrieval import Library
from retrieval.catalog.transaction import Transaction
from retrieval.encoders.fake import fake_model_set
from retrieval.errors import LibraryError, LibraryLocked

INDEX_WITHIN = """
import resource, signal, sys
from indexer import index, ledger
from retrieval import Library, SearchError
from retrieval.encoders.fake import fake_model_set
from retrieval.media import decoder_pool

ledger.COMMIT_S = 0.0
decoder_pool.ISOLATED = False  # the limit would hit what it shares with its processes
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with Library.open(sys.argv[1], models=fake_model_set()) as library:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
    try:
        index(library, sys.argv[2], batch_size=1)
    except SearchError as error:
        print(error)
        sys.exit(1)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Sixty texts."""
    folder = tmp_path / "folder"
    folder.mkdir()
    for n in range(60):
        (folder / f"{n:02}.txt").write_text(f"text {n} " + "red " * n)
    return folder


def as_fresh(library: Library, folder: Path) -> bool:
    """Whether a library holds what a new one of the same folder would."""
    with Library.open(library.path.with_name("fresh"), models=fake_model_set()) as fresh:
        index(fresh, folder)
        return contents(library) == contents(fresh) and not library.verify(sample=60)


@pytest.mark.parametrize("limit", [150_000, 250_000, 400_000])
def test_a_full_disk(tmp_path: Path, folder: Path, limit: int) -> None:
    """A limit on the size of files stands for the end of the disk."""
    place = tmp_path / "library"
    Library.open(place, models=fake_model_set()).close()
    run = subprocess.run(
        [sys.executable, "-c", INDEX_WITHIN, place, folder, str(limit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1, run.stderr
    assert "make room" in run.stdout or "check the disk" in run.stdout
    with Library.open(place, models=fake_model_set()) as library:
        assert library.catalog.check() == []
        kept = len(list(library.files()))
        summary = index(library, folder)
        assert (summary.unchanged, summary.added) == (kept, 60 - kept)
        assert as_fresh(library, folder)


def test_an_error_of_the_disk_in_the_middle(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The third commit fails half way: the first two stand, and nothing of the third."""
    commits = []
    real = library.catalog.transaction

    @contextmanager
    def failing() -> Iterator[Transaction]:
        with real() as transaction:
            commits.append(1)
            yield transaction
            if len(commits) >= 3:
                raise LibraryError("the disk gave up")

    monkeypatch.setattr("indexer.ledger.COMMIT_S", 0.0)
    with monkeypatch.context() as patch:
        patch.setattr(library.catalog, "transaction", failing)
        with pytest.raises(LibraryError, match="gave up"):
            index(library, folder, batch_size=1)
    kept = len(list(library.files()))
    assert 0 < kept < 60
    assert library.catalog.check() == []
    assert index(library, folder).added == 60 - kept
    assert as_fresh(library, folder)


def test_no_room_for_the_indexes(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are a cache: what was committed is found without them."""

    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(library, "refresh", full)
        with pytest.raises(LibraryError, match=r"No space left on device\. Everything is stored"):
            index(library, folder)
    assert library.search("red", k=1)[0].score > 0
    assert index(library, folder).unchanged == 60
    assert library.indexes.is_saved()


def test_two_indexers_at_once(library: Library, folder: Path) -> None:
    """The second is told so, and the first goes on."""
    refused = []

    def second(_: Progress) -> None:
        with Library.open(library.path, models=fake_model_set()) as other:
            try:
                index(other, folder)
            except LibraryLocked as error:
                refused.append(str(error))

    assert index(library, folder, progress=second).added == 60
    assert len(refused) > 60
    assert set(refused) == {
        f"Another process is writing to {library.path}. Searching works meanwhile; "
        "try again when it has finished."
    }
    assert as_fresh(library, folder)


def test_a_reader_while_it_is_written(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a reader finds is whole: each file with its moments, and an index that fits."""
    monkeypatch.setattr("indexer.ledger.COMMIT_S", 0.0)
    seen: list[int] = []

    def look(_: Progress) -> None:
        if len(seen) % 10 == 0:
            with Library.open(library.path, models=fake_model_set()) as reader:
                assert all(file.moments for file in reader.files())
                hits = reader.search("red", k=100)
                assert len(hits) == len(list(reader.files()))
        seen.append(1)

    assert index(library, folder, progress=look, batch_size=1).added == 60


@pytest.mark.parametrize("seconds", [-10_000, 10_000])
def test_a_clock_that_jumps(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    index(library, folder)
    (folder / "00.txt").unlink()
    (folder / "01.txt").write_text("after the jump")
    real, real_ns = time.time, time.time_ns
    monkeypatch.setattr(time, "time", lambda: real() + seconds)
    monkeypatch.setattr(time, "time_ns", lambda: real_ns() + int(seconds * 1e9))
    summary = index(library, folder)
    assert (summary.missing, summary.updated, summary.unchanged) == (1, 1, 58)
    assert index(library, folder).unchanged == 59


@pytest.mark.parametrize("when_ns", [0, 1, 2**31 * 10**9, 9 * 10**18, -(10**9)])
def test_odd_times_of_files(library: Library, folder: Path, when_ns: int) -> None:
    os.utime(folder / "00.txt", ns=(when_ns, when_ns))
    assert index(library, folder).added == 60
    assert index(library, folder).unchanged == 60
    assert len(list(library.files())) == 60
