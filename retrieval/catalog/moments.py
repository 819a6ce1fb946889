"""Reading the moments of the catalog."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import func, select

from retrieval.catalog.database import reading
from retrieval.catalog.filter import Filter
from retrieval.catalog.id_list import listed
from retrieval.catalog.schema import contents, files, moments
from retrieval.catalog.statements import (
    CONTENTS,
    FIRST_MOMENTS,
    LACKING,
    MOMENT_COLUMNS,
    MOMENTS,
    SOME_MISSING,
)
from retrieval.records import Modality, Moment

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import Engine

    from retrieval.vectors import Ids


MODALITIES = {modality.value: modality for modality in Modality}


class Moments:
    """The moments of a catalog, to be read. Each call sees one consistent state."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, ids: Sequence[int] | Ids) -> dict[int, tuple[int, Moment]]:
        """The moments with these ids, each with the id of its content; unknown ids are left out."""
        if not len(ids):
            return {}
        with reading(self._engine) as connection:
            rows = MOMENTS.rows(connection, ids=listed(ids))
        return {row[0]: (row[1], _moment(row)) for row in rows}

    def contents(self, ids: Sequence[int] | Ids) -> tuple[Ids, Ids]:
        """The contents of moments: ids of those that are there, ascending, and of their contents.

        That is all that is asked of a moment which may answer; `get` is for those that do.
        """
        if not len(ids):
            return np.empty(0, np.int64), np.empty(0, np.int64)
        with reading(self._engine) as connection:
            ((found, content_ids),) = CONTENTS.rows(connection, ids=listed(ids))
        return _numbers(found), _numbers(content_ids)

    def of(self, content_hash: str) -> list[Moment]:
        """The moments of one content, in order."""
        query = (
            select(*MOMENT_COLUMNS)
            .join_from(moments, contents)
            .where(contents.c.hash == content_hash)
            .order_by(moments.c.id)
        )
        with self._engine.connect() as connection:
            return [_moment(row) for row in connection.execute(query)]

    def ids_of(self, content_id: int) -> set[int]:
        """The ids of the moments of one content."""
        query = select(moments.c.id).where(moments.c.content_id == content_id)
        with self._engine.connect() as connection:
            return set(connection.scalars(query))

    def first(self, content_ids: Collection[int]) -> dict[Modality, dict[int, int]]:
        """For each modality those of these contents that have moments of it: the id of the first.

        A modality of which there is none has an empty dictionary.
        """
        found: dict[Modality, dict[int, int]] = {modality: {} for modality in Modality}
        if not content_ids:
            return found
        with reading(self._engine) as connection:
            rows = FIRST_MOMENTS.rows(connection, ids=listed(sorted(content_ids)))
        for content_id, modality, moment_id in rows:
            found[Modality(modality)][content_id] = moment_id
        return found

    def lacking(self, content_ids: Collection[int]) -> list[int]:
        """Those of these contents that have no moment, ascending."""
        if not content_ids:
            return []
        with reading(self._engine) as connection:
            return [i for (i,) in LACKING.rows(connection, ids=listed(sorted(content_ids)))]

    def allowed(self, modality: Modality, wanted: Filter) -> Ids | None:
        """Ids of the moments that a filter lets through, ascending; None if it lets all through."""
        if replace(wanted, missing=True) == Filter(missing=True) and (
            wanted.missing or not self._some_are_missing()
        ):
            return None
        query = (
            select(moments.c.id)
            .where(moments.c.modality == modality)
            .where(
                moments.c.content_id.in_(
                    select(files.c.content_id)
                    .join_from(files, contents)
                    .where(*wanted.conditions())
                )
            )
        )
        ids = query.subquery().c.id
        with self._engine.connect() as connection:
            # Sorted here, which takes a tenth of the time that SQLite takes for it.
            found = connection.execute(select(func.json_group_array(ids))).scalar_one()
            return np.sort(_numbers(found))

    def _some_are_missing(self) -> bool:
        with self._engine.connect() as connection:
            return connection.execute(SOME_MISSING).first() is not None


def _numbers(listed: str) -> Ids:
    return np.array(json.loads(listed), dtype=np.int64)


def _moment(row: Sequence[Any]) -> Moment:
    moment_id, _, modality, start_s, end_s, start_char, end_char, text = row
    return Moment(MODALITIES[modality], start_s, end_s, start_char, end_char, text, moment_id)
