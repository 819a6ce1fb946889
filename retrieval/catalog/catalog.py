"""Reading the catalog: roots, files, moments and vectors. Each call sees one consistent state."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import ColumnElement, func, insert, select

from retrieval.catalog.database import VERSION, WRITE, migrate, open_engine, version
from retrieval.catalog.filter import Filter
from retrieval.catalog.listing import Listed, listing
from retrieval.catalog.roots import Root
from retrieval.catalog.schema import (
    contents,
    facts,
    files,
    hubs,
    moments,
    removals,
    roots,
    spaces,
    vectors,
)
from retrieval.catalog.statements import CONTENT_BY_HASH
from retrieval.catalog.transaction import FileState, Transaction
from retrieval.errors import LibraryDamaged
from retrieval.records import File, Kind, Modality, Moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection, Row

    from retrieval.vectors import Ids, Vectors

FETCH_ROWS = 10_000
"""Vectors read at a time while an index catches up; this bounds the memory it takes."""

SCRAMBLE = 2_654_435_761
"""Knuth's multiplicative hash: neighbouring ids, which are often one file's, come far apart."""


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


@dataclass(frozen=True, slots=True)
class Changes:
    """What an index must do to be in step with the catalog."""

    change: int
    """The catalog's change counter in this snapshot."""
    removed: Ids
    added: Iterator[tuple[Ids, Vectors]]
    """In pieces, ids ascending."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How much a library holds."""

    files: Mapping[Kind, int]
    moments: Mapping[Modality, int]
    failed: int
    missing: int


