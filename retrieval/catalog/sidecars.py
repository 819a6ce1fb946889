"""Sidecars as the catalog remembers them: which they are, and how they looked when read."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from retrieval.catalog.new_content import FileState


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A file that says something about the file beside it."""

    name: str
    """In the same folder."""
    state: FileState
    failure: str | None = field(default=None, compare=False)
    """Why it could not be understood."""

    def stored(self) -> list[str | int | None]:
        """As `sidecars_from_json` reads it."""
        return [self.name, self.state.size, self.state.mtime_ns, self.failure]


def sidecars_from_json(stored: str | None) -> tuple[Sidecar, ...]:
    """The sidecars of a file; almost all files have none."""
    if stored is None:
        return ()
    return tuple(
        Sidecar(name, FileState(size, mtime_ns), failure)
        for name, size, mtime_ns, failure in json.loads(stored)
    )
