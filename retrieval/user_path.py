"""Paths as people type them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os


def user_path(typed: str | os.PathLike[str]) -> Path:
    """A path in which `~` is the home folder; `~name` of nobody is a name like any other."""
    try:
        return Path(typed).expanduser()
    except (RuntimeError, ValueError):
        return Path(typed)
