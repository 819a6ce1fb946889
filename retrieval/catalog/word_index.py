"""The index of words: which words stand in names, in folders, in what files state, in passages.

Two FTS5 tables beside what they are made from, without a copy of its text (`content=''`):

    file_words      rowid = files.id:    name, folder (with the root's name), facts
    passage_words   rowid = moments.id:  text

Both are derived. Triggers keep them in step inside the transaction that writes files, contents and
moments, whoever writes; a row costs the same however large the library is. Every migration ends
with making them anew, so that a migration may change how words are cut. `tokens` says how.
"""

# ruff: noqa: S608  (every name in a statement is written in this file)
from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from retrieval.catalog.tokens import name_tokens, path_tokens, tokens

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from sqlalchemy import Connection

UNTOLD = frozenset({"taken", "duration_s", "width", "height", "latitude", "longitude"})
"""Facts that are measures; nobody types them as words."""

PROBES = 500
"""Most rows of each table whose words are compared by `problems`."""

FILE = "file_words(rowid, name, folder, facts)"
FILE_DROP = "file_words(file_words, rowid, name, folder, facts)"


def _file_values(row: str) -> str:
    """What stands in `file_words` for a row of files, as SQL."""
    root = f"(SELECT name FROM roots WHERE id = {row}.root_id)"
    stated = f"(SELECT metadata FROM contents WHERE id = {row}.content_id)"
    return (
        f"{row}.id, name_words({row}.path), folder_words({root}, {row}.path), "
        f"fact_words({stated}, {row}.facts)"
    )


TABLES = {
    "file_words": "name, folder, facts",
    "passage_words": "text",
}
TRIGGERS = {
    "file_words_add": "AFTER INSERT ON files BEGIN "
    f"INSERT INTO {FILE} SELECT {_file_values('new')}; END",
    "file_words_drop": "BEFORE DELETE ON files BEGIN "
    f"INSERT INTO {FILE_DROP} SELECT 'delete', {_file_values('old')}; END",
    "file_words_change": "AFTER UPDATE OF root_id, path, content_id, facts ON files "
    "WHEN old.root_id IS NOT new.root_id OR old.path IS NOT new.path "
    "OR old.content_id IS NOT new.content_id OR old.facts IS NOT new.facts BEGIN "
    f"INSERT INTO {FILE_DROP} SELECT 'delete', {_file_values('old')}; "
    f"INSERT INTO {FILE} SELECT {_file_values('new')}; END",
    "passage_words_add": "AFTER INSERT ON moments WHEN new.text IS NOT NULL BEGIN "
    "INSERT INTO passage_words(rowid, text) VALUES (new.id, text_words(new.text)); END",
    "passage_words_drop": "AFTER DELETE ON moments WHEN old.text IS NOT NULL BEGIN "
    "INSERT INTO passage_words(passage_words, rowid, text) "
    "VALUES ('delete', old.id, text_words(old.text)); END",
}


def make_anew(connection: Connection) -> None:
    """Make both tables from what the catalog holds, in the caller's transaction."""
    for trigger, what in TRIGGERS.items():
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {trigger}")
        connection.exec_driver_sql(f"CREATE TRIGGER {trigger} {what}")
    for table, columns in TABLES.items():
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {table}")
        connection.exec_driver_sql(
            f"CREATE VIRTUAL TABLE {table} USING fts5({columns}, content='', tokenize='ascii')"
        )
    connection.exec_driver_sql(
        "INSERT INTO file_words(file_words, rank) VALUES ('rank', 'bm25(4.0, 1.0, 2.0)')"
    )
    connection.exec_driver_sql(f"INSERT INTO {FILE} SELECT {_file_values('files')} FROM files")
    connection.exec_driver_sql(
        "INSERT INTO passage_words(rowid, text) "
        "SELECT id, text_words(text) FROM moments WHERE text IS NOT NULL"
    )


def problems(connection: Connection) -> Iterator[str]:
    """What is out of step, a sentence each; words are compared for some rows, spread evenly."""
    triggers = {
        name
        for (name,) in connection.exec_driver_sql(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        )
    }
    if not triggers >= set(TRIGGERS):
        yield "the index of words is not kept in step"
    for what, table, source in (
        ("files", "file_words", "SELECT id FROM files"),
        ("passages", "passage_words", "SELECT id FROM moments WHERE text IS NOT NULL"),
    ):
        held = f"SELECT id FROM {table}_docsize"
        lacks, extra = (
            connection.exec_driver_sql(f"SELECT count(*) FROM ({a} EXCEPT {b})").scalar_one()
            for a, b in ((source, held), (held, source))
        )
        if lacks or extra:
            yield f"the index of words lacks {lacks} {what} and has {extra} too many"
    yield from (
        f"the index of words does not hold the words of {what} {row}"
        for what, row in _wrong_words(connection)
    )


def _wrong_words(connection: Connection) -> Iterator[tuple[str, int]]:
    """Files and passages whose words are not those that stand in the index."""
    for what, table, source, values, given in (
        ("file", "file_words", "files", _file_values("files"), "1"),
        ("passage", "passage_words", "moments", "id, text_words(text)", "text IS NOT NULL"),
    ):
        rows = connection.exec_driver_sql(
            f"SELECT {values} FROM {source} WHERE {given} AND id % "
            f"(SELECT max(1, count(*) / {PROBES}) FROM {source} WHERE {given}) = 0"
        ).fetchall()
        for row_id, *columns in rows:
            words = sorted({word for column in columns for word in column.split()})
            wanted = " AND ".join(f'"{word}"' for word in words)
            held = f"SELECT 1 FROM {table} WHERE {table} MATCH ? AND rowid = ?"
            if words and not connection.exec_driver_sql(held, (wanted, row_id)).first():
                yield what, row_id


def add_word_functions(connection: sqlite3.Connection) -> None:
    """Let the triggers call what cuts text into words."""
    for name, arguments, function in (
        ("name_words", 1, name_words),
        ("folder_words", 2, folder_words),
        ("fact_words", 2, fact_words),
        ("text_words", 1, text_words),
    ):
        connection.create_function(name, arguments, function, deterministic=True)


def name_words(path: bytes) -> str:
    """The tokens of a file's name."""
    return " ".join(path_tokens(_decoded(path))[0])


def folder_words(root: str | None, path: bytes) -> str:
    """The tokens of the folders that a file lies in, from its root's name on."""
    return " ".join([*name_tokens(root or ""), *path_tokens(_decoded(path))[1]])


def fact_words(metadata: str | None, facts: str | None) -> str:
    """The tokens of what a file states, and what its sidecars state over it."""
    return " ".join(
        token for text in told(_loaded(metadata), _loaded(facts)).values() for token in tokens(text)
    )


def text_words(text: str | bytes) -> str:
    """The tokens of a passage."""
    return " ".join(tokens(_decoded(text) if isinstance(text, bytes) else text))


def told(metadata: dict[str, Any], facts: dict[str, Any] | None) -> dict[str, str]:
    """The facts that can be found by words, each as text."""
    return {
        name: " ".join(map(str, value)) if isinstance(value, list) else str(value)
        for name, value in {**metadata, **(facts or {})}.items()
        if name not in UNTOLD and value is not None
    }


def _decoded(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")


def _loaded(stored: str | None) -> dict[str, Any]:
    loaded = json.loads(stored) if stored else {}
    return loaded if isinstance(loaded, dict) else {}
