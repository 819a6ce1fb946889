"""Where a path lies among the indexed folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from retrieval.catalog.roots import Root, covered, free_name, innermost

PHOTOS = Root(1, "photos", Path("/disk/photos"))
HOLIDAY = Root(2, "holiday", Path("/disk/photos/2024/holiday"))
SOUNDS = Root(3, "sounds", Path("/disk/sounds"))
ROOTS = [PHOTOS, HOLIDAY, SOUNDS]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/disk/photos", (PHOTOS, "")),
        ("/disk/photos/a.jpg", (PHOTOS, "a.jpg")),
        ("/disk/photos/2024/b/c.jpg", (PHOTOS, "2024/b/c.jpg")),
        ("/disk/photos/2024/holiday/x", (HOLIDAY, "x")),
        ("/disk/photos-old/a.jpg", None),
        ("/disk", None),
    ],
)
def test_innermost(path: str, expected: tuple[Root, str] | None) -> None:
    assert innermost(ROOTS, Path(path)) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/disk", {(1, ""), (2, ""), (3, "")}),
        ("/disk/photos", {(1, ""), (2, "")}),
        ("/disk/photos/2024", {(1, "2024"), (2, "")}),
        ("/disk/photos/2024/holiday", {(2, "")}),
        ("/disk/photos/2024/holiday/day1", {(2, "day1")}),
        ("/elsewhere", set()),
    ],
)
def test_covered(path: str, expected: set[tuple[int, str]]) -> None:
    assert set(covered(ROOTS, Path(path))) == expected


def test_free_name() -> None:
    assert free_name("a", []) == "a"
    assert free_name("a", ["a", "a-2", "b"]) == "a-3"
