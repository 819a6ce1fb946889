"""The listing: paths in the order of a walk over the folder, by their bytes, piece by piece."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.scan import Scan, path_order
from retrieval.catalog import listing as listing_module
from retrieval.catalog.catalog import Catalog
from retrieval.catalog.listing import Listed
from retrieval.catalog.new_content import FileState
from tests.test_catalog import SPACES, content_of

STATE = FileState(10, 1000)


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    made = Catalog.create(tmp_path / "catalog.db", space_dims=SPACES)
    with made.transaction() as transaction:
        transaction.add_root("root", "/disk")
        transaction.add_root("other", "/other")
    yield made
    made.close()


def put(catalog: Catalog, *paths: str, root_id: int = 1) -> None:
    with catalog.transaction() as transaction:
        for path in paths:
            transaction.add(root_id, path, STATE, content_of("same"))


def paths(catalog: Catalog, folder: str = "", root_id: int = 1) -> list[str]:
    return [listed.path for listed in catalog.files.listing(root_id, folder)]


def test_what_is_told_of_a_path(catalog: Catalog) -> None:
    with catalog.transaction() as transaction:
        good = transaction.add(1, "good", FileState(3, 33), content_of("x"))
        bad = transaction.fail(1, "bad", FileState(4, 44), "broken")
        gone = transaction.add(1, "gone", FileState(5, 55), content_of("y"))
        transaction.mark_missing([gone], 1.0)
    found = list(catalog.files.listing(1))
    assert [(f.path, f.file_id, f.state, f.failed, f.missing) for f in found] == [
        ("bad", bad, FileState(4, 44), True, False),
        ("gone", gone, FileState(5, 55), False, True),
        ("good", good, FileState(3, 33), False, False),
    ]
    assert all(isinstance(listed, Listed) for listed in found)


def test_a_folder_and_what_lies_below_it_and_nothing_beside(catalog: Catalog) -> None:
    beside = ["a", "a-b/x", "a.txt", "a0", "ab/x", "b/a/x"]
    inside = ["a/b", "a/b/c", "a/é"]
    put(catalog, *inside, *beside)
    assert paths(catalog, "a") == ["a", *inside]
    assert paths(catalog, "a/b") == ["a/b", "a/b/c"]
    assert paths(catalog, "a-b") == ["a-b/x"]
    assert paths(catalog, "c") == []


def test_a_file_alone(catalog: Catalog) -> None:
    put(catalog, "a.txt", "a.txt.bak", "b.txt")
    assert paths(catalog, "a.txt") == ["a.txt"]


def test_roots_are_kept_apart(catalog: Catalog) -> None:
    put(catalog, "a", "b")
    put(catalog, "b", "c", root_id=2)
    assert paths(catalog) == ["a", "b"]
    assert paths(catalog, root_id=2) == ["b", "c"]
    assert paths(catalog, root_id=3) == []


def test_order_is_that_of_bytes_not_of_letters(catalog: Catalog) -> None:
    names = ["B", "a", "Z", "é", "z", "ä", "10", "9", "a b", "a!b", os.fsdecode(b"\xff"), "東"]
    put(catalog, *names)
    assert paths(catalog) == sorted(names, key=os.fsencode)


def test_it_is_the_order_in_which_a_walk_meets_them(catalog: Catalog, tmp_path: Path) -> None:
    """`compare` holds one path of each side at a time, so both must come in one order."""
    names = ["a/b.txt", "a.txt", "a-c/x", "a", "A/1", "b/é/1", "b/z", "b/a/a/a", "a0", "a b/1"]
    folder = tmp_path / "walked"
    made = []
    for name in names:
        target = folder / name
        if any(f"{name}/" == other[: len(name) + 1] for other in names):
            continue  # a path cannot be a file and a folder at once
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("x")
        made.append(name)
    put(catalog, *made)
    walked = [found[0] for found in Scan(folder)]
    assert walked == paths(catalog) == sorted(made, key=path_order)
    assert len(walked) >= 9


@pytest.mark.parametrize("at_a_time", [1, 2, 7, 10_000])
def test_however_many_rows_are_fetched_at_a_time(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, at_a_time: int
) -> None:
    monkeypatch.setattr(listing_module, "FETCH_ROWS", at_a_time)
    names = [f"{n:03}" for n in range(50)]
    put(catalog, *names)
    assert paths(catalog) == names


def test_a_listing_shows_one_state_while_others_write(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing_module, "FETCH_ROWS", 1)
    put(catalog, "a", "b", "c")
    going = catalog.files.listing(1)
    assert next(going).path == "a"
    put(catalog, "bb", "d")
    with catalog.transaction() as transaction:
        transaction.forget([3])
    assert [listed.path for listed in going] == ["b", "c"]
    assert paths(catalog) == ["a", "b", "bb", "d"]


def test_a_listing_may_be_left_early(catalog: Catalog) -> None:
    put(catalog, "a", "b")
    going = catalog.files.listing(1)
    next(going)
    going.close()  # type: ignore[attr-defined]
    put(catalog, "c")
    assert paths(catalog) == ["a", "b", "c"]


NAMES = st.lists(st.sampled_from(["a", "b", "a-", "a0", "A", "é"]), min_size=1, max_size=3).map(
    "/".join
)


@settings(max_examples=40)
@given(st.sets(NAMES, max_size=12), NAMES | st.just(""))
def test_against_a_plain_look_at_each_path(
    tmp_path_factory: pytest.TempPathFactory, names: set[str], folder: str
) -> None:
    made = Catalog.create(tmp_path_factory.mktemp("any") / "catalog.db", space_dims=SPACES)
    with made.transaction() as transaction:
        transaction.add_root("root", "/disk")
    put(made, *sorted(names))
    wanted = {n for n in names if not folder or n == folder or n.startswith(f"{folder}/")}
    assert paths(made, folder) == sorted(wanted, key=path_order)
    made.close()
