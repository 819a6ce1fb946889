"""Targets: what a run is asked to look at, each place once, in its innermost root."""

from __future__ import annotations

import os
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import index
from indexer.targets import NotThere, Target, find_targets, is_known
from retrieval import Library, SearchError
from retrieval.catalog.roots import Root


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """Some folders with a file each."""
    for name in ("a", "a/inner", "a/inner/deep", "b"):
        (tmp_path / "disk" / name).mkdir(parents=True)
        (tmp_path / "disk" / name / "file.txt").write_text(f"red {name}")
    return tmp_path / "disk"


def places(library: Library, *paths: Path | str) -> list[tuple[str, str]]:
    return [(target.root.name, target.below) for target in find_targets(library, paths)]


def test_a_new_folder_becomes_a_root(library: Library, disk: Path) -> None:
    assert places(library, disk / "a") == [("a", "")]
    assert [root.folder for root in library.catalog.roots()] == [disk / "a"]


def test_a_file_makes_its_folder_a_root_but_is_looked_at_alone(
    library: Library, disk: Path
) -> None:
    assert places(library, disk / "b/file.txt") == [("b", "file.txt")]
    assert index(library, disk / "b/file.txt").added == 1


def test_a_folder_of_a_root_is_a_part_of_it(library: Library, disk: Path) -> None:
    find_targets(library, [disk / "a"])
    assert places(library, disk / "a/inner") == [("a", "inner")]
    assert places(library, disk / "a/inner/deep/file.txt") == [("a", "inner/deep/file.txt")]
    assert len(library.catalog.roots()) == 1


def test_without_paths_every_root_is_meant(library: Library, disk: Path) -> None:
    find_targets(library, [disk / "b", disk / "a"])
    assert places(library) == [("a", ""), ("b", "")]


def test_without_paths_and_roots_there_is_nothing_to_look_at(library: Library) -> None:
    with pytest.raises(SearchError, match=r"No folder was indexed yet.* anyseek index FOLDER$"):
        places(library)


def test_each_place_once_in_any_order(library: Library, disk: Path) -> None:
    find_targets(library, [disk / "a"])
    asked = [disk / "a/inner", disk / "a", disk / "a/inner/deep", disk / "a/file.txt"]
    for order in permutations(asked):
        assert places(library, *order) == [("a", "")]
    assert places(library, *asked[2:], asked[0]) == [("a", "file.txt"), ("a", "inner")]


def test_a_name_that_only_begins_alike_is_another_place(library: Library, disk: Path) -> None:
    (disk / "a/inner-2").mkdir()
    (disk / "a/inner-2/file.txt").write_text("red")
    find_targets(library, [disk / "a"])
    assert places(library, disk / "a/inner", disk / "a/inner-2") == [
        ("a", "inner"),
        ("a", "inner-2"),
    ]


def test_a_root_inside_a_folder_is_a_target_of_its_own(library: Library, disk: Path) -> None:
    """The walk over the outer root leaves the inner one out, so it must be asked for itself."""
    find_targets(library, [disk / "a/inner"])
    assert places(library, disk / "a") == [("a", ""), ("inner", "")]
    assert places(library, disk / "a/inner/deep") == [("inner", "deep")]


def test_the_same_name_twice_is_told_apart(library: Library, disk: Path) -> None:
    (disk / "b/a").mkdir()
    (disk / "b/a/file.txt").write_text("red")
    assert places(library, disk / "a", disk / "b/a") == [("a", ""), ("a-2", "")]


def test_links_and_home_and_dots_are_resolved(
    library: Library, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (disk / "link").symlink_to(disk / "a")
    monkeypatch.setenv("HOME", str(disk))
    monkeypatch.chdir(disk / "b")
    for path in (disk / "link", "~/a", "../a", disk / "b/../a", f"{disk}/a/"):
        assert places(library, path) == [("a", "")]
    assert len(library.catalog.roots()) == 1


def test_what_is_not_there_but_known_is_a_target(library: Library, disk: Path) -> None:
    """It can be marked missing; a mistyped path must not be."""
    index(library, disk / "a")
    (disk / "a/inner/deep/file.txt").unlink()
    (disk / "a/inner/deep").rmdir()
    assert places(library, disk / "a/inner/deep") == [("a", "inner/deep")]
    assert places(library, disk / "a/inner/deep/file.txt") == [("a", "inner/deep/file.txt")]
    assert index(library, disk / "a/inner/deep/file.txt").missing == 1


def test_a_root_that_is_away_is_a_target(library: Library, disk: Path) -> None:
    index(library, disk / "a")
    (disk / "a").rename(disk / "away")
    assert places(library, disk / "a") == [("a", "")]


@pytest.mark.parametrize("path", ["c", "a/nothing.txt", "a/file.txt/inside", "b/inner"])
def test_what_is_neither_there_nor_known(library: Library, disk: Path, path: str) -> None:
    index(library, disk / "a")
    with pytest.raises(NotThere) as caught:
        find_targets(library, [disk / "a", disk / path])
    assert str(caught.value).startswith(f"Cannot index {disk / path}: No")
    assert str(caught.value).endswith("Check the path and whether its disk is mounted.")
    assert [root.name for root in library.catalog.roots()] == ["a"]


def test_a_wrong_path_makes_no_root_of_the_right_ones(library: Library, disk: Path) -> None:
    with pytest.raises(NotThere):
        find_targets(library, [disk / "b", disk / "nowhere"])
    assert library.catalog.roots() == []


@pytest.mark.skipif(os.name != "posix", reason="pipes have no name elsewhere")
def test_a_pipe_is_neither(library: Library, disk: Path) -> None:
    os.mkfifo(disk / "pipe")
    with pytest.raises(SearchError, match=r"it is neither a folder nor a file\. Name one\."):
        find_targets(library, [disk / "pipe"])


def test_what_is_known(library: Library, disk: Path) -> None:
    index(library, disk / "a")
    for path in ("a", "a/inner", "a/inner/deep", "a/inner/deep/file.txt"):
        assert is_known(library, disk / path), path
    for path in (".", "b", "a/inner/dee", "a/inner/deep/file.tx", "a/file.txt/x"):
        assert is_known(library, disk / path) == (path == "."), path


def test_an_empty_root_is_known(library: Library, disk: Path) -> None:
    (disk / "empty").mkdir()
    find_targets(library, [disk / "empty"])
    assert is_known(library, disk / "empty")


NAMES = st.lists(st.sampled_from(["a", "b", "a-", "a0"]), max_size=3).map("/".join)


@given(NAMES, NAMES)
def test_a_target_holds_what_a_walk_over_it_meets(one: str, other: str) -> None:
    root = Root(1, "root", Path("/root"))
    inside = one.split("/") if one else []
    held = Target(root, one).holds(Target(root, other))
    assert held == ((other.split("/") if other else [])[: len(inside)] == inside)
    assert not Target(root, one).holds(Target(Root(2, "else", Path("/else")), other))
