"""Reading the files of the catalog: paths, what they hold and who has a content."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import ColumnElement, func, select, true

from retrieval.catalog.database import reading
from retrieval.catalog.filter import FILTERS
from retrieval.catalog.id_list import LISTED, listed
from retrieval.catalog.listing import Listed, listing
from retrieval.catalog.new_content import FileState
from retrieval.catalog.prepared import PreparedRows
from retrieval.catalog.schema import contents, files, moments, roots
from retrieval.catalog.statements import CONTENT_BY_HASH, TWINS, TWINS_IN_SIGHT
from retrieval.records import File, Kind

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Engine

    from retrieval.catalog.filter import Filter
    from retrieval.records import Fact

KINDS = {kind.value: kind for kind in Kind}
AT_ONCE = 10_000
"""Contents of which the files are looked up at a time, so that one answer is no huge text."""
FOLDERS = 64
"""Folders of roots that are remembered."""
NOTHING = "{}"
"""What is stored where a file states nothing."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What the catalog knows of one path below a root."""

    file_id: int
    state: FileState
    content_hash: str | None
    """None for a file that was not read."""
    missing: bool
    failed: bool


class Owner(NamedTuple):
    """A file that has a moment; a tuple, since a search for many files makes many of them."""

    file_id: int
    path: Path
    kind: Kind
    missing: bool
    facts: Mapping[str, Fact]
    twins: tuple[Path, ...]
    """The RAWs that it stands for."""


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
        leader = files.alias("leader")
        query = (
            select(
                files,
                roots.c.name,
                roots.c.folder,
                contents.c.kind,
                contents.c.metadata,
                n_moments.label("n"),
                leader.c.path.label("leader_path"),
            )
            .join_from(files, roots)
            .outerjoin(leader, leader.c.id == files.c.twin_id)
            .outerjoin(
                contents, contents.c.id == func.coalesce(files.c.content_id, leader.c.content_id)
            )
            .where(*conditions)
            .order_by(roots.c.name, files.c.path)
        )
        with self._engine.connect() as connection:
            for row in connection.execute(query):
                folder = Path(row.folder, row.path).parent
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
                    not_media=row.not_media,
                    facts={**(row.metadata or {}), **(row.facts or {})},
                    sidecars={folder / name: why for name, _, _, why in row.sidecars or ()},
                    twin=Path(row.folder, row.leader_path) if row.leader_path else None,
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
                files.c.failure,
            )
            .outerjoin_from(files, contents)
            .where(condition)
        )
        with self._engine.connect() as connection:
            for path, file_id, size, mtime_ns, digest, since, failure in connection.execute(query):
                state, missing = FileState(size, mtime_ns), since is not None
                yield path, Entry(file_id, state, digest, missing, failure is not None)

    def has_content(self, content_hash: str) -> bool:
        """Whether this content is stored, with its moments and vectors."""
        with reading(self._engine) as connection:
            return bool(CONTENT_BY_HASH.rows(connection, hash=content_hash))

    def picture_at(self, root_id: int, path: str) -> int | None:
        """The id of the file at a path, if it is there and holds a picture that was read."""
        query = (
            select(files.c.id)
            .join_from(files, contents)
            .where(files.c.root_id == root_id, files.c.path == path)
            .where(files.c.missing_since_s.is_(None), contents.c.kind == Kind.IMAGE)
        )
        with self._engine.connect() as connection:
            return connection.execute(query).scalar()

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
        """The files that have each of these contents and pass the filter.

        Those in sight first, by path: which of several copies was read first is chance.
        """
        found: dict[int, list[Owner]] = {}
        with reading(self._engine) as connection:
            connection.execute("BEGIN")
            for start in range(0, len(content_ids), AT_ONCE):
                some = listed(content_ids[start : start + AT_ONCE])
                for content_id, owner in _owned(connection, some, wanted):
                    found.setdefault(content_id, []).append(owner)
        return found


def _owned(
    connection: sqlite3.Connection, content_ids: str, wanted: Filter
) -> Iterator[tuple[int, Owner]]:
    rows = _owners(wanted).rows(connection, ids=content_ids)
    leaders = [row[0] for row in rows if row[-1]]
    twins = _twins(connection, leaders, missing=wanted.missing) if leaders else {}
    for file_id, path, missing, content_id, facts, kind, metadata, folder, _ in rows:
        yield (
            content_id,
            Owner(
                file_id,
                _folder(folder) / path,
                KINDS[kind],
                missing == 1,
                _facts(metadata, facts),
                tuple(twins[file_id]) if file_id in twins else (),
            ),
        )


@lru_cache(maxsize=FILTERS)
def _owners(wanted: Filter) -> PreparedRows:
    twin = files.alias("twin")
    return PreparedRows(
        select(
            files.c.id,
            files.c.path,
            files.c.missing_since_s.is_not(None),
            files.c.content_id,
            files.c.facts,
            contents.c.kind,
            contents.c.metadata,
            roots.c.folder,
            select(twin.c.id).where(twin.c.twin_id == files.c.id).exists(),
        )
        .join_from(files, contents)
        .join(roots, roots.c.id == files.c.root_id)
        # As truths, or SQLite would walk over a whole folder for the few files that are asked for.
        .where(files.c.content_id.in_(LISTED), *(one.is_(true()) for one in wanted.conditions()))
        .order_by(files.c.missing_since_s.is_not(None), roots.c.folder, files.c.path)
    )


def _twins(
    connection: sqlite3.Connection, leader_ids: Sequence[int], *, missing: bool
) -> dict[int, list[Path]]:
    """The RAWs that each of these pictures stands for, by path."""
    query = TWINS if missing else TWINS_IN_SIGHT
    found: dict[int, list[Path]] = {}
    for leader_id, path, folder in query.rows(connection, ids=listed(leader_ids)):
        found.setdefault(leader_id, []).append(_folder(folder) / path)
    return found


@lru_cache(maxsize=FOLDERS)
def _folder(folder: str) -> Path:
    """The folder of a root, taken apart once for all files below it."""
    return Path(folder)


def _facts(*texts: str | None) -> dict[str, Fact]:
    """What several JSON objects state, the last over the first."""
    stated: dict[str, Fact] = {}
    for text in texts:
        if text and text != NOTHING:
            stated |= json.loads(text)
    return stated


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, tz=UTC)
