"""Transactions: what each write leaves behind, and what it must leave alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from retrieval.catalog.catalog import Catalog
from retrieval.catalog.content_writer import SPARE
from retrieval.catalog.filter import Filter
from retrieval.catalog.new_content import EncodedMoment, FileState, NewContent
from retrieval.catalog.transaction import Place
from retrieval.records import Kind, Modality, Moment
from retrieval.vectors import unit_rows
from tests.test_catalog import SPACES, content_of

STATE, LATER = FileState(10, 1000), FileState(20, 2000)


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    made = Catalog.create(tmp_path / "catalog.db", space_dims=SPACES, model_set="test")
    with made.transaction() as transaction:
        assert transaction.add_root("root", "/disk") == 1
    yield made
    made.close()


def add(catalog: Catalog, path: str, digest: str, state: FileState = STATE) -> int:
    with catalog.transaction() as transaction:
        return transaction.add(1, path, state, content_of(digest))


def held(catalog: Catalog) -> dict[str, str | None]:
    """What each path holds."""
    return {path: e.content_hash for path, e in catalog.files.entries(1).items()}


def rows(catalog: Catalog, table: str) -> int:
    with sqlite3.connect(catalog.path) as connection:
        (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    connection.close()
    return int(count)


def test_the_state_of_a_file_is_what_the_disk_says(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    status = (tmp_path / "a").stat()
    assert FileState.of(status) == FileState(5, status.st_mtime_ns)


def test_each_transaction_is_one_change(catalog: Catalog) -> None:
    before = catalog.changes()
    for n in range(3):
        with catalog.transaction():
            pass
        assert catalog.changes() == before + n + 1


def test_moments_carry_the_change_that_they_came_with(catalog: Catalog) -> None:
    add(catalog, "a", "one")
    first = catalog.changes()
    add(catalog, "b", "two")
    with catalog.vectors.changes_since(first, "clip", Modality.TEXT) as changes:
        ids = [int(i) for part, _ in changes.added for i in part]
    assert ids == [m.id for m in catalog.moments.of("two")]


def test_a_root_name_and_a_root_folder_are_taken_once(catalog: Catalog) -> None:
    for name, folder in (("root", "/else"), ("else", "/disk")):
        with pytest.raises(IntegrityError), catalog.transaction() as transaction:
            transaction.add_root(name, folder)
    assert [root.name for root in catalog.roots()] == ["root"]


def test_holding_a_content(catalog: Catalog) -> None:
    file_id = add(catalog, "a", "one")
    with catalog.transaction() as transaction:
        assert transaction.holds(file_id, "one")
        assert not transaction.holds(file_id, "two")
        assert not transaction.holds(file_id + 1, "one")
        failed = transaction.fail(1, "b", STATE, "broken")
        assert not transaction.holds(failed, "one")


def test_places_of_a_content_missing_ones_first(catalog: Catalog) -> None:
    ids = [add(catalog, name, "same") for name in "abc"]
    add(catalog, "d", "other")
    with catalog.transaction() as transaction:
        transaction.mark_missing([ids[1]], 5.0)
        assert transaction.places("same", 10) == [
            Place(ids[1], 1, "b", missing=True),
            Place(ids[0], 1, "a", missing=False),
            Place(ids[2], 1, "c", missing=False),
        ]
        assert [place.path for place in transaction.places("same", 2)] == ["b", "a"]
        assert transaction.places("unknown", 2) == []


def test_touching_changes_the_state_alone(catalog: Catalog) -> None:
    file_id = add(catalog, "a", "one")
    with catalog.transaction() as transaction:
        transaction.mark_missing([file_id], 5.0)
        transaction.touch(file_id, LATER)
    entry = catalog.files.entry(file_id)
    assert (entry.state, entry.content_hash, entry.missing) == (LATER, "one", False)


def test_linking_takes_the_mark_of_missing_away(catalog: Catalog) -> None:
    file_id = add(catalog, "a", "one")
    with catalog.transaction() as transaction:
        transaction.mark_missing([file_id], 5.0)
        assert transaction.link(1, "a", LATER, "one") == file_id
    assert not catalog.files.entry(file_id).missing
    assert catalog.files.entry(file_id).state == LATER


def test_a_second_file_of_a_content_stores_nothing_of_it_again(catalog: Catalog) -> None:
    add(catalog, "a", "one")
    before = rows(catalog, "moments"), rows(catalog, "vectors"), rows(catalog, "contents")
    add(catalog, "b", "one")
    assert (rows(catalog, "moments"), rows(catalog, "vectors"), rows(catalog, "contents")) == before


def test_forgetting_leaves_no_row_of_a_file(catalog: Catalog) -> None:
    file_id = add(catalog, "a", "one")
    with catalog.transaction() as transaction:
        transaction.set_hubs("clip", {m.id or 0: 0.5 for m in catalog.moments.of("one")})
    with catalog.transaction() as transaction:
        transaction.forget([file_id])
    for table in ("files", "contents", "moments", "vectors", "hubs"):
        assert rows(catalog, table) == 0, table
    assert rows(catalog, "removals") == 1


def test_forgetting_what_is_not_there_does_nothing(catalog: Catalog) -> None:
    add(catalog, "a", "one")
    with catalog.transaction() as transaction:
        transaction.forget([99, 100])
        transaction.forget([])
        transaction.mark_missing([], 1.0)
        transaction.mark_seen([])
        transaction.set_hubs("clip", {})
    assert held(catalog) == {"a": "one"}


def test_moving_a_file_onto_itself(catalog: Catalog) -> None:
    file_id = add(catalog, "a", "one")
    with catalog.transaction() as transaction:
        transaction.move(file_id, 1, "a", LATER)
    assert held(catalog) == {"a": "one"}
    assert catalog.files.entry(file_id).state == LATER


def test_moving_to_another_root(catalog: Catalog) -> None:
    file_id = add(catalog, "a", "one")
    with catalog.transaction() as transaction:
        other = transaction.add_root("other", "/other")
        transaction.move(file_id, other, "deep/b", STATE)
    (file,) = catalog.files.matching(Filter(missing=True))
    assert (file.id, file.root, file.path) == (file_id, "other", Path("/other/deep/b"))


class TestKeeping:
    """A content that loses its last file may be needed by the next one."""

    def test_it_stays_until_the_sweep(self, catalog: Catalog) -> None:
        add(catalog, "a", "one")
        with catalog.transaction() as transaction:
            transaction.contents.keep_unused()
            transaction.add(1, "a", LATER, content_of("two"))
            assert len(transaction.contents.spare) == 1
            spare = set(transaction.contents.spare)
        assert catalog.files.has_content("one")
        assert SPARE in catalog.facts()
        with catalog.transaction() as transaction:
            assert transaction.link(1, "b", STATE, "one") is not None
        with catalog.transaction() as transaction:
            transaction.contents.sweep(spare)
        assert held(catalog) == {"a": "two", "b": "one"}
        assert SPARE not in catalog.facts()

    def test_the_sweep_drops_what_no_file_took(self, catalog: Catalog) -> None:
        add(catalog, "a", "one")
        add(catalog, "b", "kept")
        with catalog.transaction() as transaction:
            transaction.contents.keep_unused()
            transaction.fail(1, "a", LATER, "broken")
        moments = [m.id for m in catalog.moments.of("one")]
        with catalog.transaction() as transaction:
            transaction.contents.sweep()
        assert not catalog.files.has_content("one")
        assert catalog.files.has_content("kept")
        with catalog.vectors.changes_since(0, "clip", Modality.TEXT) as changes:
            assert set(moments) <= set(changes.removed.tolist())

    def test_a_run_that_was_killed_before_its_sweep_is_made_up_for(self, catalog: Catalog) -> None:
        """The fact stands in the catalog, so the next run knows without looking at every row."""
        add(catalog, "a", "one")
        with catalog.transaction() as transaction:
            transaction.contents.keep_unused()
            transaction.add(1, "a", LATER, content_of("two"))
        again = Catalog(catalog.path)
        assert SPARE in again.facts()
        with again.transaction() as transaction:
            transaction.contents.sweep()
        assert not again.files.has_content("one")
        assert SPARE not in again.facts()
        again.close()

    def test_what_was_never_in_use_is_no_spare(self, catalog: Catalog) -> None:
        with catalog.transaction() as transaction:
            transaction.contents.keep_unused()
            transaction.add(1, "a", STATE, content_of("one"))
            transaction.add(1, "a", STATE, content_of("one"))
            transaction.fail(1, "b", STATE, "broken")
            assert transaction.contents.spare == set()
        assert SPARE not in catalog.facts()


class TestHubs:
    """How near each vector is to queries of all sorts."""

    def test_they_are_stored_over_older_ones(self, catalog: Catalog) -> None:
        add(catalog, "a", "one")
        (moment,) = catalog.moments.of("one")
        assert moment.id
        for value in (0.25, 0.75):
            with catalog.transaction() as transaction:
                transaction.set_hubs("clip", {moment.id: value})
            assert catalog.vectors.hubs("clip", [moment.id]) == {moment.id: value}
        assert catalog.vectors.hubs("clap", [moment.id]) == {}

    def test_another_bank_makes_all_of_them_worthless(self, catalog: Catalog) -> None:
        add(catalog, "a", "one")
        (moment,) = catalog.moments.of("one")
        assert moment.id
        with catalog.transaction() as transaction:
            transaction.set_hubs("clip", {moment.id: 0.5})
            transaction.drop_hubs("first bank")
        assert catalog.vectors.hubs("clip", [moment.id]) == {}
        assert catalog.facts()["hub_bank"] == "first bank"
        with catalog.transaction() as transaction:
            transaction.drop_hubs("second bank")
        assert catalog.facts()["hub_bank"] == "second bank"


def test_an_unknown_space_is_a_bug_that_leaves_nothing(catalog: Catalog) -> None:
    row = unit_rows([[1.0, 0, 0]])[0]
    content = NewContent(
        "x", Kind.TEXT, [EncodedMoment(Moment(Modality.TEXT), {"unheard of": row})]
    )
    with pytest.raises(KeyError), catalog.transaction() as transaction:
        transaction.add(1, "a", STATE, content)
    assert held(catalog) == {}
    assert not catalog.files.has_content("x")


FLOATS = st.floats(0, 1e6, allow_nan=False)
MOMENTS = st.builds(
    Moment,
    st.sampled_from(list(Modality)),
    start_s=st.none() | FLOATS,
    end_s=st.none() | FLOATS,
    start_char=st.none() | st.integers(0, 10**9),
    end_char=st.none() | st.integers(0, 10**9),
    text=st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
)
METADATA = st.dictionaries(
    st.text(max_size=8), st.text(max_size=8) | st.integers(-(10**9), 10**9) | FLOATS, max_size=4
)


@settings(max_examples=40)
@given(st.lists(MOMENTS, max_size=5), METADATA, st.data())
def test_any_content_comes_back_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory,
    moments: list[Moment],
    metadata: dict[str, str | int | float],
    data: st.DataObject,
) -> None:
    made = Catalog.create(tmp_path_factory.mktemp("any") / "catalog.db", space_dims=SPACES)
    vectors = [
        np.array(data.draw(st.lists(st.floats(-1, 1, width=32), min_size=3, max_size=3)), "f4")
        for _ in moments
    ]
    encoded = [EncodedMoment(m, {"clip": v}) for m, v in zip(moments, vectors, strict=True)]
    with made.transaction() as transaction:
        transaction.add_root("root", "/disk")
        transaction.add(1, "a", STATE, NewContent("digest", Kind.VIDEO, encoded, metadata))
    stored = made.moments.of("digest")
    assert [replace(m, id=None) for m in stored] == moments
    ids = [m.id or 0 for m in stored]
    assert ids == sorted(ids)
    found, matrix = made.vectors.get("clip", ids)
    assert found.tolist() == ids
    assert matrix.tobytes() == b"".join(v.tobytes() for v in vectors)
    made.close()
