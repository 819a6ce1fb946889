"""The relay: across from one space to another by way of things that are known in both.

What comes is described by how near it is to each known thing, by a sharp softmax over its
standardised cosines with them; the same mixture of things, in the other space, is where it arrives.
Nothing is learned but the sharpness, so nothing goes wrong where a picture lies far from every
caption.

The things are those of a caption bank. Pairs of a picture and a sound that belong together, such
as a film has, are things as well. A picture is nearer to pictures than to captions, so such pairs
are held back by a handicap, lest the few that a library has stand in for everything they are not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from retrieval.vectors import centred, unit_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from retrieval.vectors import Vector, Vectors


@dataclass(frozen=True)
class Relay:
    """The known things in both spaces, row by row the same thing."""

    things: Mapping[str, Vectors]
    """Space to `(n, dim)` unit rows: the mean of each thing's captions."""
    temperature: float
    """Of the softmax, in standard deviations of the cosines."""
    pairs: Mapping[str, Vectors] = field(default_factory=dict)
    """Space to `(p, dim)` unit rows, centred: pictures in one, the sounds that go with them in the
    other. Empty, or in both."""
    handicap: float = 0.0
    """Taken off the cosines with pairs."""

    def carry(
        self, rows: Vectors, source: str, target: str, means: Mapping[str, Vector]
    ) -> Vectors:
        """Rows as mixtures of things in the other space.

        Args:
            rows: Centred unit rows `(n, dim)`.
            source: Their space.
            target: The other.
            means: Space to what its texts have in common.

        Returns:
            Centred unit rows `(n, dim of target)`.
        """
        cosines = rows @ self.things[source].T
        places = centred(self.things[target], means[target])
        if self.pairs:
            captions = cosines - (rows @ means[source])[:, None]
            pairs = rows @ self.pairs[source].T - np.float32(self.handicap)
            cosines = np.hstack([captions, pairs])
            places = np.vstack([places, self.pairs[target]])
        return mixture(cosines, places, self.temperature)


def mixture(cosines: Vectors, places: Vectors, temperature: float) -> Vectors:
    """Unit rows `(n, dim)`: places weighted by the softmax of standardised cosines."""
    exact = cosines.astype(np.float64)
    deviation = np.maximum(exact.std(axis=1, keepdims=True), 1e-9)
    logits = (exact - exact.max(axis=1, keepdims=True)) / deviation / temperature
    return unit_rows(np.exp(logits) @ places)
