"""Statements executed for every file or query, built once: building one takes longer than it runs.

What is to be bound goes in as parameters under the names given here. What every query asks, and
what is written for every file, is `Prepared`, so that SQLite's driver runs it.
"""

from __future__ import annotations

from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from retrieval.catalog.id_list import LISTED
from retrieval.catalog.prepared import Prepared, PreparedRows
from retrieval.catalog.schema import contents, facts, files, hubs, moments, removals, roots, vectors

CONTENT_BY_HASH = Prepared(select(contents.c.id).where(contents.c.hash == bindparam("hash")))

CONTENT_AT = Prepared(
    select(files.c.content_id).where(
        files.c.root_id == bindparam("root_id"), files.c.path == bindparam("path")
    )
)

_put = upsert(files)
_told = (
    "size", "mtime_ns", "content_id", "failure", "not_media", "twin_id", "missing_since_s",
)  # fmt: skip
PUT_FILE = Prepared(
    _put.on_conflict_do_update(
        index_elements=["root_id", "path"], set_={name: _put.excluded[name] for name in _told}
    ).returning(files.c.id),
    "root_id",
    "path",
    *_told,
)
"""Takes every column of `files` but the id and what is known of sidecars, and gives the id."""

LEAVE_TWINS = update(files).where(files.c.twin_id == bindparam("leader")).values(twin_id=None)
"""Files that have a file as their twin have none any more."""

FILE_WITH_CONTENT = select(files.c.id).where(files.c.content_id == bindparam("content_id")).limit(1)

ADD_CONTENT = Prepared(insert(contents).returning(contents.c.id), "hash", "kind", "metadata")
ADD_MOMENTS = Prepared(insert(moments), *moments.c.keys())
ADD_VECTORS = Prepared(insert(vectors), *vectors.c.keys())
ADD_REMOVALS = insert(removals)

MOMENTS_OF_CONTENT = select(moments.c.id, moments.c.modality).where(
    moments.c.content_id == bindparam("content_id")
)
DROP_CONTENT = delete(contents).where(contents.c.id == bindparam("content_id"))

CHANGES = Prepared(select(facts.c.value).where(facts.c.name == "changes"))
_twins = (
    select(files.c.twin_id, files.c.path, roots.c.folder)
    .join_from(files, roots)
    .where(files.c.twin_id.in_(LISTED))
    .order_by(files.c.path)
)
TWINS = PreparedRows(_twins)
TWINS_IN_SIGHT = PreparedRows(_twins.where(files.c.missing_since_s.is_(None)))
SOME_MISSING = select(files.c.id).where(files.c.missing_since_s.is_not(None)).limit(1)

_asked = (
    select(moments.c.id, moments.c.content_id)
    .where(moments.c.id.in_(LISTED))
    .order_by(moments.c.id)
    .subquery()
)
CONTENTS = Prepared(
    select(func.json_group_array(_asked.c.id), func.json_group_array(_asked.c.content_id))
)
"""Two lists in one row, of which arrays are made."""
MOMENT_COLUMNS = [column for column in moments.columns if column is not moments.c.change]
MOMENTS = Prepared(select(*MOMENT_COLUMNS).where(moments.c.id.in_(LISTED)))
FIRST_MOMENTS = PreparedRows(
    select(moments.c.content_id, moments.c.modality, func.min(moments.c.id))
    .where(moments.c.content_id.in_(LISTED))
    .group_by(moments.c.content_id, moments.c.modality)
)
"""Of every modality: where one is asked for, SQLite walks over all of its moments."""

LACKING = PreparedRows(
    select(contents.c.id)
    .where(contents.c.id.in_(LISTED))
    .where(~select(moments.c.id).where(moments.c.content_id == contents.c.id).exists())
    .order_by(contents.c.id)
)

VECTORS = (
    select(vectors.c.moment_id, vectors.c.data)
    .where(vectors.c.space_id == bindparam("space_id"), vectors.c.moment_id.in_(LISTED))
    .order_by(vectors.c.moment_id)
)
HUBS = select(hubs.c.moment_id, hubs.c.value).where(
    hubs.c.space_id == bindparam("space_id"), hubs.c.moment_id.in_(LISTED)
)
