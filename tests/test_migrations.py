"""Migrations: an old library is brought up to date with all it knows, or left as it was."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Engine

from indexer import index
from retrieval import Library
from retrieval.catalog import database, migrations
from retrieval.catalog.database import VERSION, WRITE, migrate, open_engine, version
from retrieval.encoders.fake import fake_model_set
from retrieval.errors import LibraryLocked, LibraryVersion

EVERY = [f"{n:04}" for n in range(1, int(VERSION) + 1)]
OLDER = EVERY[:-1]


def made_by(path: Path, revision: str) -> Engine:
    """A catalog as an older anyseek made it."""
    engine = open_engine(path)
    with engine.connect().execution_options(**{WRITE: True}) as connection, connection.begin():
        migrations.upgrade(connection, revision)
    return engine


def columns(path: Path) -> dict[str, list[str]]:
    """Every table with its columns, and every index."""
    with sqlite3.connect(path) as connection:
        names = [
            str(name)
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"
            )
        ]
        found = {
            name: [row[1] for row in connection.execute(f"PRAGMA table_info('{name}')")]
            for name in sorted(names)
        }
    connection.close()
    return found


def fill(path: Path) -> None:
    """Rows that each version of the tables can hold."""
    with sqlite3.connect(path) as connection:
        connection.executescript(
            """
            INSERT INTO facts (name, value) VALUES ('changes', '7'), ('library_id', '"abc"');
            INSERT INTO spaces (id, name, dim) VALUES (1, 'fake', 4);
            INSERT INTO roots (id, name, folder) VALUES (1, 'root', x'2f6469736b');
            INSERT INTO contents (id, hash, kind, metadata) VALUES (1, 'h', 'text', '{}');
            INSERT INTO files (id, root_id, path, size, mtime_ns, content_id)
                VALUES (1, 1, x'61', 5, 6, 1);
            INSERT INTO files (id, root_id, path, size, mtime_ns, failure)
                VALUES (2, 1, x'62', 5, 6, 'the picture is cut off'),
                (3, 1, x'63', 5, 6, 'nothing in the file says text, picture, sound or video');
            INSERT INTO moments (id, content_id, modality, text, change)
                VALUES (4, 1, 'text', 'words', 3);
            INSERT INTO vectors (moment_id, space_id, data)
                VALUES (4, 1, x'0000803f000000000000000000000000');
            INSERT INTO removals (moment_id, modality, change) VALUES (3, 'text', 2);
            """
        )
    connection.close()


def content(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """The rows of the tables that the first version had, in its columns."""
    wanted = {
        "facts": "name, value",
        "spaces": "id, name, dim",
        "roots": "id, name, folder",
        "contents": "id, hash, kind, metadata",
        "files": "id, root_id, path, size, mtime_ns, content_id, failure, missing_since_s",
        "moments": "id, content_id, modality, text, change",
        "vectors": "moment_id, space_id, data",
        "removals": "moment_id, modality, change",
    }
    with sqlite3.connect(path) as connection:
        found = {
            table: connection.execute(f"SELECT {names} FROM {table} ORDER BY 1").fetchall()
            for table, names in wanted.items()
        }
    connection.close()
    return found


@pytest.mark.parametrize("revision", OLDER)
def test_an_older_catalog_becomes_what_a_new_one_is(tmp_path: Path, revision: str) -> None:
    engine = made_by(tmp_path / "old.db", revision)
    assert version(engine) == revision
    migrate(engine)
    assert version(engine) == VERSION
    fresh = open_engine(tmp_path / "new.db")
    migrate(fresh)
    assert columns(tmp_path / "old.db") == columns(tmp_path / "new.db")


@pytest.mark.parametrize("revision", OLDER)
def test_an_older_catalog_keeps_all_it_holds(tmp_path: Path, revision: str) -> None:
    path = tmp_path / "old.db"
    engine = made_by(path, revision)
    fill(path)
    before = content(path)
    migrate(engine)
    assert content(path) == before
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall() == []


@pytest.mark.parametrize("revision", OLDER)
def test_ids_go_on_where_they_were(tmp_path: Path, revision: str) -> None:
    """Moments 1 to 3 are gone: none of their ids may ever be given again."""
    path = tmp_path / "old.db"
    engine = made_by(path, revision)
    fill(path)
    migrate(engine)
    with engine.connect().execution_options(**{WRITE: True}) as connection, connection.begin():
        connection.exec_driver_sql("DELETE FROM moments")
        connection.exec_driver_sql(
            "INSERT INTO moments (content_id, modality, change) VALUES (1, 'text', 9)"
        )
        assert connection.exec_driver_sql("SELECT id FROM moments").fetchall() == [(5,)]


def test_step_by_step_is_all_at_once(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "steps.db")
    for revision in OLDER:
        with engine.connect().execution_options(**{WRITE: True}) as connection, connection.begin():
            migrations.upgrade(connection, revision)
        assert version(engine) == revision
    migrate(engine)
    migrate(open_engine(tmp_path / "new.db"))
    assert columns(tmp_path / "steps.db") == columns(tmp_path / "new.db")


@pytest.mark.parametrize("revision", OLDER)
def test_a_migration_that_fails_leaves_the_catalog_as_it_was(
    tmp_path: Path, revision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "old.db"
    engine = made_by(path, revision)
    fill(path)
    before, tables = content(path), columns(path)
    real = migrations.upgrade

    def failing(*arguments: object) -> None:
        real(*arguments)  # type: ignore[arg-type]
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(migrations, "upgrade", failing)
        with pytest.raises(ZeroDivisionError):
            migrate(engine)
    assert version(engine) == revision
    assert (content(path), columns(path)) == (before, tables)
    migrate(engine)
    assert content(path) == before


def _killed_in_the_middle(path: Path) -> None:
    real = migrations.upgrade

    def killed(*arguments: object) -> None:
        real(*arguments)  # type: ignore[arg-type]
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(migrations, "upgrade", killed)  # noqa: B010 - of another type
    migrate(open_engine(path))


@pytest.mark.skipif(os.name != "posix", reason="a kill as on POSIX")
@pytest.mark.parametrize("revision", OLDER)
def test_a_kill_in_the_middle_leaves_the_catalog_as_it_was(tmp_path: Path, revision: str) -> None:
    path = tmp_path / "old.db"
    made_by(path, revision).dispose()
    fill(path)
    before = content(path)
    child = multiprocessing.get_context("spawn").Process(target=_killed_in_the_middle, args=(path,))
    child.start()
    child.join(120)
    assert child.exitcode == -signal.SIGKILL
    engine = open_engine(path)
    assert version(engine) == revision
    assert content(path) == before
    migrate(engine)
    assert version(engine) == VERSION
    assert content(path) == before


def older_library(library: Library, media: Path, revision: str) -> Path:
    """A library of real files, put back to how an older anyseek would have written it."""
    index(library, media)
    place = library.path.with_name("older")
    library.close()
    shutil.copytree(library.path, place)
    old = place.with_name("old.db")
    made_by(old, revision).dispose()
    with sqlite3.connect(old) as connection:
        tables = {name: held for name, held in columns(old).items() if held}
        del tables["alembic_version"]
        connection.execute("ATTACH ? AS new", (str(place / "catalog.db"),))
        for name, held in tables.items():
            listed = ", ".join(held)
            connection.execute(f"INSERT INTO {name} ({listed}) SELECT {listed} FROM new.{name}")
    connection.close()
    for file in place.glob("catalog.db*"):
        file.unlink()
    shutil.move(old, place / "catalog.db")
    return place


@pytest.mark.parametrize("revision", OLDER)
def test_an_older_library_is_opened_searched_and_indexed(
    library: Library, media: Path, revision: str
) -> None:
    index(library, media)
    expected = [(hit.path, hit.cosine) for hit in library.search("red", k=9)]
    place = older_library(library, media, revision)
    with Library.open(place, models=fake_model_set()) as opened:
        assert not opened.catalog.is_outdated()
        assert [(hit.path, hit.cosine) for hit in opened.search("red", k=9)] == expected
        assert opened.verify(sample=20) == []
        summary = index(opened, media)
        assert (summary.added, summary.updated, summary.failed) == (0, 0, 0)
        (media / "new.txt").write_text("red and new")
        assert index(opened, media).added == 1


def test_an_older_library_that_another_process_writes_to_is_left_alone(
    library: Library, media: Path
) -> None:
    place = older_library(library, media, OLDER[0])
    # The other process: an older anyseek that is indexing.
    from filelock import FileLock

    with FileLock(place / "writer.lock"):
        with pytest.raises(LibraryLocked, match="Another process is writing"):
            Library.open(place, models=fake_model_set())
        assert version(open_engine(place / "catalog.db")) == OLDER[0]


@pytest.mark.parametrize("newer", ["9999", f"{int(VERSION) + 1:04}"])
def test_a_library_of_a_newer_anyseek_is_refused_and_untouched(
    library: Library, newer: str
) -> None:
    library.close()
    with sqlite3.connect(library.path / "catalog.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (newer,))
    connection.close()
    with pytest.raises(LibraryVersion) as caught:
        Library.open(library.path, models=fake_model_set())
    assert str(caught.value) == (
        f"{library.path / 'catalog.db'} was made by a newer anyseek (catalog version {newer}, this "
        f"one knows {VERSION}). Upgrade with: pip install --upgrade anyseek"
    )
    assert library.path.is_dir()


def test_a_catalog_that_is_up_to_date_loads_no_migrations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_engine(tmp_path / "catalog.db")
    migrate(engine)
    monkeypatch.setattr(migrations, "upgrade", lambda *_: pytest.fail("it migrates"))
    migrate(engine)
    assert EVERY[-1] == database.VERSION
