"""Backups: the catalog in one file, with a checksum that is verified before anything is restored.

A backup holds everything that was learned, since the indexes are only a cache. It is taken by
SQLite's own online backup, so that others may read and write meanwhile, and it is a catalog itself.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from retrieval.catalog.catalog import Catalog
from retrieval.catalog.database import connect
from retrieval.errors import LibraryDamaged, LibraryError, LibraryLocked
from retrieval.library_folder import CATALOG, LOCK

if TYPE_CHECKING:
    from pathlib import Path

    from retrieval.library import Library


def backup(library: Library, file: Path) -> Path:
    """Write a library's catalog to a new file and its SHA-256 beside it.

    Args:
        library: It may be read and written meanwhile.
        file: Must not exist; it appears whole or not at all.

    Returns:
        The checksum's file, in the form that `sha256sum --check` reads.

    Raises:
        LibraryError: the file exists, lies in the library, or cannot be written.
    """
    if file.resolve().is_relative_to(library.path.resolve()):
        raise LibraryError(
            f"{file} lies in the library itself, and would be lost with it. Name another folder."
        )
    if file.exists():
        raise LibraryError(f"{file} exists. A backup is a new file; name another one.")
    fresh = file.with_name(f"{file.name}.new")
    checksum = checksum_of(file)
    try:
        with (
            closing(connect(library.catalog.path)) as source,
            closing(sqlite3.connect(fresh)) as copy,
        ):
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, nothing beside it
        checksum.write_bytes(b"%b  %b\n" % (_sha256(fresh).encode(), os.fsencode(file.name)))
        fresh.replace(file)
    except (OSError, sqlite3.Error) as error:
        with suppress(OSError):  # a disk that refused the one may refuse the other
            fresh.unlink(missing_ok=True)
        why = error.strerror if isinstance(error, OSError) else error
        raise LibraryError(f"Cannot write the backup {file}: {why}.") from error
    return checksum


def restore(file: Path, folder: Path) -> None:
    """Make a backup the catalog of a library; what was there is kept as `catalog.db.replaced`.

    Args:
        file: What `backup` wrote, with its checksum beside it.
        folder: The library; made if it is not there.

    Raises:
        LibraryDamaged: the backup is not what was written.
        LibraryLocked: a process is writing to the library.
        LibraryError: something cannot be read or written.
    """
    _verify(file)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / LOCK, timeout=0):
            fresh = folder / f"{CATALOG}.new"
            shutil.copyfile(file, fresh)
            if (folder / CATALOG).exists():
                _settle(folder / CATALOG)
                (folder / CATALOG).replace(folder / f"{CATALOG}.replaced")
            for left in (f"{CATALOG}-wal", f"{CATALOG}-shm"):  # they belong to the old catalog
                (folder / left).unlink(missing_ok=True)
            fresh.replace(folder / CATALOG)
            # The change counter of the backup may have meant other moments since.
            shutil.rmtree(folder / "vectors", ignore_errors=True)
    except Timeout as error:
        raise LibraryLocked(
            f"Another process is writing to {folder}. Try again when it has finished."
        ) from error
    except OSError as error:
        raise LibraryError(f"Cannot restore to {folder}: {error.strerror}.") from error


def checksum_of(file: Path) -> Path:
    """Where the checksum of a backup lies."""
    return file.with_name(f"{file.name}.sha256")


def _verify(file: Path) -> None:
    try:
        found = _sha256(file)
    except OSError as error:
        raise LibraryError(f"Cannot read the backup {file}: {error.strerror}.") from error
    checksum = checksum_of(file)
    try:
        (expected, *_) = checksum.read_text(encoding="ascii", errors="replace").split()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it holds no checksum"
        raise LibraryError(
            f"Cannot verify the backup {file}: {checksum} was written with it and must lie beside "
            f"it ({why})."
        ) from error
    if found != expected:
        raise LibraryDamaged(
            f"{file} is not what was written: its SHA-256 differs from {checksum_of(file).name}. "
            "Use another backup; the library was not touched."
        )
    with closing(Catalog(file, untouched=True)) as catalog:
        problems = catalog.check()
    if problems:
        raise LibraryDamaged(f"{file} is damaged: {problems[0]}. The library was not touched.")


def _settle(catalog: Path) -> None:
    """Bring what is in the write-ahead log into the catalog that is about to be set aside."""
    try:
        with closing(sqlite3.connect(catalog)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error:
        return  # it is damaged, which may be why a backup is restored


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
