"""What a decoder process and the pool say to each other, and the memory they share for contents.

Messages are JSON with a length before them, over a socket pair; open files travel as descriptors.
Arrays lie in a ring of shared memory, so that nothing but their place is sent. Nothing is pickled:
a process that a hostile file has taken over could send anything.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from collections import deque
from dataclasses import fields
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from retrieval.records import Modality, Moment

if TYPE_CHECKING:
    import mmap
    from io import BufferedReader

    from retrieval.media.content import Picture, Sound

LENGTH = struct.Struct("!I")
MAX_MESSAGE_BYTES = 1 << 28
ARENA_BYTES = 24 << 20
"""Contents that one process may decode ahead: a dozen windows of sound, a few dozen pictures."""
AT_ONCE_BYTES = 16 << 20
"""Decoding that takes more memory than this begins when the pool says so."""
ALIGNMENT = 64
AHEAD_BYTES = 1 << 16
"""What is read from the line at once, and how much may wait to be sent."""
POST_S = 0.05
"""How long a message may wait for others to be sent with it."""
DTYPES: dict[str, np.dtype[Any]] = {"u1": np.dtype(np.uint8), "f4": np.dtype(np.float32)}
"""The element types that contents have."""

PARTS = tuple(part.name for part in fields(Moment))


class Channel:
    """One end of the line between the pool and a decoder process."""

    def __init__(self, line: socket.socket, *, ahead: bool = False) -> None:
        """Speak over a line.

        Args:
            line: A stream socket.
            ahead: Whether to read more than a message at a time; not where open files come in,
                which belong to the bytes that they came with.
        """
        self.line = line
        self._reader: BufferedReader | None = None
        if ahead:
            self._reader = cast("BufferedReader", line.makefile("rb", AHEAD_BYTES))
        self._posted = bytearray()
        self._sent = time.monotonic()

    def close(self) -> None:
        """Hang up."""
        if self._reader is not None:
            self._reader.close()
        self.line.close()

    def send(self, message: dict[str, Any], descriptor: int | None = None) -> None:
        """Send a message, with an open file if one is given.

        Raises:
            OSError: the other end is gone.
        """
        self._posted += _packed(message)
        if descriptor is not None:
            sent = socket.send_fds(self.line, [self._posted], [descriptor])
            del self._posted[:sent]
        self.line.sendall(self._posted)
        self._posted.clear()
        self._sent = time.monotonic()

    def post(self, message: dict[str, Any]) -> bool:
        """Send a message with those that follow soon: together they cost far less.

        It waits until something is sent, or the next is posted later than `POST_S` after that.

        Returns:
            Whether what waited was sent.

        Raises:
            OSError: as `send`.
        """
        if len(self._posted) < AHEAD_BYTES and time.monotonic() - self._sent < POST_S:
            self._posted += _packed(message)
            return False
        self.send(message)
        return True

    def send_bytes(self, data: memoryview) -> None:
        """Send bytes whose number the message before has told."""
        self.line.sendall(data)

    def receive(self) -> dict[str, Any]:
        """Wait for a message.

        Raises:
            EOFError: the other end is gone.
            TimeoutError: nothing came within the line's timeout.
            ValueError: it is no message.
        """
        message, _ = self._receive(0)
        return message

    def receive_file(self) -> tuple[dict[str, Any], int | None]:
        """Wait for a message that may come with an open file; raises as `receive`."""
        return self._receive(1)

    def receive_bytes(self, count: int) -> bytearray:
        """Wait for a number of bytes; raises as `receive`."""
        data = bytearray(count)
        view = memoryview(data)
        while view:
            got = self._reader.readinto(view) if self._reader else self.line.recv_into(view)
            if not got:
                raise EOFError
            view = view[got:]
        return data

    def _receive(self, files: int) -> tuple[dict[str, Any], int | None]:
        descriptors: list[int] = []
        if files:
            start, descriptors, _, _ = socket.recv_fds(self.line, LENGTH.size, files)
            if not start:
                raise EOFError
            start += bytes(self.receive_bytes(LENGTH.size - len(start)))
        else:
            start = bytes(self.receive_bytes(LENGTH.size))
        (length,) = LENGTH.unpack(start)
        if length > MAX_MESSAGE_BYTES:
            raise ValueError("a message is too long")
        message = json.loads(self.receive_bytes(length))
        if not isinstance(message, dict):
            raise ValueError("a message is no object")
        return message, descriptors[0] if descriptors else None


class Ring:
    """Places for arrays in shared memory, given out and taken back in the same order."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._next = 0
        self._taken: deque[tuple[int, int]] = deque()

    def place(self, count: int) -> int | None:
        """Where `count` bytes may be written, or None while there is no room for them."""
        oldest = self._taken[0][0] if self._taken else None
        if oldest is None:
            self._next = 0
        if oldest is not None and self._next <= oldest:
            fits = self._next + count < oldest
        elif self._next + count <= self._size:
            fits = True
        else:
            fits = oldest is not None and count < oldest
            self._next = 0 if fits else self._next
        if not fits:
            return None
        place = self._next
        self._taken.append((place, count))
        self._next = -(-(place + count) // ALIGNMENT) * ALIGNMENT
        return place

    def free_oldest(self) -> None:
        """Take back the place that was given out first."""
        self._taken.popleft()


def array_at(arena: mmap.mmap, place: Any, shape: Any, dtype: Any) -> Picture | Sound:
    """A copy of an array in shared memory.

    Raises:
        ValueError: what is said about it makes no sense.
    """
    return _array(memoryview(arena), place, shape, dtype).copy()


def array_of(data: bytearray, shape: Any, dtype: Any) -> Picture | Sound:
    """An array over bytes that were sent; raises as `array_at`."""
    return _array(memoryview(data), 0, shape, dtype)


def _array(memory: memoryview, place: Any, shape: Any, dtype: Any) -> npt.NDArray[Any]:
    form = DTYPES.get(dtype)
    sizes = [*shape, place] if isinstance(shape, list) else [-1]
    if form is None or not all(isinstance(n, int) and n >= 0 for n in sizes):
        raise ValueError("an array is described wrongly")
    return np.ndarray(tuple(shape), form, memory, place)


def _packed(message: dict[str, Any]) -> bytes:
    data = json.dumps(message).encode()
    return LENGTH.pack(len(data)) + data


def moment_to_json(moment: Moment) -> dict[str, Any]:
    """A moment as a JSON object."""
    return {name: value for name in PARTS if (value := getattr(moment, name)) is not None}


def moment_from_json(data: dict[str, Any]) -> Moment:
    """The moment that `moment_to_json` described."""
    return Moment(**(data | {"modality": Modality(data["modality"])}))
