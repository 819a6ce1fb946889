"""Reading the vectors of the catalog, what changed among them, and their hub values."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import func, select

from retrieval.catalog.id_list import listed
from retrieval.catalog.schema import facts, hubs, moments, removals, vectors
from retrieval.catalog.statements import HUBS, VECTORS
from retrieval.records import Modality

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Engine, Row

    from retrieval.vectors import Ids, Vectors

FETCH_ROWS = 10_000
"""Vectors read at a time while an index catches up; this bounds the memory it takes."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What an index must do to be in step with the catalog."""

    change: int
    """The catalog's change counter in this snapshot."""
    removed: Ids
    added: Iterator[tuple[Ids, Vectors]]
    """In pieces, ids ascending."""


class StoredVectors:
    """The vectors of a catalog, to be read. Each call sees one consistent state."""

    def __init__(self, engine: Engine, spaces: Mapping[str, Row[Any]]) -> None:
        self._engine = engine
        self._spaces = spaces

    def get(self, space: str, ids: Sequence[int] | Ids) -> tuple[Ids, Vectors]:
        """The vectors of those moments that have one in a space: ids ascending, `(n, dim)`."""
        with self._engine.connect() as connection:
            rows = connection.execute(VECTORS, self._asked(space, ids)).all()
        return _matrix(rows, self._spaces[space].dim)

    def counts(self) -> list[tuple[str, Modality, int]]:
        """How many vectors there are for each space and modality that has any."""
        of = {row.id: name for name, row in self._spaces.items()}
        query = (
            select(vectors.c.space_id, moments.c.modality, func.count())
            .join_from(vectors, moments)
            .group_by(vectors.c.space_id, moments.c.modality)
        )
        with self._engine.connect() as connection:
            return [(of[space], Modality(m), n) for space, m, n in connection.execute(query)]

    def hubs(self, space: str, ids: Sequence[int] | Ids) -> dict[int, float]:
        """The hub values of those moments that have one in a space."""
        with self._engine.connect() as connection:
            rows = connection.execute(HUBS, self._asked(space, ids)).all()
        return {moment_id: value for moment_id, value in rows}  # noqa: C416 - rows are no tuples

    def settled(self) -> int:
        """The last moment up to which every one has the hub values that it will have."""
        with self._engine.connect() as connection:
            last = connection.execute(select(func.max(moments.c.id))).scalar() or 0
            for space in self._spaces.values():
                valued = select(func.max(hubs.c.moment_id)).where(hubs.c.space_id == space.id)
                lacking = select(func.min(vectors.c.moment_id)).where(
                    vectors.c.space_id == space.id,
                    vectors.c.moment_id > (connection.execute(valued).scalar() or 0),
                )
                first = connection.execute(lacking).scalar()
                if first is not None:
                    last = min(last, first - 1)
        return int(last)

    def _asked(self, space: str, ids: Sequence[int] | Ids) -> dict[str, Any]:
        return {"space_id": self._spaces[space].id, "ids": listed(ids)}

    def without_hub(self, space: str, n: int) -> tuple[Ids, Vectors]:
        """At most n moments that have a vector in a space but no hub value yet: ids, `(m, dim)`.

        Hub values are given in order of ids, so these are the moments after the last that has one.
        """
        with self._engine.connect() as connection:
            here = self._spaces[space].id
            last = connection.execute(
                select(func.max(hubs.c.moment_id)).where(hubs.c.space_id == here)
            ).scalar()
            rows = connection.execute(
                select(vectors.c.moment_id, vectors.c.data)
                .where(vectors.c.space_id == here, vectors.c.moment_id > (last or 0))
                .order_by(vectors.c.moment_id)
                .limit(n)
            ).all()
        return _matrix(rows, self._spaces[space].dim)

    @contextmanager
    def changes_since(self, change: int, space: str, modality: Modality) -> Iterator[Changes]:
        """What was removed and added after a change, from one snapshot."""
        gone = select(removals.c.moment_id).where(
            removals.c.modality == modality, removals.c.change > change
        )
        with self._engine.connect() as connection:
            new = (
                select(vectors.c.moment_id, vectors.c.data)
                .join_from(vectors, moments)
                .where(
                    vectors.c.space_id == self._spaces[space].id,
                    moments.c.modality == modality,
                    moments.c.change > change,
                )
                .order_by(vectors.c.moment_id)
                .execution_options(yield_per=FETCH_ROWS)
            )
            yield Changes(
                change=int(
                    connection.execute(
                        select(facts.c.value).where(facts.c.name == "changes")
                    ).scalar_one()
                ),
                removed=np.fromiter(connection.scalars(gone), dtype=np.int64),
                added=(
                    _matrix(rows, self._spaces[space].dim)
                    for rows in connection.execute(new).partitions()
                ),
            )


def _matrix(rows: Sequence[Row[*tuple[Any, ...]]], dim: int) -> tuple[Ids, Vectors]:
    ids = np.fromiter((row[0] for row in rows), dtype=np.int64, count=len(rows))
    flat = np.frombuffer(b"".join(row[1] for row in rows), dtype="<f4")
    return ids, flat.reshape(len(rows), dim).astype(np.float32)
