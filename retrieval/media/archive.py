"""Archives: members of a ZIP file read in memory, never unpacked to a path, never too much."""

from __future__ import annotations

import zipfile
from typing import BinaryIO

from retrieval.errors import MediaError, UnknownMedia
from retrieval.media.reasons import reasons

MAX_MEMBER_BYTES = 64 << 20
"""Most bytes that one member may unpack to."""
MAX_BYTES = 256 << 20
"""Most bytes that are unpacked of one archive."""


class Archive:
    """A ZIP file with a limit on what comes out of it."""

    def __init__(self, file: BinaryIO) -> None:
        """Open a ZIP file.

        Raises:
            UnknownMedia: it is none.
            MediaError: its directory is damaged.
        """
        if file.read(4) != b"PK\x03\x04":
            raise UnknownMedia("the file is no ZIP archive")
        with reasons("the archive"):
            self._zip = zipfile.ZipFile(file)
        self._left = MAX_BYTES

    def __contains__(self, name: str) -> bool:
        return name in self._zip.NameToInfo

    def read(self, name: str) -> bytes:
        """Unpack one member.

        Raises:
            MediaError: it is missing, damaged, encrypted, or a bomb.
        """
        if name not in self:
            raise MediaError(f"the archive lacks {name}")
        limit = min(self._left, MAX_MEMBER_BYTES)
        with reasons(f"{name} in the archive"), self._zip.open(name) as member:
            data = member.read(limit + 1)
        if len(data) > limit:
            raise MediaError(f"{name} in the archive unpacks to more than {limit >> 20} MB")
        self._left -= len(data)
        return data
