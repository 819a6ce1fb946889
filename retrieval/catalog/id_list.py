"""A list of ids as SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrieval.vectors import Ids


def id_list(ids: Sequence[int] | Ids) -> Any:
    """Ids as a subquery over one JSON parameter: SQLite limits how many parameters there are."""
    values = func.json_each([int(i) for i in ids].__repr__()).table_valued("value")
    return select(values.c.value)
