"""Prepared statements: SQLAlchemy builds them, once, and SQLite's driver runs them.

Most of what SQLAlchemy does for each execution holds the interpreter's lock, and takes many times
as long as SQLite needs for what a query asks. So what every query asks goes past it.
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

    from sqlalchemy import BindParameter, ClauseElement, ColumnElement, Select

DIALECT = sqlite.dialect(paramstyle="named")


class Prepared:
    """A statement and the values that are bound to it for good; built when it is first run."""

    def __init__(self, statement: ClauseElement) -> None:
        """Parameters that have no value yet are given whenever it is run."""
        self._statement = statement

    def rows(self, connection: sqlite3.Connection, **values: Any) -> list[tuple[Any, ...]]:
        """All that it finds, as the driver gives it: JSON as text, and a path as its bytes."""
        sql, bound = self._built
        return connection.execute(sql, {**bound, **values}).fetchall()

    @cached_property
    def _built(self) -> tuple[str, dict[str, Any]]:
        compiled: Any = self._statement.compile(dialect=DIALECT)
        lacking = {name for name, bind in compiled.binds.items() if bind.required}
        built = compiled.construct_expanded_state(dict.fromkeys(lacking))
        lists = built.parameter_expansion
        whole = {each: name for name, each_of in lists.items() for each in each_of}
        bound = {
            name: _stored(compiled.binds[whole.get(name, name)], value)
            for name, value in built.parameters.items()
            if name not in lacking
        }
        return built.statement, bound


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


def _stored(parameter: BindParameter[Any], value: Any) -> Any:
    """A value in the form that the driver takes, a path as its bytes."""
    process = parameter.type.dialect_impl(DIALECT).bind_processor(DIALECT)
    return process(value) if process else value
