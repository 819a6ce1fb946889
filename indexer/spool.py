"""A spool: encoded moments of a long file, kept on disk until the file is complete."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from retrieval.catalog.content_writer import MOMENTS_AT_ONCE
from retrieval.catalog.new_content import EncodedMoment
from retrieval.errors import LibraryError
from retrieval.media.decoder_channel import moment_from_json, moment_to_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BLOCK = MOMENTS_AT_ONCE
"""Moments that are written, and read, together."""


class Spool(Sequence[EncodedMoment]):
    """Encoded moments in the order of their file: a list of which one block is in memory.

    A book has tens of thousands of moments, each with a few kilobytes of vectors; they are stored
    in one transaction, when the last of them is there.
    """

    def __init__(self, folder: Path) -> None:
        """Begin an empty one.

        Args:
            folder: Where its file lies, which has no name there and is gone when this is.

        Raises:
            LibraryError: nothing can be written there.
        """
        with _said(folder):
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed at the end
        self._folder = folder
        self._places: list[tuple[int, int]] = []
        self._length = 0
        self._read: tuple[int, list[EncodedMoment]] = -1, []

    def __del__(self) -> None:
        if "_file" in self.__dict__:
            self._file.close()

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, at: int) -> EncodedMoment: ...

    @overload
    def __getitem__(self, at: slice) -> list[EncodedMoment]: ...

    def __getitem__(self, at: int | slice) -> EncodedMoment | list[EncodedMoment]:
        if isinstance(at, slice):
            return [self._one(i) for i in range(*at.indices(self._length))]
        return self._one(range(self._length)[at])

    def append(self, block: Sequence[EncodedMoment]) -> None:
        """Take the next moments: `BLOCK`, or fewer if they are the last.

        Raises:
            LibraryError: the disk is full.
            ValueError: the block before was the last.
        """
        if self._length % BLOCK or len(block) > BLOCK:
            raise ValueError("only the last block may be of another length")
        told = [
            [moment_to_json(e.moment), {space: len(v) for space, v in e.vectors.items()}]
            for e in block
        ]
        head = json.dumps(told).encode()
        rows = b"".join(v.astype("<f4").tobytes() for e in block for v in e.vectors.values())
        with _said(self._folder):
            place = self._file.seek(0, os.SEEK_END)
            self._file.write(head)
            self._file.write(rows)
            self._file.flush()
        self._places.append((place, len(head)))
        self._length += len(block)

    def _one(self, at: int) -> EncodedMoment:
        number, place = divmod(at, BLOCK)
        if self._read[0] != number:
            self._read = number, self._block(number)
        return self._read[1][place]

    def _block(self, number: int) -> list[EncodedMoment]:
        place, length = self._places[number]
        end = self._places[number + 1][0] if number + 1 < len(self._places) else None
        self._file.seek(place)
        told: list[tuple[dict[str, Any], dict[str, int]]] = json.loads(self._file.read(length))
        size = -1 if end is None else end - place - length
        rows = np.frombuffer(self._file.read(size), "<f4")
        dims = [dim for _, spaces in told for dim in spaces.values()]
        vectors = iter(np.split(rows, list(accumulate(dims))[:-1]))
        return [
            EncodedMoment(moment_from_json(moment), dict(zip(spaces, vectors, strict=False)))
            for moment, spaces in told
        ]


@contextmanager
def _said(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LibraryError(
            f"The moments of a long file cannot be kept in {folder}: {error.strerror}. What was "
            "committed is safe; make room and run the command again to go on."
        ) from error
