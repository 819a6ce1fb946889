"""The folder of a library: what its files are called, and whether it holds one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrieval.errors import LibraryNotFound

if TYPE_CHECKING:
    from pathlib import Path

CATALOG = "catalog.db"
LOCK = "writer.lock"


def holds_library(folder: Path) -> bool:
    """Whether there is a library in a folder."""
    return (folder / CATALOG).exists()


def must_hold_library(folder: Path) -> None:
    """Insist on it.

    Raises:
        LibraryNotFound: there is none.
    """
    if not holds_library(folder):
        raise LibraryNotFound(
            f"There is no library at {folder}. Make one with: anyseek index FOLDER"
        )
