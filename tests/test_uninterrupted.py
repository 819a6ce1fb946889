"""Ctrl-C in the middle of a transaction: it is committed, then the interrupt is raised."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import event

from retrieval.catalog import database, uninterrupted
from retrieval.catalog.catalog import Catalog
from retrieval.catalog.uninterrupted import uninterrupted as block

SPACES = {"clip": 3}


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Catalog]:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.1)
    made = Catalog.create(tmp_path / "catalog.db", space_dims=SPACES, model_set="test")
    yield made
    made.close()


def interrupt_after(catalog: Catalog, statements: int, signals: int = 1) -> None:
    """Raise SIGINT when so many statements have been executed, with their cursor still open."""
    done = []

    def count(*_arguments: Any) -> None:
        done.append(1)
        if len(done) == statements:
            for _ in range(signals):
                signal.raise_signal(signal.SIGINT)

    event.listen(catalog._engine, "after_cursor_execute", count)


@pytest.mark.parametrize("statements", range(1, 6))
def test_what_is_complete_can_be_written_while_the_interrupt_is_handled(
    catalog: Catalog, statements: int
) -> None:
    """BEGIN, two for the change counter and two roots: five places to be interrupted at."""
    interrupt_after(catalog, statements)
    try:
        with catalog.transaction() as transaction:
            transaction.add_root("a", "/a")
            transaction.add_root("b", "/b")
        pytest.fail("nobody was interrupted")
    except KeyboardInterrupt:
        with catalog.transaction() as transaction:
            transaction.add_root("c", "/c")
    assert [root.name for root in catalog.roots()] == ["a", "b", "c"]


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_every_signal_that_asks_to_stop(name: str) -> None:
    number = getattr(signal, name)
    heard: list[int] = []
    before = signal.signal(number, lambda number, _: heard.append(number))
    try:
        with block():
            signal.raise_signal(number)
            assert heard == []
        assert heard == [number]
        signal.raise_signal(number)
        assert heard == [number] * 2
    finally:
        signal.signal(number, before)


def test_a_second_signal_is_not_put_off() -> None:
    reached = []
    with pytest.raises(KeyboardInterrupt), block():
        signal.raise_signal(signal.SIGINT)
        reached.append(1)
        signal.raise_signal(signal.SIGINT)
        reached.append(2)
    assert reached == [1]


def test_blocks_in_blocks() -> None:
    reached = []
    with pytest.raises(KeyboardInterrupt), block():
        with block():
            signal.raise_signal(signal.SIGINT)
            reached.append(1)
        reached.append(2)
    assert reached == [1, 2]


def test_an_error_inside_comes_with_the_interrupt() -> None:
    with pytest.raises(KeyboardInterrupt) as caught, block():
        signal.raise_signal(signal.SIGINT)
        raise ValueError("inside")
    assert isinstance(caught.value.__context__, ValueError)


def test_a_signal_that_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with block():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_handlers_are_put_back() -> None:
    before = [signal.getsignal(number) for number in uninterrupted.SIGNALS]
    with block():
        assert signal.getsignal(signal.SIGINT) is not before[0]
    assert [signal.getsignal(number) for number in uninterrupted.SIGNALS] == before


def test_other_threads_have_no_signals() -> None:
    done = []

    def run() -> None:
        with block():
            done.append(signal.getsignal(signal.SIGINT))

    thread = Thread(target=run)
    thread.start()
    thread.join()
    assert done == [signal.getsignal(signal.SIGINT)]
