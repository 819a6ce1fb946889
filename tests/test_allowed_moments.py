"""What a filter allows is remembered, and never longer than it is true."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from retrieval import Kind, Library, Modality
from retrieval.allowed_moments import KEPT, AllowedMoments
from retrieval.catalog.filter import Filter
from retrieval.vectors import Ids

TEXTS = Filter(kinds=frozenset({Kind.TEXT}))


@pytest.fixture
def asked(filled: Library, monkeypatch: pytest.MonkeyPatch) -> list[Filter]:
    """Every filter that the catalog is asked about."""
    of: list[Filter] = []
    real = type(filled.catalog.moments).allowed

    def allowed(self: Any, modality: Modality, wanted: Filter) -> Ids | None:
        of.append(wanted)
        return real(self, modality, wanted)

    monkeypatch.setattr(type(filled.catalog.moments), "allowed", allowed)
    return of


def test_a_filter_is_asked_once_until_something_changes(
    filled: Library, asked: list[Filter]
) -> None:
    sets = AllowedMoments(filled.catalog)
    change = filled.catalog.changes()
    first = sets.get(Modality.TEXT, TEXTS, change)
    assert first is sets.get(Modality.TEXT, TEXTS, change)
    assert sets.get(Modality.TEXT, Filter(), change) is None
    assert sets.get(Modality.TEXT, Filter(), change) is None
    assert asked == [TEXTS, Filter()]
    gone = next(iter(filled.files(kinds=["text"])))
    filled.remove(gone.path)
    after = sets.get(Modality.TEXT, TEXTS, filled.catalog.changes())
    assert first is not None
    assert after is not None
    assert len(after) < len(first)
    np.testing.assert_array_equal(after, filled.catalog.moments.allowed(Modality.TEXT, TEXTS))


def test_the_filters_of_late_are_kept(filled: Library, asked: list[Filter]) -> None:
    sets = AllowedMoments(filled.catalog)
    change = filled.catalog.changes()
    for n in range(3 * KEPT):
        sets.get(Modality.TEXT, TEXTS, change)
        sets.get(Modality.TEXT, Filter(since_ns=n), change)
    assert asked.count(TEXTS) == 1
    assert len(asked) == 1 + 3 * KEPT
    assert len(sets._sets) == KEPT


def test_a_search_sees_what_was_added_since(filled: Library, asked: list[Filter]) -> None:
    """Searching with the same filter before and after, against a library opened anew."""
    for _ in range(3):
        before = filled.search("red", kinds=["image"], k=50)
    filled.remove(before[0].path)
    after = filled.search("red", kinds=["image"], k=50)
    with Library.open(filled.path, models=filled.space.model_set) as anew:
        assert [hit.path for hit in anew.search("red", kinds=["image"], k=50)] == [
            hit.path for hit in after
        ]
    assert before[0].path not in [hit.path for hit in after]
