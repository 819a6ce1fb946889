"""Reading the index of words: which files and passages say what was typed, and how much of it."""

# ruff: noqa: S608  (every name in a statement is written in this file)
from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache
from math import log
from typing import TYPE_CHECKING

from sqlalchemy import column, func, select, table, text

from retrieval.catalog import word_index
from retrieval.catalog.database import WRITE, reading
from retrieval.catalog.filter import FILTERS
from retrieval.catalog.prepared import Prepared, PreparedRows
from retrieval.catalog.schema import contents, files, moments, roots
from retrieval.catalog.tokens import path_tokens, tokens
from retrieval.catalog.wording import all_of, any_of, row_of
from retrieval.errors import LibraryDamaged
from retrieval.records import Said

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from sqlalchemy import Engine

    from retrieval.catalog.filter import Filter
    from retrieval.catalog.wording import Word, Wording

COMMON = 10_000
"""Rows in which a word stands are counted up to here; one beyond is looked up only with others."""

SNIPPET_CHARS = 120

COUNTS = Prepared(
    text(
        "SELECT json_group_array(n), (SELECT max(id) FROM files), (SELECT max(id) FROM moments)"
        " FROM (SELECT "
        + " + ".join(
            f"(SELECT count(*) FROM (SELECT 1 FROM {name} WHERE {name} MATCH wanted.value"
            f" LIMIT {COMMON}))"
            for name in ("file_words", "passage_words")
        )
        + " AS n FROM json_each(:matches) AS wanted ORDER BY wanted.key)"
    )
)

FILE_WORDS = table("file_words", column("rowid"), column("rank"))
PASSAGE_WORDS = table("passage_words", column("rowid"), column("rank"))


@dataclass(frozen=True, slots=True)
class Place:
    """A file or a passage that says some of what was typed."""

    shares: tuple[float, ...]
    """For each word how much of it stands there, 0..1."""
    said: Said | None = None
    """Where most of it stands in a file; of a passage `snippet` tells."""
    density: float = 0.0
    """How much of what stands there was typed, 0..1."""
    file_id: int | None = None
    """Of a RAW its picture's; None for a passage, which belongs to all files of its content."""


@dataclass(frozen=True, slots=True)
class Found:
    """What says something of a wording."""

    words: tuple[Word, ...] = ()
    weights: tuple[float, ...] = ()
    """For each word how much it tells; they sum to 1. Long and rare words tell more."""
    rarity: float = 0.0
    """The natural logarithm of one in how many rows says all of it."""
    by_content: dict[int, Place] = field(default_factory=dict)
    """The best file of each content."""
    by_moment: dict[int, tuple[int, Place]] = field(default_factory=dict)
    """Passages, each with its content."""

    def coverage(self, *places: Place | None) -> float:
        """How much of the wording these places say together, 0..1."""
        shares = [place.shares for place in places if place]
        told = (
            weight * max(each)
            for weight, each in zip(self.weights, zip(*shares, strict=True), strict=True)
        )
        return float(sum(told))


class Words:
    """The index of words of a catalog, to be read."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def find(self, wording: Wording, wanted: Filter, limit: int) -> Found:
        """The best `limit` files and passages that say all words, and as many that say some."""
        words = wording.words
        if not words:
            return Found()
        with reading(self._engine) as connection:
            connection.execute("BEGIN")
            counts, total = _counts(connection, [word.match() for word in words])
            rows = max(total, 1)
            together, said = all_of(words), min(counts)
            if said and len(words) > 1:
                (said,), _ = _counts(connection, [together])
            telling = [
                w.length * log(1 + rows / max(n, 0.5)) for w, n in zip(words, counts, strict=True)
            ]
            rare = tuple(w for w, n in zip(words, counts, strict=True) if 0 < n < COMMON)
            searches = [together] if said else []
            if len(words) > 1 and rare:
                searches.append(any_of(rare))
            ranked = bool(rare)
            found = Found(
                words,
                tuple(share / sum(telling) for share in telling),
                log(rows / max(said, 1)),
            )
            for match in searches:
                for content_id, *told in _files(wanted, ranked, limit).rows(
                    connection, match=match
                ):
                    place = _in_file(words, *told)
                    best = found.by_content.get(content_id)
                    if best is None or _order(found, place) > _order(found, best):
                        found.by_content[content_id] = place
                for moment_id, content_id, passage in _passages(wanted, ranked, limit).rows(
                    connection, match=match
                ):
                    place = Place(_shares(words, row_of(tokens(passage))))
                    found.by_moment[moment_id] = (content_id, place)
        return found

    def problems(self) -> list[str]:
        """What is out of step with the catalog, a sentence each."""
        try:
            with self._engine.connect() as connection:
                return list(word_index.problems(connection))
        except LibraryDamaged as error:
            return [f"the index of words cannot be read ({error})"]

    def rebuild(self) -> None:
        """Make the index anew; the caller holds the writer's lock."""
        with (
            self._engine.connect().execution_options(**{WRITE: True}) as connection,
            connection.begin(),
        ):
            word_index.make_anew(connection)


