"""Roots: the indexed folders, and where a path lies among them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Root:
    """A named folder that was indexed. Files are known by their path below it."""

    id: int
    name: str
    folder: Path
    """Where it lies on this machine."""


def innermost(roots: Iterable[Root], real: Path) -> tuple[Root, str] | None:
    """The root that a resolved path belongs to and its POSIX path below it ("" for the root).

    Where roots overlap the innermost has the path, so that every file is known once.
    """
    inside = [root for root in roots if real.is_relative_to(root.folder)]
    if not inside:
        return None
    root = max(inside, key=lambda root: len(root.folder.parts))
    below = real.relative_to(root.folder).as_posix()
    return root, "" if below == "." else below


def covered(roots: Iterable[Root], real: Path) -> tuple[tuple[int, str], ...]:
    """What lies under a resolved path: pairs of a root's id and a folder below it ("" for all)."""
    roots = list(roots)
    whole = [(root.id, "") for root in roots if root.folder.is_relative_to(real)]
    place = innermost(roots, real)
    if place is None or not place[1]:
        return tuple(whole)
    return (*whole, (place[0].id, place[1]))


def free_name(wanted: str, taken: Sequence[str]) -> str:
    """A name for a new root: the wanted one, or the first of `wanted-2`, `wanted-3` ... left."""
    names = chain([wanted], (f"{wanted}-{n}" for n in count(2)))
    return next(name for name in names if name not in taken)
