"""Two spaces that share nothing but text, whose truth is known: for bridges and scores.

Every thing has a hidden direction. A space sees it turned and bent, plus what its modality has in
common (the modality gap), plus what is the thing's own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retrieval.records import Modality
from retrieval.vectors import Vectors, unit_rows

HIDDEN = 24


@dataclass(frozen=True)
class TwoSpaces:
    """A world of things, and how the spaces `seen` and `heard` show them."""

    things: Vectors
    turns: dict[str, Vectors]
    gaps: dict[tuple[str, Modality], Vectors]

    @classmethod
    def make(cls, seed: int = 0, n_things: int = 60) -> TwoSpaces:
        rng = np.random.default_rng(seed)
        dims = {"seen": 40, "heard": 32}
        places = [
            ("seen", Modality.TEXT),
            ("heard", Modality.TEXT),
            ("seen", Modality.IMAGE),
            ("heard", Modality.AUDIO),
        ]
        return cls(
            unit_rows(rng.standard_normal((n_things, HIDDEN))),
            {s: rng.standard_normal((HIDDEN, d)).astype(np.float32) for s, d in dims.items()},
            {
                (s, m): unit_rows(rng.standard_normal((1, dims[s])))[0] * np.float32(1.2)
                for s, m in places
            },
        )

    def rows(
        self, space: str, modality: Modality, which: np.ndarray, noise: float, seed: int
    ) -> Vectors:
        """Unit rows of things in a space."""
        rng = np.random.default_rng([seed, len(space), len(modality)])
        seen = self.things[which] @ self.turns[space] / np.sqrt(HIDDEN)
        own = rng.standard_normal(seen.shape) * noise / np.sqrt(seen.shape[1])
        return unit_rows(seen + own + self.gaps[space, modality])

    def captions(
        self, per_thing: int = 20, noise: float = 0.3
    ) -> tuple[Vectors, Vectors, list[int]]:
        """Text rows in both spaces and the thing that each is about."""
        which = np.repeat(np.arange(len(self.things)), per_thing)
        seen = self.rows("seen", Modality.TEXT, which, noise, 1)
        heard = self.rows("heard", Modality.TEXT, which, noise, 2)
        return seen, heard, which.tolist()