def _counts(connection: sqlite3.Connection, matches: Sequence[str]) -> tuple[list[int], int]:
    """In how many files and passages each of some stands, at most `COMMON` of each; and of all."""
    ((counts, n_files, n_moments),) = COUNTS.rows(connection, matches=json.dumps(matches))
    return json.loads(counts), (n_files or 0) + (n_moments or 0)


@lru_cache(maxsize=FILTERS)
def _files(wanted: Filter, ranked: bool, limit: int) -> PreparedRows:
    """Files that say something; a RAW says it for the picture that stands for it."""
    said = files.alias("said")
    seen = [] if wanted.missing else [said.c.missing_since_s.is_(None)]
    return PreparedRows(
        select(
            files.c.content_id,
            files.c.id,
            said.c.path,
            roots.c.name,
            contents.c.metadata,
            said.c.facts,
        )
        .join_from(FILE_WORDS, said, said.c.id == FILE_WORDS.c.rowid)
        .join(files, files.c.id == func.coalesce(said.c.twin_id, said.c.id))
        .join(contents, contents.c.id == files.c.content_id)
        .join(roots, roots.c.id == said.c.root_id)
        .where(text("file_words MATCH :match"), *seen, *wanted.conditions())
        # The picture itself is first where both say the same, and of copies the first by path.
        .order_by(
            *([FILE_WORDS.c.rank] if ranked else []), said.c.twin_id, roots.c.folder, said.c.path
        )
        .limit(limit)
    )


@lru_cache(maxsize=FILTERS)
def _passages(wanted: Filter, ranked: bool, limit: int) -> PreparedRows:
    passing = select(files.c.content_id).join_from(files, contents).where(*wanted.conditions())
    return PreparedRows(
        select(moments.c.id, moments.c.content_id, moments.c.text)
        .join_from(PASSAGE_WORDS, moments, moments.c.id == PASSAGE_WORDS.c.rowid)
        .where(text("passage_words MATCH :match"), moments.c.content_id.in_(passing))
        .order_by(*([PASSAGE_WORDS.c.rank] if ranked else []), PASSAGE_WORDS.c.rowid)
        .limit(limit)
    )


def _in_file(
    words: Sequence[Word],
    file_id: int,
    path: str,
    root: str,
    metadata: str | None,
    facts: str | None,
) -> Place:
    """What a file says, and where it says most."""
    name, folder = path_tokens(path)
    stated = word_index.told(json.loads(metadata or "{}"), json.loads(facts or "null"))
    fields = {"name": name, "folder": [*tokens(root), *folder]}
    fields |= {fact: tokens(told) for fact, told in stated.items()}
    by_field = {place: _shares(words, row_of(held)) for place, held in fields.items()}
    best = max(by_field, key=lambda place: sum(by_field[place]))
    head, _, last = path.rpartition("/")
    says = {"name": last, "folder": f"{root}/{head}".rstrip("/"), **stated}[best]
    typed = sum(w.length * share for w, share in zip(words, by_field[best], strict=True))
    # A name is stored in several ways; its own characters are what counts.
    length = sum(map(len, tokens(says))) or 1
    return Place(
        tuple(max(each) for each in zip(*by_field.values(), strict=True)),
        Said(best, says),
        min(typed / length, 1.0),
        file_id,
    )


def _shares(words: Sequence[Word], row: str) -> tuple[float, ...]:
    return tuple(word.share_in(row) for word in words)


def _order(found: Found, place: Place) -> tuple[float, float]:
    return found.coverage(place), place.density


def snippet(words: Sequence[Word], passage: str) -> str:
    """The part of a passage where most words stand, a line of at most `SNIPPET_CHARS`."""
    pieces = passage.split()
    best, start, end = -1.0, 0, 0
    for first in range(len(pieces)):
        last, length = first, len(pieces[first])
        while last + 1 < len(pieces) and length + 1 + len(pieces[last + 1]) <= SNIPPET_CHARS:
            last += 1
            length += 1 + len(pieces[last])
        held = sum(_shares(words, row_of(tokens(" ".join(pieces[first : last + 1])))))
        if held > best:
            best, start, end = held, first, last + 1
        if last + 1 == len(pieces):
            break
    shown = " ".join(pieces[start:end])
    return f"{'…' * (start > 0)}{shown}{'…' * (end < len(pieces))}"
