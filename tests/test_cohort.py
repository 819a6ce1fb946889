"""The cohort: a steady sample, drawn once for each state of the library."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval import Kind, Library, Modality, Moment
from retrieval import cohort as cohort_module
from retrieval.catalog.new_content import EncodedMoment, FileState, NewContent
from retrieval.cohort import (
    COPIES,
    Cohorts,
    how_many,
    lowest_scrambled,
    one_of_each,
    stored_rows,
    usual_where_unknown,
)
from retrieval.encoders.fake import fake_model_set
from retrieval.vectors import Ids, Vectors, unit_rows

STATE = FileState(1, 1)


def fill(library: Library, n: int, start: int = 0, modality: Modality = Modality.TEXT) -> None:
    """Add `n` files with a random vector each; file number i always has the same one."""
    roots = {root.name: root.id for root in library.catalog.roots()}
    with library.catalog.transaction() as transaction:
        root_id = roots.get("root") or transaction.add_root("root", "/disk")
        for i in range(start, start + n):
            row = unit_rows(np.random.default_rng([i, len(modality)]).standard_normal((1, 4)))[0]
            moment = EncodedMoment(Moment(modality), {"fake": row})
            content = NewContent(f"{modality} {i}", Kind(modality), [moment])
            transaction.add(root_id, f"{modality} {i}", STATE, content)


def cohorts(library: Library) -> Cohorts:
    return Cohorts(library.catalog, library.space, library.indexes)


def rows_of(library: Library, ids: list[int]) -> Vectors:
    return library.catalog.vectors.get("fake", ids)[1]


def test_an_empty_library_has_an_empty_cohort(library: Library) -> None:
    empty = cohorts(library).get(Modality.AUDIO)
    assert (len(empty.ids), empty.total, empty.counted) == (0, 0, 0)
    assert empty.vectors["fake"].shape == (0, 4)
    assert empty.means == {}
    assert empty.usual_hub == {"fake": 0.0}


def test_a_small_library_is_its_own_cohort(library: Library) -> None:
    fill(library, 30)
    fill(library, 5, modality=Modality.IMAGE)
    drawn = cohorts(library).get(Modality.TEXT)
    assert drawn.ids.tolist() == list(range(1, 31))
    assert (drawn.total, drawn.counted) == (30, 30)
    np.testing.assert_array_equal(drawn.vectors["fake"], rows_of(library, list(range(1, 31))))
    expected = rows_of(library, list(range(1, 31))).astype(np.float64).mean(axis=0)
    np.testing.assert_allclose(drawn.means["fake"], expected, atol=1e-7)
    assert np.linalg.norm(drawn.means["fake"]) < 1


def test_a_large_library_is_sampled(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cohort_module, "COHORT", 20)
    monkeypatch.setattr(cohort_module, "MEAN_MOMENTS", 50)
    fill(library, 300)
    drawn = cohorts(library).get(Modality.TEXT)
    assert len(drawn.ids) == 20
    assert (np.diff(drawn.ids) > 0).all()
    assert drawn.total == 300
    assert drawn.counted == 50
    np.testing.assert_array_equal(drawn.vectors["fake"], rows_of(library, drawn.ids.tolist()))
    of_fifty = rows_of(library, lowest_scrambled(np.arange(1, 301), 50).tolist())
    np.testing.assert_allclose(drawn.means["fake"], of_fifty.mean(axis=0), atol=1e-6)
    assert drawn.ids[0] < 60 < 240 < drawn.ids[-1], "spread over the library"


def test_the_same_cohort_at_every_opening(library: Library, tmp_path: Path) -> None:
    fill(library, 600)
    first = cohorts(library).get(Modality.TEXT)
    with Library.open(library.path, models=library.space.model_set) as again:
        second = cohorts(again).get(Modality.TEXT)
    np.testing.assert_array_equal(first.ids, second.ids)
    np.testing.assert_array_equal(first.means["fake"], second.means["fake"])


def test_it_changes_little_by_little_as_the_library_grows(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cohort_module, "COHORT", 40)
    fill(library, 400)
    drawn = cohorts(library)
    before = set(drawn.get(Modality.TEXT).ids.tolist())
    fill(library, 40, start=400)
    after = set(drawn.get(Modality.TEXT).ids.tolist())
    assert len(before & after) >= 30
    assert after != before


@given(st.lists(st.integers(0, 4), max_size=30))
def test_one_of_each_is_what_counting_finds(things: list[int]) -> None:
    """Things on axes of their own, with digits that differ by less than a copy does."""
    rows = np.eye(5, dtype=np.float32)[things].reshape(-1, 5)
    nudged = unit_rows(rows + 1e-4 * np.arange(len(rows))[:, None] / 30)
    first, copies = one_of_each([rows, nudged])
    assert first.tolist() == sorted(things.index(thing) for thing in set(things))
    assert copies.tolist() == [things.count(things[i]) for i in first.tolist()]


def test_copies_are_so_in_every_space() -> None:
    same, apart = np.ones((2, 1), np.float32), np.eye(2, dtype=np.float32)
    assert one_of_each([same, same])[1].tolist() == [2]
    assert one_of_each([same, apart])[1].tolist() == [1, 1]
    near = unit_rows(np.array([[1.0, 0.0], [COPIES, 1.1 * np.sqrt(1 - COPIES**2)]]))
    assert one_of_each([near])[1].tolist() == [1, 1]
    gone = np.zeros((2, 4), np.float32)
    assert one_of_each([gone])[1].tolist() == [1, 1]


@pytest.mark.parametrize("kinds", [1, 3, 60, 20_000])
def test_how_many_is_about_right_from_a_sample(kinds: int) -> None:
    """The truth is known: so many kinds, each as often as the others, among 20,000."""
    rng = np.random.default_rng(kinds)
    found = [
        how_many(np.unique(rng.integers(kinds, size=256), return_counts=True)[1], 20_000)
        for _ in range(20)
    ]
    if kinds < 100:
        assert np.mean(found) == pytest.approx(kinds, rel=0.05)
    else:
        assert min(found) > 3000, "only the logarithm counts"
    assert how_many(np.array([2, 1]), 3) == 2
    assert how_many(np.array([], np.int64), 0) == 0


def test_copies_count_once(library: Library) -> None:
    """The cohort, the means and the number of things are those of a library without copies."""
    fill(library, 30)
    plain = cohorts(library).get(Modality.TEXT)
    rows = rows_of(library, [1])
    with library.catalog.transaction() as transaction:
        root_id = library.catalog.roots()[0].id
        for i in range(70):
            moment = EncodedMoment(Moment(Modality.TEXT), {"fake": rows[0]})
            content = NewContent(f"copy {i}", Kind.TEXT, [moment])
            transaction.add(root_id, f"copy {i}", STATE, content)
    copied = cohorts(library).get(Modality.TEXT)
    assert (copied.total, copied.different, copied.counted) == (100, 30, 30)
    np.testing.assert_array_equal(copied.ids, plain.ids)
    np.testing.assert_array_equal(copied.means["fake"], plain.means["fake"])


def test_it_is_drawn_once_until_something_changes(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(library, 10)
    fill(library, 10, modality=Modality.IMAGE)
    drawn: list[Modality] = []
    real = Cohorts._draw

    def draw(self: Cohorts, modality: Modality) -> object:
        drawn.append(modality)
        return real(self, modality)

    monkeypatch.setattr(Cohorts, "_draw", draw)
    ours = cohorts(library)
    for _ in range(3):
        ours.get(Modality.TEXT)
        ours.get(Modality.IMAGE)
    assert drawn == [Modality.TEXT, Modality.IMAGE]
    fill(library, 1, start=10)
    assert len(ours.get(Modality.TEXT).ids) == 11
    assert drawn == [Modality.TEXT, Modality.IMAGE, Modality.TEXT]


def test_threads_draw_it_once(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(library, 10)
    drawn: list[Modality] = []
    real = Cohorts._draw
    together = threading.Barrier(6)

    def draw(self: Cohorts, modality: Modality) -> object:
        drawn.append(modality)
        return real(self, modality)

    monkeypatch.setattr(Cohorts, "_draw", draw)
    ours = cohorts(library)

    def ask() -> None:
        together.wait(60)
        assert len(ours.get(Modality.TEXT).ids) == 10

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert drawn == [Modality.TEXT]


def test_rows_of_moments_that_are_gone_are_zeros(library: Library) -> None:
    """Between a search and the look at its vectors, another process may forget a file."""
    fill(library, 3)
    rows = stored_rows(library.catalog, "fake", 4, np.array([1, 2, 7]))
    np.testing.assert_array_equal(rows[:2], rows_of(library, [1, 2]))
    assert not rows[2].any()
    assert stored_rows(library.catalog, "fake", 4, np.array([], np.int64)).shape == (0, 4)


def test_unknown_hub_values_are_the_usual_one() -> None:
    nan = np.nan
    assert usual_where_unknown(np.array([nan, nan])).tolist() == [0.0, 0.0]
    assert usual_where_unknown(np.array([])).tolist() == []
    hubs = usual_where_unknown(np.array([0.2, nan, 0.6, nan]))
    assert hubs == pytest.approx([0.2, 0.4, 0.6, 0.4])


def test_the_usual_hub_value_is_that_of_the_cohort(library: Library) -> None:
    fill(library, 4)
    with library.catalog.transaction() as transaction:
        transaction.set_hubs("fake", {1: 0.1, 2: 0.2, 3: 0.3, 4: 0.4})
    drawn = cohorts(library).get(Modality.TEXT)
    assert drawn.hubs["fake"] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert drawn.usual_hub["fake"] == pytest.approx(0.25)


def test_a_moment_that_comes_while_the_cohort_is_drawn(
    filled: Library, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process adds a text once the ids are known, and before their rows are read."""
    real, new = lowest_scrambled, [media / "new.txt"]

    def draw(ids: Ids, n: int) -> Ids:
        if new:
            path = new.pop()
            path.write_text("red and new")
            with Library.open(filled.path, models=fake_model_set()) as writer:
                writer.add(path)
        return real(ids, n)

    monkeypatch.setattr(cohort_module, "lowest_scrambled", draw)
    assert filled.search("red", k=20)
    assert not new
    assert "new.txt" in {hit.path.name for hit in filled.search("red", k=20)}
