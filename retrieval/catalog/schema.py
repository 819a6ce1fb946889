"""The tables of the catalog.

    roots 1─n files n─1 contents 1─n moments 1─n vectors 1─1 hubs

A file is a path; a content is what stands in it. Two files with the same bytes share one content,
its moments and their vectors. A file that could not be read has a failure instead of a content;
`not_media` tells what is nothing that anyseek reads from what is broken. A camera's RAW beside the
picture that the camera made of it has that file as its twin instead. `facts` are what a file's
sidecars state, over `contents.metadata`; `sidecars` is which they are and how they looked.
The migrations beside this file make these tables; a test holds the two against each other.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)
from sqlalchemy.types import TypeDecorator


class PathText(TypeDecorator[str]):
    """A path stored as its bytes, since a file name need not be valid Unicode.

    Bytes also sort so that everything below a folder is one range of the index.
    """

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> bytes | None:
        """Encode; what the operating system could not decode comes back as it was."""
        return None if value is None else value.encode("utf-8", "surrogateescape")

    def process_result_value(self, value: bytes | None, dialect: Any) -> str | None:
        """Decode, with undecodable bytes as surrogates, as the `os` module does."""
        return None if value is None else path_text(value)


def path_text(value: bytes) -> str:
    """A path from the bytes that are stored."""
    return value.decode("utf-8", "surrogateescape")


metadata = MetaData()

facts = Table(
    "facts",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", JSON, nullable=False),
    comment="library_id, changes (the change counter), model_set, fingerprint, windows",
)

spaces = Table(
    "spaces",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("dim", Integer, nullable=False),
    comment="one row per vector space of the model set",
)

roots = Table(
    "roots",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("folder", PathText, nullable=False, unique=True),
    comment="indexed folders; every path in files is relative to one",
)

contents = Table(
    "contents",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("hash", String, nullable=False, unique=True),
    Column("kind", String, nullable=False),
    Column("metadata", JSON, nullable=False),
    comment="what stands in files, by the hash of all its bytes",
)

files = Table(
    "files",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("root_id", ForeignKey("roots.id", ondelete="CASCADE"), nullable=False),
    Column("path", PathText, nullable=False),
    Column("size", Integer, nullable=False),
    Column("mtime_ns", Integer, nullable=False),
    Column("content_id", ForeignKey("contents.id")),
    Column("failure", String),
    Column("missing_since_s", Float),
    Column("not_media", Boolean, nullable=False, server_default="0"),
    Column("facts", JSON(none_as_null=True)),
    Column("sidecars", JSON(none_as_null=True)),
    Column("twin_id", ForeignKey("files.id")),
    UniqueConstraint("root_id", "path"),
    comment="paths; one of content_id, failure and twin_id is set",
)
Index("files_by_content", files.c.content_id)
Index("files_missing", files.c.missing_since_s, sqlite_where=files.c.missing_since_s.is_not(None))

Index("files_by_twin", files.c.twin_id, sqlite_where=files.c.twin_id.is_not(None))

moments = Table(
    "moments",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("content_id", ForeignKey("contents.id", ondelete="CASCADE"), nullable=False),
    Column("modality", String, nullable=False),
    Column("start_s", Float),
    Column("end_s", Float),
    Column("start_char", Integer),
    Column("end_char", Integer),
    Column("text", String),
    Column("change", Integer, nullable=False),
    comment="what has vectors; change says when it came, on the catalog's counter",
    # Ids are never used twice, so that an index which is behind cannot mistake one for another.
    sqlite_autoincrement=True,
)
Index("moments_by_content", moments.c.content_id)
Index("moments_by_change", moments.c.modality, moments.c.change)

vectors = Table(
    "vectors",
    metadata,
    Column("moment_id", ForeignKey("moments.id", ondelete="CASCADE"), primary_key=True),
    Column("space_id", ForeignKey("spaces.id"), primary_key=True),
    Column("data", LargeBinary, nullable=False),
    comment="little-endian float32 unit vectors",
)

hubs = Table(
    "hubs",
    metadata,
    Column("moment_id", ForeignKey("moments.id", ondelete="CASCADE"), primary_key=True),
    Column("space_id", ForeignKey("spaces.id"), primary_key=True),
    Column("value", Float, nullable=False),
    comment="how near each vector is to queries of all sorts; can be made anew",
)

removals = Table(
    "removals",
    metadata,
    Column("moment_id", Integer, primary_key=True),
    Column("modality", String, nullable=False),
    Column("change", Integer, nullable=False),
    comment="moments that are gone, so that an index which is behind can drop them",
)
Index("removals_by_change", removals.c.modality, removals.c.change)
