"""What is left out of a root: hidden files, globs, and folders that are not part of it."""

from __future__ import annotations

import os
import re
from fnmatch import translate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

DEFAULT_EXCLUDE = ("node_modules", "__pycache__", "Thumbs.db", "desktop.ini")
"""What is left out besides hidden files unless the caller says otherwise."""


class Exclusion:
    """Judges paths below one root."""

    def __init__(
        self,
        root: str | os.PathLike[str],
        globs: Sequence[str] = DEFAULT_EXCLUDE,
        skip: Iterable[str | os.PathLike[str]] = (),
    ) -> None:
        """Prepare to judge.

        Args:
            root: The root's folder.
            globs: What to leave out; one with a slash is held against the path below the root,
                one without against the name alone.
            skip: Folders to leave out, wherever they lie.
        """
        self._names = _matcher(glob for glob in globs if "/" not in glob)
        self._paths = _matcher(glob for glob in globs if "/" in glob)
        above = f"{os.fspath(root)}/".replace(os.sep, "/")
        places = (os.fspath(folder).replace(os.sep, "/") for folder in skip)
        self._skip = {place.removeprefix(above) for place in places if place.startswith(above)}

    def covers(self, path: str, name: str) -> bool:
        """Whether a path is left out by itself; `name` is its last part."""
        return bool(
            name.startswith(".")
            or (self._names and self._names.match(name))
            or (self._paths and self._paths.match(path))
            or path in self._skip
        )

    def covers_any_of(self, path: str) -> bool:
        """Whether a path, or a folder on the way to it, is left out."""
        parts = path.split("/")
        return any(self.covers("/".join(parts[: n + 1]), part) for n, part in enumerate(parts))


def _matcher(globs: Iterable[str]) -> re.Pattern[str] | None:
    """One expression that matches what any of the globs matches, or None without globs."""
    patterns = [translate(glob) for glob in globs]
    return re.compile("|".join(patterns)) if patterns else None
