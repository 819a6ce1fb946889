"""Functions that SQLite lacks, for comparing text and times as a person does."""

from __future__ import annotations

import json
import re
import unicodedata
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

SURROGATE = re.compile("[\ud800-\udfff]")


def without_surrogates(text: str) -> str:
    """Text that can be stored: each byte of a name that is not UTF-8 becomes U+FFFD."""
    return SURROGATE.sub("\ufffd", text)


def folded(text: str | bytes | None) -> str | None:
    """Text as it is compared: upper case is lower case, one way of writing each accent."""
    if text is None:
        return None
    if isinstance(text, bytes):
        text = text.decode("utf-8", "surrogateescape")
    composed = unicodedata.normalize("NFC", without_surrogates(text)).casefold()
    return unicodedata.normalize("NFC", composed)


def folded_name(path: bytes) -> str | None:
    """The last part of a path, as it is compared."""
    return folded(path.rpartition(b"/")[2])


def folded_lines(texts: bytes | None) -> str | None:
    """A JSON array of texts as they are compared, each between two ends of line; None for none."""
    stated = [] if texts is None else json.loads(texts)
    lines = [folded(text) or "" for text in stated if isinstance(text, str)]
    return "\n".join(["", *lines, ""]) if lines else None


def folded_folder(path: bytes) -> str | None:
    """All but the last part of a path, as it is compared; empty at the top."""
    return folded(path.rpartition(b"/")[0])


def local_time(time_ns: int) -> str | None:
    """Nanoseconds since 1970 as local time in ISO 8601 to the second; None beyond its years."""
    try:
        return datetime.fromtimestamp(time_ns // 10**9).isoformat()
    except (ValueError, OverflowError, OSError):
        return None


def add_text_functions(connection: sqlite3.Connection) -> None:
    """Let SQL call these functions by their names."""
    for function in (folded, folded_name, folded_folder, folded_lines, local_time):
        connection.create_function(function.__name__, 1, function, deterministic=True)
