"""Disk and catalog side by side: every path is judged once, and rightly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.compare import Change, Difference, compare
from indexer.scan import Found, path_order
from retrieval.catalog.listing import Listed
from retrieval.catalog.new_content import FileState

PATHS = st.text(alphabet="ab/.-0é\udcff", min_size=1, max_size=4)
STATES = st.builds(FileState, st.integers(0, 1), st.integers(0, 1))


def listed(path: str, state: FileState, *, missing: bool = False, number: int = 1) -> Listed:
    return Listed(path, number, state, failed=False, missing=missing)


@pytest.mark.parametrize(
    ("now", "missing", "change"),
    [
        (FileState(5, 100), False, Change.SAME),
        (FileState(5, 100), True, Change.RETURNED),
        (FileState(6, 100), False, Change.CHANGED),
        (FileState(5, 101), False, Change.CHANGED),
        (FileState(5, 99), False, Change.CHANGED),  # replaced by something older
        (FileState(6, 100), True, Change.CHANGED),
    ],
)
def test_a_known_path(now: FileState, missing: bool, change: Change) -> None:
    known = listed("a", FileState(5, 100), missing=missing)
    assert list(compare([Found("a", now)], [known])) == [
        Difference(change, "a", Found("a", now), known)
    ]


def test_new_and_absent_paths() -> None:
    state = FileState(1, 1)
    known = [listed("b", state), listed("d", state, missing=True)]
    a, c = Found("a", state), Found("c", state)
    assert list(compare([a, c], known)) == [
        Difference(Change.NEW, "a", a, None),
        Difference(Change.ABSENT, "b", None, known[0]),
        Difference(Change.NEW, "c", c, None),
        Difference(Change.ABSENT, "d", None, known[1]),
    ]


def test_nothing_on_either_side() -> None:
    assert list(compare([], [])) == []


def test_it_takes_one_path_at_a_time() -> None:
    """A million paths must not pile up: neither side is read further than it is needed."""
    state, read = FileState(1, 1), []

    def disk(n: int) -> object:
        for i in range(n):
            read.append(i)
            yield Found(f"{i:03}", state)

    differences = compare(disk(100), [listed(f"{i:03}", state) for i in range(100)])  # type: ignore[arg-type]
    assert next(differences).path == "000"
    assert read == [0]


@given(st.dictionaries(PATHS, STATES), st.dictionaries(PATHS, st.tuples(STATES, st.booleans())))
def test_as_a_look_into_two_dictionaries(
    disk: dict[str, FileState], known: dict[str, tuple[FileState, bool]]
) -> None:
    catalog = [
        listed(path, state, missing=missing, number=number)
        for number, (path, (state, missing)) in enumerate(known.items())
    ]
    differences = list(
        compare(
            sorted((Found(*item) for item in disk.items()), key=lambda f: path_order(f.path)),
            sorted(catalog, key=lambda entry: path_order(entry.path)),
        )
    )
    assert [d.path for d in differences] == sorted(disk.keys() | known.keys(), key=path_order)
    for difference in differences:
        path = difference.path
        found = difference.found
        assert (found and found.state) == disk.get(path)
        assert (difference.known is not None) == (path in known)
        if path not in known:
            expected = Change.NEW
        elif path not in disk:
            expected = Change.ABSENT
        elif disk[path] != known[path][0]:
            expected = Change.CHANGED
        else:
            expected = Change.RETURNED if known[path][1] else Change.SAME
        assert difference.change is expected
