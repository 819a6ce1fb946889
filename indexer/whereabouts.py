"""Whereabouts: is a file that the library knows still at its place, gone, or out of sight?"""

from __future__ import annotations

import os
import stat
from enum import Enum, auto
from typing import TYPE_CHECKING

from indexer.scan import has_entries

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from retrieval.catalog.transaction import Place


class Sight(Enum):
    """What a look at a known path shows."""

    THERE = auto()
    LEFT = auto()
    """It is not there any more: the same content elsewhere is this file, moved."""
    HIDDEN = auto()
    """Its root is gone or empty: the same content elsewhere is a copy."""


class Whereabouts:
    """Looks at places of the library on disk."""

    def __init__(self, folders: Mapping[int, Path], absent: Collection[int]) -> None:
        """Know where to look.

        Args:
            folders: Where each root lies, by its id.
            absent: Ids of files that the walk was able to look for and did not find. Its word
                counts: where case is ignored, a look at the old name finds the renamed file.
        """
        self._folders = folders
        self._absent = absent
        self._reachable: dict[int, bool] = {}

    def of(self, place: Place) -> Sight:
        """Look for a file."""
        if place.file_id in self._absent:
            return Sight.LEFT
        try:
            status = os.lstat(self._folders[place.root_id] / place.path)
        except (FileNotFoundError, NotADirectoryError):
            return Sight.LEFT if self._is_reachable(place.root_id) else Sight.HIDDEN
        except OSError:
            return Sight.THERE
        return Sight.THERE if stat.S_ISREG(status.st_mode) else Sight.LEFT

    def _is_reachable(self, root_id: int) -> bool:
        if root_id not in self._reachable:
            self._reachable[root_id] = has_entries(self._folders[root_id])
        return self._reachable[root_id]
