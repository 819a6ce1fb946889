"""File names and passages, shown so that they cannot move the cursor or fake a line."""

import unicodedata
from pathlib import Path

JOINERS = "\u200c\u200d"
"""Zero-width characters that emoji and several scripts need."""


def harmless(text: str) -> str:
    r"""Write control characters, line breaks and bytes that are no UTF-8 as escapes.

    A newline becomes `\n`, an escape character `\x1b`, the byte ff `\xff`, a character that
    reverses the direction of writing `\u202e`.
    """
    return text if text.isprintable() else "".join(map(_shown, text))


def shown_path(path: Path) -> str:
    """A path as a person would type it from here, harmless."""
    try:
        here = Path.cwd()
    except OSError:  # it was deleted
        return harmless(str(path))
    return harmless(str(path.relative_to(here) if path.is_relative_to(here) else path))


def one_line(text: str) -> str:
    """A passage with its line breaks and runs of space turned into single spaces, harmless."""
    return harmless(" ".join(text.split()))


def _shown(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # a byte that os.fsdecode could not decode
        return f"\\x{ord(character) - 0xDC00:02x}"
    category = unicodedata.category(character)
    if category in {"Cc", "Cs", "Zl", "Zp"} or (category == "Cf" and character not in JOINERS):
        return character.encode("unicode_escape").decode()
    return character
