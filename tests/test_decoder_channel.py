"""Messages between the pool and its processes, and the ring of shared memory."""

from __future__ import annotations

import mmap
import os
import socket
import tempfile
import time
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.media.decoder_channel import (
    AHEAD_BYTES,
    LENGTH,
    MAX_MESSAGE_BYTES,
    POST_S,
    Channel,
    Ring,
    array_at,
    array_of,
    moment_from_json,
    moment_to_json,
)
from retrieval.records import Modality, Moment


@pytest.fixture
def ends() -> Iterator[tuple[Channel, Channel]]:
    first, second = socket.socketpair()
    with first, second:
        yield Channel(first), Channel(second)


def test_messages_and_bytes_in_order(ends: tuple[Channel, Channel]) -> None:
    here, there = ends
    here.send({"a": "ü" * 10_000})
    here.send({"bytes": 5})
    here.send_bytes(memoryview(b"12345"))
    assert there.receive() == {"a": "ü" * 10_000}
    assert there.receive_bytes(there.receive()["bytes"]) == b"12345"


def test_an_open_file_travels_with_its_message_and_no_other(ends: tuple[Channel, Channel]) -> None:
    here, there = ends
    with tempfile.TemporaryFile() as file:
        file.write(b"content")
        file.flush()
        here.send({"n": 1})
        here.send({"n": 2}, file.fileno())
        here.send({"n": 3})
    assert there.receive_file() == ({"n": 1}, None)
    message, descriptor = there.receive_file()
    assert message == {"n": 2}
    assert descriptor is not None
    with os.fdopen(descriptor, "rb") as received:
        received.seek(0)
        assert received.read() == b"content"
    assert there.receive_file() == ({"n": 3}, None)


def test_the_other_end_is_gone(ends: tuple[Channel, Channel]) -> None:
    here, there = ends
    here.line.close()
    for receive in (there.receive, there.receive_file, lambda: there.receive_bytes(1)):
        with pytest.raises(EOFError):
            receive()


@pytest.mark.parametrize(
    "data", [LENGTH.pack(MAX_MESSAGE_BYTES + 1), LENGTH.pack(2) + b"[]", LENGTH.pack(3) + b"{a}"]
)
def test_nonsense(ends: tuple[Channel, Channel], data: bytes) -> None:
    here, there = ends
    here.line.sendall(data)
    with pytest.raises(ValueError, match=r"message|Expecting"):
        there.receive()


@given(
    st.integers(100, 5_000),
    st.lists(st.one_of(st.integers(1, 3_000), st.none()), max_size=60),
)
def test_places_in_use_never_overlap(size: int, steps: list[int | None]) -> None:
    """A number asks for so many bytes, None gives the oldest place back."""
    ring = Ring(size)
    used: list[tuple[int, int]] = []
    for step in steps:
        if step is None:
            if used:
                used.pop(0)
                ring.free_oldest()
            continue
        place = ring.place(step)
        if place is None:
            assert used or step > size
            continue
        assert 0 <= place <= place + step <= size
        for start, count in used:
            assert place + step <= start or start + count <= place
        used.append((place, step))


def test_an_empty_ring_holds_whatever_fits_in_it() -> None:
    ring = Ring(1000)
    for count in (700, 1000, 1, 999):
        assert ring.place(count) == 0
        ring.free_oldest()
    assert ring.place(1001) is None


def test_arrays_are_copied_out() -> None:
    with mmap.mmap(-1, 4096) as arena:
        np.ndarray((2, 3), np.float32, arena, 64)[...] = 5
        array = array_at(arena, 64, [2, 3], "f4")
        np.ndarray((2, 3), np.float32, arena, 64)[...] = 6
        assert array.dtype == np.float32
        assert (array == np.full((2, 3), 5)).all()


@pytest.mark.parametrize(
    ("place", "shape", "dtype"),
    [(4000, [100], "u1"), (-1, [1], "u1"), (0, [-1], "u1"), (0, [1], "O"), (0, "12", "u1"),
     (0, [1e9], "u1"), (None, [1], "u1"), (0, [1 << 40], "f4")],
)  # fmt: skip
def test_an_array_that_cannot_be_there(place: object, shape: object, dtype: object) -> None:
    with mmap.mmap(-1, 4096) as arena, pytest.raises((ValueError, TypeError)):
        array_at(arena, place, shape, dtype)


def test_arrays_of_bytes() -> None:
    assert array_of(bytearray(b"\1\2\3\4\5\6"), [1, 2, 3], "u1").tolist() == [
        [[1, 2, 3], [4, 5, 6]]
    ]


@pytest.mark.parametrize(
    "moment",
    [Moment(Modality.IMAGE), Moment(Modality.AUDIO, 0.1, 2.3),
     Moment(Modality.TEXT, 1.0, 2.0, 3, 4, "words\nü")],
)  # fmt: skip
def test_moments(moment: Moment) -> None:
    assert moment_from_json(moment_to_json(moment)) == moment


@pytest.mark.parametrize("ahead", [False, True])
def test_posted_messages_go_with_the_next_that_is_sent(ahead: bool) -> None:
    first, second = socket.socketpair()
    with first, second:
        here, there = Channel(first), Channel(second, ahead=ahead)
        here._sent = time.monotonic() + 100
        assert not here.post({"n": 1})
        assert not here.post({"n": 2})
        second.setblocking(False)
        with pytest.raises(BlockingIOError):
            second.recv(1, socket.MSG_PEEK)
        second.setblocking(True)
        here.send({"bytes": 3})
        here.send_bytes(memoryview(b"abc"))
        here.send({"n": 3})
        assert [there.receive() for _ in range(3)] == [{"n": 1}, {"n": 2}, {"bytes": 3}]
        assert there.receive_bytes(3) == b"abc"
        assert there.receive() == {"n": 3}
        there.close()
        assert second.fileno() == -1


def test_posted_messages_wait_neither_long_nor_without_bound(
    ends: tuple[Channel, Channel], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = ends
    here._sent = time.monotonic() - POST_S
    assert here.post({"late": True})
    assert there.receive() == {"late": True}
    here._sent = time.monotonic() + 100
    posted = 0
    while not here.post({"n": posted, "text": "x" * 1000}):
        posted += 1
    assert AHEAD_BYTES // 1100 < posted < AHEAD_BYTES // 900
    assert [there.receive()["n"] for _ in range(posted + 1)] == [*range(posted + 1)]


def test_an_open_file_travels_with_posted_messages(ends: tuple[Channel, Channel]) -> None:
    here, there = ends
    here._sent = time.monotonic() + 100
    here.post({"n": 1})
    with tempfile.TemporaryFile() as file:
        here.send({"n": 2}, file.fileno())
    message, descriptor = there.receive_file()
    assert message == {"n": 1}
    assert descriptor is not None
    os.close(descriptor)
    assert there.receive() == {"n": 2}
