"""The functions that SQLite is lent: equal text is equal however it is written."""

from __future__ import annotations

import os
import sqlite3
import unicodedata
from collections.abc import Iterator
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.catalog.text_functions import (
    add_text_functions,
    folded,
    folded_name,
    local_time,
    without_surrogates,
)


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    add_text_functions(connection)
    yield connection
    connection.close()


@given(st.text())
def test_case_and_composition_do_not_matter(text: str) -> None:
    once = folded(text)
    assert once == folded(unicodedata.normalize("NFD", text))
    assert once == folded(text.encode())


@pytest.mark.parametrize(("one", "other"), [("ÉTÉ", "été"), ("STRASSE", "straße"), ("Σ", "ς")])
def test_equal_words(one: str, other: str) -> None:
    assert folded(one) == folded(other)


def test_nothing_is_nothing() -> None:
    assert folded(None) is None


@given(st.binary())
def test_any_name_can_be_compared(path: bytes) -> None:
    name = folded_name(path)
    assert name == folded(path.split(b"/")[-1])
    assert name is not None
    name.encode()


def test_a_name_that_is_no_text_equals_what_the_system_makes_of_it() -> None:
    assert folded_name(b"a/caf\xe9.JPG") == folded(os.fsdecode(b"caf\xe9.jpg")) == "caf\ufffd.jpg"


def test_without_surrogates_changes_nothing_else() -> None:
    assert without_surrogates("a\ud800b\udce9 \U0001f600") == "a\ufffdb\ufffd \U0001f600"


def test_local_time() -> None:
    moment = datetime(2024, 5, 31, 18, 30, 12)
    assert local_time(int(moment.timestamp()) * 10**9 + 999) == "2024-05-31T18:30:12"


@pytest.mark.parametrize("time_ns", [(1 << 63) - 1, -(1 << 63), 10**30])
def test_times_out_of_range_do_not_raise(time_ns: int) -> None:
    assert local_time(time_ns) is None or isinstance(local_time(time_ns), str)


def test_sql_calls_them(connection: sqlite3.Connection) -> None:
    sql = "SELECT folded(?), folded_name(?), folded(NULL), local_time(0) = ?"
    epoch = datetime.fromtimestamp(0).isoformat()
    assert connection.execute(sql, ("ÀB", b"x/C.d", epoch)).fetchone() == ("àb", "c.d", None, 1)
