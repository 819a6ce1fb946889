"""Statistics of a library: how much it holds, and which model set made it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from retrieval.catalog.catalog import Catalog, Counts
    from retrieval.catalog.roots import Root


@dataclass(frozen=True, slots=True)
class Stats:
    """What a library holds and which model set made it."""

    path: Path
    models: str
    fingerprint: str
    roots: tuple[Root, ...]
    counts: Counts
    bytes: int
    """Size of the library folder on disk."""

    @classmethod
    def of(cls, path: Path, catalog: Catalog) -> Stats:
        """Those of the library in a folder."""
        facts = catalog.facts()
        return cls(
            path=path,
            models=facts["model_set"],
            fingerprint=facts["fingerprint"],
            roots=tuple(catalog.roots()),
            counts=catalog.counts(),
            bytes=sum(f.stat().st_size for f in path.rglob("*") if f.is_file()),
        )
