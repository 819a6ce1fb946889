"""A list of ids as SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import String, bindparam, func, select

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrieval.vectors import Ids


def id_list(ids: Sequence[int] | Ids) -> Any:
    """Ids as a subquery over one JSON parameter: SQLite limits how many parameters there are."""
    return _subquery(listed(ids))


def listed(ids: Sequence[int] | Ids) -> str:
    """Ids as the parameter of `LISTED`."""
    return repr(np.asarray(ids, dtype=np.int64).tolist())


def _subquery(parameter: Any) -> Any:
    values = func.json_each(parameter).table_valued("value")
    return select(values.c.value)


LISTED = _subquery(bindparam("ids", type_=String))
"""The subquery of `id_list` for statements that are built once; binds `ids`."""
