"""A decoder process: opens one file after the other and sends what is in it, within its limits."""

from __future__ import annotations

import logging
import mmap
import os
import resource
import socket
from typing import TYPE_CHECKING, Any

import numpy as np

from retrieval.errors import MediaError
from retrieval.media.decoder_channel import AT_ONCE_BYTES, Channel, Ring, moment_to_json
from retrieval.media.media import load_readers, open_media
from retrieval.media.unused_memory import give_back_memory
from retrieval.media.windows import Windows
from retrieval.records import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrieval.media.content import Content
    from retrieval.records import Moment


class Abandoned(Exception):  # noqa: N818 - control flow: nobody wants the rest of this file
    """The pool has told that it wants nothing more of the file."""


def main(line: int, arena: int, memory_bytes: int, cpu_s: int) -> None:
    """Serve the pool until it hangs up.

    Args:
        line: Descriptor of the socket to the pool.
        arena: Descriptor of the shared memory.
        memory_bytes: Address space that decoding may take beyond what the process starts with.
        cpu_s: Seconds of computing for one file; past them the system ends the process. It is what
            stops an endless loop when the pool itself is gone.
    """
    logging.disable()
    with socket.socket(fileno=line) as opened, mmap.mmap(arena, 0) as memory:
        worker = DecoderWorker(Channel(opened), memory)
        load_readers()
        _limit_memory(memory_bytes)
        worker.channel.send({"ready": True})
        while True:
            try:
                order, descriptor = worker.channel.receive_file()
            except (EOFError, OSError):
                return
            if descriptor is None:
                continue
            _limit_cpu(cpu_s + int(order.get("more_cpu_s", 0)))
            worker.decode(order, descriptor)


class DecoderWorker:
    """What a decoder process does with one file."""

    def __init__(self, channel: Channel, arena: mmap.mmap) -> None:
        self.channel = channel
        self._arena = arena
        self._ring = Ring(len(arena))

    def decode(self, order: dict[str, Any], descriptor: int) -> None:
        """Send the kind of a file, its moments with their contents, and the end or an error."""
        self._ring = Ring(len(self._arena))
        try:
            with os.fdopen(descriptor, "rb") as file:
                media = open_media(file, Windows(**order["windows"]), name=order["name"])
                facts = {
                    "kind": media.kind,
                    "metadata": dict(media.metadata),
                    "decoding_bytes": media.decoding_bytes,
                }
                much = media.decoding_bytes > AT_ONCE_BYTES
                # A text's first passages follow at once, and so do the pixels of a picture; a
                # film's first frame may take its time.
                soon = media.kind in (Kind.TEXT, Kind.IMAGE) and not much
                say = self.channel.post if soon else self.channel.send
                say(facts)
                if much and "stop" in self.channel.receive():
                    raise Abandoned
                self._send_all(media.pieces, much=much)
        except Abandoned:
            self.channel.send({"end": True})
        except MediaError as error:
            self.channel.send({"error": type(error).__name__, "reason": str(error)})
        else:
            self.channel.send({"end": True})

    def _send_all(self, pieces: Iterator[tuple[Moment, Content]], *, much: bool) -> None:
        for moment, content in pieces:
            if much:
                give_back_memory()
            message: dict[str, Any] = {"moment": moment_to_json(moment)}
            if isinstance(content, str):
                if self.channel.post(message | {"text": content}):
                    self._obey()
            else:
                self._send_array(message, np.ascontiguousarray(content))

    def _send_array(self, message: dict[str, Any], array: np.ndarray[Any, Any]) -> None:
        message |= {"shape": list(array.shape), "dtype": array.dtype.str[1:]}
        if array.nbytes > len(self._arena) // 2:
            self.channel.send(message | {"bytes": array.nbytes})
            self.channel.send_bytes(array.data.cast("B"))
            return
        while (place := self._ring.place(array.nbytes)) is None:
            self._obey(wait=True)
        np.ndarray(array.shape, array.dtype, self._arena, place)[...] = array
        self.channel.send(message | {"place": place})
        self._obey()

    def _obey(self, *, wait: bool = False) -> None:
        """Take in what the pool says: places that are free again, or that it wants no more."""
        while wait or self._said_something():
            wait = False
            said = self.channel.receive()
            if "stop" in said:
                raise Abandoned
            self._ring.free_oldest()

    def _said_something(self) -> bool:
        try:
            return bool(self.channel.line.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except BlockingIOError:
            return False


def _limit_memory(more_bytes: int) -> None:
    """Let the address space grow by no more than this; macOS knows no such limit."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        with open("/proc/self/statm") as status:  # noqa: PTH123 - one line of the kernel
            now = int(status.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + more_bytes, resource.RLIM_INFINITY))
    except (OSError, ValueError):
        return


def _limit_cpu(seconds: int) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    total = int(used.ru_utime + used.ru_stime) + seconds + 1
    resource.setrlimit(resource.RLIMIT_CPU, (total, resource.RLIM_INFINITY))
