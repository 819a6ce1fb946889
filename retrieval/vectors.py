"""Vectors: the one place where lengths and shapes are settled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

Vector = npt.NDArray[np.float32]
"""`(dim,)` float32 of length 1."""
Vectors = npt.NDArray[np.float32]
"""`(n, dim)` float32, every row of length 1."""
Ids = npt.NDArray[np.int64]
"""`(n,)` int64 moment ids."""


def unit_rows(rows: npt.ArrayLike) -> Vectors:
    """Scale every row of `(n, dim)` to length 1; a row of zeros stays zero.

    The lengths are computed in float64, so that a row comes out the same whatever stands beside it.

    Raises:
        ValueError: `rows` is not two-dimensional or holds a NaN or an infinity.
    """
    matrix = np.asarray(rows, dtype=np.float64)
    if matrix.ndim != 2:
        raise ValueError(f"expected (n, dim), got shape {matrix.shape}")
    if not np.isfinite(matrix).all():
        raise ValueError("a vector holds NaN or infinity")
    lengths = np.sqrt(np.einsum("ij,ij->i", matrix, matrix))[:, None]
    scaled: npt.NDArray[np.float64] = np.divide(
        matrix, lengths, out=np.zeros_like(matrix), where=lengths > 0
    )
    return scaled.astype(np.float32)


def unit(vector: npt.ArrayLike) -> Vector:
    """Scale one `(dim,)` vector to length 1; zeros stay zero."""
    row: Vector = unit_rows(np.asarray(vector)[None, :])[0]
    return row


def mean(several: Sequence[npt.NDArray[Any]]) -> npt.NDArray[np.float64]:
    """The mean of arrays of one shape; of one it is that."""
    whole = several[0] if len(several) == 1 else np.mean(several, axis=0)
    return np.asarray(whole, dtype=np.float64)


def centred(rows: Vectors, mean: Vector | None) -> Vectors:
    """Rows `(n, dim)` without what their modality has in common, at length 1 again."""
    return rows if mean is None else unit_rows(rows.astype(np.float64) - mean)
