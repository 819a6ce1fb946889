from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from retrieval import Library
from retrieval.stopwatch import Stage, Stopwatch, timed


def ticking(*times_s: float) -> Stopwatch:
    """A stopwatch whose clock tells these times, one after the other."""
    ticks: Iterator[float] = iter(times_s)
    return Stopwatch(lambda: next(ticks))


def test_a_stage_takes_the_seconds_from_its_begin_to_its_end() -> None:
    with ticking(10.0, 12.5).running() as watch, timed(Stage.SEARCH):
        pass
    assert watch.seconds == {Stage.SEARCH: 2.5}


def test_a_stage_that_comes_again_adds_up() -> None:
    with ticking(0.0, 1.0, 5.0, 7.0).running() as watch:
        for _ in range(2):
            with timed(Stage.METADATA):
                pass
    assert watch.seconds == {Stage.METADATA: 3.0}


def test_a_stage_inside_another_is_taken_out_of_it() -> None:
    with ticking(0.0, 1.0, 4.0, 10.0).running() as watch, timed(Stage.ENCODE), timed(Stage.LOAD):
        pass
    assert watch.seconds == {Stage.ENCODE: 1.0 + 6.0, Stage.LOAD: 3.0}


def test_a_stage_that_fails_is_timed_and_left() -> None:
    with ticking(0.0, 2.0, 2.0, 3.0).running() as watch:
        with pytest.raises(ValueError, match="within"), timed(Stage.ENCODE):
            raise ValueError("within")
        with timed(Stage.SHOW):
            pass
    assert watch.seconds == {Stage.ENCODE: 2.0, Stage.SHOW: 1.0}


def test_without_a_stopwatch_nothing_is_timed() -> None:
    watch = ticking()  # a look at its clock would fail
    with timed(Stage.SEARCH):
        pass
    with watch.running():
        pass
    with timed(Stage.SEARCH):
        pass
    assert watch.seconds == {}


def test_of_two_stopwatches_the_inner_one_is_told_until_it_ends() -> None:
    outer, inner = ticking(0.0, 1.0), ticking(0.0, 5.0)
    with outer.running():
        with inner.running(), timed(Stage.SEARCH):
            pass
        with timed(Stage.SHOW):
            pass
    assert inner.seconds == {Stage.SEARCH: 5.0}
    assert outer.seconds == {Stage.SHOW: 1.0}


def test_other_threads_are_not_timed() -> None:
    def work() -> None:
        with timed(Stage.SEARCH):
            pass

    with ticking().running() as watch:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert watch.seconds == {}


def test_a_search_goes_through_every_stage_that_is_the_librarys(filled: Library) -> None:
    with Stopwatch().running() as watch:
        assert filled.search("red")
    assert {Stage.ENCODE, Stage.SEARCH, Stage.CALIBRATE, Stage.METADATA} <= set(watch.seconds)
    assert all(seconds > 0 for seconds in watch.seconds.values())


def test_a_model_set_is_loaded_once(filled: Library) -> None:
    with Library.open(filled.path, models=filled.space.model_set) as library:
        with Stopwatch().running() as first:
            library.search("red")
        with Stopwatch().running() as second:
            library.search("red")
    assert Stage.LOAD in first.seconds
    assert Stage.LOAD not in second.seconds
