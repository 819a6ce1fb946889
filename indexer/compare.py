"""What has changed: the files on disk held against those in the catalog."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from indexer.scan import path_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from indexer.scan import Found
    from retrieval.catalog.listing import Listed
    from retrieval.catalog.new_content import FileState


class Change(StrEnum):
    """How a path on disk stands to the catalog."""

    NEW = "new"
    CHANGED = "changed"
    """Its size or its time is another one, be it earlier or later, or it was never read."""
    SAME = "same"
    RETURNED = "returned"
    """It was marked missing and is there again as it was."""
    ABSENT = "absent"
    """The catalog knows it and the walk did not find it."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One path with what the disk and the catalog say of it."""

    change: Change
    path: str
    found: Found | None
    """On disk; None for what is absent."""
    known: Listed | None
    """In the catalog; None for what is new."""


def compare(disk: Iterable[Found], catalog: Iterable[Listed]) -> Iterator[Difference]:
    """Walk along the disk and the catalog side by side, holding one path of each at a time.

    Args:
        disk: What was found, by `path_order`, each path once.
        catalog: What is known, by `path_order`, each path once.
    """
    known_paths = iter(catalog)
    known = next(known_paths, None)
    for found in disk:
        path = found.path
        while known and path_order(known.path) < path_order(path):
            yield Difference(Change.ABSENT, known.path, None, known)
            known = next(known_paths, None)
        if known and known.path == path:
            yield Difference(_change(found.state, known), path, found, known)
            known = next(known_paths, None)
        else:
            yield Difference(Change.NEW, path, found, None)
    while known:
        yield Difference(Change.ABSENT, known.path, None, known)
        known = next(known_paths, None)


def _change(state: FileState, known: Listed) -> Change:
    if state != known.state or known.unread:
        return Change.CHANGED
    return Change.RETURNED if known.missing else Change.SAME
