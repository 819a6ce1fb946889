"""Files of a library that are cut, emptied, deleted, swapped, or hold other bytes than written."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from benchmarks.faults.world import Trial
from indexer import index
from retrieval.backup import backup, restore
from retrieval.errors import LibraryDamaged
from retrieval.vector_index import index_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.faults.world import World
    from retrieval import Library

KINDS = ("cut", "bit flipped", "emptied", "deleted", "swapped")
QUERIES = ("red", "green dog", "blue bell rain")


def answers(library: Library) -> list[list[tuple[str, float]]]:
    """What is found, and how well."""
    return [[(str(h.path), h.score) for h in library.search(q, k=1000)] for q in QUERIES]


def index_files(world: World, times: int) -> Iterator[Trial]:
    """One file of an index is damaged; recovery is `rebuild`."""
    with _quiet(), world.open() as library:
        index_file.TAIL_ROWS = 20  # so that there are files of every kind
        world.write(new=60)
        index(library, world.folder)
        library.rebuild()
        before, right = world.committed(library), answers(library)
    whole = world.place / "whole"
    shutil.copytree(world.library / "vectors", whole)
    for n in range(times):
        file = world.rng.choice(sorted((world.library / "vectors").iterdir()))
        kind = KINDS[n % len(KINDS)]
        _damage(world, file, kind)
        with _quiet(), world.open() as library:
            wrong = answers(library) != right
            problems = library.verify(sample=0)
            begun = time.perf_counter()
            library.rebuild()
            recovery_s = time.perf_counter() - begun
            damage = library.verify(sample=0)
            damage += ["other answers after rebuild"] if answers(library) != right else []
            # Wrong answers that `verify` does not explain are what must never be.
            damage += [f"{kind} {file.name} unnoticed"] if wrong and not problems else []
            lost = len(before - world.committed(library))
        noticed = "found by verify" if problems else "noticed when read, or of no effect"
        yield Trial(lost, damage, recovery_s, f"{kind}: {noticed}")
        shutil.rmtree(world.library / "vectors")
        shutil.copytree(whole, world.library / "vectors")


def _damage(world: World, file: Path, kind: str) -> None:
    data = bytearray(file.read_bytes())
    file.unlink()
    match kind:
        case "cut":
            file.write_bytes(data[: world.rng.randrange(1, max(2, len(data)))])
        case "bit flipped":
            if data:
                data[world.rng.randrange(len(data))] ^= 1 << world.rng.randrange(8)
            file.write_bytes(data)
        case "emptied":
            file.write_bytes(b"")
        case "swapped":
            others = sorted(file.parent.iterdir())
            alike = [other for other in others if other.suffix == file.suffix]
            other = world.rng.choice(alike or others)
            file.write_bytes(other.read_bytes())
            other.write_bytes(data)


def catalog(world: World, times: int, *, one_bit: bool) -> Iterator[Trial]:
    """A page of the catalog is overwritten, or one bit of it flipped; recovery is `restore`."""
    world.write(new=40)
    with world.open() as library:
        index(library, world.folder)
        before, right = world.committed(library), answers(library)
        saved = world.place / f"saved-{one_bit}.db"
        backup(library, saved)
    path = world.library / "catalog.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    for _ in range(times):
        data = bytearray(path.read_bytes())
        page = world.rng.randrange(len(data) // size)
        if one_bit:
            data[world.rng.randrange(len(data))] ^= 1 << world.rng.randrange(8)
        else:
            data[page * size : (page + 1) * size] = world.rng.randbytes(size)
        for left in world.library.glob("catalog.db*"):
            left.unlink()
        path.write_bytes(data)
        with _quiet():
            noticed = _noticed(world, right)
        begun = time.perf_counter()
        restore(saved, world.library)
        with world.open() as library:
            library.refresh()
            recovery_s = time.perf_counter() - begun
            damage = library.verify(sample=0)
            damage += ["other answers after restore"] if answers(library) != right else []
            damage += [] if one_bit or "not" not in noticed else ["a damaged page unnoticed"]
            lost = len(before - world.committed(library))
        yield Trial(lost, damage, recovery_s, noticed)


def _noticed(world: World, right: list[list[tuple[str, float]]]) -> str:
    """How a damaged catalog is noticed."""
    try:
        with world.open() as library:
            if library.verify(sample=10_000):
                return "found by verify"
            return "of no effect on answers" if answers(library) == right else "not noticed"
    except LibraryDamaged:
        return "said when it was read"


@contextmanager
def _quiet() -> Iterator[None]:
    """Warnings of damaged indexes are expected here."""
    log = logging.getLogger("retrieval")
    level, tail_rows = log.level, index_file.TAIL_ROWS
    log.setLevel(logging.CRITICAL)
    index_file.TAIL_ROWS = 20
    yield
    log.setLevel(level)
    index_file.TAIL_ROWS = tail_rows
