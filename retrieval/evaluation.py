"""How well a library answers queries whose right answers are known."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from retrieval.errors import QueryError
from retrieval.records import Kind
from retrieval.stored import stored_file
from retrieval.user_path import user_path

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from retrieval.library import Library

RANKS = (1, 5, 10)
"""Recall is counted at these."""

COLUMNS = ("query", "file", "relevant")


@dataclass(frozen=True, slots=True)
class Judged:
    """A query and the files that answer it."""

    query: str | Path
    relevant: frozenset[Path]
    """Resolved paths."""


@dataclass(frozen=True, slots=True)
class Quality:
    """How well one direction is answered, and how well chance would do."""

    query: str
    """What was asked with: `words`, or the kind of the query's file."""
    target: Kind
    """The kind of the files that were asked for; only these compete."""
    queries: int
    files: int
    """How many files competed."""
    recall: dict[int, float]
    """Rank to the share of queries with a right answer among so many."""
    mrr: float
    """Mean reciprocal rank of the first right answer."""
    mean_average_precision: float
    chance_recall: dict[int, float]
    chance_mrr: float
    chance_mean_average_precision: float


Ranking: TypeAlias = tuple[tuple[int, ...], int]
"""Ranks of the right answers, from 1, and how many files competed."""


def read_table(path: Path) -> list[Judged]:
    """Read judged queries from a CSV file.

    Columns: `query` (words) or `file` (a path), and `relevant` (a path); one row for each right
    answer, so that a query with three of them takes three rows. Relative paths start at the
    table's folder.

    Raises:
        QueryError: the file cannot be read, or a row has not exactly one query and one answer.
    """
    found: dict[str | Path, set[Path]] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            unknown = set(rows.fieldnames or ()) - set(COLUMNS)
            if unknown or "relevant" not in (rows.fieldnames or ()):
                raise QueryError(f"{path} needs the columns query or file, and relevant.")
            for row in rows:
                words, named = (row.get("query") or "").strip(), (row.get("file") or "").strip()
                relevant = (row.get("relevant") or "").strip()
                if bool(words) == bool(named) or not relevant:
                    raise QueryError(
                        f"{path}, line {rows.line_num}: give either words under query or a path "
                        "under file, and one path under relevant."
                    )
                query = words or (path.parent / user_path(named)).resolve()
                answer = (path.parent / user_path(relevant)).resolve()
                found.setdefault(query, set()).add(answer)
    except OSError as error:
        raise QueryError(f"Cannot read {path}: {error.strerror}.") from error
    except (ValueError, csv.Error) as error:  # no UTF-8, or a path with a zero byte
        raise QueryError(f"{path} is no table in UTF-8: {error}.") from error
    if not found:
        raise QueryError(f"{path} holds no queries.")
    return [Judged(query, frozenset(answers)) for query, answers in found.items()]


def evaluate(
    library: Library,
    judged: Sequence[Judged],
    *,
    progress: Callable[[int, int], None] | None = None,
) -> list[Quality]:
    """Measure every direction that the judged queries have, over the whole list of each.

    A query's own file does not compete. Right answers of several kinds count in each direction.

    Raises:
        QueryError: a right answer is not in the library, or a query cannot be answered.
    """
    counts = library.catalog.counts().files
    rankings: dict[tuple[str, Kind], list[Ranking]] = {}
    for done, one in enumerate(judged, start=1):
        by_kind = _by_kind(library, one)
        own = one.query if isinstance(one.query, Path) else None
        own_file = None if own is None else stored_file(library, own)
        asked = "words" if own is None else _kind(library, own)
        for kind, relevant in by_kind.items():
            hits = library.search(one.query, k=counts[kind], kinds=[kind])
            places = [{h.path.resolve(), *(c.resolve() for c in h.copies)} for h in hits]
            if own is not None:
                places = [place for place in places if own not in place]
            ranks = tuple(rank for rank, p in enumerate(places, start=1) if p & relevant)
            competing = counts[kind] - (own_file is not None and own_file.kind == kind)
            if ranks:
                rankings.setdefault((asked, kind), []).append((ranks, max(competing, len(places))))
        if progress is not None:
            progress(done, len(judged))
    order = list(Kind)

    def place(direction: tuple[str, Kind]) -> tuple[bool, str, int]:
        asked, kind = direction
        return asked != "words", asked, order.index(kind)

    return [_quality(*direction, rankings[direction]) for direction in sorted(rankings, key=place)]


def _by_kind(library: Library, judged: Judged) -> dict[Kind, set[Path]]:
    by_kind: dict[Kind, set[Path]] = {}
    for path in judged.relevant:
        file = stored_file(library, path)
        if file is None or file.kind is None:
            raise QueryError(f"{path} is named as a right answer but is not in the library.")
        by_kind.setdefault(file.kind, set()).add(path)
    return by_kind


def _kind(library: Library, path: Path) -> str:
    file = stored_file(library, path)
    return "file" if file is None or file.kind is None else str(file.kind)


def _quality(asked: str, target: Kind, rankings: Sequence[Ranking]) -> Quality:
    chances = [chance(len(ranks), files) for ranks, files in rankings]
    return Quality(
        query=asked,
        target=target,
        queries=len(rankings),
        files=max(files for _, files in rankings),
        recall={k: float(np.mean([ranks[0] <= k for ranks, _ in rankings])) for k in RANKS},
        mrr=float(np.mean([1 / ranks[0] for ranks, _ in rankings])),
        mean_average_precision=float(np.mean([average_precision(ranks) for ranks, _ in rankings])),
        chance_recall={k: float(np.mean([c.recall[k] for c in chances])) for k in RANKS},
        chance_mrr=float(np.mean([c.mrr for c in chances])),
        chance_mean_average_precision=float(np.mean([c.average_precision for c in chances])),
    )


def average_precision(ranks: Sequence[int]) -> float:
    """Mean over right answers of the share of right answers down to each."""
    return float(np.mean([found / rank for found, rank in enumerate(ranks, start=1)]))


@dataclass(frozen=True, slots=True)
class Chance:
    """What a random order of files reaches on average."""

    recall: dict[int, float]
    mrr: float
    average_precision: float


def chance(relevant: int, files: int) -> Chance:
    """Exact expectations for `relevant` right answers among `files`, all orders equally likely."""
    # P(first right answer at rank r) and, by it, recall and reciprocal rank.
    miss, first = 1.0, []
    for rank in range(1, files - relevant + 2):
        hit = relevant / (files - rank + 1)
        first.append(miss * hit)
        miss *= 1 - hit
    at = np.array(first)
    ranks = np.arange(1, len(at) + 1)
    # Rank r is right with probability R/n; of those before it (R-1)(r-1)/(n-1) are, on average.
    all_ranks = np.arange(1, files + 1)
    others = (relevant - 1) * (all_ranks - 1) / max(files - 1, 1)
    return Chance(
        {k: float(at[:k].sum()) for k in RANKS},
        float((at / ranks).sum()),
        float(np.mean((1 + others) / all_ranks)),
    )
