"""How a search was answered, and the costs by which it is chosen.

The costs are those of `docs/scale.md`: what counts is only how they compare, so they need not be
measured anew on every machine, and the same index is searched in the same way on each.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

ROW_NS = 0.5
"""To fetch and score one dimension of a row somewhere in memory."""

SCAN_NS = 0.13
"""The same for rows that lie one behind the other."""

CODE_NS = 0.02
"""To add up one 4-bit code."""

PROBE_US = 1.5
"""To begin another list."""

CANDIDATE_NS = 70.0
"""To keep one more candidate, before it is known whether it is allowed."""

GATHER_NS = 6.0
"""To take one code out of all, or to leave it."""


class Way(StrEnum):
    """The ways to search a part of an index."""

    SCAN = "scan"
    """Every row was looked at."""
    SET = "set"
    """Every row of the allowed set was looked at."""
    CODES = "codes"
    """Candidates came from the codes of all rows."""
    SIEVED_CODES = "sieved codes"
    """More candidates came from the codes of all rows, of which the allowed ones were kept."""
    GPU = "gpu"
    """Candidates came from a copy of the rows on a GPU."""
    FILTERED_CODES = "filtered codes"
    """Candidates came from the codes of all rows, each asked whether it is allowed."""
    GATHERED_CODES = "gathered codes"
    """Candidates came from the codes of the allowed rows, which were put together before."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What was done in one part of an index."""

    way: Way
    rows: int
    """Rows that could be found."""
    probes: int = 0
    """Lists looked into."""
    look: int = 0
    """Candidates re-scored for each query."""


def rows_ms(rows: int, dim: int) -> float:
    """Time to score some rows by their vectors."""
    return rows * dim * ROW_NS * 1e-6


def scan_ms(rows: int, dim: int) -> float:
    """Time to score all rows, one behind the other."""
    return rows * dim * SCAN_NS * 1e-6


def codes_ms(rows: int, dim: int, sub_dim: int, *, share: float, probes: int, look: int) -> float:
    """Time to search by codes.

    Args:
        rows: With codes.
        dim: Of their vectors.
        sub_dim: Dimensions to a code.
        share: Of the lists that are probed.
        probes: How many lists that is.
        look: Candidates that are re-scored.
    """
    scanned = rows * share * dim / sub_dim * CODE_NS * 1e-6
    return scanned + probes * PROBE_US * 1e-3 + rows_ms(look, dim)


def choosing_ms(look: int, share: float, most: int) -> float:
    """Time to keep so many candidates that `look` of them are allowed, at most `most`."""
    return min(look / share, most) * CANDIDATE_NS * 1e-6


def gathering_ms(rows: int, dim: int, sub_dim: int) -> float:
    """Time to put the codes of some of all rows together."""
    return rows * dim / sub_dim * GATHER_NS * 1e-6
