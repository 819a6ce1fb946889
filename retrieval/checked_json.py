"""A JSON file that tells whether it is whole: its first line is the checksum of the rest."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def write(path: Path, fields: Mapping[str, Any]) -> None:
    """Write a file, which holds what it held before or the new fields at any time."""
    about = json.dumps(fields, indent=1)
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(f"{zlib.crc32(about.encode())}\n{about}\n")
    fresh.replace(path)


def read(path: Path) -> dict[str, Any]:
    """The fields that `write` wrote.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not what was written.
    """
    crc, _, about = path.read_text().partition("\n")
    if int(crc) != zlib.crc32(about.removesuffix("\n").encode()):
        raise ValueError("it is not what was written")
    fields = json.loads(about)
    if not isinstance(fields, dict):
        raise ValueError("it holds no fields")
    return fields


def stamp(path: Path) -> tuple[int, int]:
    """Changes with every write; zeros if nothing was written."""
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_ino
