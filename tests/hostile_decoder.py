"""A decoder that a file can make do anything, for the tests of what isolates decoders.

Its program stands in for that of a decoder process; it is the real one with one more reader.
"""

from __future__ import annotations

import ctypes
import os
import time
from typing import BinaryIO

from retrieval.errors import UnknownMedia
from retrieval.media import media as readers
from retrieval.media.decoder_worker import main
from retrieval.media.media import Media
from retrieval.media.windows import Windows


def open_hostile(file: BinaryIO, windows: Windows) -> Media:
    """Do what the file says."""
    order = file.read(20)
    if order == b"do: crash":
        ctypes.string_at(0)
    elif order == b"do: abort":
        os.abort()
    elif order == b"do: exit":
        os._exit(3)
    elif order == b"do: loop":
        while True:
            pass
    elif order == b"do: sleep":
        time.sleep(1000)
    elif order == b"do: grow":
        bytearray(30 << 30)
    elif order == b"do: grow slowly":
        hoard = []
        while True:
            hoard.append(bytearray(1 << 26))
    elif order == b"do: print":
        os.write(1, b"to the terminal")
        os.write(2, b"to the terminal")
    raise UnknownMedia("not hostile")


def run(line: int, arena: int, memory_bytes: int, cpu_s: int) -> None:
    """Serve the pool with the hostile reader asked first."""
    original = readers._reader
    readers._reader = lambda place: open_hostile if place == "hostile" else original(place)
    setattr(readers, "BY_MARK", ("hostile", *readers.BY_MARK))  # noqa: B010 - of another length
    main(line, arena, memory_bytes, cpu_s)
