"""The index against brute force: whatever is added, removed, asked and allowed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from retrieval.vector_index import VectorIndex, vector_index
from retrieval.vectors import Ids, Vectors
from tests.nearest import assert_nearest

FULL = vector_index.TAIL_ROWS
NOTHING = np.empty(0, np.int64)

numbers = st.one_of(
    st.sampled_from([0.0, 1.0, -1.0, 0.5]),  # these make ties and duplicates
    st.floats(-1000, 1000, width=32, allow_subnormal=False),
)


def f32(rows: object) -> Vectors:
    return np.array(rows, dtype=np.float32)


def vectors(n: int | st.SearchStrategy[int], dim: int) -> st.SearchStrategy[Vectors]:
    counts = st.just(n) if isinstance(n, int) else n
    return counts.flatmap(lambda m: arrays(np.float32, (m, dim), elements=numbers))


@st.composite
def filled(draw: st.DrawFn) -> tuple[Ids, Vectors]:
    dim = draw(st.integers(1, 9))
    rows = draw(vectors(st.integers(0, 30), dim))
    ids = draw(st.lists(st.integers(0, 2**62), min_size=len(rows), max_size=len(rows), unique=True))
    return np.array(ids, dtype=np.int64), rows


@given(filled(), st.integers(1, 40), st.data())
def test_it_finds_what_brute_force_finds(
    held: tuple[Ids, Vectors], k: int, data: st.DataObject
) -> None:
    ids, rows = held
    queries = data.draw(vectors(st.integers(0, 3), rows.shape[1]))
    index = VectorIndex(rows.shape[1])
    index.add(ids, rows)
    answers = index.search(queries, k)
    assert len(answers) == len(queries)
    for answer, query in zip(answers, queries, strict=True):
        assert_nearest(answer, ids, rows, query, k)


@given(filled(), st.integers(1, 40), st.data())
def test_it_finds_only_what_is_allowed(
    held: tuple[Ids, Vectors], k: int, data: st.DataObject
) -> None:
    ids, rows = held
    known = st.sampled_from(ids.tolist()) if len(ids) else st.nothing()
    allowed = np.array(data.draw(st.lists(known | st.integers(0, 50), max_size=20)), dtype=np.int64)
    query = data.draw(vectors(1, rows.shape[1]))
    index = VectorIndex(rows.shape[1])
    index.add(ids, rows)
    mine = np.isin(ids, allowed)
    (answer,) = index.search(query, k, allowed)
    assert_nearest(answer, ids[mine], rows[mine], query[0], k)


@given(filled(), st.data())
def test_it_gives_back_what_it_holds(held: tuple[Ids, Vectors], data: st.DataObject) -> None:
    """From several parts, with some removed; what it does not hold is zeros."""
    ids, rows = held
    index = VectorIndex(rows.shape[1])
    cut = data.draw(st.integers(0, len(ids)))
    for half in (slice(cut), slice(cut, None)):
        index.state = index.state.changed(NOTHING, [(ids[half], rows[half])], 1)
    gone = ids[
        np.array(data.draw(st.lists(st.booleans(), min_size=len(ids), max_size=len(ids))), bool)
    ]
    index.remove(gone)
    wanted = np.sort(np.append(ids[:20], 2**62 + 1))
    expected = {int(i): row for i, row in zip(ids, rows, strict=True) if i not in gone}
    for i, row in zip(wanted.tolist(), index.vectors(wanted), strict=True):
        np.testing.assert_array_equal(row, expected.get(i, np.zeros(rows.shape[1], np.float32)))


def test_equal_vectors_come_by_id() -> None:
    index = VectorIndex(3)
    index.add(np.array([9, 2, 5, 7]), np.tile(f32([0.1, 0.7, 0.3]), (4, 1)))
    ((ids, scores),) = index.search(f32([[0.3, 0.3, 0.9]]), 3)
    assert ids.tolist() == [2, 5, 7]
    assert len(set(scores.tolist())) == 1


@pytest.mark.parametrize("n", [1, 3, 100, 5000])
def test_equal_vectors_have_equal_scores_wherever_they_lie(n: int) -> None:
    rng = np.random.default_rng(n)
    rows = rng.normal(size=(n, 77)).astype(np.float32)
    twin = rng.normal(size=77).astype(np.float32) * 3
    places = np.unique([0, n // 2, n - 1])
    rows[places] = twin
    index = VectorIndex(77)
    index.add(np.arange(n)[::-1].copy(), rows)
    ((ids, scores),) = index.search(twin[None], len(places))
    assert ids.tolist() == sorted((n - 1 - places).tolist())
    assert len(set(scores.tolist())) == 1


def test_scores_that_float32_cannot_tell_apart_are_told_apart() -> None:
    # The sums differ by less than a float32 sum in any order is off.
    rng = np.random.default_rng(0)
    row = (1000 * rng.normal(size=512)).astype(np.float32)
    rows = np.tile(row, (300, 1))
    query = (1000 * rng.normal(size=512)).astype(np.float32)
    rows[np.arange(300), rng.integers(0, 512, 300)] *= np.float32(1 + 1e-6)
    index = VectorIndex(512)
    index.add(np.arange(300), rows)
    for k in (1, 7, 100):
        assert_nearest(index.search(query[None], k)[0], np.arange(300), rows, query, k)


@pytest.mark.parametrize("k", [0, -1])
def test_none_wanted(k: int) -> None:
    index = VectorIndex(2)
    index.add(np.array([1]), f32([[1, 0]]))
    ((ids, scores),) = index.search(f32([[1, 0]]), k)
    assert (ids.shape, scores.shape) == ((0,), (0,))


def test_an_empty_index_finds_nothing() -> None:
    index = VectorIndex(2)
    answers = index.search(f32([[1, 0], [0, 1]]), 5)
    assert [ids.tolist() for ids, _ in answers] == [[], []]
    assert len(index) == 0
    assert index.ids.tolist() == []


def test_arguments_stay_as_they_are() -> None:
    index = VectorIndex(2)
    ids, rows, query = np.array([3, 1]), f32([[1, 2], [3, 4]]), f32([[1, 1]])
    allowed = np.array([3, 1])
    index.add(ids, rows)
    index.search(query, 1, allowed)
    index.remove(allowed)
    assert ids.tolist() == allowed.tolist() == [3, 1]
    assert rows.tolist() == [[1, 2], [3, 4]]
    assert query.tolist() == [[1, 1]]


def test_what_is_added_is_copied() -> None:
    index = VectorIndex(2)
    ids, rows = np.array([1, 2]), f32([[1, 0], [0, 1]])
    index.add(ids, rows)
    rows[:] = 7
    ids[:] = 7
    ((found, scores),) = index.search(f32([[1, 0]]), 2)
    assert found.tolist() == [1, 2]
    assert scores.tolist() == [1, 0]


def test_a_scan_in_many_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrieval.vector_index.part.SCAN_SCORES", 40)
    rng = np.random.default_rng(1)
    rows = rng.integers(-2, 3, size=(500, 6)).astype(np.float32)
    queries = rng.integers(-2, 3, size=(3, 6)).astype(np.float32)
    index = VectorIndex(6)
    index.add(np.arange(500), rows)
    for answer, query in zip(index.search(queries, 20), queries, strict=True):
        assert_nearest(answer, np.arange(500), rows, query, 20)


class Machine(RuleBasedStateMachine):
    """Any mix of adds and removes, beside a dictionary that does the same."""

    DIM = 3

    @initialize()
    def begin(self) -> None:
        self.index = VectorIndex(self.DIM)
        self.held: dict[int, Vectors] = {}
        self.next_id = 0

    @rule(rows=vectors(st.integers(0, 12), DIM), step=st.sampled_from([1, 1, 1, 5]))
    def add(self, rows: Vectors, step: int) -> None:
        ids = self.next_id + step * np.arange(len(rows))
        self.next_id += step * len(rows)
        self.index.add(ids, rows)
        self.held |= dict(zip(ids.tolist(), rows, strict=True))

    @rule(row=vectors(1, DIM), gone=st.integers(0, 60))
    def add_again(self, row: Vectors, gone: int) -> None:
        if gone not in self.held:
            self.index.add(np.array([gone]), row)
            self.held[gone] = row[0]
            self.next_id = max(self.next_id, gone + 1)

    @rule(ids=st.lists(st.integers(0, 60), max_size=20))
    def remove(self, ids: list[int]) -> None:
        self.index.remove(np.array(ids, dtype=np.int64))
        for i in ids:
            self.held.pop(i, None)

    @rule(data=st.data())
    def replace(self, data: st.DataObject) -> None:
        gone = list(self.held)[:5]
        rows = data.draw(vectors(len(gone), self.DIM))
        ids = self.next_id + np.arange(len(gone))
        self.next_id += len(gone)
        self.index.update(np.array(gone, np.int64), [(ids, rows)], self.index.change + 1)
        for i in gone:
            del self.held[i]
        self.held |= dict(zip(ids.tolist(), rows, strict=True))

    @rule(query=vectors(1, DIM), k=st.integers(1, 70), half=st.booleans())
    def search(self, query: Vectors, k: int, half: bool) -> None:
        ids = np.array(list(self.held), dtype=np.int64)
        rows = np.array(list(self.held.values()), np.float32).reshape(-1, self.DIM)
        allowed = ids[ids % 2 == 0] if half else None
        mine = np.isin(ids, ids if allowed is None else allowed)
        (answer,) = self.index.search(query, k, allowed)
        assert_nearest(answer, ids[mine], rows[mine], query[0], k)

    @invariant()
    def it_holds_what_it_should(self) -> None:
        assert self.index.ids.tolist() == sorted(self.held)
        assert len(self.index) == len(self.held)


class ManySmallTails(Machine):
    """The same when a tail is full after seven rows."""

    @initialize()
    def begin(self) -> None:
        super().begin()
        vector_index.TAIL_ROWS = 7

    def teardown(self) -> None:
        vector_index.TAIL_ROWS = FULL


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=40, stateful_step_count=15)
TestManySmallTails = ManySmallTails.TestCase
TestManySmallTails.settings = settings(max_examples=40, stateful_step_count=15)


def swapping(index: VectorIndex, stop: threading.Event) -> Iterator[int]:
    """Replace all vectors of an index again and again: the nth state has only scores of n."""
    for n in range(1, 100_000):
        if stop.is_set():
            return
        ids = np.arange(100) + 100 * n
        index.update(index.ids, [(ids, np.full((100, 4), n, np.float32))], n)
        yield n


def test_readers_see_one_state_or_the_next() -> None:
    index = VectorIndex(4)
    index.update(NOTHING, [(np.arange(100), np.zeros((100, 4), np.float32))], 0)
    stop = threading.Event()
    wrong: list[str] = []
    seen: set[float] = set()

    def read() -> None:
        while not stop.is_set():
            ((ids, scores),) = index.search(f32([[1, 0, 0, 0]]), 100)
            seen.update(scores.tolist())
            if len(set(scores.tolist())) != 1 or not np.array_equal(ids // 100, scores):
                wrong.append(f"{len(ids)} ids with scores {set(scores.tolist())}")

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    writer = swapping(index, stop)
    deadline = time.monotonic() + 120
    for swaps in writer:
        if wrong or (swaps > 20 and len(seen) > 20) or time.monotonic() > deadline:
            stop.set()
    for reader in readers:
        reader.join()
    assert not wrong
    assert len(seen) > 20, "the readers must have read while the index changed"
