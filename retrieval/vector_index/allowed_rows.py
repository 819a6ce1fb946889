"""Which rows of a part a set of ids allows, remembered for the set that was asked for last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import ref

import numpy as np

if TYPE_CHECKING:
    from retrieval.vector_index.codes import Codes
    from retrieval.vector_index.part import Mask, Part
    from retrieval.vectors import Ids


@dataclass(slots=True, eq=False)
class AllowedRows:
    """The rows of a part that are allowed."""

    mask: Mask
    """`(n,)`, for all rows."""
    count: int
    kept: bool
    """Whether they are remembered for the next search."""
    codes: Codes | None = None
    """Of these rows alone; None until so many searches had to ask for them among all that gathering
    would have cost no more (what is best at any number of searches that nobody knows: to rent until
    the rent has reached the price, and then to buy)."""
    rent_ms: float = 0.0
    """What asking has cost so far."""


class LastAllowed:
    """The allowed rows of the last set of ids, which whoever refines a query asks for again."""

    def __init__(self) -> None:
        self._last: tuple[ref[Ids], Mask | None, AllowedRows] | None = None

    def rows(self, part: Part, allowed: Ids) -> AllowedRows:
        """The rows of a part that hold one of some ids and are alive.

        Args:
            part: Always the same ids; those that are alive may differ.
            allowed: Remembered if the array is read-only, and as long as it lives.
        """
        last = self._last  # read once: other threads search too
        if last and last[0]() is allowed and last[1] is part.alive:
            return last[2]
        mask = part.holding(allowed)
        found = AllowedRows(mask, int(np.count_nonzero(mask)), not allowed.flags.writeable)
        if found.kept:
            self._last = ref(allowed), part.alive, found
        return found
