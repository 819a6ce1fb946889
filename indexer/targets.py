"""Targets: the places in the library that a run is asked to look at."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from indexer.companions import companions_on_disk
from retrieval.catalog.roots import innermost
from retrieval.errors import SearchError
from retrieval.user_path import user_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from retrieval.catalog.roots import Root
    from retrieval.library import Library


class NotThere(SearchError):  # noqa: N818
    """A path to index that does not exist and that the library does not know."""


@dataclass(frozen=True, slots=True)
class Target:
    """A folder or a file of a root."""

    root: Root
    below: str
    """Path relative to the root, in POSIX form; "" for the whole root."""

    def holds(self, other: Target) -> bool:
        """Whether a walk over this one meets the other."""
        return self.root.id == other.root.id and (
            self.below in ("", other.below) or other.below.startswith(f"{self.below}/")
        )


def find_targets(library: Library, paths: Sequence[str | os.PathLike[str]]) -> list[Target]:
    """Where paths lie in the library, each place once; folders that are new become roots.

    A root inside one of the folders is a target of its own. Without paths, every root is one.

    Raises:
        NotThere: a path does not exist and the library does not know it either.
        SearchError: a path is neither a folder nor a file, or there is no root either.
    """
    if not paths and not library.catalog.roots():
        raise SearchError("No folder was indexed yet, or all were forgotten: anyseek index FOLDER")
    reals = [user_path(path).resolve() for path in paths]
    for real in reals:
        _check(library, real)
    targets = [target for real in reals for target in _place(library, real)]
    targets += [
        Target(root, "")
        for root in library.catalog.roots()
        if not paths or any(root.folder.is_relative_to(real) for real in reals)
    ]
    kept: list[Target] = []
    for target in sorted(targets, key=lambda target: len(target.below)):
        if not any(other.holds(target) for other in kept):
            kept.append(target)
    return sorted(kept, key=lambda target: (target.root.name, target.below))


def _check(library: Library, real: Path) -> None:
    try:
        mode = os.stat(real).st_mode  # noqa: PTH116 - Path.stat adds nothing here
    except OSError as error:
        if not is_known(library, real):
            raise NotThere(
                f"Cannot index {real}: {error.strerror}. Check the path and whether its disk is "
                "mounted."
            ) from error
        return
    if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
        raise SearchError(f"Cannot index {real}: it is neither a folder nor a file. Name one.")


def is_known(library: Library, real: Path) -> bool:
    """Whether a path is a root, or the library knows a file or a sidecar at it or below it."""
    roots = library.catalog.roots()
    if any(root.folder == real for root in roots):
        return True
    if next(iter(library.files(under=real)), None) is not None:
        return True
    return bool(innermost(roots, real) and companions_on_disk(str(real.parent), real.name))


def _place(library: Library, real: Path) -> list[Target]:
    """A folder, or a file with those whose state depends on it."""
    if real.is_dir():
        return [Target(*library.place(real))]
    if real.exists():
        root, folder = library.place(real.parent)
    else:
        known = innermost(library.catalog.roots(), real)
        if known is None:
            return []
        root, below = known
        folder = below.rpartition("/")[0]
        if not below:
            return [Target(root, "")]
    before = f"{folder}/" if folder else ""
    names = {real.name} | companions_on_disk(str(real.parent), real.name)
    return [Target(root, before + name) for name in names]
