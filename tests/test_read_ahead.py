"""Readers work ahead of the model, but no further than memory allows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import BinaryIO

import numpy as np
import pytest

from indexer import read_ahead, reading
from indexer.message import Changing, Decoded, Failed, Finished, Known, Message
from indexer.read_ahead import ReadAhead
from indexer.reading import PIECE_BYTES, Job
from retrieval import Kind, Library, Modality, Moment
from retrieval.media.decoder_channel import AT_ONCE_BYTES
from retrieval.media.decoder_pool import DecoderPool
from retrieval.media.media import Media
from retrieval.space import JointSpace
from tests.media_files import write_picture, write_tone

SOON_S = 120.0


def jobs(library: Library, *paths: Path) -> list[Job]:
    root, _ = library.place(paths[0].parent)
    return [Job(root.id, str(root.folder), path.name, path.stat().st_size, None) for path in paths]


def take_all(readers: ReadAhead) -> Iterator[Message]:
    """Everything that comes, each piece released as soon as it is taken."""
    deadline = time.monotonic() + SOON_S
    while time.monotonic() < deadline:
        message = readers.take(0.1, can_free=False)
        if message is None:
            if readers.idle:
                return
            continue
        if isinstance(message, Decoded):
            readers.release(message.piece.bytes)
        yield message
    raise AssertionError("the readers did not come to an end")


@pytest.fixture
def tone(tmp_path: Path) -> Path:
    return write_tone(tmp_path / "tone.wav", 440, seconds=100)


def test_a_file_comes_in_order_and_whole(library: Library, tone: Path) -> None:
    with ReadAhead(jobs(library, tone), library) as readers:
        *pieces, last = take_all(readers)
    starts = [m.piece.moment.start_s for m in pieces if isinstance(m, Decoded)]
    assert starts == [float(n) for n in range(99)]
    assert isinstance(last, Finished)
    assert last.kind is Kind.AUDIO
    assert last.state.size == tone.stat().st_size


def test_what_becomes_of_files(library: Library, tmp_path: Path) -> None:
    good, bad, gone = tmp_path / "good.txt", tmp_path / "bad.png", tmp_path / "gone.txt"
    good.write_text("some words")
    bad.write_bytes(b"\x89PNG\r\n\x1a\n")
    gone.write_text("soon")
    work = jobs(library, good, bad, gone)
    gone.unlink()
    with ReadAhead(work, library) as readers:
        came = {message.job.path: type(message) for message in take_all(readers)}
    assert came == {"good.txt": Finished, "bad.png": Failed, "gone.txt": Changing}


class TestMemory:
    @pytest.fixture
    def counted(self, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        """Bytes that are decoded and not yet released, each time that this changes."""
        held, levels, lock = [0], [], Lock()
        real_acquire, real_release = ReadAhead._acquire, ReadAhead.release

        def acquire(self: ReadAhead, n_bytes: int) -> None:
            real_acquire(self, n_bytes)
            with lock:
                held[0] += n_bytes
                levels.append(held[0])

        def release(self: ReadAhead, n_bytes: int) -> None:
            with lock:
                held[0] -= n_bytes
            real_release(self, n_bytes)

        monkeypatch.setattr(ReadAhead, "_acquire", acquire)
        monkeypatch.setattr(ReadAhead, "release", release)
        return levels

    def test_is_never_exceeded(self, library: Library, tmp_path: Path, counted: list[int]) -> None:
        paths = [write_tone(tmp_path / f"{n}.wav", 100 + n, seconds=60) for n in range(6)]
        memory = 6 * (PIECE_BYTES + 16)
        with ReadAhead(jobs(library, *paths), library, threads=4, memory=memory) as readers:
            messages = list(take_all(readers))
        assert len([m for m in messages if isinstance(m, Decoded)]) == 6 * 59
        assert max(counted) <= memory

    def test_one_piece_larger_than_all_of_it_comes_alone(
        self, library: Library, tmp_path: Path, counted: list[int]
    ) -> None:
        paths = [write_picture(tmp_path / f"{n}.png", (n, 0, 0)) for n in range(5)]
        with ReadAhead(jobs(library, *paths), library, threads=4, memory=1) as readers:
            assert len([m for m in take_all(readers) if isinstance(m, Finished)]) == 5
        assert max(counted) == PIECE_BYTES + 16  # one at a time, never two

    def test_readers_wait_for_a_model_that_is_slow(self, library: Library, tone: Path) -> None:
        """Nothing is released: what comes stays within the bound, and the reader says so."""
        with ReadAhead(jobs(library, tone), library, memory=4 * (PIECE_BYTES + 16)) as readers:
            for _ in range(4):  # each a vector of 16 bytes, and what is around it
                assert isinstance(readers.take(SOON_S, can_free=False), Decoded)
            assert not readers.idle
            begun = time.monotonic()
            assert readers.take(SOON_S, can_free=True) is None
            assert time.monotonic() - begun < SOON_S / 2  # it does not wait for what cannot come


class TestSharedContents:
    def test_are_read_once(self, library: Library, tmp_path: Path) -> None:
        paths = [tmp_path / f"{n}.txt" for n in range(8)]
        for path in paths:
            path.write_text("the same in all")
        with ReadAhead(jobs(library, *paths), library, threads=4) as readers:
            first = list(take_all(readers))
            assert sorted(type(m).__name__ for m in first) == ["Decoded", "Finished"]
            (finished,) = (m for m in first if isinstance(m, Finished))
            readers.settle(finished.hash)
            rest = list(take_all(readers))
        assert [type(message) for message in rest] == [Known] * 7
        assert {m.job.path for m in (*rest, finished)} == {path.name for path in paths}

    def test_that_cannot_be_read_fail_for_all(
        self, library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        paths = [tmp_path / f"{n}.png" for n in range(5)]
        for path in paths:
            path.write_bytes(b"\x89PNG\r\n\x1a\n")
        with ReadAhead(jobs(library, *paths), library, threads=4) as readers:
            messages = list(take_all(readers))
        assert len([m for m in messages if isinstance(m, Failed) and "PNG" in m.reason]) == 5

    def test_go_to_another_reader_if_the_first_gives_up(
        self, library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The file that claimed the content cannot be read to its end; its twin can."""
        paths = [tmp_path / "a.txt", tmp_path / "b.txt"]
        for path in paths:
            path.write_text("the same in both")
        tried = []

        def read_media(file: BinaryIO, job: Job, space: JointSpace, decoders: DecoderPool) -> Media:
            tried.append(job.path)
            if len(tried) == 1:
                time.sleep(0.3)  # until the twin waits
                raise OSError("the disk gave up")
            return reading.read_media(file, job, space, decoders)

        monkeypatch.setattr(read_ahead, "read_media", read_media)
        with ReadAhead(jobs(library, *paths), library, threads=2) as readers:
            came = {m.job.path: type(m) for m in take_all(readers) if not isinstance(m, Decoded)}
        assert sorted(came.values(), key=str) == sorted([Failed, Finished], key=str)
        assert len(tried) == 2


