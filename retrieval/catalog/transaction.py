"""Writing to the catalog: everything of one transaction is there afterwards, or nothing is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from retrieval.catalog import statements
from retrieval.catalog.content_writer import ContentWriter
from retrieval.catalog.schema import contents, facts, files, hubs, roots

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from sqlalchemy import Connection

    from retrieval.catalog.new_content import FileState, NewContent
    from retrieval.catalog.sidecars import Sidecar
    from retrieval.records import Fact


HUB_BANK = "hub_bank"
"""The fact that says which queries the hub values were made with."""


@dataclass(frozen=True, slots=True)
class Place:
    """A path that has a certain content."""

    file_id: int
    root_id: int
    path: str
    missing: bool


class Transaction:
    """The changes of one commit; made by `Catalog.transaction`."""

    def __init__(self, connection: Connection, space_ids: Mapping[str, int]) -> None:
        self._connection = connection
        self._driver = cast("sqlite3.Connection", connection.connection.driver_connection)
        self._space_ids = space_ids
        changes = select(facts.c.value).where(facts.c.name == "changes")
        change = int(connection.execute(changes).scalar_one()) + 1
        connection.execute(update(facts).where(facts.c.name == "changes").values(value=change))
        self.contents = ContentWriter(connection, space_ids, change)

    def add_root(self, name: str, folder: str) -> int:
        """Register a folder under a name that is free; returns the root's id."""
        added = insert(roots).values(name=name, folder=folder).returning(roots.c.id)
        return int(self._connection.execute(added).scalar_one())

    def move_root(self, root_id: int, folder: str) -> None:
        """A root lies somewhere else now; its files keep everything."""
        self._connection.execute(update(roots).where(roots.c.id == root_id).values(folder=folder))

    def forget_root(self, root_id: int) -> None:
        """Drop a root with all its files."""
        below = select(files.c.id).where(files.c.root_id == root_id)
        self.forget(self._connection.scalars(below).all())
        self._connection.execute(delete(roots).where(roots.c.id == root_id))

    def forget_empty(self, root_ids: Iterable[int]) -> None:
        """Drop those of these roots that have no file any more."""
        for root_id in root_ids:
            used = select(files.c.id).where(files.c.root_id == root_id).exists()
            self._connection.execute(delete(roots).where(roots.c.id == root_id, ~used))

    def add(self, root_id: int, path: str, state: FileState, content: NewContent) -> int:
        """Store a new or changed file; a content that is there already is not stored twice.

        Returns:
            The file's id; a path that was known keeps its id.
        """
        known = self.link(root_id, path, state, content.hash)
        if known is not None:
            return known
        return self._put(root_id, path, state, self.contents.add(content))

    def link(self, root_id: int, path: str, state: FileState, content_hash: str) -> int | None:
        """Let a path have a content that is stored already.

        Returns:
            The file's id, or None if there is no such content (any more).
        """
        found = statements.CONTENT_BY_HASH.rows(self._driver, hash=content_hash)
        return self._put(root_id, path, state, found[0][0]) if found else None

    def holds(self, file_id: int, content_hash: str) -> bool:
        """Whether a file has this content."""
        query = (
            select(files.c.id)
            .join_from(files, contents)
            .where(files.c.id == file_id, contents.c.hash == content_hash)
        )
        return self._connection.execute(query).first() is not None

    def places(self, content_hash: str, limit: int) -> list[Place]:
        """Files that have a content, those marked missing first; at most `limit`."""
        query = (
            select(files.c.id, files.c.root_id, files.c.path, files.c.missing_since_s)
            .join_from(files, contents)
            .where(contents.c.hash == content_hash)
            .order_by(files.c.missing_since_s.is_(None), files.c.id)
            .limit(limit)
        )
        return [
            Place(file_id, root_id, path, missing is not None)
            for file_id, root_id, path, missing in self._connection.execute(query)
        ]

    def fail(
        self, root_id: int, path: str, state: FileState, reason: str, *, not_media: bool = False
    ) -> int:
        """Record that a file cannot be read, so that it is left alone until it changes.

        Args:
            root_id: Its root.
            path: Below the root.
            state: How it looked.
            reason: Why, in a sentence.
            not_media: It is not broken, but nothing that anyseek reads.
        """
        return self._put(root_id, path, state, failure=reason, not_media=not_media)

    def pair(
        self, root_id: int, path: str, state: FileState, leader_id: int, gone: Collection[int]
    ) -> tuple[int, bool]:
        """Record that a RAW belongs to the picture that the camera made of it.

        Args:
            root_id: Its root.
            path: Below the root.
            state: How it looks; it need not be read.
            leader_id: The picture, which has a content.
            gone: Files that are not where they were: a twin of this picture among them that looks
                the same is this one, moved.

        Returns:
            The file's id, and whether it is known under another path.
        """
        twins = select(files.c.id).where(
            files.c.twin_id == leader_id,
            files.c.size == state.size,
            files.c.mtime_ns == state.mtime_ns,
        )
        for moved in self._connection.scalars(twins).all():
            if moved in gone:
                self.move(moved, root_id, path, state)
                return moved, True
        return self._put(root_id, path, state, twin_id=leader_id), False

    def annotate(
        self, root_id: int, path: str, facts: Mapping[str, Fact], sidecars: Sequence[Sidecar]
    ) -> None:
        """Record what the sidecars of a file state, over what it states itself.

        Args:
            root_id: Its root.
            path: Below the root; nothing happens if it is not known.
            facts: As in `Media.metadata`.
            sidecars: Which they are and how they looked when they were read; none take back what
                earlier ones stated.
        """
        self._connection.execute(
            update(files)
            .where(files.c.root_id == root_id, files.c.path == path)
            .values(facts=dict(facts) or None, sidecars=[s.stored() for s in sidecars] or None)
        )

    def touch(self, file_id: int, state: FileState) -> None:
        """Record that a file looks different on disk but holds what it held."""
        self._connection.execute(
            update(files)
            .where(files.c.id == file_id)
            .values(size=state.size, mtime_ns=state.mtime_ns, missing_since_s=None)
        )

    def move(self, file_id: int, root_id: int, path: str, state: FileState) -> None:
        """Give a file a new path; it keeps its id, its moments and their vectors.

        What its sidecars stated is gone: which ones it has at its new place must be told anew.
        """
        at_target = select(files.c.id).where(files.c.root_id == root_id, files.c.path == path)
        self.forget(i for i in self._connection.scalars(at_target).all() if i != file_id)
        self._connection.execute(
            update(files)
            .where(files.c.id == file_id)
            .values(
                root_id=root_id,
                path=path,
                size=state.size,
                mtime_ns=state.mtime_ns,
                missing_since_s=None,
                facts=None,
                sidecars=None,
            )
        )

    def mark_missing(self, file_ids: Iterable[int], since_s: float) -> None:
        """Mark files that cannot be seen; they keep everything, and an earlier mark stands."""
        marks = [{"file": i} for i in file_ids]
        if marks:
            self._connection.execute(
                update(files)
                .where(files.c.id == bindparam("file"), files.c.missing_since_s.is_(None))
                .values(missing_since_s=since_s),
                marks,
            )

    def mark_seen(self, file_ids: Iterable[int]) -> None:
        """Take the mark of missing away."""
        marks = [{"file": i} for i in file_ids]
        if marks:
            self._connection.execute(
                update(files).where(files.c.id == bindparam("file")).values(missing_since_s=None),
                marks,
            )

    def forget(self, file_ids: Iterable[int]) -> None:
        """Drop files, and with the last file of a content its moments and their vectors."""
        for file_id in file_ids:
            self._connection.execute(statements.LEAVE_TWINS, {"leader": file_id})
            content_id = self._connection.execute(
                delete(files).where(files.c.id == file_id).returning(files.c.content_id)
            ).scalar()
            self.contents.drop_if_unused(content_id)

    def set_hubs(self, space: str, values: Mapping[int, float]) -> None:
        """Store the hub value of moments in a space, over older ones."""
        rows = [
            {"moment_id": moment_id, "space_id": self._space_ids[space], "value": value}
            for moment_id, value in values.items()
        ]
        if rows:
            put = upsert(hubs)
            self._connection.execute(
                put.on_conflict_do_update(
                    index_elements=["moment_id", "space_id"], set_={"value": put.excluded.value}
                ),
                rows,
            )

    def drop_hubs(self, bank: str) -> None:
        """Forget all hub values; those that follow are made with the bank of this fingerprint."""
        self._connection.execute(delete(hubs))
        self.set_fact(HUB_BANK, bank)

    def set_fact(self, name: str, value: Any) -> None:
        """Store a fact about the library, over an older one of this name."""
        fact = upsert(facts).values(name=name, value=value)
        self._connection.execute(
            fact.on_conflict_do_update(index_elements=["name"], set_={"value": value})
        )

    def _put(
        self,
        root_id: int,
        path: str,
        state: FileState,
        content_id: int | None = None,
        *,
        failure: str | None = None,
        not_media: bool = False,
        twin_id: int | None = None,
    ) -> int:
        before = statements.CONTENT_AT.rows(self._driver, root_id=root_id, path=path)
        ((file_id,),) = statements.PUT_FILE.rows(
            self._driver,
            root_id=root_id,
            path=path,
            size=state.size,
            mtime_ns=state.mtime_ns,
            content_id=content_id,
            failure=failure,
            not_media=not_media,
            twin_id=twin_id,
            missing_since_s=None,
        )
        if before and before[0][0] != content_id:
            self.contents.drop_if_unused(before[0][0])
        return int(file_id)
