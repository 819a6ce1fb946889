"""Faults, brought about for real, a few times each; the benchmark does it many times.

Nothing that was committed is ever lost, and what is searchable is always consistent.
"""

from __future__ import annotations

import random
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.faults import damage, disks, processes
from benchmarks.faults.indexer_process import Server, server
from benchmarks.faults.world import Trial, World, contents, write_file
from benchmarks.reliability import all_faults, outcome
from indexer import index
from retrieval import Library

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are not forked there")


@pytest.fixture(scope="module")
def indexers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with server(tmp_path_factory.mktemp("notes")) as started:
        yield started


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "world", rng=random.Random(1))


def check(world: World, trials: list[Trial], times: int) -> dict[str, int]:
    """Nothing is lost or wrong; returns what the faults met, and how often."""
    found = outcome("", trials, world.differences())
    assert (found["times"], found["lost"]) == (times, 0)
    assert found["damage"] == []
    assert found["differences"] == []
    return dict(found["how"])


def test_twenty_kills(tmp_path: Path, indexers: Server) -> None:
    """At random moments of a run, with real vectors; then all is as in an undisturbed library."""
    world = World(tmp_path / "world", "mini", random.Random(1))
    met = check(world, list(processes.stopped(world, indexers, 20, signal.SIGKILL)), 20)
    assert len(met) >= 2, "the kills should fall into different steps"


def test_ctrl_c_at_any_moment(world: World, indexers: Server) -> None:
    check(world, list(processes.stopped(world, indexers, 6, signal.SIGINT)), 6)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)]
)
def test_an_end_before_anything_was_begun(
    world: World, indexers: Server, number: int, code: int
) -> None:
    for _ in range(10):
        run = indexers.start(world.library, world.folder)
        run.send(number)
        assert run.wait() == (code, "")
    assert world.differences() == []


def test_a_limit_on_the_size_of_files(world: World, indexers: Server) -> None:
    check(world, list(disks.file_limit(world, indexers, 5)), 5)


def test_a_disk_that_is_full(tmp_path: Path, indexers: Server) -> None:
    if not disks.may_mount(tmp_path / "disk"):
        pytest.skip("no disk may be mounted here")
    (tmp_path / "world" / "library").mkdir(parents=True)
    disks.mount(tmp_path / "world" / "library", 1 << 30)
    try:
        world = World(tmp_path / "world", rng=random.Random(1))
        check(world, list(disks.full_disk(world, indexers, 3)), 3)
    finally:
        disks.unmount(tmp_path / "world" / "library")


def test_a_disk_that_fails(world: World, tmp_path: Path) -> None:
    """From a random call on, writing and syncing the catalog's files ends with EIO."""
    library = disks.compiled(tmp_path)
    if library is None:
        pytest.skip("there is no compiler for the failing disk")
    with server(tmp_path / "notes", preload=library) as indexers:
        check(world, list(disks.failing_disk(world, indexers, 5)), 5)


def test_two_indexers_in_two_processes(world: World, indexers: Server, tmp_path: Path) -> None:
    with server(tmp_path / "notes") as other:
        met = check(world, list(processes.two_at_once(world, (indexers, other), 4)), 4)
    assert set(met) <= {"one refused", "one after the other"}


def test_clocks_that_jump(world: World, indexers: Server) -> None:
    assert set(check(world, list(processes.clock(world, indexers, 6)), 6)) <= {
        "forward",
        "backward",
    }


def test_a_reader_while_another_process_indexes(world: World, indexers: Server) -> None:
    world.write(new=10)
    check(world, list(processes.reader_while_indexing(world, indexers, 2)), 2)


def test_a_reader_while_indexes_are_rebuilt(world: World) -> None:
    world.write(new=10)
    with world.open() as library:
        index(library, world.folder)
    check(world, list(processes.reader_while_rebuilding(world, 2)), 2)


def test_index_files_damaged_in_every_way(world: World) -> None:
    met = check(world, list(damage.index_files(world, 10)), 10)
    assert {how.partition(":")[0] for how in met} == set(damage.KINDS)


def test_damaged_pages_are_said_and_restored(world: World) -> None:
    met = check(world, list(damage.catalog(world, 5, one_bit=False)), 5)
    assert set(met) <= {"said when it was read", "found by verify", "of no effect on answers"}


def test_a_loss_would_be_seen(world: World) -> None:
    """The trials are worth something only if they would notice."""
    world.write(new=4)
    with world.open() as library:
        index(library, world.folder)
        before = world.committed(library)
        assert len(before) == 4
        library.remove(next(world.steady.iterdir()))
    assert world.after(before, "").lost == 1
    assert world.after(before, "", ["found"]).damage == ["found"]


@pytest.mark.parametrize("loss", ["vector", "file"])
def test_the_comparison_sees_a_difference(tmp_path: Path, loss: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(3):
        write_file(folder, number)
    with Library.open(tmp_path / "library", models="mini") as library:
        index(library, folder)
        before = contents(library)
        assert contents(library) == before
        if loss == "file":
            library.remove(folder / "0.png")
        else:
            (row,) = library.catalog.vectors.get("mini", [1])[1]
            with library.catalog.transaction() as transaction:
                transaction._connection.exec_driver_sql(
                    "UPDATE vectors SET data = ? WHERE moment_id = 1", ((-row).tobytes(),)
                )
        assert contents(library) != before


def test_every_fault_has_a_row() -> None:
    """What the benchmark tries, by name; the page has a sentence for each."""
    from benchmarks.reliability_page import FAULTS

    tried = {str(name) for name in all_faults.__code__.co_consts if name in FAULTS}
    assert tried | {"full disk"} == set(FAULTS)
