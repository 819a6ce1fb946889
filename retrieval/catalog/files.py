"""Reading the files of the catalog: paths, what they hold and who has a content."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, func, select

from retrieval.catalog.id_list import id_list
from retrieval.catalog.listing import Listed, listing
from retrieval.catalog.schema import contents, files, moments, roots
from retrieval.catalog.statements import CONTENT_BY_HASH
from retrieval.catalog.transaction import FileState
from retrieval.records import File, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Engine

    from retrieval.catalog.filter import Filter


@dataclass(frozen=True, slots=True)
class Entry:
    """What the catalog knows of one path below a root."""

    file_id: int
    state: FileState
    content_hash: str | None
    """None for a file that could not be read."""
    missing: bool


@dataclass(frozen=True, slots=True)
class Owner:
    """A file that has a moment."""

    file_id: int
    path: Path
    kind: Kind
    missing: bool


class Files:
    """The files of a catalog, to be read. Each call sees one consistent state."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, file_id: int) -> File:
        """One file by its id; KeyError if there is none."""
        for file in self._files(files.c.id == file_id):
            return file
        raise KeyError(file_id)

    def matching(self, wanted: Filter) -> Iterator[File]:
        """Files that pass a filter, by root and path; failed ones have no kind."""
        return self._files(*wanted.conditions())

    def _files(self, *conditions: ColumnElement[bool]) -> Iterator[File]:
        n_moments = (
            select(func.count()).where(moments.c.content_id == files.c.content_id).scalar_subquery()
        )
        query = (
            select(files, roots.c.name, roots.c.folder, contents.c.kind, n_moments.label("n"))
            .join_from(files, roots)
            .outerjoin(contents, contents.c.id == files.c.content_id)
            .where(*conditions)
            .order_by(roots.c.name, files.c.path)
        )
        with self._engine.connect() as connection:
            for row in connection.execute(query):
                yield File(
                    id=row.id,
                    path=Path(row.folder, row.path),
                    root=row.name,
                    kind=Kind(row.kind) if row.kind else None,
                    size=row.size,
                    modified=datetime.fromtimestamp(row.mtime_ns / 1e9, tz=UTC),
                    moments=row.n,
                    missing_since=_time(row.missing_since_s),
                    failure=row.failure,
                )

    def listing(self, root_id: int, folder: str = "") -> Iterator[Listed]:
        """What is known of each path below a folder of a root, by the bytes of the path."""
        with self._engine.connect() as connection:
            yield from listing(connection, root_id, folder)

    def entries(self, root_id: int) -> dict[str, Entry]:
        """Everything known below a root, by path."""
        return dict(self._entries(files.c.root_id == root_id))

    def entry(self, file_id: int) -> Entry:
        """What is known of one file; KeyError if there is none."""
        for _, entry in self._entries(files.c.id == file_id):
            return entry
        raise KeyError(file_id)

    def _entries(self, condition: ColumnElement[bool]) -> Iterator[tuple[str, Entry]]:
        query = (
            select(
                files.c.path,
                files.c.id,
                files.c.size,
                files.c.mtime_ns,
                contents.c.hash,
                files.c.missing_since_s,
            )
            .outerjoin_from(files, contents)
            .where(condition)
        )
        with self._engine.connect() as connection:
            for path, file_id, size, mtime_ns, digest, missing in connection.execute(query):
                yield path, Entry(file_id, FileState(size, mtime_ns), digest, missing is not None)

    def has_content(self, content_hash: str) -> bool:
        """Whether this content is stored, with its moments and vectors."""
        with self._engine.connect() as connection:
            found = connection.execute(CONTENT_BY_HASH, {"hash": content_hash})
            return found.first() is not None

    def content_ids(self, wanted: Filter) -> list[int]:
        """The contents of the files that pass a filter, ascending."""
        query = (
            select(files.c.content_id)
            .join_from(files, contents)
            .where(*wanted.conditions())
            .distinct()
            .order_by(files.c.content_id)
        )
        with self._engine.connect() as connection:
            return list(connection.scalars(query))

    def owners(self, content_ids: Sequence[int], wanted: Filter) -> dict[int, list[Owner]]:
        """The files that have each of these contents and pass the filter, by path."""
        query = (
            select(
                files.c.id,
                files.c.path,
                files.c.missing_since_s,
                files.c.content_id,
                contents.c.kind,
                roots.c.folder,
            )
            .join_from(files, contents)
            .join(roots, roots.c.id == files.c.root_id)
            .where(files.c.content_id.in_(id_list(content_ids)), *wanted.conditions())
            .order_by(files.c.id)
        )
        found: dict[int, list[Owner]] = {}
        with self._engine.connect() as connection:
            for row in connection.execute(query):
                owner = Owner(
                    row.id,
                    Path(row.folder, row.path),
                    Kind(row.kind),
                    row.missing_since_s is not None,
                )
                found.setdefault(row.content_id, []).append(owner)
        return found


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, tz=UTC)
