"""The SQLite file behind the catalog: connections, transactions and migrations."""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event

from retrieval.catalog.text_functions import add_text_functions
from retrieval.catalog.word_index import add_word_functions, make_anew
from retrieval.errors import LibraryDamaged, LibraryError, LibraryLocked, LibraryVersion

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.engine import ExceptionContext

VERSION = "0004"
"""The newest migration; a library opened for writing is brought up to it."""

BUSY_TIMEOUT_S = 30.0

WRITE = "anyseek_write"
"""Execution option: the transaction takes SQLite's write lock at its start, so that it cannot
fail half way because another process wrote in between."""


def open_engine(path: Path, *, untouched: bool = False) -> Engine:
    """Connect to a catalog file in WAL mode: one writer and many readers at a time.

    Args:
        path: The file.
        untouched: Only read it as it stands; nobody may write to it meanwhile.
    """
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        creator=partial(connect, path, untouched=untouched),
        # What may not be written is looked at anew each time: how to read it may have changed.
        poolclass=None if may_be_written(path) else NullPool,
    )
    event.listen(engine, "connect", partial(_set_up, untouched=untouched))
    event.listen(engine, "begin", _begin)
    event.listen(engine, "handle_error", _handle)
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[sqlite3.Connection]:
    """The driver's own connection for a while, to run `Prepared` statements with.

    Each of them sees one state; several do after a BEGIN, which ends by itself.
    """
    with in_our_words(engine):
        pooled = engine.raw_connection()
        try:
            yield cast("sqlite3.Connection", pooled.driver_connection)
        finally:
            pooled.close()


@contextmanager
def in_our_words(engine: Engine) -> Iterator[None]:
    """Turn errors of the driver, where SQLAlchemy is not in between, into ours."""
    try:
        yield
    except sqlite3.Error as error:
        _raise_in_our_words(error, engine)
        raise


def connect(path: Path, *, untouched: bool = False) -> sqlite3.Connection:
    """A connection to a catalog, which works also where nothing may be written.

    To read a file in WAL mode, SQLite wants to make two others beside it. Where they are, because a
    process of somebody else is writing, they serve; otherwise the file is read as it stands.
    """
    how = "immutable=1" if untouched else "mode=rwc"
    if not untouched and not may_be_written(path):
        log = path.with_name(f"{path.name}-wal")
        how = "mode=ro" if log.exists() and log.stat().st_size else "immutable=1"
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?{how}",
        uri=True,
        timeout=BUSY_TIMEOUT_S,
        check_same_thread=False,  # the pool hands a connection to one thread at a time
    )


def may_be_written(path: Path) -> bool:
    """Whether a catalog and the files beside it may be written, or made."""
    places = [path.parent, path] if path.exists() else [path.parent]
    return all(os.access(place, os.W_OK) for place in places)


def _set_up(connection: sqlite3.Connection, _record: Any, *, untouched: bool) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves; the driver would say it too late
    if not untouched:
        connection.execute("PRAGMA journal_mode = WAL")  # of no effect where nothing may be written
    for pragma in (
        # A power cut may undo the last second but cannot damage the file; the next run redoes it.
        "synchronous = NORMAL",
        "foreign_keys = ON",
        # The triggers that keep the words in step call functions of ours.
        "trusted_schema = ON",
        "mmap_size = 1073741824",
    ):
        connection.execute(f"PRAGMA {pragma}")
    add_text_functions(connection)
    add_word_functions(connection)


def _begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get(WRITE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _handle(context: ExceptionContext) -> None:
    _raise_in_our_words(context.original_exception, context.engine)


def _raise_in_our_words(error: BaseException, engine: Engine | None) -> None:
    """Turn what can go wrong with a file on a disk into our errors; the rest are bugs."""
    file = engine.url.database if engine else "the catalog"
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        raise LibraryDamaged(
            f"{file} is damaged ({error}). Restore it from a backup, or move the library away "
            "and index again."
        ) from error
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        raise LibraryLocked(
            f"Another process has been writing to {file} for more than {BUSY_TIMEOUT_S:.0f} s. "
            "Try again when it has finished."
        ) from error
    if code == sqlite3.SQLITE_FULL:
        raise LibraryError(
            f"The disk of {file} is full. What was committed is safe; make room and run the "
            "command again to go on."
        ) from error
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR):
        raise LibraryError(
            f"{file} cannot be used ({error}). What was committed is safe; check the disk and "
            "the permissions of the folder."
        ) from error


def migrate(engine: Engine) -> None:
    """Create the tables, or bring an older catalog up to date, in one transaction.

    Raises:
        LibraryVersion: the catalog was made by a newer anyseek.
    """
    found = version(engine)
    if found == VERSION:
        return
    # Alembic takes a quarter of a second to import and is needed about once in a library's life.
    from retrieval.catalog.migrations import upgrade

    with engine.connect().execution_options(**{WRITE: True}) as connection, connection.begin():
        upgrade(connection, VERSION)
        make_anew(connection)


def version(engine: Engine) -> str | None:
    """The migration that a catalog stands at; None for an empty file.

    Raises:
        LibraryVersion: it was made by a newer anyseek.
        LibraryDamaged: the file is not a catalog.
    """
    with engine.connect() as connection:
        tables = connection.exec_driver_sql(
            "SELECT count(*) FROM sqlite_master WHERE name = 'alembic_version'"
        ).scalar_one()
        found = None
        if tables:
            found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    if found is not None and str(found) > VERSION:
        raise LibraryVersion(
            f"{engine.url.database} was made by a newer anyseek (catalog version {found}, this one "
            f"knows {VERSION}). Upgrade with: pip install --upgrade anyseek"
        )
    return None if found is None else str(found)
