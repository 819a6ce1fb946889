"""Made vectors that behave as encoders' do: clustered, in a narrow cone, with a falling spectrum.

Queries are shifted: they lie off the data, as the vectors of texts do beside those of pictures
(Liang et al., "Mind the Gap", NeurIPS 2022), which makes them harder for every index but the exact.
"""

from __future__ import annotations

import numpy as np

from retrieval.vectors import Vectors, unit_rows

ROWS_A_CLUSTER = 100
SPREAD = 0.6
"""Size of a cluster beside the distance between clusters."""
CONE = 0.8
"""How far all vectors are moved the same way."""
GAP = 0.7
"""How far the queries are moved another way."""
BLUR = 0.5
CHUNK_ROWS = 50_000


class ClusteredWorld:
    """A seeded source of vectors `(n, dim)` and shifted queries."""

    def __init__(self, rows: int, dim: int, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        spectrum = np.arange(1, dim + 1) ** -0.5
        basis = np.linalg.qr(rng.standard_normal((dim, dim)))[0]
        self._shape = ((spectrum / np.linalg.norm(spectrum))[:, None] * basis).astype(np.float32)
        clusters = max(64, rows // ROWS_A_CLUSTER)
        self._centres = rng.standard_normal((clusters, dim), np.float32) @ self._shape
        self._mean = _direction(rng, dim)
        self._gap = _direction(rng, dim)
        self._rng = rng
        self._dim = dim

    def rows(self, n: int) -> Vectors:
        """Vectors of the collection."""
        return np.concatenate(
            [self._drawn(min(CHUNK_ROWS, n - start)) for start in range(0, n, CHUNK_ROWS)]
        )

    def queries(self, n: int) -> Vectors:
        """Queries from off the data."""
        noise = self._rng.standard_normal((n, self._dim), np.float32) @ self._shape
        return unit_rows(self._drawn(n) + GAP * self._gap + BLUR * noise)

    def _drawn(self, n: int) -> Vectors:
        centres = self._centres[self._rng.integers(0, len(self._centres), n)]
        noise = self._rng.standard_normal((n, self._dim), np.float32) @ self._shape
        return unit_rows(centres + SPREAD * noise + CONE * self._mean)


def _direction(rng: np.random.Generator, dim: int) -> Vectors:
    return unit_rows(rng.standard_normal((1, dim)))
