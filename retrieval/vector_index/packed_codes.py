"""Four-bit codes as FAISS packs them for its fast scan: taking some rows out of a list.

FAISS can remove rows from an index, which moves those that stay one by one; to take few out of
many so takes as long as a hundred searches. In blocks of 32 rows, two codes share a byte: those of
rows j and j + 16, j in the order of `ORDER`, and 16 bytes of one sub-vector lie side by side
(`pq4_fast_scan.cpp` in FAISS; a test holds this against its own unpacking).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from retrieval.vector_index.ranking import Positions

Bytes = npt.NDArray[np.uint8]

BLOCK_ROWS = 32
HALF = BLOCK_ROWS // 2
ORDER = np.arange(HALF).reshape(2, -1).T.ravel()
"""The row of each byte, 0, 8, 1, 9 and so on: what the processor's registers are filled with."""
BYTE_OF = np.argsort(ORDER)


def blocks(packed: Bytes, rows: int) -> Bytes:
    """The codes of a list of so many rows as blocks `(b, codes of a row, 16)`, not copied."""
    return packed.reshape(-(-rows // BLOCK_ROWS), -1, HALF)


def codes_at(packed: Bytes, at: Positions) -> Bytes:
    """Codes `(m, codes of a row)` of rows `(m,)` of some blocks, one in each byte."""
    within = at % BLOCK_ROWS
    pairs: Bytes = packed[at // BLOCK_ROWS, :, BYTE_OF[within % HALF]]
    return np.where((within >= HALF)[:, None], pairs >> 4, pairs & 15)


def pack(codes: Bytes, packed: Bytes) -> None:
    """Write codes `(m, codes of a row)` into the blocks of a list of m rows."""
    rows, width = codes.shape
    padded = np.zeros((len(packed) * BLOCK_ROWS, width), np.uint8)
    padded[:rows] = codes
    low, high = padded.reshape(-1, 2, HALF, width)[:, :, ORDER].swapaxes(0, 1)
    packed[:] = (low | high << 4).swapaxes(1, 2)
