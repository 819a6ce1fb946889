"""Processes that are killed, interrupted, started twice, or read while another one writes."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.faults.indexer_process import Server
    from benchmarks.faults.world import Trial, World
    from retrieval import Library


LOOK_S = 0.05
"""How often a reader looks before a signal is sent."""


def stopped(world: World, server: Server, times: int, number: int) -> Iterator[Trial]:
    """A signal at a random moment of a run, from its start to the end of its last step."""
    longest_s = 0.0
    while times:
        world.live(new=3)
        begun = time.perf_counter()
        if not longest_s:  # the first is let run to its end, to know how long one takes
            assert server.start(world.library, world.folder, models=world.models).wait()[0] == 0
            longest_s = time.perf_counter() - begun
            continue
        run = server.start(world.library, world.folder, models=world.models)
        with world.open() as reader:
            before = _wait(world, reader, world.rng.uniform(0, longest_s))
            stage = run.stage()
            with suppress(ProcessLookupError):
                run.send(number)
            code, said = run.wait()
        if code == 0:  # it had ended before
            longest_s *= 0.9
            continue
        right = -number if number == signal.SIGKILL else 130
        damage = [] if code == right else [f"it ended with {code}: {said}"]
        yield world.after(before, stage, damage)
        longest_s *= 1.03
        times -= 1


def _wait(world: World, reader: Library, seconds: float) -> set[str]:
    """Wait, and say what a reader saw last."""
    deadline = time.perf_counter() + seconds
    before = world.committed(reader)
    while deadline - time.perf_counter() > LOOK_S:
        time.sleep(LOOK_S)
        before = world.committed(reader)
    time.sleep(max(0.0, deadline - time.perf_counter()))
    return before


def two_at_once(world: World, servers: tuple[Server, Server], times: int) -> Iterator[Trial]:
    """Two indexers of one library: one is told that the other writes, or comes after it."""
    for _ in range(times):
        world.live(new=3)
        with world.open() as reader:
            before = world.committed(reader)
        runs = [server.start(world.library, world.folder) for server in servers]
        ended = [run.wait() for run in runs]
        refused = [said for code, said in ended if code]
        damage = [said for said in refused if "Another process is writing" not in said]
        damage += ["both were refused"] if len(refused) == 2 else []
        yield world.after(before, "one refused" if refused else "one after the other", damage)


def clock(world: World, server: Server, times: int) -> Iterator[Trial]:
    """A clock that is wrong by up to ten years, and files from the past and the future."""
    for _ in range(times):
        world.live(new=3)
        off_s = world.rng.uniform(-3e8, 3e8)
        file = world.rng.choice(sorted(world.steady.iterdir()))
        seconds = time.time() + world.rng.uniform(-3e8, 3e8)
        os.utime(file, (seconds, seconds))
        with world.open() as reader:
            before = world.committed(reader)
        run = server.start(world.library, world.folder, clock_s=off_s)
        code, said = run.wait()
        damage = [] if code == 0 else [said]
        yield world.after(before, "backward" if off_s < 0 else "forward", damage)


class Reading:
    """A reader that asks the same again and again, until told to stop."""

    def __init__(self, world: World, rising: bool) -> None:
        """Begin.

        Args:
            world: Where it reads.
            rising: Whether the number of hits may grow; otherwise it must stay.
        """
        self.answers = 0
        self.wrong: list[str] = []
        self._world = world
        self._rising = rising
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        with self._world.open() as reader:
            last: list[tuple[str, float]] = []
            while not self._stop.is_set():
                try:
                    hits = reader.search("red dog", k=100_000)
                except Exception as error:
                    self.wrong.append(f"{type(error).__name__}: {error}")
                    return
                found = sorted((str(hit.path), hit.cosine) for hit in hits)
                same = found == last or not last
                grown = self._rising and {p for p, _ in last} <= {p for p, _ in found}
                if not (same or grown):
                    self.wrong.append(f"{len(last)} answers became {len(found)}")
                last = found
                self.answers += 1

    def end(self) -> list[str]:
        """Stop, and say what was wrong."""
        self._stop.set()
        self._thread.join()
        return self.wrong


def reader_while_indexing(world: World, server: Server, times: int) -> Iterator[Trial]:
    """Every answer holds whole files, and never fewer than the answer before."""
    for _ in range(times):
        with world.open() as reader:
            before = world.committed(reader)
        reading = Reading(world, rising=True)
        for _ in range(3):
            world.write(new=5)
            code, said = server.start(world.library, world.folder).wait()
            assert code == 0, said
        yield world.after(before, f"{reading.answers} answers", reading.end())


def reader_while_rebuilding(world: World, times: int) -> Iterator[Trial]:
    """Every answer is the same, while the indexes are thrown away and made anew."""
    for _ in range(times):
        with world.open() as reader:
            before = world.committed(reader)
        reading = Reading(world, rising=False)
        with world.open() as writer:
            for _ in range(5):
                writer.rebuild()
        yield world.after(before, f"{reading.answers} answers", reading.end())
