"""Disks that are full, fail, or may only be read."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.faults.world import Trial
from indexer import index
from retrieval.errors import LibraryError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.faults.indexer_process import Server
    from benchmarks.faults.world import World

SAYS_WHAT_TO_DO = ("make room", "check the disk")


def file_limit(world: World, server: Server, times: int) -> Iterator[Trial]:
    """No file may grow beyond a random size: writing catalog or indexes fails in the middle."""
    while times:
        world.live(new=8)
        with world.open() as reader:
            before = world.committed(reader)
        most = (world.library / "catalog.db").stat().st_size + 100_000
        run = server.start(
            world.library,
            world.folder,
            file_limit=world.rng.randrange(4096, most),
            commit_s=0.0,
            batch_size=1,
        )
        code, said = run.wait()
        if code == 0:
            continue
        yield world.after(before, run.stage(), _unless_it_says_what_to_do(code, said))
        times -= 1


def full_disk(world: World, server: Server, times: int) -> Iterator[Trial]:
    """A small disk that a run fills; then room is made, and the run is repeated.

    The folder that is indexed lies elsewhere; `world.library` is the mounted disk.
    """
    for _ in range(times):
        with world.open() as reader:
            before = world.committed(reader)
        used = sum(file.stat().st_size for file in world.library.rglob("*"))
        _resize(world.library, used + world.rng.randrange(50_000, 400_000))
        code, said = 0, ""
        while code == 0:
            world.live(new=5)
            run = server.start(world.library, world.folder, commit_s=0.0, batch_size=1)
            code, said = run.wait()
        damage = _unless_it_says_what_to_do(code, said)
        _resize(world.library, 1 << 30)
        yield world.after(before, run.stage(), damage)


def _resize(place: Path, size: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", place], check=True)


def failing_disk(world: World, server: Server, times: int) -> Iterator[Trial]:
    """Writing, syncing and cutting the catalog's files fails with EIO from a random call on."""
    while times:
        world.live(new=4)
        with world.open() as reader:
            before = world.committed(reader)
        run = server.start(
            world.library,
            world.folder,
            commit_s=0.0,
            environment={"FAIL_AFTER": str(world.rng.randrange(60))},
        )
        code, said = run.wait()
        if code == 0:
            continue
        yield world.after(before, run.stage(), _unless_it_says_what_to_do(code, said))
        times -= 1


def _unless_it_says_what_to_do(code: int, said: str) -> list[str]:
    right = code == 1 and any(words in said for words in SAYS_WHAT_TO_DO)
    return [] if right else [f"it ended with {code}: {said}"]


def compiled(workplace: Path) -> Path | None:
    """The library that makes a disk fail; None where there is no compiler for it."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None or os.uname().sysname != "Linux":
        return None
    source = Path(__file__).with_name("failing_disk.c")
    library = workplace / "failing_disk.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library


def read_only(world: World, times: int) -> Iterator[Trial]:
    """A disk that is mounted for reading alone: the same answers, and nothing is written."""
    for _ in range(times):
        world.write(new=2)
        with world.open() as library:
            index(library, world.folder)
            before = world.committed(library)
            answers = [(hit.path, hit.score) for hit in library.search("red", k=1000)]
        damage = []
        subprocess.run(["mount", "--bind", world.library, world.library], check=True)
        try:
            subprocess.run(["mount", "-o", "remount,ro,bind", world.library], check=True)
            begun = time.perf_counter()
            with world.open() as library:
                if [(hit.path, hit.score) for hit in library.search("red", k=1000)] != answers:
                    damage.append("other answers")
                recovery_s = time.perf_counter() - begun
                try:
                    index(library, world.folder)
                    damage.append("it was written")
                except LibraryError as error:
                    if "Cannot write to" not in str(error):
                        damage.append(str(error))
                damage += library.verify(sample=0)
                lost = len(before - world.committed(library))
        finally:
            unmount(world.library)
        yield Trial(lost, damage, recovery_s, "searched, not written")


def may_mount(workplace: Path) -> bool:
    """Whether this process may mount disks."""
    workplace.mkdir(parents=True, exist_ok=True)
    try:
        mount(workplace, 1 << 20)
    except (OSError, subprocess.CalledProcessError):
        return False
    unmount(workplace)
    return True


def mount(place: Path, size: int) -> None:
    """Mount a disk in memory of so many bytes."""
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place],
        check=True,
        capture_output=True,
    )


def unmount(place: Path) -> None:
    """Take a disk away; an index that is still mapped from it holds it until it is let go."""
    subprocess.run(["umount", "--lazy", place], check=True)
