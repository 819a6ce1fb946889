"""Which kind of index a size calls for.

| moments            | kind                                                                     |
|--------------------|--------------------------------------------------------------------------|
| up to 20,000       | exact: every row is looked at                                            |
| up to 100,000      | one list of 4-bit codes, all scanned; the best re-scored from the rows   |
| more               | the codes in some 4 * sqrt(n) lists, of which the nearest are scanned    |

With a recall of 1 every size is exact. Codes take `dim / 8` bytes a moment, less where the memory
would not hold them: then more rows are re-scored. `docs/scale.md` has the measurements.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log2

EXACT_ROWS = 20_000
"""Up to here a scan of everything takes under a millisecond or two."""

ONE_LIST_ROWS = 100_000
"""Up to here a scan of all codes is as fast as choosing lists first."""

LISTS_PER_ROOT = 4
"""Lists for each square root of the number of rows. With half as many, a query from off the data
has to look into twice as many rows; with twice as many, training takes twice as long."""

OUTGROWN = 4
"""After growing this many times since it was trained an index is trained anew."""

ID_BYTES = 8


@dataclass(frozen=True, slots=True)
class Wish:
    """What a caller asks of an index, or of all of a library's; everything else follows."""

    recall: float = 0.99
    """Share of the true ten nearest that is found."""
    memory: int | None = None
    """Bytes that the codes may take, which stay in memory; None for no limit."""

    def part(self, share: float) -> Wish:
        """What remains to be asked of an index that may take a share of the memory."""
        return self if self.memory is None else replace(self, memory=int(share * self.memory))


DEFAULT_WISH = Wish()


@dataclass(frozen=True, slots=True)
class Choice:
    """A kind of index and why it was chosen."""

    lists: int
    """Inverted lists; 1 for a scan of all codes, 0 for exact search without codes."""
    sub_dim: int
    """Dimensions that share one 4-bit code; 0 without codes."""
    trained_rows: int
    """Rows it was chosen for."""
    why: str

    @property
    def kind(self) -> str:
        """exact, codes or lists of codes."""
        return "exact" if self.lists == 0 else "codes" if self.lists == 1 else "lists of codes"


def choose(rows: int, dim: int, wish: Wish) -> Choice:
    """The kind of index for so many rows."""
    if wish.recall >= 1:
        return Choice(0, 0, rows, "a recall of 1 was asked for")
    if rows <= EXACT_ROWS:
        return Choice(0, 0, rows, f"{rows:,} moments are scanned quickly enough")
    sub_dim, squeezed = _sub_dim(rows, dim, wish.memory)
    if rows <= ONE_LIST_ROWS:
        lists, why = 1, f"{rows:,} moments are too many to scan their vectors"
    else:
        lists = 2 ** round(log2(LISTS_PER_ROOT * rows**0.5))
        why = f"{rows:,} moments are too many to scan all their codes"
    return Choice(lists, sub_dim, rows, why + squeezed)


def finer(choice: Choice, dim: int, wish: Wish) -> list[Choice]:
    """A choice and what to try after it if its codes are too coarse for the recall."""
    found = [choice]
    while (sub_dim := found[-1].sub_dim) % 2 == 0:
        if wish.memory is not None and _bytes(choice.trained_rows, dim, sub_dim // 2) > wish.memory:
            break
        why = f"{choice.why}; finer codes, since coarser ones found too few"
        found.append(replace(choice, sub_dim=sub_dim // 2, why=why))
    return found


def gave_up(choice: Choice, dim: int, wish: Wish) -> bool:
    """Whether codes were called for, and exact search was chosen since none were good enough."""
    return choice.lists == 0 and choose(choice.trained_rows, dim, wish).lists > 0


def outgrown(choice: Choice, rows: int, dim: int, wish: Wish) -> bool:
    """Whether an index made by a choice no longer suits so many rows."""
    if gave_up(choice, dim, wish):
        return rows > OUTGROWN * choice.trained_rows
    now = choose(rows, dim, wish)
    if now.kind != choice.kind:
        # A margin on the way down, so that a few removals and additions do not rebuild it twice.
        smaller = choose(2 * rows, dim, wish)
        return now.lists > choice.lists or smaller.kind != choice.kind or wish.recall >= 1
    if (
        now.sub_dim > choice.sub_dim
        # Codes finer than the first choice were needed: they stay while the memory holds them.
        and wish.memory is not None
        and _bytes(rows, dim, choice.sub_dim) > wish.memory
    ):
        return True
    return choice.lists > 1 and rows > OUTGROWN * choice.trained_rows


def _bytes(rows: int, dim: int, sub_dim: int) -> float:
    return rows * (dim / sub_dim / 2 + ID_BYTES)


def _sub_dim(rows: int, dim: int, memory: int | None) -> tuple[int, str]:
    fitting = [s for s in (4, 3, 2, 1) if dim % s == 0][:1]
    coarser = [s for s in (8, 16) if dim % s == 0]
    sizes = fitting + coarser
    for sub_dim in sizes:
        if memory is None or _bytes(rows, dim, sub_dim) <= memory:
            return sub_dim, "" if sub_dim == sizes[0] else "; coarser codes to stay in the memory"
    return sizes[-1], "; the coarsest codes, which take more memory than asked for"
