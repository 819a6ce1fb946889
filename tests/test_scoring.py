"""Terms together, without and either: pure functions; and scores in libraries small and large."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval import Library, Query
from retrieval.calibration import Calibration, Scale, score
from retrieval.catalog.new_content import EncodedMoment, FileState, NewContent
from retrieval.cohort import COHORT, SCRAMBLE, Cohorts, lowest_scrambled
from retrieval.encoders.fake import fake_model_set
from retrieval.records import Kind, Modality, Moment
from retrieval.scoring import Scored, either, together, without
from retrieval.space import JointSpace
from retrieval.vectors import unit_rows


def scored(*evidence: float) -> Scored:
    return Scored(np.array(evidence), np.array(evidence) / 10)


def test_one_term_is_itself() -> None:
    one = scored(1.0, -8.0)
    assert together([(0.3, one)]) is one


def test_having_one_term_does_not_make_up_for_the_other() -> None:
    # Moments: both by half, only the first, only the second.
    first, second = scored(1.0, 9.0, -6.0), scored(1.0, -6.0, 9.0)
    both = together([(1.0, first), (1.0, second)])
    assert both.evidence[0] == pytest.approx(1.0)
    assert both.evidence[1] == both.evidence[2] < -2.5
    # A plain sum would have put the one-sided moments first.
    assert (first.evidence + second.evidence).argmax() != 0


@given(st.lists(st.tuples(st.floats(0.1, 5), st.floats(-12, 12)), min_size=2, max_size=4))
def test_together_is_the_geometric_mean_of_probabilities(terms: list[tuple[float, float]]) -> None:
    both = together([(weight, scored(evidence)) for weight, evidence in terms])
    weights, evidence = (np.array(column) for column in zip(*terms, strict=True))
    expected = np.exp(np.average(np.log(score(evidence)), weights=weights))
    assert score(both.evidence)[0] == pytest.approx(expected, rel=1e-6)


def test_equal_evidence_stays_what_it_is() -> None:
    for evidence in (-200.0, -6.0, 0.0, 3.0, 40.0, 300.0):
        both = together([(1.0, scored(evidence)), (0.5, scored(evidence))])
        assert both.evidence[0] == pytest.approx(evidence, rel=1e-6, abs=1e-9)


def test_evidence_beyond_every_doubt_is_still_a_number() -> None:
    both = together([(1.0, scored(5000.0, 5000.0)), (1.0, scored(5000.0, 1.0))])
    assert np.isfinite(both.evidence).all()
    assert both.evidence[0] > both.evidence[1] > 1.0


@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=2, max_size=9))
def test_more_of_a_term_is_never_worse(rows: list[tuple[float, float]]) -> None:
    a, b = (np.array(column) for column in zip(*rows, strict=True))
    before = together([(1.0, scored(*a)), (2.0, scored(*b))]).evidence
    after = together([(1.0, scored(*(a + 1))), (2.0, scored(*b))]).evidence
    assert (after >= before - 1e-9).all()


def test_weights_are_shares() -> None:
    a, b = scored(3.0), scored(-3.0)
    equal = together([(1.0, a), (1.0, b)]).evidence[0]
    assert together([(5.0, a), (5.0, b)]).evidence[0] == pytest.approx(equal)
    assert together([(3.0, a), (1.0, b)]).evidence[0] > equal


def test_unwanted_holds_back_only_what_matches_it() -> None:
    wanted = scored(4.0, 4.0, 4.0)
    unwanted = scored(6.0, 0.0, -5.0)
    np.testing.assert_allclose(without(wanted, [(1.0, unwanted)]).evidence, [-0.5, 4.0, 4.0])
    np.testing.assert_allclose(without(wanted, [(2.0, unwanted)]).evidence, [-5.0, 4.0, 4.0])


def test_the_worst_of_the_unwanted_counts_once() -> None:
    wanted = scored(4.0)
    held = without(wanted, [(1.0, scored(6.0)), (1.0, scored(2.0))])
    np.testing.assert_allclose(held.evidence, [-0.5])


def test_either_takes_the_best_and_its_cosine() -> None:
    best = either([scored(1.0, 5.0), scored(3.0, 2.0)])
    np.testing.assert_allclose(best.evidence, [3.0, 5.0])
    np.testing.assert_allclose(best.cosines, [0.3, 0.5])


def fill(library: Library, modality: Modality, rows: np.ndarray, name: str) -> None:
    """Moments of these vectors, one a file."""
    with library.catalog.transaction() as transaction:
        root = next((r.id for r in library.catalog.roots()), None) or transaction.add_root(
            "r", "/r"
        )
        for i, row in enumerate(unit_rows(rows)):
            content = NewContent(
                f"{name}{i}", Kind(modality.value), [EncodedMoment(Moment(modality), {"fake": row})]
            )
            transaction.add(root, f"{name}{i}", FileState(1, 1), content)


def around(axis: int, n: int, spread: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((n, 4)) * spread
    rows[:, axis] += 1
    return rows


@pytest.mark.parametrize("n", [10, 60, 300])
def test_what_matches_scores_high_in_libraries_of_any_size(tmp_path: Path, n: int) -> None:
    with Library.open(tmp_path / "lib", models=fake_model_set()) as library:
        fill(library, Modality.IMAGE, around(3, n - 2, 0.15, 0), "other")
        fill(library, Modality.IMAGE, around(0, 2, 0.05, 1), "red")
        library.refresh()
        hits = library.search("red", k=3)
        assert {h.path.name for h in hits[:2]} == {"red0", "red1"}
        assert hits[1].score > 0.5 > hits[2].score
        absent = library.search("blue", k=1)
        assert absent[0].score < 0.5
        assert library.search("blue", min_score=0.5) == []


def test_copies_are_one_rival(tmp_path: Path) -> None:
    """What a few pictures score beside many copies of one text is what they score beside one."""
    scores = []
    for copies in (1, 600):
        with Library.open(tmp_path / f"lib{copies}", models=fake_model_set()) as library:
            fill(library, Modality.IMAGE, around(3, 20, 0.15, 0), "other")
            fill(library, Modality.IMAGE, around(0, 2, 0.05, 1), "red")
            fill(library, Modality.TEXT, np.tile([0.0, 0.0, 1.0, 0.2], (copies, 1)), "line")
            library.refresh()
            hits = library.search("red", k=22, kinds=["image"])
            scores.append({h.path.name: h.score for h in hits})
            assert library.search("red", k=1)[0].path.name.startswith("red")
    assert list(scores[0]) == list(scores[1])
    assert scores[0] == pytest.approx(scores[1], rel=1e-12)


def test_one_scale_for_modalities_with_other_cosines(tmp_path: Path) -> None:
    """Texts are near to every query, pictures far from all; matches of both come first."""
    rng = np.random.default_rng(4)
    gap = {Modality.TEXT: (0.6, 0.9), Modality.IMAGE: (0.0, 0.35)}
    with Library.open(tmp_path / "lib", models=fake_model_set()) as library:
        for modality, (shift, red) in gap.items():
            others = 0.05 * rng.standard_normal((60, 4)) + shift + [0, 0, 0, 0.9]
            matches = 0.02 * rng.standard_normal((5, 4)) + shift + [red, 0, 0, 0.9]
            fill(library, modality, others, f"{modality}-other")
            fill(library, modality, matches, f"{modality}-match")
        library.refresh()
        hits = library.search("red", k=130)
        calibrated = [h.path.name.split("-")[1][:5] for h in hits[:10]]
        by_cosine = sorted(hits, key=lambda h: -h.cosine)
        raw = [h.path.name.split("-")[1][:5] for h in by_cosine[:10]]
        assert calibrated == ["match"] * 10
        assert raw.count("match") < 10


def test_the_cohort_is_drawn_once_for_many_queries(
    filled: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled.search("red")
    calls = []
    draw = Cohorts._draw
    monkeypatch.setattr(Cohorts, "_draw", lambda *a: calls.append(a[1]) or draw(*a))  # type: ignore[func-returns-value]
    for _ in range(3):
        filled.search("blue")
    assert calls == []
    filled.remove(next(iter(filled.files())).path)
    filled.search("blue")
    assert calls == list(Modality)


def test_the_cohort_is_drawn_from_what_the_catalog_holds(filled: Library) -> None:
    filled.search("red")
    filled.remove(next(iter(filled.files(kinds=["image"]))).path)
    cohorts = filled.searcher.scoring._drawn()
    moments = filled.catalog.counts().moments
    for modality, cohort in cohorts.items():
        assert cohort.total == len(cohort.ids) == moments[modality]
        for space, rows in cohort.vectors.items():
            ids, stored = filled.catalog.vectors.get(space, cohort.ids)
            np.testing.assert_array_equal(ids, cohort.ids)
            np.testing.assert_array_equal(stored, rows)


def test_one_query_sees_one_state(filled: Library) -> None:
    now = filled.searcher.scoring.as_of(filled.catalog.changes())
    before = now.points(np.array([1.0]))
    filled.remove(next(iter(filled.files())).path)
    assert now.points(np.array([1.0])) == before
    assert filled.searcher.scoring.points(np.array([1.0])) > before  # with fewer rivals


def test_the_cohort_is_steady_and_bounded() -> None:
    before = lowest_scrambled(np.arange(400), COHORT)
    assert len(before) == COHORT
    assert np.ptp(before) > 350
    after = lowest_scrambled(np.arange(440), COHORT)
    assert len(np.intersect1d(before, after)) > 0.85 * COHORT


@given(st.sets(st.integers(0, 2_000_000_000), max_size=60), st.integers(1, 50))
def test_the_lowest_scrambled_are_those_that_sorting_finds(held: set[int], n: int) -> None:
    ids = np.array(sorted(held), dtype=np.int64)
    by_value = sorted(held, key=lambda i: i * SCRAMBLE % 2**32)
    np.testing.assert_array_equal(lowest_scrambled(ids, n), sorted(by_value[:n]))


def test_a_fitted_calibration_is_used(filled: Library) -> None:
    query = Query("red")
    before = filled.search(query, kinds=["image"])[0]
    surer = Calibration({(Modality.TEXT, Modality.IMAGE): Scale(bias=-30.0)})
    filled.space.calibration = surer
    after = filled.search(query, kinds=["image"])[0]
    assert after.score < before.score
    assert after.cosine == before.cosine
    assert JointSpace(fake_model_set()).calibration == Calibration()
