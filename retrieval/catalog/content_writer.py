"""Writing contents: stored once with their moments and vectors, dropped with their last file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import delete, select
from sqlalchemy.dialects.sqlite import insert as upsert

from retrieval.catalog import statements
from retrieval.catalog.schema import contents, facts, files

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection

    from retrieval.catalog.new_content import EncodedMoment, NewContent

SPARE = "spare_contents"
"""The fact that contents without a file may be there, which `ContentWriter.sweep` has to drop."""

MOMENTS_AT_ONCE = 1000
"""Moments written by one statement: a long text has a hundred thousand."""


class ContentWriter:
    """What happens to contents in one transaction."""

    def __init__(self, connection: Connection, space_ids: Mapping[str, int], change: int) -> None:
        self._connection = connection
        self._driver = cast("sqlite3.Connection", connection.connection.driver_connection)
        self._space_ids = space_ids
        self._change = change
        self._last_moment_id: int | None = None
        self._keeps = False
        self.spare: set[int] = set()
        """Contents that lost their last file since `keep_unused`."""

    def add(self, content: NewContent) -> int:
        """Store a content that is not there yet; returns its id."""
        ((added,),) = statements.ADD_CONTENT.rows(
            self._driver, hash=content.hash, kind=content.kind, metadata=dict(content.metadata)
        )
        content_id = int(added)
        for start in range(0, len(content.moments), MOMENTS_AT_ONCE):
            self._store_moments(content_id, content.moments[start : start + MOMENTS_AT_ONCE])
        return content_id

    def keep_unused(self) -> None:
        """From here on a content that loses its last file stays, until `sweep`.

        A later transaction may find the same content under another path, and so needs not encode
        it again: files that are renamed in a row, each to the name of the next, are an example.
        """
        self._keeps = True

    def sweep(self, content_ids: Iterable[int] | None = None) -> None:
        """Drop those of the given contents that no file has; without ids, look for all such."""
        if content_ids is None:
            used = select(files.c.id).where(files.c.content_id == contents.c.id).exists()
            content_ids = self._connection.scalars(select(contents.c.id).where(~used)).all()
        for content_id in content_ids:
            self.drop_if_unused(content_id)
        self._connection.execute(delete(facts).where(facts.c.name == SPARE))

    def drop_if_unused(self, content_id: int | None) -> None:
        """Drop a content, unless it has a file or unused ones are kept."""
        if content_id is None:
            return
        content = {"content_id": content_id}
        if self._connection.execute(statements.FILE_WITH_CONTENT, content).first():
            return
        if self._keeps:
            self.spare.add(content_id)
            kept = upsert(facts).values(name=SPARE, value=True)
            self._connection.execute(kept.on_conflict_do_nothing())
            return
        dropped = [
            {"moment_id": row.id, "modality": row.modality, "change": self._change}
            for row in self._connection.execute(statements.MOMENTS_OF_CONTENT, content)
        ]
        if dropped:
            self._connection.execute(statements.ADD_REMOVALS, dropped)
        self._connection.execute(statements.DROP_CONTENT, content)

    def _store_moments(self, content_id: int, encoded_moments: Sequence[EncodedMoment]) -> None:
        rows: list[dict[str, Any]] = []
        data: list[dict[str, Any]] = []
        for encoded in encoded_moments:
            moment, moment_id = encoded.moment, self._next_moment_id()
            rows.append(
                {
                    "id": moment_id,
                    "content_id": content_id,
                    "modality": moment.modality,
                    "start_s": moment.start_s,
                    "end_s": moment.end_s,
                    "start_char": moment.start_char,
                    "end_char": moment.end_char,
                    "text": moment.text,
                    "change": self._change,
                }
            )
            data.extend(
                {
                    "moment_id": moment_id,
                    "space_id": self._space_ids[space],
                    "data": vector.astype("<f4").tobytes(),
                }
                for space, vector in encoded.vectors.items()
            )
        statements.ADD_MOMENTS.many(self._driver, rows)
        statements.ADD_VECTORS.many(self._driver, data)

    def _next_moment_id(self) -> int:
        """One past the highest id ever given, also to moments that are gone."""
        if self._last_moment_id is None:
            used = self._connection.exec_driver_sql(
                "SELECT seq FROM sqlite_sequence WHERE name = 'moments'"
            ).scalar()
            self._last_moment_id = int(used or 0)
        self._last_moment_id += 1
        return self._last_moment_id
