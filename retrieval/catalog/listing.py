"""The listing: what the catalog knows of each path, in the order of a walk over the folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import String, select, type_coerce

from retrieval.catalog.filter import below
from retrieval.catalog.new_content import FileState
from retrieval.catalog.schema import files
from retrieval.catalog.sidecars import Sidecar, sidecars_from_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

FETCH_ROWS = 10_000
"""Rows read at a time, so that a listing takes little memory however long it is."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One path below a root, as the catalog knows it."""

    path: str
    file_id: int
    state: FileState
    failed: bool
    missing: bool
    twin: bool = False
    """A picture stands for it, so that it was not read."""
    unread: bool = False
    """It is neither read nor a twin nor failed: the picture that stood for it was forgotten."""
    sidecars: tuple[Sidecar, ...] = ()


def listing(connection: Connection, root_id: int, folder: str) -> Iterator[Listed]:
    """Every path below a folder of a root ("" for all of it), by the bytes of the path."""
    query = (
        select(
            files.c.path,
            files.c.id,
            files.c.size,
            files.c.mtime_ns,
            files.c.failure.is_not(None),
            files.c.missing_since_s.is_not(None),
            files.c.twin_id.is_not(None),
            files.c.content_id.is_(None),
            type_coerce(files.c.sidecars, String),
        )
        .where(below(root_id, folder))
        .order_by(files.c.path)
        .execution_options(yield_per=FETCH_ROWS)
    )
    for row in connection.execute(query):
        path, file_id, size, mtime_ns, failed, missing, twin, empty, sidecars = row
        yield Listed(
            path,
            file_id,
            FileState(size, mtime_ns),
            failed,
            missing,
            twin,
            empty and not failed and not twin,
            sidecars_from_json(sidecars),
        )
