"""Conditions on what is known of a file, as plain data and as SQL.

How people write them, and what they mean, says `where.py`.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, TypeAlias

from sqlalchemy import (
    ColumnElement,
    LargeBinary,
    and_,
    case,
    cast,
    func,
    not_,
    or_,
    select,
    type_coerce,
)

from retrieval.catalog.schema import contents, files, roots

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Type(Enum):
    """How the values of a fact are compared."""

    TEXT = auto()
    NUMBER = auto()
    TIME = auto()
    LIST = auto()
    """Several texts: equal if one of them is."""


FACTS = {
    "kind": Type.TEXT,
    "name": Type.TEXT,
    "folder": Type.TEXT,
    "root": Type.TEXT,
    "size": Type.NUMBER,
    "modified": Type.TIME,
    "title": Type.TEXT,
    "artist": Type.TEXT,
    "album": Type.TEXT,
    "genre": Type.TEXT,
    "description": Type.TEXT,
    "keywords": Type.LIST,
    "rating": Type.NUMBER,
    "camera": Type.TEXT,
    "taken": Type.TIME,
    "year": Type.NUMBER,
    "latitude": Type.NUMBER,
    "longitude": Type.NUMBER,
    "duration_s": Type.NUMBER,
    "width": Type.NUMBER,
    "height": Type.NUMBER,
}
"""What can be compared: the first six of the file itself, the rest from what its sidecars state,
or else from `Media.metadata`."""

COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
PART = {"~", "contains"}


@dataclass(frozen=True, slots=True)
class Comparison:
    """One fact against one value."""

    fact: str
    operator: str
    value: str | int | float

    def sql(self) -> ColumnElement[bool]:
        """As SQL over `files` joined with `contents`; the value is a bound parameter."""
        column = _column(self.fact)
        found: ColumnElement[bool]
        if self.operator in PART:
            found = func.instr(column, self.value) > 0
        elif FACTS[self.fact] is Type.LIST:
            found = COMPARE[self.operator](func.instr(column, f"\n{self.value}\n") == 0, False)
        else:
            if FACTS[self.fact] is Type.TIME:
                column = func.substr(column, 1, len(str(self.value)))
            found = COMPARE[self.operator](column, self.value)
        return func.coalesce(found, 0) == 1


@dataclass(frozen=True, slots=True)
class Not:
    """What the condition is not true of."""

    condition: Condition

    def sql(self) -> ColumnElement[bool]:
        """As SQL."""
        return not_(self.condition.sql())


@dataclass(frozen=True, slots=True)
class All:
    """What every condition is true of."""

    conditions: tuple[Condition, ...]

    def sql(self) -> ColumnElement[bool]:
        """As SQL."""
        return and_(*(condition.sql() for condition in self.conditions))


@dataclass(frozen=True, slots=True)
class Either:
    """What at least one condition is true of."""

    conditions: tuple[Condition, ...]

    def sql(self) -> ColumnElement[bool]:
        """As SQL."""
        return or_(*(condition.sql() for condition in self.conditions))


Condition: TypeAlias = Comparison | Not | All | Either


def _column(fact: str) -> ColumnElement[Any]:
    """A fact in the form in which it is compared; NULL where a file does not state it."""
    if fact == "kind":
        return func.folded(contents.c.kind)
    if fact == "name":
        return func.folded_name(type_coerce(files.c.path, LargeBinary))
    if fact == "folder":
        return func.folded_folder(type_coerce(files.c.path, LargeBinary))
    if fact == "root":
        its = roots.alias()  # the query around may name roots too
        root = select(func.folded(its.c.name)).where(its.c.id == files.c.root_id)
        return root.correlate(files).scalar_subquery()
    if fact == "size":
        return files.c.size
    if fact == "modified":
        return func.local_time(files.c.mtime_ns)
    return func.coalesce(_stated(files.c.facts, fact), _stated(contents.c.metadata, fact))


def _stated(column: ColumnElement[Any], fact: str) -> ColumnElement[Any]:
    facts, place = type_coerce(column, LargeBinary), f"$.{fact}"
    stated = func.json_extract(facts, place)
    of_type = func.json_type(facts, place)
    fits: ColumnElement[bool]
    if FACTS[fact] is Type.LIST:
        stated, fits = func.folded_lines(cast(stated, LargeBinary)), of_type == "array"
    elif FACTS[fact] is Type.NUMBER:
        fits = of_type.in_(["integer", "real"])
    else:
        # As bytes, since text in a file may hold what Python does not take for Unicode.
        stated, fits = func.folded(cast(stated, LargeBinary)), of_type == "text"
    if FACTS[fact] is Type.TIME:
        stated = func.upper(stated)  # the T between date and time
    # Python writes numbers such as NaN into JSON, which SQLite refuses to read.
    return case((func.json_valid(facts) == 0, None), (fits, stated))
