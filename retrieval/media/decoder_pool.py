"""A pool of decoder processes: a file that crashes or hangs its decoder costs only itself."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from contextlib import suppress
from threading import Condition
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from retrieval.errors import MediaError, SearchError
from retrieval.media.decoder_channel import AT_ONCE_BYTES
from retrieval.media.decoder_process import DecoderGone, DecoderProcess
from retrieval.media.media import Media, open_media
from retrieval.media.reasons import reasons
from retrieval.records import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrieval.media.content import Content
    from retrieval.media.windows import Windows
    from retrieval.records import Moment

ISOLATED = hasattr(socket, "send_fds")
"""Whether this system hands open files to other processes. Windows does not: there, files are
decoded in the calling process, without limits."""
MEMORY_BYTES = 3 << 30
"""Address space that decoding one file may take; the largest picture allowed needs half of it."""
PATIENCE_S = 60.0
"""Seconds to wait for each moment of a file, and a second more for every megabyte of it."""


class DecoderPool:
    """Decodes as `open_media` does, but in other processes, with limits of time and memory.

    Processes are started when they are needed and kept. Each decodes one file at a time, a few
    moments ahead of what is consumed; what takes much memory is not begun before it is asked for.
    Any number of threads may use the pool; one that opens a file while all processes are busy
    waits, so a thread should consume or close one file before it opens the next.
    """

    def __init__(
        self, processes: int, *, memory_bytes: int = MEMORY_BYTES, patience_s: float = PATIENCE_S
    ) -> None:
        """Make a pool; nothing is started yet.

        Args:
            processes: Most processes at a time.
            memory_bytes: Address space that each may take for a file (not on macOS).
            patience_s: Seconds to wait for each moment; a second more for every megabyte of a file.
        """
        self._most = max(1, processes)
        self._memory_bytes = memory_bytes
        self._patience_s = patience_s
        self._ready: list[DecoderProcess] = []
        self._busy: set[DecoderProcess] = set()
        self._changed = Condition()
        self._closed = False

    def warm(self, processes: int) -> None:
        """Start processes before there is a file for them, which takes them a fifth of a second.

        Raises:
            SearchError: none can be started.
        """
        with self._changed:
            while ISOLATED and len(self._ready) + len(self._busy) < min(processes, self._most):
                self._ready.append(self._started())

    def open(self, file: BinaryIO, windows: Windows, *, name: str = "") -> Media:
        """Find out what a file is; same arguments, result and errors as `open_media`.

        `pieces` holds a process until it is consumed to its end, closed, or forgotten.

        Raises:
            UnknownMedia: the content is nothing that we know.
            MediaError: the file cannot be read, or its decoder crashed, hung or took too much.
            SearchError: no decoder process can be started.
            RuntimeError: the pool is closed.
        """
        if not ISOLATED:
            return open_media(file, windows, name=name)
        with reasons("the file"):
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
        process = self._lease()
        pieces = Pieces(self, process)
        try:
            copy = pieces.copy = _copy_on_disk(file)
            process.start(copy or file, windows, name, self._patience_s + size / 1e6)
            facts = process.answer()
            decoding = int(facts["decoding_bytes"])
            pieces.waits = decoding > AT_ONCE_BYTES
            return Media(Kind(facts["kind"]), pieces, facts["metadata"], decoding)
        except BaseException as error:
            pieces.release(healthy=isinstance(error, MediaError) and not _is_gone(error))
            raise

    def keep(self, n: int) -> None:
        """End all processes but n of those that wait for a file, which take memory."""
        with self._changed:
            ending, self._ready = self._ready[n:], self._ready[:n]
        for process in ending:
            process.end()

    def close(self) -> None:
        """End all processes; files that are still being read raise MediaError."""
        with self._changed:
            self._closed = True
            ready, self._ready = self._ready, []
            for process in self._busy:
                process.kill()
            self._changed.notify_all()
        for process in ready:
            process.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _started(self) -> DecoderProcess:
        try:
            return DecoderProcess(self._memory_bytes, int(self._patience_s))
        except OSError as error:  # that is no fault of the file
            raise SearchError(
                f"A decoder process cannot be started: {error.strerror}. What was committed is "
                "safe; make room in memory and on disk, and run the command again to go on."
            ) from error

    def _lease(self) -> DecoderProcess:
        with self._changed:
            while True:
                if self._closed:
                    raise RuntimeError("the decoder pool is closed")
                if self._ready:
                    process = self._ready.pop()
                    if process.is_alive():
                        break
                    process.end()
                    continue
                if len(self._busy) < self._most:
                    process = self._started()
                    break
                self._changed.wait()
            self._busy.add(process)
            return process

    def give_back(self, process: DecoderProcess, *, healthy: bool) -> None:
        """Take a process back; one that is not healthy is ended, and replaced when needed."""
        with self._changed:
            self._busy.discard(process)
            keep = healthy and not self._closed
            if keep:
                self._ready.append(process)
            self._changed.notify()
        if not keep:
            process.end()


class Pieces:
    """Moments of one file as its process sends them."""

    def __init__(self, pool: DecoderPool, process: DecoderProcess) -> None:
        self._pool = pool
        self._process: DecoderProcess | None = process
        self.copy: BinaryIO | None = None
        self.waits = False
        """Whether the process decodes nothing until the first moment is asked for."""

    def __iter__(self) -> Iterator[tuple[Moment, Content]]:
        return self

    def __next__(self) -> tuple[Moment, Content]:
        process = self._process
        if process is None:
            raise StopIteration
        try:
            if self.waits:
                self.waits = False
                process.go_on()
            message = process.answer()
            if "end" not in message:
                return process.piece(message)
        except BaseException as error:
            self.release(healthy=isinstance(error, MediaError) and not _is_gone(error))
            raise
        self.release(healthy=True)
        raise StopIteration

    def close(self) -> None:
        """Stop decoding; the process is free for another file."""
        if (process := self._process) is None:
            return
        healthy = False
        try:
            process.abandon()
            healthy = True
        except (MediaError, OSError, EOFError) as error:
            healthy = not _is_gone(error)
        finally:
            self.release(healthy=healthy)

    def release(self, *, healthy: bool) -> None:
        """Give the process back to its pool."""
        if (process := self._process) is not None:
            self._process = None
            self._pool.give_back(process, healthy=healthy)
            if self.copy is not None:
                self.copy.close()

    def __del__(self) -> None:
        with suppress(Exception):
            self.close()


def _is_gone(error: Any) -> bool:
    return isinstance(error, DecoderGone | OSError | EOFError)


def _copy_on_disk(file: BinaryIO) -> BinaryIO | None:
    """A temporary copy of a file that does not lie on disk itself."""
    try:
        file.fileno()
    except (AttributeError, OSError):
        copy = tempfile.TemporaryFile()  # noqa: SIM115 - closed with its pieces
        shutil.copyfileobj(file, copy)
        copy.flush()
        return copy
    return None
