"""Prepared statements give what SQLAlchemy's own execution gives."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import bindparam, column, insert, literal, null, select, table, text

from retrieval.catalog import statements
from retrieval.catalog.catalog import Catalog
from retrieval.catalog.database import reading
from retrieval.catalog.files import Owner
from retrieval.catalog.filter import Filter
from retrieval.catalog.new_content import FileState, NewContent
from retrieval.catalog.prepared import Prepared, PreparedRows
from retrieval.catalog.schema import contents, files, path_text, roots
from retrieval.catalog.where import parse
from retrieval.errors import LibraryDamaged, LibraryError, LibraryLocked
from retrieval.records import Fact, Kind

ODD = "caf\udce9"
"""A name whose bytes are no Unicode."""

STATED: dict[str, Fact] = {
    "title": 'a\0b\u2028\ud83d\ude00 "quoted"',
    "year": 2019,
    "aperture": 0.1 + 0.2,
    "keywords": ["sea", "\u6d77"],
}


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """Pictures and notes below two roots, some with facts, some missing, two of one content."""
    made = Catalog.create(tmp_path / "catalog.db", space_dims={"fake": 4})
    with made.transaction() as transaction:
        for root, folder in enumerate(("/far", f"/near/{ODD}")):
            here = transaction.add_root(f"root {root}", folder)
            for n in range(6):
                kind = Kind.IMAGE if n % 2 else Kind.TEXT
                stated = STATED if n == 1 else {}
                content = NewContent(f"{kind} {n} {root * (n != 3)}", kind, [], stated)
                transaction.add(here, f"{ODD if n < 4 else 'b'}/{n}.x", FileState(n, n), content)
        transaction.mark_missing([2, 8], 1.5)
    return made


FILTERS = {
    "everything": Filter(),
    "also missing": Filter(missing=True),
    "kinds": Filter(kinds=frozenset({Kind.IMAGE, Kind.AUDIO})),
    "below a folder that is no Unicode": Filter(under=((2, ODD), (1, "b"))),
    "times": Filter(since_ns=1, until_ns=4),
    "facts": Filter(where=parse('title ~ "quoted" or year < 1 or name = "4.x"')),
    "words": Filter(phrases=('"4"',), unsaid=('"caf"',), missing=True),
}


@pytest.mark.parametrize("wanted", FILTERS.values(), ids=FILTERS)
def test_owners_are_what_a_plain_statement_tells(catalog: Catalog, wanted: Filter) -> None:
    expected: dict[int, list[Owner]] = {}
    query = (
        select(files, contents.c.kind, contents.c.metadata, roots.c.folder)
        .join_from(files, contents)
        .join(roots, roots.c.id == files.c.root_id)
        .where(*wanted.conditions())
        .order_by(files.c.missing_since_s.is_not(None), roots.c.folder, files.c.path)
    )
    with catalog._engine.connect() as connection:
        for row in connection.execute(query):
            owner = Owner(
                row.id,
                Path(row.folder, row.path),
                Kind(row.kind),
                row.missing_since_s is not None,
                {**row.metadata, **(row.facts or {})},
                (),
            )
            expected.setdefault(row.content_id, []).append(owner)
    assert expected
    found = catalog.files.owners(range(1, 100), wanted)
    assert found == expected
    assert all(type(o.missing) is bool for owners in found.values() for o in owners)


def test_values_are_bound_for_good_or_given_each_time(catalog: Catalog) -> None:
    numbers = Prepared(
        select(column("value"))
        .select_from(text("json_each(:list)"))
        .where(column("value").in_([3, 5, 7]), column("value") < bindparam("below"))
    )
    with reading(catalog._engine) as connection:
        assert numbers.rows(connection, list="[1, 3, 5, 7]", below=7) == [(3,), (5,)]
        assert numbers.rows(connection, list="[7, 8]", below=9) == [(7,)]
        paths = Prepared(select(files.c.path).where(files.c.path.in_([f"{ODD}/1.x", "none"])))
        assert [path_text(path) for (path,) in paths.rows(connection)] == [f"{ODD}/1.x"] * 2
        with pytest.raises(sqlite3.ProgrammingError):
            numbers.rows(connection, list="[]")


def test_rows_that_come_as_one_are_the_same_rows(catalog: Catalog) -> None:
    """In their order, whatever characters stand in them."""
    told = 'a\0b\x1f\x7f\\u0041"\u2028\u6d77\U0001f600'
    query = (
        select(files.c.id, files.c.path, files.c.facts, literal(told), null(), literal(1 << 62))
        .where(files.c.id != bindparam("but"))
        .order_by(files.c.size.desc(), files.c.path)
    )
    with catalog._engine.connect() as connection:
        sorted_rows = connection.execute(query, {"but": 4}).all()
    assert len(sorted_rows) == 11
    assert [row[0] for row in sorted_rows] != sorted(row[0] for row in sorted_rows)
    with reading(catalog._engine) as connection:
        together = PreparedRows(query)
        assert together.rows(connection, but=4) == [list(row) for row in sorted_rows]
        assert together.rows(connection, but=5) != together.rows(connection, but=4)
        assert PreparedRows(query.where(files.c.id < 0)).rows(connection, but=4) == []


def test_numbers_with_a_fraction_do_not_come_as_one_row() -> None:
    """SQLite would round them to 15 digits."""
    with pytest.raises(TypeError, match="missing_since_s would lose digits"):
        PreparedRows(select(files.c.missing_since_s))


def test_owners_of_many_contents(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    everything = Filter(missing=True)
    at_once = catalog.files.owners(range(1, 100), everything)
    monkeypatch.setattr("retrieval.catalog.files.AT_ONCE", 2)
    assert catalog.files.owners(range(1, 100), everything) == at_once
    assert sum(map(len, at_once.values())) == 12


def test_what_goes_wrong_is_told_in_our_words(catalog: Catalog) -> None:
    nowhere = Prepared(select(column("x")).select_from(table("nowhere")))
    with (
        pytest.raises(sqlite3.OperationalError, match="no such table"),
        reading(catalog._engine) as connection,
    ):
        nowhere.rows(connection)
    with pytest.raises(LibraryLocked, match=r"catalog\.db"), reading(catalog._engine) as connection:
        connection.execute("PRAGMA busy_timeout = 1")
        with catalog.transaction():
            connection.execute("BEGIN IMMEDIATE")
    assert catalog.changes() == 1, "the connection serves again"
    catalog.close()
    catalog.path.write_bytes(b"no database at all" * 1000)
    with pytest.raises(LibraryDamaged, match=r"catalog\.db is damaged"):
        catalog.changes()


def test_what_was_begun_ends_with_the_reading(catalog: Catalog) -> None:
    with reading(catalog._engine) as connection:
        connection.execute("BEGIN")
        assert connection.execute("SELECT count(*) FROM files").fetchone() == (12,)
        assert connection.in_transaction
    with reading(catalog._engine) as connection:
        assert not connection.in_transaction


def test_rows_are_written_as_sqlalchemy_writes_them(catalog: Catalog) -> None:
    """Also what is stored in another form: bytes of paths, JSON, truth values, nothing."""
    stated = [
        {"hash": "a", "kind": Kind.IMAGE, "metadata": dict(STATED)},
        {"hash": "b", "kind": Kind.TEXT, "metadata": {}},
    ]
    at = {"root_id": 1, "size": 1, "content_id": None, "missing_since_s": None, "twin_id": None}
    placed = [
        {**at, "path": ODD, "mtime_ns": 1 << 62, "failure": "broken", "not_media": True},
        {**at, "path": "b/c", "mtime_ns": -1, "failure": None, "not_media": False},
    ]
    written = []
    for prepared in (True, False):
        with suppress(Undone), catalog.transaction() as transaction:
            connection = transaction._connection
            for table_, rows in ((contents, stated), (files, placed)):
                if prepared:
                    statement = Prepared(insert(table_), *rows[0])
                    statement.rows(transaction._driver, **rows[0])
                    statement.many(transaction._driver, rows[1:])
                else:
                    connection.execute(insert(table_), rows[:1])
                    connection.execute(insert(table_), rows[1:])
            for name in ("contents", "files"):
                found = connection.exec_driver_sql(f"SELECT * FROM {name} ORDER BY id DESC LIMIT 2")
                written.append([tuple(row) for row in found])
            raise Undone
    assert written[:2] == written[2:]
    assert written[1][1][2] == ODD.encode("utf-8", "surrogateescape")


def test_what_fails_while_writing_is_told_in_our_words(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing of the transaction is kept."""

    def full(*_: object, **__: object) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    before = catalog.changes()
    monkeypatch.setattr(statements.ADD_CONTENT, "rows", full)
    with pytest.raises(LibraryError, match="is full"), catalog.transaction() as t:
        t.add(1, "new.txt", FileState(1, 1), NewContent("new", Kind.TEXT, []))
    assert catalog.changes() == before
    with sqlite3.connect(catalog.path) as other:
        other.execute("BEGIN IMMEDIATE")  # nothing holds the catalog any more


class Undone(Exception):  # noqa: N818 - raised to undo what was written
    """Nothing is to be kept."""
