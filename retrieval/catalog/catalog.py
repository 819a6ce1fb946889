"""The catalog: what it is about, its roots, and its files, moments, vectors and words."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, func, insert, select

from retrieval.catalog.database import (
    VERSION,
    WRITE,
    in_our_words,
    migrate,
    open_engine,
    reading,
    version,
)
from retrieval.catalog.files import Files
from retrieval.catalog.moments import Moments
from retrieval.catalog.roots import Root
from retrieval.catalog.schema import (
    contents,
    facts,
    files,
    moments,
    roots,
    spaces,
    vectors,
)
from retrieval.catalog.statements import CHANGES
from retrieval.catalog.stored_vectors import StoredVectors
from retrieval.catalog.transaction import Transaction
from retrieval.catalog.uninterrupted import uninterrupted
from retrieval.catalog.words import Words
from retrieval.errors import LibraryDamaged, LibraryGone
from retrieval.records import Kind, Modality

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Counts:
    """How much a library holds."""

    files: Mapping[Kind, int]
    moments: Mapping[Modality, int]
    failed: int
    """Broken, or not to be read for another reason that may go away."""
    not_media: int
    """Nothing that anyseek reads."""
    missing: int


class Catalog:
    """The one truth of a library: an SQLite file."""

    def __init__(self, path: Path, *, untouched: bool = False) -> None:
        """Open a catalog that exists; `create` makes one.

        Args:
            path: Its file.
            untouched: Only read it as it stands, such as a backup that nobody writes to.

        Raises:
            LibraryVersion: it was made by a newer anyseek.
            LibraryDamaged: it cannot be read.
        """
        self.path = path
        self._identity = identity(path)
        self._engine = open_engine(path, untouched=untouched)
        if version(self._engine) is None:
            raise LibraryDamaged(
                f"{path} is not a catalog, or its making was interrupted. "
                "Delete the library folder and index again."
            )
        with self._engine.connect() as connection:
            self._spaces = {row.name: row for row in connection.execute(select(spaces))}
        self.files = Files(self._engine)
        self.moments = Moments(self._engine)
        self.vectors = StoredVectors(self._engine, self._spaces)
        self.words = Words(self._engine)

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
        """All changes made inside are committed together, or none if it raises.

        Ctrl-C waits for its end.

        Raises:
            LibraryGone: the file was deleted or replaced since it was opened.
        """
        self.must_be_there()
        with (
            uninterrupted(),
            in_our_words(self._engine),
            self._engine.connect().execution_options(**{WRITE: True}) as connection,
            connection.begin(),
        ):
            yield Transaction(connection, {name: row.id for name, row in self._spaces.items()})

    def must_be_there(self) -> None:
        """Refuse to go on with a file to which nobody has a way any more.

        Raises:
            LibraryGone: it was deleted or replaced since it was opened.
        """
        if identity(self.path) != self._identity:
            raise LibraryGone(
                f"{self.path} was deleted or replaced while it was in use. What was found out "
                "since cannot be kept; run the command again."
            )

    def facts(self) -> dict[str, Any]:
        """The library's id, change counter and model manifest."""
        with self._engine.connect() as connection:
            return {row.name: row.value for row in connection.execute(select(facts))}

    def changes(self) -> int:
        """The change counter: it grows with every transaction."""
        with reading(self._engine) as connection:
            ((change,),) = CHANGES.rows(connection)
        return int(change)

    def spaces(self) -> dict[str, int]:
        """Name and dimension of every vector space."""
        return {name: row.dim for name, row in self._spaces.items()}

    def roots(self) -> list[Root]:
        """Every root, by name."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(roots).order_by(roots.c.name))
            return [Root(row.id, row.name, Path(row.folder)) for row in rows]

    def counts(self) -> Counts:
        """Files by kind, moments by modality, failures and missing files."""
        by_kind = (
            select(contents.c.kind, func.count())
            .join_from(files, contents)
            .group_by(contents.c.kind)
        )
        by_modality = select(moments.c.modality, func.count()).group_by(moments.c.modality)
        with self._engine.connect() as connection:
            by = {Kind(kind): n for kind, n in connection.execute(by_kind)}
            if twins := _count(connection, files.c.twin_id.is_not(None)):
                by[Kind.IMAGE] = by.get(Kind.IMAGE, 0) + twins
            return Counts(
                files=by,
                moments={Modality(m): n for m, n in connection.execute(by_modality)},
                failed=_count(connection, files.c.failure.is_not(None) & ~files.c.not_media),
                not_media=_count(connection, files.c.not_media),
                missing=_count(connection, files.c.missing_since_s.is_not(None)),
            )

    def check(self) -> list[str]:
        """SQLite's own integrity check and ours; an empty list if all is well."""
        try:
            with self._engine.connect() as connection:
                return _damages(connection)
        except LibraryDamaged as error:
            return [str(error)]


def identity(path: Path) -> tuple[int, int] | None:
    """What tells a file or folder from another one at the same place; None if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


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


def _count(connection: Connection, condition: ColumnElement[bool]) -> int:
    return int(connection.execute(select(func.count()).where(condition)).scalar_one())
