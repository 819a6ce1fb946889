"""A stopwatch: where the time of a query goes.

::

    from retrieval.stopwatch import Stopwatch

    with Stopwatch().running() as watch:
        library.search("a dog")
    print(watch.seconds)

The stages are marked where they happen. A stage inside another one is taken out of it, so the
seconds add up. Only the thread that runs the stopwatch is timed; where none runs, marking a stage
costs less than a microsecond.
"""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Stage(StrEnum):
    """What a query spends its time on, in order."""

    START = "start-up"
    """The interpreter, its modules and the arguments."""
    OPEN = "open"
    """The library's modules, and its catalog."""
    LOAD = "model load"
    """Reading what the model set is, and the towers that are needed."""
    ENCODE = "encode"
    """From words and files to vectors."""
    WORDS = "words"
    """Looking words up as they are written."""
    SEARCH = "search"
    """The indexes and what a filter allows."""
    CALIBRATE = "calibrate"
    """From candidates to comparable scores."""
    METADATA = "metadata"
    """What the catalog knows of the moments and their files."""
    SHOW = "show"
    """Writing the answer."""


class Stopwatch:
    """Adds up the seconds of each stage."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        """Measure with a clock that tells seconds."""
        self.seconds: dict[Stage, float] = {}
        self._clock = clock
        self._entered: list[Stage] = []
        self._since = 0.0

    @contextmanager
    def running(self) -> Iterator[Stopwatch]:
        """Time the stages that this thread goes through."""
        before = _RUNNING.set(self)
        try:
            yield self
        finally:
            _RUNNING.reset(before)

    @contextmanager
    def timing(self, stage: Stage) -> Iterator[None]:
        """Time one stage; the stage around it stands still meanwhile."""
        self._tell()
        self._entered.append(stage)
        try:
            yield
        finally:
            self._tell()
            self._entered.pop()

    def _tell(self) -> None:
        """Give the time since the last call to the innermost stage."""
        now = self._clock()
        if self._entered:
            stage = self._entered[-1]
            self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._since
        self._since = now


_RUNNING: ContextVar[Stopwatch | None] = ContextVar("running", default=None)
_UNTIMED = nullcontext()


def timed(stage: Stage) -> AbstractContextManager[None]:
    """Mark what happens inside as a stage, for the stopwatch that runs, if any."""
    watch = _RUNNING.get()
    return _UNTIMED if watch is None else watch.timing(stage)
