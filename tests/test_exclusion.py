"""What is left out of a root, and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.exclusion import Exclusion

ROOT = Path("/some/root")


@pytest.mark.parametrize(
    ("path", "out"),
    [
        ("a.txt", False),
        (".a.txt", True),
        ("a/.b/c.txt", True),
        ("a/b.c/..d/e", True),
        ("node_modules/x/y.js", True),
        ("my_node_modules/y.js", False),
        ("deep/down/Thumbs.db", True),
        ("deep/down/thumbs", False),
    ],
)
def test_by_default(path: str, out: bool) -> None:
    assert Exclusion(ROOT).covers_any_of(path) is out


@pytest.mark.parametrize(
    ("glob", "path", "out"),
    [
        ("*.tmp", "a/b.tmp", True),
        ("*.tmp", "a.tmp/b", True),
        ("*.tmp", "a/b.tmpx", False),
        ("a/*.tmp", "a/b.tmp", True),
        ("a/*.tmp", "b/b.tmp", False),
        ("[ab].txt", "x/b.txt", True),
        ("?.txt", "xx.txt", False),
        ("(x|y", "(x|y", True),
        ("A.txt", "a.txt", False),
    ],
)
def test_globs(glob: str, path: str, out: bool) -> None:
    assert Exclusion(ROOT, [glob]).covers_any_of(path) is out


def test_several_globs() -> None:
    exclusion = Exclusion(ROOT, ["*.a", "*.b", "x/*"])
    assert [path for path in ("1.a", "1.b", "1.c", "x/1") if not exclusion.covers_any_of(path)] == [
        "1.c"
    ]


def test_folders_to_skip() -> None:
    exclusion = Exclusion(ROOT, skip=[ROOT / "in", ROOT / "deep/in", Path("/some/rootless")])
    assert exclusion.covers_any_of("in/a")
    assert exclusion.covers_any_of("deep/in")
    assert not exclusion.covers_any_of("inner/a")
    assert not exclusion.covers_any_of("deep/out/in")
    assert not exclusion.covers_any_of("rootless")


def test_a_name_is_judged_by_itself() -> None:
    """The walk asks for each step, so that it needs not look at the whole way again."""
    exclusion = Exclusion(ROOT, ["*.tmp"])
    assert not exclusion.covers(".hidden/a.txt", "a.txt")
    assert exclusion.covers("a/b.tmp", "b.tmp")
