"""A folder that lives, a library that follows it, and what must be true of the two."""

from __future__ import annotations

import os
import random
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile
from PIL import Image

from indexer import index
from retrieval import Library
from retrieval.encoders.fake import fake_model_set

if TYPE_CHECKING:
    from collections.abc import Sequence

STEADY, CHANGING = "steady", "changing"
"""Files that keep their bytes, though not their names, and files that do not."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What one fault left."""

    lost: int
    """Contents that a reader saw before it, that still lie on disk, and are not known after it."""
    damage: Sequence[str]
    """What `verify` found, or answers that were wrong."""
    recovery_s: float
    """To open the library, take the writer's lock and bring the indexes in step; or as said."""
    how: str
    """What the fault met, or how it was noticed."""


@dataclass(slots=True)
class World:
    """A folder and a library of it."""

    place: Path
    models: str = "fake"
    rng: random.Random = field(default_factory=lambda: random.Random(0))
    made: int = 0

    def __post_init__(self) -> None:
        for part in (STEADY, CHANGING):
            (self.folder / part).mkdir(parents=True)
        self.open(create=True).close()

    @property
    def folder(self) -> Path:
        """What is indexed."""
        return self.place / "folder"

    @property
    def library(self) -> Path:
        """Where the library lies."""
        return self.place / "library"

    def open(self, place: Path | None = None, *, create: bool = False) -> Library:
        """Open the library, or another one with the same model set."""
        models = fake_model_set() if self.models == "fake" else self.models
        return Library.open(
            place or self.library, models=models, create=create or place is not None
        )

    def write(self, new: int) -> None:
        """New files."""
        for _ in range(new):
            write_file(self.folder / STEADY, self.made)
            self.made += 1

    def live(self, new: int) -> None:
        """New files, and of the old ones some that are renamed, changed or removed."""
        self.write(new)
        text = self.folder / CHANGING / f"{self.rng.randrange(8)}.txt"
        text.write_text(f"red {self.rng.random()}")
        if self.rng.random() < 0.3:
            text.unlink()
        steady = sorted((self.folder / STEADY).iterdir())
        moved = self.rng.choice(steady)
        moved.rename(moved.with_name(f"moved-{self.rng.randrange(10**9)}-{moved.name[-12:]}"))

    def committed(self, library: Library) -> set[str]:
        """The hashes of contents that files of the library have, of those that stay on disk."""
        return {
            entry.content_hash
            for root in library.catalog.roots()
            for path, entry in library.catalog.files.entries(root.id).items()
            if entry.content_hash and path.startswith(f"{STEADY}/")
        }

    @property
    def steady(self) -> Path:
        """Where the files lie that keep their bytes."""
        return self.folder.resolve() / STEADY

    def after(self, before: set[str], how: str, damage: Sequence[str] = ()) -> Trial:
        """Recover from a fault, and see what is left."""
        begun = time.perf_counter()
        with self.open() as library, library.writing():
            library.refresh()
            recovery_s = time.perf_counter() - begun
            found = [*damage, *library.verify(sample=0)]
            return Trial(len(before - self.committed(library)), found, recovery_s, how)

    def differences(self) -> list[str]:
        """After one more, quiet run: paths that are not as in a library that had no faults."""
        with self.open() as library, self.open(self.place / "fresh") as fresh:
            index(library, self.folder)
            index(fresh, self.folder)
            survived, expected = contents(library), contents(fresh)
            gone = {path for path in survived if not os.path.lexists(path)}
            names = sorted((survived.keys() - gone) | expected.keys())
            wrong = [name for name in names if survived.get(name) != expected.get(name)]
            return wrong + library.verify(sample=20)


def write_file(folder: Path, number: int) -> None:
    """A small picture, sound or text that no other number gives."""
    rng = np.random.default_rng(number)
    match number % 3:
        case 0:
            pixels = rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{number}.png")
        case 1:
            wave = rng.uniform(-0.5, 0.5, int(rng.integers(4000, 40_000)))
            soundfile.write(folder / f"{number}.wav", wave, 16_000)
        case _:
            words = " ".join(rng.choice(["dog", "bell", "rain", "red", "two", "loud"], 60))
            (folder / f"{number}.txt").write_text(f"{number}: {words}.")


def contents(library: Library) -> dict[str, Any]:
    """All that a library knows of its files, by path: state, kind, moments and vectors."""
    found: dict[str, Any] = {}
    for file in library.files():
        digest = library.catalog.files.entry(file.id).content_hash
        moments = library.catalog.moments.of(digest) if digest else []
        ids = [moment.id or 0 for moment in moments]
        rows = [
            (space, *(row.tobytes() for row in library.catalog.vectors.get(space, ids)[1]))
            for space in sorted(library.catalog.spaces())
        ]
        places = [(m.modality, m.start_s, m.end_s, m.start_char, m.end_char) for m in moments]
        state = (file.size, file.modified, file.kind, file.failure, file.missing_since)
        found[str(file.path)] = (state, digest, places, rows)
    return found
