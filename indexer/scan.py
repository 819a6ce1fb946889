"""A walk over a folder: which files there are and how they look, without opening one."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from indexer.companions import companions, may_be_companions
from indexer.exclusion import Exclusion
from retrieval.catalog.new_content import FileState
from retrieval.catalog.sidecars import Sidecar

if TYPE_CHECKING:
    from collections.abc import Iterator


def path_order(path: str) -> bytes:
    """The key by which paths are ordered, here and in the catalog: their bytes."""
    return path.encode("utf-8", "surrogateescape")


class Found(NamedTuple):
    """A file on disk."""

    path: str
    """Relative to the root, in POSIX form."""
    state: FileState
    sidecars: tuple[Sidecar, ...] = ()
    leader: str | None = None
    """The path of the picture that stands for it, if it is a RAW beside one."""


class Scan:
    """The regular files below a folder of a root, by `path_order`; iterate it once.

    A sidecar is no file of its own: it comes with the file that it is about. Symbolic links are
    never followed: what they point to inside the root is found under its own name, and what lies
    outside is no part of it. Hidden files, pipes and devices are passed over.
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
        self.sidecars: set[str] = set()
        """Paths of the sidecars that were met."""
        self._root = os.fspath(root)
        self._below = below
        self._exclusion = exclusion or Exclusion(root)

    def __iter__(self) -> Iterator[Found]:
        """Files with their states and what belongs to them."""
        found = 0
        waiting = [iter(self._start())]
        while waiting:
            entry = next(waiting[-1], None)
            if entry is None:
                waiting.pop()
            elif isinstance(entry, str):
                waiting.append(iter(self._inside(entry)))
            else:
                found += 1
                yield entry
        if not found and not self._below and not self.unreadable:
            # A root without a single file is an unmounted disk more often than an emptied one.
            self.unreadable.append("")

    def could_see(self, path: str) -> bool:
        """Whether a path that was not found is really gone; ask when the walk has ended."""
        return not any(
            place in ("", path) or path.startswith(f"{place}/") for place in self.unreadable
        )

    def _start(self) -> list[Found | str]:
        """Where the walk begins; nothing if it is not there."""
        if not has_entries(self._root):
            self.unreadable.append("")
            return []
        if not self._below:
            return [""]
        if self._exclusion.covers_any_of(self._below):
            return []
        try:
            mode = os.lstat(self._full(self._below)).st_mode
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError:
            self.unreadable.append(self._below)
            return []
        if stat.S_ISDIR(mode):
            return [self._below]
        folder, _, name = self._below.rpartition("/")
        beside = self._inside(folder, alike=name)
        return [f for f in beside if not isinstance(f, str) and f.path == self._below]

    def _inside(self, folder: str, alike: str = "") -> list[Found | str]:
        """Files and the paths of folders, in the order of the files in and below them.

        Args:
            folder: Its path below the root.
            alike: A name: what can be no companion of such a file is not looked at.
        """
        states: dict[str, FileState] = {}
        found: list[Found | str] = []
        before = f"{folder}/" if folder else ""
        try:
            with os.scandir(self._full(folder)) as entries:
                for entry in entries:
                    path = before + entry.name
                    if self._exclusion.covers(path, entry.name) or not may_be_companions(
                        entry.name, alike
                    ):
                        continue
                    status = self._look_at(path, entry)
                    if status is None:
                        continue
                    if stat.S_ISREG(status.st_mode):
                        states[entry.name] = FileState.of(status)
                    elif stat.S_ISDIR(status.st_mode):
                        found.append(path)
        except OSError:
            self.unreadable.append(folder)
        found += self._files(before, states)
        found.sort(key=_walk_order)
        return found

    def _files(self, before: str, states: dict[str, FileState]) -> list[Found]:
        """The files of a folder, each with its companions."""
        together = companions({name: state.size for name, state in states.items()})
        if not together.sidecars and not together.leaders:
            return [Found(before + name, state) for name, state in states.items()]
        sidecars = {name for names in together.sidecars.values() for name in names}
        self.sidecars |= {before + name for name in sidecars}
        found = []
        for name, state in states.items():
            if name not in sidecars:
                own = tuple(Sidecar(n, states[n]) for n in together.sidecars.get(name, ()))
                leader = together.leaders.get(name)
                found.append(Found(before + name, state, own, leader and before + leader))
        return found

    def _look_at(self, path: str, entry: os.DirEntry[str]) -> os.stat_result | None:
        try:
            return entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            return None
        except OSError:
            self.unreadable.append(path)
            return None

    def _full(self, path: str) -> str:
        return f"{self._root}/{path}" if path else self._root


def has_entries(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder can be read and is not empty, as the place of an unmounted disk would be."""
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is not None
    except OSError:
        return False


def _walk_order(found: Found | str) -> bytes:
    return path_order(f"{found}/" if isinstance(found, str) else found.path)
