"""Searching: against a plain look at every moment, with filters, twins, films and ties."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval import Hit, Kind, Library, Modality, Moment, Query
from retrieval import search as search_module
from retrieval.catalog.filter import Filter
from retrieval.catalog.new_content import EncodedMoment, FileState, NewContent
from retrieval.errors import QueryError
from retrieval.grouping import ALSO, NO_MOMENT, Candidates, grouped
from retrieval.search import MOMENTS_OF, Search
from retrieval.vectors import Vector, unit_rows
from tests.pair_models import pair_model_set
from tests.two_spaces import TwoSpaces

STATE = FileState(1, 1)


@dataclass
class Shelf:
    """A library of made-up files, whose vectors are known beside it."""

    library: Library
    root_id: int
    rng: np.random.Generator

    def put(
        self, name: str, rows: Sequence[Vector], kind: Kind = Kind.TEXT, digest: str | None = None
    ) -> None:
        modality = Modality.IMAGE if kind is Kind.VIDEO else Modality(kind)
        moments = [
            EncodedMoment(Moment(modality, start_s=float(n)), {"fake": row})
            for n, row in enumerate(rows)
        ]
        with self.library.writing():
            with self.library.catalog.transaction() as transaction:
                content = NewContent(digest or name, kind, moments)
                transaction.add(self.root_id, name, STATE, content)
            self.library.refresh()

    def rows(self, n: int) -> list[Vector]:
        return list(unit_rows(self.rng.standard_normal((n, 4))))

    def all_moments(self) -> list[tuple[str, int, Vector]]:
        """Every moment with the name of its file, its id and its vector."""
        found = []
        for file in self.library.files():
            digest = self.library.catalog.files.entry(file.id).content_hash or ""
            ids = [m.id or 0 for m in self.library.catalog.moments.of(digest)]
            for i, row in zip(*self.library.catalog.vectors.get("fake", ids), strict=True):
                found.append((file.path.name, int(i), row))
        return found


@pytest.fixture
def shelf(library: Library) -> Shelf:
    library.space  # noqa: B018 - loaded, so that refresh gives hub values as it does in use
    with library.catalog.transaction() as transaction:
        root_id = transaction.add_root("root", "/disk")
    return Shelf(library, root_id, np.random.default_rng(0))


def names(hits: Sequence[Hit]) -> list[str]:
    return [hit.path.name for hit in hits]


@pytest.mark.parametrize("k", [1, 3, 20, 1000])
def test_one_kind_comes_in_the_order_of_its_cosines(shelf: Shelf, k: int) -> None:
    """Within one modality a calibrated score may stretch the cosines, but not turn them round."""
    for n in range(40):
        shelf.put(f"{n}.txt", shelf.rows(1 + n % 4))
    query = unit_rows(shelf.rng.standard_normal((1, 4)))[0]
    best: dict[str, float] = {}
    for name, _, row in shelf.all_moments():
        best[name] = max(best.get(name, -2.0), float(row @ query))
    expected = sorted(best, key=lambda name: -best[name])[:k]
    hits = shelf.library.search(query, k=k)
    assert names(hits) == expected
    assert [hit.cosine for hit in hits] == pytest.approx([best[n] for n in expected], abs=1e-6)


def test_a_file_with_very_many_near_moments_does_not_push_the_others_out(shelf: Shelf) -> None:
    """The first look finds one file alone; it goes on until there are k."""
    query = np.array([1, 0, 0, 0], np.float32)
    crowd = unit_rows(query + 0.01 * shelf.rng.standard_normal((600, 4)))
    shelf.put("long.txt", list(crowd))
    for n in range(5):
        shelf.put(f"{n}.txt", shelf.rows(1))
    assert len(crowd) > 4 * search_module.FIRST_LOOK
    assert set(names(shelf.library.search(query, k=6))) == {
        "long.txt",
        *(f"{n}.txt" for n in range(5)),
    }


def test_it_looks_no_further_than_it_must(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(5):
        shelf.put(f"{n}.txt", shelf.rows(60))
    looks: list[int] = []
    real = Search._nearest

    def nearest(
        self: Search, queries: object, target: Modality, look: int, *rest: object
    ) -> object:
        looks.append(look)
        return real(self, queries, target, look, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Search, "_nearest", nearest)
    shelf.library.search(shelf.rows(1)[0], k=2, kinds=["text"])
    assert looks[0] == search_module.FIRST_LOOK
    looks.clear()
    shelf.library.search(shelf.rows(1)[0], k=200, kinds=["text"])
    # Then what is near without the filter, to see what stands out.
    assert looks == [400, search_module.FIRST_LOOK], "everything there is came at once"


def test_further_moments_of_a_file_come_best_first_and_not_too_many(shelf: Shelf) -> None:
    query = np.array([1, 0, 0, 0], np.float32)
    rows = unit_rows([[1.0, x, 0, 0] for x in np.linspace(0.1, 2.0, 12)])
    shelf.put("a.txt", list(rows[::-1]))
    (hit,) = shelf.library.search(query, k=1)
    assert hit.moment.start_s == 11.0
    assert [m.moment.start_s for m in hit.also] == [10.0, 9.0, 8.0, 7.0, 6.0]
    assert len(hit.also) == ALSO
    assert [m.score for m in hit.also] == sorted((m.score for m in hit.also), reverse=True)
    assert hit.score >= hit.also[0].score


def test_equal_moments_come_by_their_ids(shelf: Shelf) -> None:
    same = unit_rows([[1.0, 1, 0, 0]])[0]
    for n in (3, 1, 2):
        shelf.put(f"{n}.txt", [same])
    assert names(shelf.library.search(same, k=3)) == ["3.txt", "1.txt", "2.txt"]


def test_copies_are_one_hit_by_path_whichever_was_read_first(shelf: Shelf) -> None:
    rows = shelf.rows(1)
    for name in ("c.txt", "a.txt", "b.txt"):
        shelf.put(name, rows, digest="same")
    (hit,) = shelf.library.search(rows[0], k=5)
    assert hit.path.name == "a.txt"
    assert [copy.name for copy in hit.copies] == ["b.txt", "c.txt"]
    assert hit.cosine == pytest.approx(1.0, abs=1e-6)


def test_of_copies_one_that_is_there_comes_first(shelf: Shelf) -> None:
    rows = shelf.rows(1)
    for name in ("b.txt", "c.txt", "a.txt"):
        shelf.put(name, rows, digest="same")
    with shelf.library.catalog.transaction() as transaction:
        transaction.mark_missing([3], 1.0)
    (hit,) = shelf.library.search(rows[0], missing=True)
    assert (hit.path.name, hit.missing) == ("b.txt", False)
    assert [copy.name for copy in hit.copies] == ["c.txt", "a.txt"]


def test_of_copies_that_say_the_words_the_first_by_path_is_the_hit(shelf: Shelf) -> None:
    rows = shelf.rows(1)
    for name in ("lake 2.txt", "sea.txt", "lake 1.txt"):
        shelf.put(name, rows, digest="same")
    (hit,) = shelf.library.search("lake", words="only")
    assert hit.path.name == "lake 1.txt"


def test_of_copies_only_those_that_pass_the_filter_are_told(shelf: Shelf) -> None:
    rows = shelf.rows(1)
    for name in ("in/a.txt", "out/b.txt"):
        shelf.put(name, rows, digest="same")
    (hit,) = shelf.library.search(rows[0], under="/disk/out")
    assert (hit.path, hit.copies) == (Path("/disk/out/b.txt"), ())


def test_missing_files_are_hidden_and_marked_when_asked_for(shelf: Shelf) -> None:
    rows = shelf.rows(2)
    shelf.put("here.txt", rows[:1])
    shelf.put("gone.txt", rows[1:])
    gone = next(f.id for f in shelf.library.files() if f.path.name == "gone.txt")
    with shelf.library.catalog.transaction() as transaction:
        transaction.mark_missing([gone], 1.0)
    assert names(shelf.library.search(rows[1], k=5)) == ["here.txt"]
    hits = shelf.library.search(rows[1], k=5, missing=True)
    assert [(hit.path.name, hit.missing) for hit in hits] == [
        ("gone.txt", True),
        ("here.txt", False),
    ]


@pytest.mark.parametrize("kind", Kind)
def test_kinds_are_what_is_asked_for(shelf: Shelf, kind: Kind) -> None:
    query = shelf.rows(1)[0]
    for n, each in enumerate(Kind):
        shelf.put(f"{each}.x", [unit_rows(query[None] + 0.1 * n)[0]], each)
    assert names(shelf.library.search(query, kinds=[kind])) == [f"{kind}.x"]
    assert {hit.kind for hit in shelf.library.search(query, kinds=list(Kind))} == set(Kind)


def test_a_filter_that_lets_nothing_through(shelf: Shelf) -> None:
    shelf.put("a.txt", shelf.rows(1))
    for wanted in (Filter(under=()), Filter(since_ns=2), Filter(kinds=frozenset())):
        assert shelf.library.searcher.hits(Query("red"), 3, wanted) == []


def test_min_score_cuts_the_list_off(shelf: Shelf) -> None:
    for n in range(10):
        shelf.put(f"{n}.txt", shelf.rows(1))
    query = shelf.rows(1)[0]
    everything = shelf.library.search(query, k=10)
    for level in (0.0, everything[3].score, everything[0].score):
        cut = shelf.library.search(query, k=10, min_score=level)
        assert names(cut) == [hit.path.name for hit in everything if hit.score >= level]
    assert shelf.library.search(query, min_score=1.1) == []


def test_any_of_several_alternatives(shelf: Shelf) -> None:
    axes = np.eye(4, dtype=np.float32)
    for n in range(4):
        shelf.put(f"{n}.txt", [axes[n]])
    both = shelf.library.search(Query(axes[0]) | Query(axes[2]), k=2)
    assert set(names(both)) == {"0.txt", "2.txt"}
    assert all(hit.cosine == pytest.approx(1.0, abs=1e-6) for hit in both)


def test_what_has_something_of_both_is_found_though_it_is_near_to_neither(shelf: Shelf) -> None:
    """The look-out for candidates goes by all terms together too, not by each alone."""
    one, other = np.eye(4, dtype=np.float32)[:2]
    for n in range(300):
        near = one if n % 2 else other
        shelf.put(f"{n}.txt", [unit_rows(near[None] + 0.01 * shelf.rng.standard_normal(4))[0]])
    shelf.put("both.txt", [unit_rows((one + other)[None])[0]])
    assert names(shelf.library.search([one, other], k=1)) == ["both.txt"]


def test_what_is_not_wanted_is_held_back(shelf: Shelf) -> None:
    axes = np.eye(4, dtype=np.float32)
    shelf.put("both.txt", [unit_rows((axes[0] + axes[1])[None])[0]])
    shelf.put("one.txt", [unit_rows((axes[0] + axes[2])[None])[0]])
    found = shelf.library.search(axes[0], k=2, without=[axes[1]])
    assert names(found) == ["one.txt", "both.txt"]
    found = shelf.library.search(axes[0], k=2, without=[axes[2]])
    assert names(found) == ["both.txt", "one.txt"]


@pytest.mark.parametrize("k", [0, -1, -100])
def test_k_must_be_one_at_least(shelf: Shelf, k: int) -> None:
    with pytest.raises(QueryError, match=rf"k = {k}: ask for at least one hit\."):
        shelf.library.searcher.hits(Query("red"), k, Filter())


def test_something_must_be_wanted(shelf: Shelf) -> None:
    shelf.put("a.txt", shelf.rows(1))
    for query in (-1.0 * Query("red"), 0.0 * Query("red"), Query("red") | -1.0 * Query("blue")):
        with pytest.raises(QueryError, match="Nothing is wanted in this query"):
            shelf.library.search(query)


def test_without_a_bridge_it_says_how_to_make_one(tmp_path: Path, media: Path) -> None:
    with Library.open(tmp_path / "pair", models=pair_model_set(None)) as library:
        for path in sorted(media.iterdir()):
            library.add(path)
        with pytest.raises(QueryError, match=r"no bridge between .* anyseek models fit-bridge"):
            library.search(media / "red.png", kinds=["audio"])
        # Where some kinds can be reached, these are answered and the others left out.
        hits = library.search(media / "red.png", k=20)
        assert {hit.kind for hit in hits} == {Kind.IMAGE, Kind.TEXT}
        either = Query(media / "red.png") | Query("low")
        assert {hit.kind for hit in library.search(either, k=20)} == {
            Kind.IMAGE,
            Kind.TEXT,
            Kind.AUDIO,
        }


def test_a_kind_has_the_moments_that_its_media_give() -> None:
    assert MOMENTS_OF[Kind.VIDEO] == {Modality.IMAGE, Modality.AUDIO}
    assert set(MOMENTS_OF) == set(Kind)


@pytest.fixture(scope="module")
def bare() -> Any:
    """A search that only groups; it has a catalog that knows contents 0 to 9."""

    class Owners:
        def owners(self, content_ids: Sequence[int], _: Filter) -> dict[int, list[object]]:
            from retrieval.catalog.files import Owner

            return {
                c: [Owner(c, Path(f"/{c}"), Kind.TEXT, False, {}, ())] for c in content_ids if c % 3
            }

    class Moments:
        def get(self, ids: Sequence[int]) -> dict[int, tuple[int, Moment]]:
            return {i: (0, Moment(Modality.TEXT, id=i)) for i in ids if i != NO_MOMENT}

    class Catalog:
        files = Owners()
        moments = Moments()

    return Catalog()


CANDIDATES = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from([-1.0, 0.0, 0.5, 2.0]), st.floats(-1, 1)),
    max_size=30,
)


@given(CANDIDATES, st.integers(1, 12))
def test_grouping_against_the_plain_rule(
    bare: Any, drawn: list[tuple[int, float, float]], k: int
) -> None:
    """A file by its best moment; files by these; those of no file that passes are left out."""
    contents, evidence, cosines = (
        np.array(column) for column in (zip(*drawn, strict=True) if drawn else ([], [], []))
    )
    candidates = Candidates(
        contents.astype(np.int64),
        1 + np.arange(len(drawn)),
        evidence,
        np.full(len(drawn), 0.5),
        cosines,
    )
    hits = grouped(bare, candidates, k, Filter())

    def rank(n: int) -> tuple[float, float, int]:
        return -drawn[n][1], -drawn[n][2], n

    best: dict[int, list[int]] = {}
    for n in sorted(range(len(drawn)), key=rank):
        if drawn[n][0] % 3:
            best.setdefault(drawn[n][0], []).append(n)
    expected = [
        (content, members[0], members[1 : ALSO + 1]) for content, members in list(best.items())[:k]
    ]
    found = [
        (hit.file_id, (hit.moment.id or 0) - 1, [(m.moment.id or 0) - 1 for m in hit.also])
        for hit in hits
    ]
    assert found == expected


def test_a_file_without_moments_is_shown_by_its_kind(bare: Any) -> None:
    one, none = np.array([1]), np.array([NO_MOMENT])
    (hit,) = grouped(
        bare, Candidates.said(one, none, np.array([2.0]), np.array([0.7])), 3, Filter()
    )
    assert (hit.moment, hit.score) == (Moment(Modality.TEXT), 0.7)
    assert np.isnan(hit.cosine)
    assert grouped(bare, Candidates.joined([]), 3, Filter()) == []


def test_spaces_that_share_nothing_give_nothing_to_look_with(tmp_path: Path) -> None:
    with Library.open(tmp_path / "pair", models=pair_model_set(None)) as library:
        from retrieval.terms import embed_term

        (term,) = Query("red low").terms
        embedded = embed_term(term, library.space, library.catalog)
        looked_with = library.searcher._queries(
            library.searcher.scoring, [[embedded]], Modality.AUDIO
        )
        assert set(looked_with) == {"heard"}
        np.testing.assert_allclose(np.linalg.norm(looked_with["heard"], axis=1), 1, atol=1e-6)
        assert set(
            library.searcher._queries(library.searcher.scoring, [[embedded]], Modality.IMAGE)
        ) == {"seen"}


def test_the_world_of_two_spaces_is_what_it_says() -> None:
    """The data that bridges and scores are tested on: pairs are near, others are not."""
    world = TwoSpaces.make()
    seen, heard, which = world.captions(per_thing=2)
    assert seen.shape == (120, 40)
    assert heard.shape == (120, 32)
    cosines = seen @ seen.T
    same = np.equal.outer(which, which) & ~np.eye(120, dtype=bool)
    assert cosines[same].mean() > cosines[~same & ~np.eye(120, dtype=bool)].mean() + 0.1


def test_no_more_searches_run_at_once_than_there_are_cores(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More would only take the interpreter's lock from one another; all are answered."""
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    shelf.put("a", shelf.rows(1))
    running: list[int] = []
    most: list[int] = []
    searcher = shelf.library.searcher
    answer = searcher.answer

    def slow(*wanted: Any) -> list[Hit]:
        running.append(1)
        most.append(len(running))
        time.sleep(0.02)
        running.pop()
        return answer(*wanted)

    monkeypatch.setattr(searcher, "answer", slow)
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: shelf.library.search("anything"), range(12)))
    assert max(most) == 2
    assert all(found)


def test_a_score_does_not_depend_on_what_a_filter_lets_through(shelf: Shelf) -> None:
    """Whether a moment stands out is seen against the whole library."""
    for n in range(150):
        shelf.put(f"{'red' if n % 3 else 'blue'}/{n}.txt", shelf.rows(1))
    query = unit_rows(shelf.rng.standard_normal((1, 4)))[0]
    everywhere = {hit.path: hit.score for hit in shelf.library.search(query, k=150)}
    assert len(everywhere) == 150
    for k in (1, 5, 50):
        for hit in shelf.library.search(query, k=k, under="/disk/blue"):
            assert hit.score == pytest.approx(everywhere[hit.path], rel=1e-9)