def test_again(library: Library, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("words")
    (job,) = jobs(library, tmp_path / "a.txt")
    with ReadAhead([job], library) as readers:
        first = [m for m in take_all(readers) if isinstance(m, Finished)]
        readers.settle(first[0].hash)
        readers.again(job)
        second = [m for m in take_all(readers) if isinstance(m, Finished)]
    assert first == second


def test_what_a_picture_takes_is_reserved_before_it_is_decoded(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise each reader could hold a picture of any size."""
    large = 3 * read_ahead.DECODING_MEMORY // 4
    lock, at_once, most = Lock(), 0, 0

    def pieces() -> Iterator[tuple[Moment, np.ndarray]]:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.05)
        with lock:
            at_once -= 1
        yield Moment(Modality.IMAGE), np.zeros((10, 10, 3), np.uint8)

    monkeypatch.setattr(read_ahead, "read_media", lambda *_: Media(Kind.IMAGE, pieces(), {}, large))
    paths = [write_picture(tmp_path / f"{n}.png", (n, 2, 3)) for n in range(4)]
    with ReadAhead(jobs(library, *paths), library, threads=4, memory=1 << 20) as readers:
        messages = list(take_all(readers))
    assert len([m for m in messages if isinstance(m, Decoded)]) == 4
    assert most == 1
    assert large > AT_ONCE_BYTES