class Catalog:
    """The one truth of a library: an SQLite file."""

    def __init__(self, path: Path) -> None:
        """Open a catalog that exists; `create` makes one.

        Raises:
            LibraryVersion: it was made by a newer anyseek.
            LibraryDamaged: it cannot be read.
        """
        self.path = path
        self._engine = open_engine(path)
        if version(self._engine) is None:
            raise LibraryDamaged(
                f"{path} is not a catalog, or its making was interrupted. "
                "Delete the library folder and index again."
            )
        with self._engine.connect() as connection:
            self._spaces = {row.name: row for row in connection.execute(select(spaces))}

    @classmethod
    def create(cls, path: Path, *, space_dims: Mapping[str, int], **manifest: Any) -> Catalog:
        """Make a new catalog for the given spaces, with facts about its model set."""
        engine = open_engine(path)
        migrate(engine)
        with engine.connect().execution_options(**{WRITE: True}) as connection, connection.begin():
            for name, dim in sorted(space_dims.items()):
                connection.execute(insert(spaces).values(name=name, dim=dim))
            manifest |= {"library_id": uuid.uuid4().hex, "changes": 0}
            rows = [{"name": name, "value": value} for name, value in manifest.items()]
            connection.execute(insert(facts), rows)
        engine.dispose()
        return cls(path)

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def is_outdated(self) -> bool:
        """Whether an older anyseek made it, so that it must be migrated."""
        return version(self._engine) != VERSION

    def migrate(self) -> None:
        """Bring an older catalog up to date; the caller holds the writer's lock."""
        migrate(self._engine)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """All changes made inside are committed together, or none if it raises."""
        with (
            self._engine.connect().execution_options(**{WRITE: True}) as connection,
            connection.begin(),
        ):
            yield Transaction(connection, {name: row.id for name, row in self._spaces.items()})

    def facts(self) -> dict[str, Any]:
        """The library's id, change counter and model manifest."""
        with self._engine.connect() as connection:
            return {row.name: row.value for row in connection.execute(select(facts))}

    def changes(self) -> int:
        """The change counter: it grows with every transaction."""
        with self._engine.connect() as connection:
            changes = select(facts.c.value).where(facts.c.name == "changes")
            return int(connection.execute(changes).scalar_one())

    def spaces(self) -> dict[str, int]:
        """Name and dimension of every vector space."""
        return {name: row.dim for name, row in self._spaces.items()}

    def roots(self) -> list[Root]:
        """Every root, by name."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(roots).order_by(roots.c.name))
            return [Root(row.id, row.name, Path(row.folder)) for row in rows]

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

    def file(self, file_id: int) -> File:
        """One file by its id; KeyError if there is none."""
        for file in self._files(files.c.id == file_id):
            return file
        raise KeyError(file_id)

    def files(self, wanted: Filter) -> Iterator[File]:
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

    def counts(self) -> Counts:
        """Files by kind, moments by modality, failures and missing files."""
        by_kind = (
            select(contents.c.kind, func.count())
            .join_from(files, contents)
            .group_by(contents.c.kind)
        )
        by_modality = select(moments.c.modality, func.count()).group_by(moments.c.modality)
        with self._engine.connect() as connection:
            return Counts(
                files={Kind(kind): n for kind, n in connection.execute(by_kind)},
                moments={Modality(m): n for m, n in connection.execute(by_modality)},
                failed=_count(connection, files.c.failure.is_not(None)),
                missing=_count(connection, files.c.missing_since_s.is_not(None)),
            )

    def allowed(self, modality: Modality, wanted: Filter) -> Ids | None:
        """Ids of the moments that a filter lets through, ascending; None if it lets all through."""
        hides_nothing = wanted.missing or not self.missing_count()
        if replace(wanted, missing=True) == Filter(missing=True) and hides_nothing:
            return None
        query = (
            select(moments.c.id)
            .where(moments.c.modality == modality)
            .where(
                moments.c.content_id.in_(
                    select(files.c.content_id)
                    .join_from(files, contents)
                    .where(*wanted.conditions())
                )
            )
            .order_by(moments.c.id)
        )
        with self._engine.connect() as connection:
            return np.fromiter(connection.scalars(query), dtype=np.int64)

    def missing_count(self) -> int:
        """How many files are marked missing."""
        with self._engine.connect() as connection:
            return _count(connection, files.c.missing_since_s.is_not(None))

    def moments(self, ids: Sequence[int] | Ids) -> dict[int, tuple[int, Moment]]:
        """The moments with these ids, each with the id of its content; unknown ids are left out."""
        query = select(moments).where(moments.c.id.in_(_listed(ids)))
        with self._engine.connect() as connection:
            return {row.id: (row.content_id, _moment(row)) for row in connection.execute(query)}

    def moments_of(self, content_hash: str) -> list[Moment]:
        """The moments of one content, in order."""
        query = (
            select(moments)
            .join(contents)
            .where(contents.c.hash == content_hash)
            .order_by(moments.c.id)
        )
        with self._engine.connect() as connection:
            return [_moment(row) for row in connection.execute(query)]

    def moment_ids(self, content_id: int) -> set[int]:
        """The ids of the moments of one content."""
        query = select(moments.c.id).where(moments.c.content_id == content_id)
        with self._engine.connect() as connection:
            return set(connection.scalars(query))

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

    def first_moments(self, modality: Modality, content_ids: Iterable[int]) -> dict[int, int]:
        """For each of these contents that has moments of a modality the id of the first."""
        query = (
            select(moments.c.content_id, func.min(moments.c.id))
            .where(
                moments.c.modality == modality,
                moments.c.content_id.in_(_listed(sorted(content_ids))),
            )
            .group_by(moments.c.content_id)
        )
        with self._engine.connect() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

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
            .where(files.c.content_id.in_(_listed(content_ids)), *wanted.conditions())
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

    def vectors(self, space: str, ids: Sequence[int] | Ids) -> tuple[Ids, Vectors]:
        """The vectors of those moments that have one in a space: ids ascending, `(n, dim)`."""
        with self._engine.connect() as connection:
            rows = connection.execute(
                select(vectors.c.moment_id, vectors.c.data)
                .where(vectors.c.space_id == self._spaces[space].id)
                .where(vectors.c.moment_id.in_(_listed(ids)))
                .order_by(vectors.c.moment_id)
            ).all()
        return _matrix(rows, self._spaces[space].dim)

    def sample(self, modality: Modality, n: int) -> Ids:
        """Ids `(m,)` of at most n moments of a modality, spread over the library, ascending.

        They are those whose scrambled ids are lowest: the same ones at every call, and as the
        library grows new ones take the place of old ones one by one.
        """
        scrambled = (moments.c.id * SCRAMBLE) % (1 << 32)
        query = (
            select(moments.c.id)
            .where(moments.c.modality == modality)
            .order_by(scrambled, moments.c.id)
            .limit(n)
        )
        with self._engine.connect() as connection:
            return np.sort(np.fromiter(connection.scalars(query), dtype=np.int64))

    def count(self, modality: Modality) -> int:
        """How many moments of a modality there are."""
        with self._engine.connect() as connection:
            return _count(connection, moments.c.modality == modality)

    def hubs(self, space: str, ids: Sequence[int] | Ids) -> dict[int, float]:
        """The hub values of those moments that have one in a space."""
        with self._engine.connect() as connection:
            rows = connection.execute(
                select(hubs.c.moment_id, hubs.c.value).where(
                    hubs.c.space_id == self._spaces[space].id,
                    hubs.c.moment_id.in_(_listed(ids)),
                )
            )
            return {row.moment_id: row.value for row in rows}

    def without_hub(self, space: str, n: int) -> tuple[Ids, Vectors]:
        """At most n moments that have a vector in a space but no hub value yet: ids, `(m, dim)`.

        Hub values are given in order of ids, so these are the moments after the last that has one.
        """
        with self._engine.connect() as connection:
            here = self._spaces[space].id
            last = connection.execute(
                select(func.max(hubs.c.moment_id)).where(hubs.c.space_id == here)
            ).scalar()
            rows = connection.execute(
                select(vectors.c.moment_id, vectors.c.data)
                .where(vectors.c.space_id == here, vectors.c.moment_id > (last or 0))
                .order_by(vectors.c.moment_id)
                .limit(n)
            ).all()
        return _matrix(rows, self._spaces[space].dim)

    @contextmanager
    def changes_since(self, change: int, space: str, modality: Modality) -> Iterator[Changes]:
        """What was removed and added after a change, from one snapshot."""
        gone = select(removals.c.moment_id).where(
            removals.c.modality == modality, removals.c.change > change
        )
        with self._engine.connect() as connection:
            new = (
                select(vectors.c.moment_id, vectors.c.data)
                .join_from(vectors, moments)
                .where(
                    vectors.c.space_id == self._spaces[space].id,
                    moments.c.modality == modality,
                    moments.c.change > change,
                )
                .order_by(vectors.c.moment_id)
                .execution_options(yield_per=FETCH_ROWS)
            )
            yield Changes(
                change=int(
                    connection.execute(
                        select(facts.c.value).where(facts.c.name == "changes")
                    ).scalar_one()
                ),
                removed=np.fromiter(connection.scalars(gone), dtype=np.int64),
                added=(
                    _matrix(rows, self._spaces[space].dim)
                    for rows in connection.execute(new).partitions()
                ),
            )

    def check(self) -> list[str]:
        """SQLite's own integrity check and ours; an empty list if all is well."""
        try:
            with self._engine.connect() as connection:
                return _damages(connection)
        except LibraryDamaged as error:
            return [str(error)]


