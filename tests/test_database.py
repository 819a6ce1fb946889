"""The SQLite file: migrations, versions, write locks."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine

from retrieval.catalog import database
from retrieval.catalog.database import VERSION, WRITE, migrate, open_engine, version
from retrieval.catalog.schema import metadata
from retrieval.errors import LibraryDamaged, LibraryError, LibraryLocked, LibraryVersion


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalog.db"


def is_no_index_of_words(name: str | None, kind: str, _: object) -> bool:
    """FTS5 keeps its own tables, which the schema does not tell of."""
    return kind != "table" or "_words" not in str(name)


def test_migrations_make_what_the_schema_says(path: Path) -> None:
    engine = open_engine(path)
    migrate(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "include_name": is_no_index_of_words}
        )
        assert compare_metadata(context, metadata) == []


def test_ids_of_moments_are_never_used_twice(path: Path) -> None:
    engine = open_engine(path)
    migrate(engine)
    with engine.connect() as connection:
        sql = "SELECT sql FROM sqlite_master WHERE name = 'moments'"
        assert "AUTOINCREMENT" in connection.exec_driver_sql(sql).scalar_one()


def test_an_empty_file_has_no_version(path: Path) -> None:
    assert version(open_engine(path)) is None


def test_the_newest_migration_is_the_version(path: Path) -> None:
    engine = open_engine(path)
    migrate(engine)
    assert version(engine) == VERSION
    migrate(engine)
    assert version(engine) == VERSION
    scripts = Path(database.__file__).parent / "migrations" / "versions"
    assert max(script.name[:4] for script in scripts.glob("0*.py")) == VERSION


def test_a_newer_catalog_is_refused(path: Path) -> None:
    engine = open_engine(path)
    migrate(engine)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(LibraryVersion, match=r"made by a newer anyseek .* pip install --upgrade"):
        migrate(engine)


def test_a_file_that_is_no_database_is_damaged(path: Path) -> None:
    path.write_bytes(b"this is no database " * 100)
    with pytest.raises(LibraryDamaged, match="file is not a database"):
        version(open_engine(path))


def test_a_failed_migration_leaves_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from retrieval.catalog import migrations

    upgrade = migrations.upgrade

    def interrupted(*args: object) -> None:
        upgrade(*args)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(migrations, "upgrade", interrupted)
    engine = open_engine(path)
    with pytest.raises(KeyboardInterrupt):
        migrate(engine)
    assert version(engine) is None


def test_readers_see_a_snapshot_while_one_writes(path: Path) -> None:
    engine = open_engine(path)
    migrate(engine)
    count = "SELECT count(*) FROM roots"
    with engine.connect() as reader:
        assert reader.exec_driver_sql(count).scalar_one() == 0
        with engine.connect().execution_options(**{WRITE: True}) as writer, writer.begin():
            writer.exec_driver_sql("INSERT INTO roots (name, folder) VALUES ('a', x'61')")
        assert reader.exec_driver_sql(count).scalar_one() == 0
    with engine.connect() as reader:
        assert reader.exec_driver_sql(count).scalar_one() == 1


def test_a_write_takes_the_lock_at_its_start(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.05)
    engine = open_engine(path)
    migrate(engine)
    other = open_engine(path)
    refused: list[Exception] = []

    def write() -> None:
        try:
            with other.connect().execution_options(**{WRITE: True}) as connection:
                connection.begin()
        except Exception as error:
            refused.append(error)

    with engine.connect().execution_options(**{WRITE: True}) as writer, writer.begin():
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
    assert isinstance(refused[0], LibraryLocked)


def fill(engine: Engine) -> None:
    with engine.connect().execution_options(**{WRITE: True}) as writer, writer.begin():
        for i in range(1000):
            row = "INSERT INTO roots (name, folder) VALUES (?, randomblob(4096))"
            writer.exec_driver_sql(row, (str(i),))


def test_a_full_disk_loses_nothing_that_was_committed(path: Path) -> None:
    engine = open_engine(path)
    migrate(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("INSERT INTO roots (name, folder) VALUES ('a', x'61')")
        connection.commit()
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 10}")
    with pytest.raises(LibraryError, match=r"is full\. What was committed is safe"):
        fill(engine)
    with engine.connect() as connection:
        names = connection.exec_driver_sql("SELECT name FROM roots").scalars().all()
        assert names == ["a"]


def test_a_catalog_that_cannot_be_written(path: Path) -> None:
    engine = open_engine(path)
    migrate(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
    with pytest.raises(LibraryError, match="check the disk and the permissions"):
        fill(engine)
