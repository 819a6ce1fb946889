"""Which files may answer a query, as plain data and as SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, false, or_

from retrieval.catalog.schema import contents, files

if TYPE_CHECKING:
    from retrieval.catalog.where import Condition
    from retrieval.records import Kind


@dataclass(frozen=True, slots=True)
class Filter:
    """Which files may answer."""

    kinds: frozenset[Kind] | None = None
    under: tuple[tuple[int, str], ...] | None = None
    """Pairs of a root's id and a folder below it ("" for all of it); None for everywhere."""
    since_ns: int | None = None
    """Modified at or after."""
    until_ns: int | None = None
    """Modified before."""
    missing: bool = False
    """Also files that cannot be seen at present."""
    where: Condition | None = None
    """What must be true of what is known of a file."""

    def conditions(self) -> list[ColumnElement[bool]]:
        """The filter as SQL over `files` joined with `contents`."""
        wanted: list[ColumnElement[bool]] = []
        if self.kinds is not None:
            wanted.append(contents.c.kind.in_(sorted(self.kinds)))
        if self.under is not None:
            wanted.append(or_(false(), *(below(root, folder) for root, folder in self.under)))
        if self.since_ns is not None:
            wanted.append(files.c.mtime_ns >= self.since_ns)
        if self.until_ns is not None:
            wanted.append(files.c.mtime_ns < self.until_ns)
        if not self.missing:
            wanted.append(files.c.missing_since_s.is_(None))
        if self.where is not None:
            wanted.append(self.where.sql())
        return wanted


def below(root_id: int, folder: str) -> ColumnElement[bool]:
    """Files in a folder of a root and further down, and the file of that name itself."""
    here = files.c.root_id == root_id
    if not folder:
        return here
    # "0" follows "/", so this range holds what lies below the folder and nothing else.
    inside = (files.c.path >= f"{folder}/") & (files.c.path < f"{folder}0")
    return here & (inside | (files.c.path == folder))
