"""Which moments a filter lets through, remembered while the catalog stays as it is."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retrieval.catalog.catalog import Catalog
    from retrieval.catalog.filter import Filter
    from retrieval.records import Modality
    from retrieval.vectors import Ids

KEPT = 6
"""Sets remembered: those of two filters over three modalities; 8 bytes for each moment in them."""


class AllowedMoments:
    """The sets that filters of late allow; a person who refines a query keeps the filter."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._change = -1
        self._sets: dict[tuple[Modality, Filter], Ids | None] = {}
        self._lock = Lock()

    def get(self, modality: Modality, wanted: Filter, change: int) -> Ids | None:
        """Ids of the moments that a filter lets through, ascending; None if it lets all through.

        Args:
            modality: Of the moments.
            wanted: The filter.
            change: The change of the catalog, by one who asked for it just now.
        """
        key = (modality, wanted)
        with self._lock:
            if change != self._change:
                self._sets.clear()
                self._change = change
            if key in self._sets:
                self._sets[key] = self._sets.pop(key)  # the last one used is the last to go
                return self._sets[key]
        found = self._catalog.moments.allowed(modality, wanted)
        if found is not None:
            # An array that nobody changes: an index may remember which of its rows these are.
            found.flags.writeable = False
        with self._lock:
            if change == self._change:
                self._sets[key] = found
                while len(self._sets) > KEPT:
                    del self._sets[next(iter(self._sets))]
        return found
