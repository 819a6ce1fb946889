"""Prepared statements: SQLAlchemy builds them, once, and SQLite's driver runs them.

Most of what SQLAlchemy does for each execution holds the interpreter's lock, and takes many times
as long as SQLite needs for what a query asks. So what every query asks goes past it.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy.dialects import sqlite

if TYPE_CHECKING:
    import sqlite3

    from sqlalchemy import BindParameter, ClauseElement
    from sqlalchemy.sql.compiler import SQLCompiler

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
        compiled = cast("SQLCompiler", self._statement.compile(dialect=DIALECT))
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


def _stored(parameter: BindParameter[Any], value: Any) -> Any:
    """A value in the form that the driver takes, a path as its bytes."""
    process = parameter.type.dialect_impl(DIALECT).bind_processor(DIALECT)
    return process(value) if process else value
