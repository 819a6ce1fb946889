"""One decoder process as the pool sees it: started, given files, ended when it misbehaves."""

from __future__ import annotations

import json
import mmap
import os
import signal
import socket
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import retrieval
from retrieval.errors import MediaError, UnknownMedia
from retrieval.media.decoder_channel import (
    ARENA_BYTES,
    Channel,
    array_at,
    array_of,
    moment_from_json,
)

if TYPE_CHECKING:
    from retrieval.media.content import Content
    from retrieval.media.windows import Windows
    from retrieval.records import Moment

START = (
    "import json, sys, types; sys.path[:] = json.loads(sys.argv[1]);"
    "package = sys.modules['retrieval'] = types.ModuleType('retrieval');"
    "package.__path__ = json.loads(sys.argv[2]);"
    "from retrieval.media.decoder_worker import main; main(*map(int, sys.argv[3:]))"
)
"""Program of a process. Unlike with `multiprocessing`, the caller's own main module is not run
again. The package is put in place without its `__init__`, which would load a database: that saves
half of the time to start and of the memory."""
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(64 << 20),
}
"""One thread for each process, since there are many processes. And memory is kept from one file to
the next: to give it back and get it again, page by page, costs a third of the time for a picture
(glibc's settings; other systems ignore them)."""
ENDS = {
    "SIGXCPU": "decoding takes too long",
    "SIGKILL": "the decoder was ended from outside, most likely for want of memory",
}
START_S = 120.0
"""Seconds in which a process has to start, on a machine however busy."""
STOP_S = 5.0
"""Seconds in which a process has to stop decoding a file that nobody wants."""
SHARED = Path("/dev/shm")  # noqa: S108 - memory, where the system has such a folder


class DecoderGone(MediaError):  # noqa: N818 - reads as a sentence where it is raised
    """The process that decoded the file is no more; the message is the reason."""


class DecoderProcess:
    """A process that decodes files, one at a time."""

    def __init__(self, memory_bytes: int, cpu_s: int) -> None:
        folder = SHARED if SHARED.is_dir() else None
        ours, theirs = socket.socketpair()
        with theirs, tempfile.TemporaryFile(dir=folder) as arena:
            arena.truncate(ARENA_BYTES)
            self._arena = mmap.mmap(arena.fileno(), ARENA_BYTES)
            places = json.dumps(sys.path), json.dumps(list(retrieval.__path__))
            numbers = (theirs.fileno(), arena.fileno(), memory_bytes, cpu_s)
            self._process = subprocess.Popen(
                [sys.executable, "-c", START, *places, *map(str, numbers)],
                pass_fds=numbers[:2],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=os.environ | ENVIRONMENT,
                start_new_session=True,
            )
        self._channel = Channel(ours, ahead=True)
        self._started = False
        self.pid = self._process.pid

    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def start(self, file: BinaryIO, windows: Windows, name: str, patience_s: float) -> None:
        """Give the process a file.

        Args:
            file: It must lie on disk and stay open, and be read by nobody else.
            windows: How it is cut into moments.
            name: Its name.
            patience_s: Seconds to wait for each next answer.

        Raises:
            DecoderGone: the process is no more.
        """
        if not self._started:
            self._channel.line.settimeout(START_S)
            self.answer()
            self._started = True
        self._channel.line.settimeout(patience_s)
        order = {"windows": asdict(windows), "name": name, "more_cpu_s": int(patience_s)}
        try:
            self._channel.send(order, file.fileno())
        except OSError as error:
            raise DecoderGone(self._why_gone()) from error

    def go_on(self) -> None:
        """Let the process decode what takes much memory; it waits for this after its first answer.

        Raises:
            DecoderGone: the process is no more.
        """
        try:
            self._channel.send({"go": True})
        except OSError as error:
            raise DecoderGone(self._why_gone()) from error

    def answer(self) -> dict[str, Any]:
        """Wait for the next message about the file.

        Raises:
            UnknownMedia, MediaError: the file cannot be read; the process is ready for another.
            DecoderGone: the process crashed, hung or spoke nonsense, and has been ended.
        """
        try:
            message = self._channel.receive()
        except TimeoutError as error:
            self.end()
            raise DecoderGone("decoding takes too long") from error
        except (EOFError, OSError) as error:
            raise DecoderGone(self._why_gone()) from error
        except ValueError as error:
            self.end()
            raise DecoderGone("the decoder failed") from error
        if "error" in message:
            kind = UnknownMedia if message["error"] == "UnknownMedia" else MediaError
            raise kind(str(message.get("reason")))
        return message

    def piece(self, message: dict[str, Any]) -> tuple[Moment, Content]:
        """The moment and content that a message speaks of; its shared memory is free again.

        Raises:
            DecoderGone: the message makes no sense; the process has been ended.
        """
        try:
            moment = moment_from_json(message["moment"])
            if "text" in message:
                return moment, str(message["text"])
            if "bytes" in message:
                data = self._channel.receive_bytes(int(message["bytes"]))
                return moment, array_of(data, message["shape"], message["dtype"])
            place = message["place"]
            content = array_at(self._arena, place, message["shape"], message["dtype"])
            self._channel.send({"free": True})
        except (KeyError, TypeError, ValueError, OSError, EOFError) as error:
            self.end()
            raise DecoderGone("the decoder failed") from error
        return moment, content

    def abandon(self) -> None:
        """Tell the process that nothing more of the file is wanted, and wait until it has stopped.

        Raises:
            MediaError: see `answer`.
        """
        self._channel.line.settimeout(STOP_S)
        self._channel.send({"stop": True})
        while "end" not in (message := self.answer()):
            if "bytes" in message:
                self._channel.receive_bytes(int(message["bytes"]))

    def kill(self) -> None:
        """End the process; whoever waits for its answer learns that it is gone."""
        self._process.kill()

    def end(self) -> None:
        """End the process and close the line to it."""
        self._process.kill()
        self._process.wait()
        self._channel.close()

    def _why_gone(self) -> str:
        """Why the process ended by itself, as a reason."""
        try:
            code = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            code = -signal.SIGKILL
        self.end()
        if code < 0:
            name = signal.Signals(-code).name
            return ENDS.get(name, f"the decoder crashed ({name})")
        return f"the decoder ended (exit code {code})"
