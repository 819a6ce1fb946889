"""Which files may answer a query, as plain data and as SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Integer, Select, column, false, not_, or_, select, table, text

from retrieval.catalog.schema import contents, files, moments
from retrieval.catalog.where import parse
from retrieval.records import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from retrieval.catalog.condition import Condition


FILTERS = 64
"""Of so many filters at a time the statements are kept: building one takes longer than it runs."""

WORDS = ("file_words", "passage_words")

FARTHEST_NS = (1 << 63) - 1
"""The largest number that SQLite stores; as a time the year 2262."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which files may answer."""

    kinds: frozenset[Kind] | None = None
    under: tuple[tuple[int, str], ...] | None = None
    """Pairs of a root's id and a folder below it ("" for all of it); None for everywhere."""
    since_ns: int | None = None
    """Modified at or after."""
    until_ns: int | None = None
    """Modified before."""
    missing: bool = False
    """Also files that cannot be seen at present."""
    where: Condition | None = None
    """What must be true of what is known of a file."""
    phrases: tuple[str, ...] = ()
    """What must stand in a file's name, folder, facts or passages, in FTS5's query language."""
    unsaid: tuple[str, ...] = ()
    """What must not."""

    @classmethod
    def asked(
        cls,
        *,
        kinds: Iterable[Kind | str] | None = None,
        under: tuple[tuple[int, str], ...] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        missing: bool = False,
        where: str | None = None,
    ) -> Filter:
        """What a caller of `Library.search` asks for; `under` as it is kept.

        Raises:
            ValueError: there is no such kind.
            QueryError: `where` cannot be read.
        """
        return cls(
            kinds=None if kinds is None else frozenset(Kind(kind) for kind in kinds),
            under=under,
            since_ns=_time_ns(since),
            until_ns=_time_ns(until),
            missing=missing,
            where=None if where is None else parse(where),
        )

    def conditions(self) -> list[ColumnElement[bool]]:
        """The filter as SQL over `files` joined with `contents`."""
        wanted: list[ColumnElement[bool]] = []
        if self.kinds is not None:
            wanted.append(contents.c.kind.in_(sorted(self.kinds)))
        if self.under is not None:
            wanted.append(or_(false(), *(below(root, folder) for root, folder in self.under)))
        if self.since_ns is not None:
            wanted.append(files.c.mtime_ns >= self.since_ns)
        if self.until_ns is not None:
            wanted.append(files.c.mtime_ns < self.until_ns)
        if not self.missing:
            wanted.append(files.c.missing_since_s.is_(None))
        if self.where is not None:
            wanted.append(self.where.sql())
        wanted += [self._says(match, f"said_{n}") for n, match in enumerate(self.phrases)]
        wanted += [not_(self._says(match, f"unsaid_{n}")) for n, match in enumerate(self.unsaid)]
        return wanted

    def _says(self, match: str, name: str) -> ColumnElement[bool]:
        """Files that say something, in their names, folders, facts or passages, or their RAWs'."""
        in_files, in_passages = (_rows_with(words, match, name) for words in WORDS)
        raw = files.alias("raw")
        in_raws = select(raw.c.twin_id).where(raw.c.id.in_(in_files), raw.c.twin_id.is_not(None))
        if not self.missing:
            in_raws = in_raws.where(raw.c.missing_since_s.is_(None))
        with_passage = select(moments.c.content_id).where(moments.c.id.in_(in_passages))
        return or_(
            files.c.id.in_(in_files),
            files.c.id.in_(in_raws),
            files.c.content_id.in_(with_passage),
        )


def _rows_with(words: str, match: str, name: str) -> Select[int]:
    """The rows of an index of words in which something stands."""
    stands = text(f"{words} MATCH :{name}").bindparams(**{name: match})
    return select(column("rowid", Integer)).select_from(table(words)).where(stands)


def below(root_id: int, folder: str) -> ColumnElement[bool]:
    """Files in a folder of a root and further down, and the file of that name itself."""
    here = files.c.root_id == root_id
    if not folder:
        return here
    # "0" follows "/", so this range holds what lies below the folder and nothing else.
    inside = (files.c.path >= f"{folder}/") & (files.c.path < f"{folder}0")
    return here & (inside | (files.c.path == folder))


def _time_ns(time: datetime | None) -> int | None:
    """Nanoseconds since 1970, no farther off than the catalog can count."""
    if time is None:
        return None
    try:
        time_ns = int(time.timestamp() * 1e9)
    except (ValueError, OverflowError):  # year 1, before or after it in another time zone
        time_ns = FARTHEST_NS if time.year > 1970 else -FARTHEST_NS
    return max(-FARTHEST_NS, min(time_ns, FARTHEST_NS))
