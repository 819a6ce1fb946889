"""What every query asks of the catalog takes no walk over all moments, and gives what it should."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from retrieval import Kind, Library, Modality, Moment
from retrieval.catalog.catalog import Catalog
from retrieval.catalog.database import reading
from retrieval.catalog.filter import Filter
from retrieval.catalog.new_content import EncodedMoment, FileState, NewContent
from retrieval.encoders.fake import fake_model_set
from retrieval.grouping import LEAST_LOOK, Candidates, grouped
from retrieval.vectors import unit_rows

FILES = 60
ROWS = unit_rows(np.random.default_rng(0).standard_normal((2 * FILES, 4)))


@pytest.fixture
def films(tmp_path: Path) -> Iterator[Library]:
    """Films of two moments each: a sound, and then a picture."""
    with Library.open(tmp_path / "films", models=fake_model_set()) as library:
        with library.catalog.transaction() as transaction:
            root = transaction.add_root("films", "/nowhere")
            for n in range(FILES):
                moments = [
                    EncodedMoment(Moment(modality, start_s=0.0), {"fake": row})
                    for modality, row in zip(
                        (Modality.AUDIO, Modality.IMAGE), ROWS[2 * n : 2 * n + 2], strict=True
                    )
                ]
                content = NewContent(f"film {n}", Kind.VIDEO, moments)
                transaction.add(root, f"{n:03}.mp4", FileState(1, n), content)
        library.refresh()
        yield library


@contextmanager
def asked(catalog: Catalog) -> Iterator[list[str]]:
    """What SQLite is asked meanwhile, with the values that are bound; not what it asks itself."""
    statements: list[str] = []

    def note(statement: str) -> None:
        if not statement.startswith("--"):
            statements.append(statement)

    with reading(catalog._engine) as connection:
        connection.set_trace_callback(note)
    yield statements
    with reading(catalog._engine) as connection:
        connection.set_trace_callback(None)


def plan(catalog: Catalog, statement: str) -> list[str]:
    """How SQLite goes about a statement, as it says itself."""
    with reading(catalog._engine) as connection:
        return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]


def moments_of(catalog: Catalog, n: int) -> dict[Modality, int]:
    return {moment.modality: moment.id or 0 for moment in catalog.moments.of(f"film {n}")}


def content_id(library: Library, n: int) -> int:
    ids = list(moments_of(library.catalog, n).values())
    return library.catalog.moments.get(ids)[ids[0]][0]


def test_the_first_moment_of_a_modality(films: Library) -> None:
    contents = {content_id(films, n): moments_of(films.catalog, n) for n in (3, 30)}
    first = films.catalog.moments.first(contents)
    for modality in (Modality.AUDIO, Modality.IMAGE):
        assert first[modality] == {content: of[modality] for content, of in contents.items()}
    assert first[Modality.TEXT] == {}
    assert films.catalog.moments.first([10**6])[Modality.IMAGE] == {}


def test_the_contents_of_moments(films: Library) -> None:
    held = {i: content_id(films, n) for n in (5, 9) for i in moments_of(films.catalog, n).values()}
    ids, content_ids = films.catalog.moments.contents([10**6, *sorted(held, reverse=True)])
    assert ids.tolist() == sorted(held)
    assert dict(zip(ids.tolist(), content_ids.tolist(), strict=True)) == held
    assert [each.tolist() for each in films.catalog.moments.contents([10**6])] == [[], []]


def test_nothing_is_asked_about_nothing(films: Library) -> None:
    moments = films.catalog.moments
    with asked(films.catalog) as statements:
        assert not moments.get([])
        assert not len(moments.contents([])[0])
        assert not any(moments.first([]).values())
        assert not moments.lacking([])
    assert statements == []


def test_a_query_walks_over_no_table(films: Library) -> None:
    films.search("003 red")
    with asked(films.catalog) as statements:
        assert films.search("003 blue")
    selects = [one for one in statements if one.lstrip().startswith("SELECT")]
    assert len(selects) > 5
    assert any("min(moments.id)" in statement for statement in selects), "it was looked up"
    for statement in selects:
        steps = plan(films.catalog, statement)
        walks = [
            step
            for step in steps
            if step.split()[:2] in (["SCAN", t] for t in ("moments", "contents", "vectors"))
            or "moments_by_change" in step
        ]
        assert not walks, (statement, steps)


def test_the_files_of_hits_are_looked_up_by_what_they_hold_also_below_a_folder(
    films: Library,
) -> None:
    """A folder may hold a million files, and a page of hits has ten."""
    below = Filter.asked(under=films._under("/nowhere"))
    held = [content_id(films, n) for n in (3, 30)]
    with asked(films.catalog) as statements:
        assert sorted(films.catalog.files.owners(held, below)) == sorted(held)
    (statement,) = [one for one in statements if one.startswith("SELECT")]
    steps = plan(films.catalog, statement)
    assert any("files USING INDEX files_by_content" in step for step in steps), steps


@pytest.mark.parametrize("k", [1, LEAST_LOOK, LEAST_LOOK + 1, FILES, 2 * FILES])
def test_files_are_looked_up_until_there_are_enough(films: Library, k: int) -> None:
    """Those that a filter leaves out lie before those that it lets through."""
    candidates = Candidates(
        np.array([content_id(films, n) for n in range(FILES)]),
        np.array([moments_of(films.catalog, n)[Modality.IMAGE] for n in range(FILES)]),
        -np.arange(FILES, dtype=np.float64),
        np.full(FILES, 0.5),
        np.full(FILES, 0.5),
    )
    every = grouped(films.catalog, candidates, k, Filter())
    assert [hit.path.name for hit in every] == [f"{n:03}.mp4" for n in range(min(k, FILES))]
    late = {f.path: f for f in films.files() if f.path.name >= "045"}
    assert len(late) == 15
    with films.writing(), films.catalog.transaction() as transaction:
        transaction.mark_missing([f.id for f in films.files() if f.path not in late], 1.0)
    found = grouped(films.catalog, candidates, k, Filter())
    assert [hit.path for hit in found] == sorted(late)[:k]
