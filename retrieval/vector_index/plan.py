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

SELECTED = 1.4
"""How many times as long the codes take if each row that looks good is asked whether it is allowed:
1.2 times where half of them are, 1.5 where one in twenty is."""

GATHER_NS = 3.2
"""To put one code of an allowed row beside others."""

GATHER_LIST_US = 30.0
"""To look for allowed rows in another list."""


class Way(StrEnum):
    """The ways to search a part of an index."""

    SCAN = "scan"
    """Every row was looked at."""
    SET = "set"
    """Every row of the allowed set was looked at."""
    CODES = "codes"
    """Candidates came from the codes of all rows."""
    FILTERED_CODES = "filtered codes"
    """The same, each row that looks good being asked whether it is allowed."""
    GPU = "gpu"
    """Candidates came from a copy of the rows on a GPU."""
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


def codes_ms(
    rows: int,
    dim: int,
    sub_dim: int,
    *,
    share: float,
    probes: int,
    look: int,
    selected: bool = False,
) -> float:
    """Time to search by codes.

    Args:
        rows: With codes.
        dim: Of their vectors.
        sub_dim: Dimensions to a code.
        share: Of the lists that are probed.
        probes: How many lists that is.
        look: Candidates that are re-scored.
        selected: Whether rows are asked if they are allowed.
    """
    scanned = rows * share * dim / sub_dim * CODE_NS * 1e-6 * (SELECTED if selected else 1.0)
    return scanned + probes * PROBE_US * 1e-3 + rows_ms(look, dim)


def gathering_ms(rows: int, dim: int, sub_dim: int, lists: int) -> float:
    """Time to put the codes of some rows together, which lie in so many lists."""
    return rows * dim / sub_dim * GATHER_NS * 1e-6 + lists * GATHER_LIST_US * 1e-3