def _damages(connection: Connection) -> list[str]:
    found = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check")]
    problems = [problem for problem in found if problem != "ok"]
    problems += [
        f"row {row[1]} of {row[0]} points to nothing in {row[2]}"
        for row in connection.exec_driver_sql("PRAGMA foreign_key_check")
    ]
    for space, dim in connection.execute(select(spaces.c.name, spaces.c.dim)):
        wrong = connection.execute(
            select(func.count())
            .select_from(vectors)
            .join(spaces)
            .where(spaces.c.name == space, func.length(vectors.c.data) != 4 * dim)
        ).scalar_one()
        if wrong:
            problems.append(f"{wrong} vectors of {space} do not have {dim} dimensions")
    return problems


def _listed(ids: Sequence[int] | Ids) -> Any:
    """Ids as a subquery over one JSON parameter: SQLite limits how many parameters there are."""
    values = func.json_each([int(i) for i in ids].__repr__()).table_valued("value")
    return select(values.c.value)


def _matrix(rows: Sequence[Row[*tuple[Any, ...]]], dim: int) -> tuple[Ids, Vectors]:
    ids = np.fromiter((row[0] for row in rows), dtype=np.int64, count=len(rows))
    flat = np.frombuffer(b"".join(row[1] for row in rows), dtype="<f4")
    return ids, flat.reshape(len(rows), dim).astype(np.float32)


def _moment(row: Row[*tuple[Any, ...]]) -> Moment:
    return Moment(
        modality=Modality(row.modality),
        start_s=row.start_s,
        end_s=row.end_s,
        start_char=row.start_char,
        end_char=row.end_char,
        text=row.text,
        id=row.id,
    )


def _count(connection: Connection, condition: ColumnElement[bool]) -> int:
    return int(connection.execute(select(func.count()).where(condition)).scalar_one())


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, tz=UTC)
