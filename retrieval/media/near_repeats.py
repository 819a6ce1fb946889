"""Near repeats: pictures in a row that show the same are given one vector, not many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from retrieval.media.content import Picture

GRID = 16
"""Pictures are compared by the mean colours of this many fields each way."""
LEAST_CHANGE = 8.0
"""A picture is new if one field's mean of one colour changed by this much, of 255."""


class NearRepeats:
    """Tells of each picture of a sequence whether it differs from the last one that did.

    A slow change is noticed too: it is the last picture that was kept that counts, not the last
    one seen.
    """

    def __init__(self) -> None:
        self._kept: npt.NDArray[np.float64] | None = None

    def is_new(self, picture: Picture) -> bool:
        """Whether a `(h, w, 3)` picture differs visibly; if so, the next are compared to it."""
        fields = _fields(picture)
        kept = self._kept if self._kept is not None else np.empty(0)
        if kept.shape == fields.shape and np.abs(fields - kept).max() < LEAST_CHANGE:
            return False
        self._kept = fields
        return True


def _fields(picture: Picture) -> npt.NDArray[np.float64]:
    """Mean colours `(rows, columns, 3)` of a grid of at most `GRID` x `GRID` fields."""
    height, width, _ = picture.shape
    rows = np.unique(np.linspace(0, height, GRID, endpoint=False, dtype=int))
    columns = np.unique(np.linspace(0, width, GRID, endpoint=False, dtype=int))
    sums = np.add.reduceat(picture.astype(np.float64), rows, axis=0)
    sums = np.add.reduceat(sums, columns, axis=1)
    sizes = np.outer(np.diff(rows, append=height), np.diff(columns, append=width))
    means: npt.NDArray[np.float64] = sums / sizes[:, :, None]
    return means
