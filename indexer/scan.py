"""A walk over a folder: which files there are and how they look, without opening one."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from indexer.exclusion import Exclusion
from retrieval.catalog.transaction import FileState

if TYPE_CHECKING:
    from collections.abc import Iterator


def path_order(path: str) -> bytes:
    """The key by which paths are ordered, here and in the catalog: their bytes."""
    return path.encode("utf-8", "surrogateescape")


class Scan:
    """The regular files below a folder of a root, by `path_order`; iterate it once.

    Symbolic links are never followed: what they point to inside the root is found under its own
    name, and what lies outside is no part of it. Hidden files, pipes and devices are passed over.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        below: str = "",
        exclusion: Exclusion | None = None,
    ) -> None:
        """Prepare a walk.

        Args:
            root: The root's folder.
            below: A folder or a single file below it, in POSIX form; "" for the whole root.
            exclusion: What is left out; by default as `Exclusion` says.
        """
        self.unreadable: list[str] = []
        """Paths that could not be looked at, "" for the root: what lies there may well exist."""
        self._root = os.fspath(root)
        self._below = below
        self._exclusion = exclusion or Exclusion(root)

    def __iter__(self) -> Iterator[tuple[str, FileState]]:
        """Pairs of a path relative to the root, in POSIX form, and the file's state."""
        found = 0
        waiting = [iter(self._start())]
        while waiting:
            path, state = next(waiting[-1], (None, None))
            if path is None:
                waiting.pop()
            elif state is None:
                waiting.append(iter(self._inside(path)))
            else:
                found += 1
                yield path, state
        if not found and not self._below and not self.unreadable:
            # A root without a single file is an unmounted disk more often than an emptied one.
            self.unreadable.append("")

    def could_see(self, path: str) -> bool:
        """Whether a path that was not found is really gone; ask when the walk has ended."""
        return not any(
            place in ("", path) or path.startswith(f"{place}/") for place in self.unreadable
        )

    def _start(self) -> list[tuple[str, FileState | None]]:
        """Where the walk begins; nothing if it is not there."""
        if not has_entries(self._root):
            self.unreadable.append("")
            return []
        if not self._below:
            return [("", None)]
        if self._exclusion.covers_any_of(self._below):
            return []
        try:
            status = os.lstat(self._full(self._below))
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError:
            self.unreadable.append(self._below)
            return []
        return _walkable(self._below, status)

    def _inside(self, folder: str) -> list[tuple[str, FileState | None]]:
        """Files with their states, and folders, in the order of the files in and below them."""
        found: list[tuple[str, FileState | None]] = []
        try:
            with os.scandir(self._full(folder)) as entries:
                for entry in entries:
                    path = f"{folder}/{entry.name}" if folder else entry.name
                    if not self._exclusion.covers(path, entry.name):
                        found += self._look_at(path, entry)
        except OSError:
            self.unreadable.append(folder)
        found.sort(key=_walk_order)
        return found

    def _look_at(self, path: str, entry: os.DirEntry[str]) -> list[tuple[str, FileState | None]]:
        try:
            return _walkable(path, entry.stat(follow_symlinks=False))
        except FileNotFoundError:
            return []
        except OSError:
            self.unreadable.append(path)
            return []

    def _full(self, path: str) -> str:
        return f"{self._root}/{path}" if path else self._root


def has_entries(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder can be read and is not empty, as the place of an unmounted disk would be."""
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is not None
    except OSError:
        return False


def _walkable(path: str, status: os.stat_result) -> list[tuple[str, FileState | None]]:
    if stat.S_ISREG(status.st_mode):
        return [(path, FileState.of(status))]
    return [(path, None)] if stat.S_ISDIR(status.st_mode) else []


def _walk_order(found: tuple[str, FileState | None]) -> bytes:
    path, state = found
    return path_order(path) if state else path_order(f"{path}/")
