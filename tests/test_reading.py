"""Opening a file of a root: only the file itself, and only if nobody writes to it meanwhile."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from indexer import reading
from indexer.reading import (
    CLOCK_TICK_NS,
    PIECE_BYTES,
    Job,
    Piece,
    Unsettled,
    opened,
    prepared_pieces,
)
from retrieval import Kind, Library, Modality, Moment
from retrieval.catalog.new_content import FileState
from retrieval.media.media import Media

posix = pytest.mark.skipif(os.name != "posix", reason="links and pipes as on POSIX")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = (tmp_path / "root").resolve()
    (folder / "sub").mkdir(parents=True)
    (folder / "sub/a.txt").write_text("some words")
    os.utime(folder / "sub/a.txt", (1_000_000, 1_000_000))
    return folder


def job(root: Path, path: str = "sub/a.txt") -> Job:
    return Job(1, str(root), path, 10, None)


def test_a_file_with_its_state(root: Path) -> None:
    with opened(job(root)) as (file, state):
        assert file.read() == b"some words"
    assert state == FileState(10, 1_000_000 * 10**9)


@pytest.mark.parametrize("path", ["sub/gone.txt", "gone/a.txt", "sub/a.txt/inside"])
def test_what_is_gone(root: Path, path: str) -> None:
    with pytest.raises(Unsettled), opened(job(root, path)):
        pass


def test_a_folder_is_no_file(root: Path) -> None:
    with pytest.raises((Unsettled, OSError)), opened(job(root, "sub")):
        pass


@posix
@pytest.mark.parametrize("target", ["sub/a.txt", "/etc/hostname", "nowhere"])
def test_a_link_is_not_followed(root: Path, target: str) -> None:
    (root / "link.txt").symlink_to(root / target)
    with pytest.raises(Unsettled), opened(job(root, "link.txt")):
        pass


@posix
def test_a_link_on_the_way_is_not_followed(root: Path, tmp_path: Path) -> None:
    """A folder that was swapped for a link would lead a reader out of the root."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/a.txt").write_text("a secret")
    (root / "swapped").symlink_to(tmp_path / "secret")
    with pytest.raises(Unsettled), opened(job(root, "swapped/a.txt")):
        pass


@posix
def test_a_pipe_is_not_waited_for(root: Path) -> None:
    os.mkfifo(root / "pipe")
    ended = threading.Event()

    def read() -> None:
        with pytest.raises(Unsettled), opened(job(root, "pipe")):
            pass
        ended.set()

    threading.Thread(target=read, daemon=True).start()
    assert ended.wait(60)


def test_a_file_that_grows_while_it_is_open(root: Path) -> None:
    with pytest.raises(Unsettled), opened(job(root)), (root / "sub/a.txt").open("a") as more:
        more.write(" and more")


def test_a_file_of_which_the_time_alone_changes(root: Path) -> None:
    with pytest.raises(Unsettled), opened(job(root)):
        os.utime(root / "sub/a.txt", (2_000_000, 2_000_000))


@posix
def test_a_file_that_is_replaced_is_read_as_it_was(root: Path) -> None:
    """Its name belongs to another file now, which the next run sees; this one did not change."""
    with opened(job(root)) as (file, state):
        (root / "sub/new.txt").write_text("quite other words")
        (root / "sub/new.txt").replace(root / "sub/a.txt")
        assert file.read() == b"some words"
    assert state.size == 10


def test_an_error_inside_passes_through(root: Path) -> None:
    with pytest.raises(ZeroDivisionError), opened(job(root)):
        raise ZeroDivisionError


def test_a_file_written_just_now_is_given_a_tick(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write right after reading must get another time than the one that was seen."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    now = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now)
    for age_ns in (0, 1, CLOCK_TICK_NS - 1, CLOCK_TICK_NS, -(10**9), 10**15):
        os.utime(root / "sub/a.txt", ns=(now - age_ns, now - age_ns))
        with opened(job(root)):
            pass
    assert len(slept) == 3
    assert slept[0] == pytest.approx(CLOCK_TICK_NS / 1e9)
    assert all(0 < seconds <= CLOCK_TICK_NS / 1e9 for seconds in slept)


def test_pieces_are_prepared_one_by_one(library: Library) -> None:
    """No picture is decoded before the one before it was taken."""
    decoded = []

    def pieces() -> object:
        for n in range(3):
            decoded.append(n)
            yield Moment(Modality.IMAGE), np.full((4, 4, 3), n, np.uint8)

    media = Media(Kind.VIDEO, pieces(), {})  # type: ignore[arg-type]
    prepared = prepared_pieces(media, library.space)
    assert decoded == []
    for n in range(3):
        piece = next(prepared)
        assert isinstance(piece, Piece)
        assert decoded == list(range(n + 1))
        assert piece.moment.modality is Modality.IMAGE
        assert piece.bytes == PIECE_BYTES + 16  # four float32
        assert piece.prepared["fake"][:3].tolist() == [n, n, n] or n == 0
    assert next(prepared, None) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.zeros((3, 5), np.float32), 60),
        ({"a": np.zeros(2, np.int64), "b": [np.zeros(1, np.uint8)]}, 17),
        ((np.zeros(0), b"four", "fünf"), 8),
        ([], 0),
        (3.5, 64),
        (None, 64),
    ],
)
def test_what_a_prepared_content_takes(value: object, expected: int) -> None:
    assert reading._memory(value) == expected
