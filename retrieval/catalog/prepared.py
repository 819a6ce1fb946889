"""Prepared statements: SQLAlchemy builds them, once, and SQLite's driver runs them.

Most of what SQLAlchemy does for each execution holds the interpreter's lock, and takes many times
as long as SQLite needs for what a query asks, or a new file brings. So what every query asks goes
past it, and what is written for every file.
"""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import Float, LargeBinary, String, cast, func, select
from sqlalchemy.dialects import sqlite

from retrieval.catalog.schema import PathText, path_text

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Mapping

    from sqlalchemy import BindParameter, ClauseElement, ColumnElement, Select

DIALECT = sqlite.dialect(paramstyle="named")


class Prepared:
    """A statement and the values that are bound to it for good; built when it is first run."""

    def __init__(self, statement: ClauseElement, *columns: str) -> None:
        """Take a statement; parameters that have no value yet are given whenever it is run.

        Args:
            statement: What to run.
            columns: Of one that inserts: those that are given.
        """
        self._statement = statement
        self._columns = columns

    def rows(self, connection: sqlite3.Connection, **values: Any) -> list[tuple[Any, ...]]:
        """All that it finds, as the driver gives it: JSON as text, and a path as its bytes."""
        sql, bound, _ = self._built
        return connection.execute(sql, {**bound, **self._stored(values)}).fetchall()

    def many(self, connection: sqlite3.Connection, rows: Iterable[Mapping[str, Any]]) -> None:
        """Run it with the values of each row."""
        sql, bound, _ = self._built
        connection.executemany(sql, ({**bound, **self._stored(row)} for row in rows))

    def _stored(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Values in the form that the driver takes."""
        _, _, forms = self._built
        changed = {name: form(values[name]) for name, form in forms.items() if name in values}
        return {**values, **changed} if changed else values

    @cached_property
    def _built(self) -> tuple[str, dict[str, Any], dict[str, Callable[[Any], Any]]]:
        columns = self._columns or None
        compiled: Any = self._statement.compile(dialect=DIALECT, column_keys=columns)
        lacking = {name for name, bind in compiled.binds.items() if bind.required}
        built = compiled.construct_expanded_state(dict.fromkeys(lacking))
        lists = built.parameter_expansion
        whole = {each: name for name, each_of in lists.items() for each in each_of}
        forms = {name: _form(compiled.binds[whole.get(name, name)]) for name in built.parameters}
        bound = {
            name: form(value) if (form := forms[name]) else value
            for name, value in built.parameters.items()
            if name not in lacking
        }
        return built.statement, bound, {n: form for n in lacking if (form := forms[n])}


class PreparedRows(Prepared):
    """A statement whose rows come as one: a JSON array of arrays.

    For each row the driver lets go of the interpreter's lock and waits for it again, which takes
    longer than the row where many threads search.
    """

    def __init__(self, statement: Select[*tuple[Any, ...]]) -> None:
        """Columns of numbers with a fraction are refused: SQLite writes 15 of their digits.

        Raises:
            TypeError: there is one.
        """
        found = statement.subquery()
        row = func.json_array(*map(_in_json, found.columns))
        # As bytes: a path may hold some that are no Unicode, which the driver would refuse.
        super().__init__(select(cast(func.json_group_array(row), LargeBinary)))

    def rows(self, connection: sqlite3.Connection, **values: Any) -> list[Any]:
        """All that it finds, in lists: JSON as text, and a path with surrogates, as `os` does."""
        ((whole,),) = super().rows(connection, **values)
        found: list[Any] = json.loads(path_text(whole))
        return found


def _in_json(column: ColumnElement[Any]) -> ColumnElement[Any]:
    if isinstance(column.type, Float):
        raise TypeError(f"{column} would lose digits")
    return cast(column, String) if isinstance(column.type, PathText) else column


def _form(parameter: BindParameter[Any]) -> Callable[[Any], Any] | None:
    """What brings a value into the form that the driver takes, a path into bytes; None if it is."""
    return parameter.type.dialect_impl(DIALECT).bind_processor(DIALECT)
