"""Queries as values: sums, differences, weights and alternatives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from retrieval import Query
from retrieval.errors import QueryError


def shape(query: Query) -> list[list[tuple[object, float]]]:
    return [[(t.subject, t.weight) for t in terms] for terms in query.alternatives]


def test_a_sum_wants_all_its_terms() -> None:
    query = Query("at night") + 0.5 * Query(Path("beach.jpg")) - Query("people")
    assert shape(query) == [[("at night", 1), (Path("beach.jpg"), 0.5), ("people", -1)]]


def test_either_is_kept_apart() -> None:
    assert shape(Query("a") | Query("b")) == [[("a", 1)], [("b", 1)]]


def test_sums_of_alternatives() -> None:
    query = (Query("a") | Query("b")) + Query("c")
    assert shape(query) == [[("a", 1), ("c", 1)], [("b", 1), ("c", 1)]]
    query = Query("a") - (Query("b") | Query("c"))
    assert shape(query) == [[("a", 1), ("b", -1), ("c", -1)]]
    assert shape(2 * (Query("a") | Query("b"))) == [[("a", 2)], [("b", 2)]]


def test_nothing_is_changed_in_place() -> None:
    a, b = Query("a"), Query("b")
    _ = a + b, a - b, a | b, 3 * a
    assert shape(a) == [[("a", 1)]]
    assert shape(Query(a | b)) == shape(a | b)


def test_terms_lists_all() -> None:
    assert [t.subject for t in ((Query("a") | Query("b")) + Query(7)).terms] == ["a", 7, "b", 7]


def test_it_prints_as_it_is_written() -> None:
    assert repr(Query("a") + 0.5 * Query(3) | Query("b")) == (
        "1 * Query('a') + 0.5 * Query(3) | 1 * Query('b')"
    )


@pytest.mark.parametrize("words", ["", "  ", "\n"])
def test_empty_words(words: str) -> None:
    with pytest.raises(QueryError, match="The query is empty"):
        Query(words)


def test_a_matrix_is_no_query() -> None:
    with pytest.raises(QueryError, match=r"shape \(dim,\), not \(2, 3\)"):
        Query(np.zeros((2, 3), dtype=np.float32))
