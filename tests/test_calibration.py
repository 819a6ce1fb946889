"""Scores: against a background, comparable, monotone, readable from a file."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.calibration import (
    LEAST_TAIL,
    TAIL,
    Background,
    Calibration,
    Scale,
    even,
    score,
    standing_out,
)
from retrieval.encoders.model_set import load_model_set
from retrieval.errors import ModelError
from retrieval.records import Modality
from retrieval.space import JointSpace

cosines = st.lists(st.floats(-1, 1), min_size=0, max_size=40).map(np.array)


def test_no_moments_mean_the_usual_background() -> None:
    scale = Scale(usual_centre=0.3, usual_spread=0.05)
    assert scale.background(np.empty(0)) == Background(0.3, 0.05)


def test_many_moments_outweigh_the_usual_background() -> None:
    rng = np.random.default_rng(0)
    scale = Scale(usual_centre=0.3, usual_spread=0.05, prior=8)
    few = scale.background(rng.normal(0.7, 0.1, 4))
    many = scale.background(rng.normal(0.7, 0.1, 20_000))
    assert many.centre == pytest.approx(0.7, abs=0.005)
    assert many.spread == pytest.approx(0.1, rel=0.05)
    assert 0.3 < few.centre < 0.6


def test_matches_in_the_cohort_hardly_move_the_background() -> None:
    rng = np.random.default_rng(1)
    others = rng.normal(0.2, 0.05, 180)
    clean = Scale().background(others)
    mixed = Scale().background(np.concatenate([others, rng.normal(0.9, 0.02, 60)]))
    assert abs(mixed.centre - clean.centre) < 0.5 * clean.spread
    assert mixed.spread < 1.5 * clean.spread
    naive = np.concatenate([others, np.full(60, 0.9)])
    assert naive.std() > 4 * clean.spread


@given(cosines, cosines)
def test_a_higher_cosine_is_never_a_lower_score(cohort: np.ndarray, found: np.ndarray) -> None:
    scale = Scale(slope=1.5, steady_slope=0.3)
    found = np.sort(found)
    points = score(scale.evidence(found, scale.background(cohort)))
    assert (np.diff(points) >= 0).all()
    assert ((points >= 0) & (points <= 1)).all()


@given(cosines, st.floats(0.1, 10), st.floats(-0.5, 0.5))
def test_another_scale_of_cosines_gives_the_same_evidence(
    cohort: np.ndarray, stretch: float, shift: float
) -> None:
    scale = Scale(slope=1.5, steady_slope=0.3)
    other = Scale(
        usual_centre=scale.usual_centre * stretch + shift,
        usual_spread=scale.usual_spread * stretch,
        slope=1.5,
        steady_slope=0.3,
    )
    found = np.linspace(-1, 1, 7)
    background = scale.background(cohort)
    moved = other.background(cohort * stretch + shift)
    if background.spread > 0.02:
        np.testing.assert_allclose(
            scale.evidence(found, background),
            other.evidence(found * stretch + shift, moved),
            rtol=1e-6,
            atol=1e-6,
        )


def test_equal_cosines_do_not_divide_by_zero() -> None:
    scale = Scale(prior=0.0)
    evidence = scale.evidence(np.array([0.5]), scale.background(np.full(300, 0.5)))
    assert np.isfinite(evidence).all()


def test_even_evidence_is_half() -> None:
    np.testing.assert_allclose(score(np.array([0.0])), [0.5])
    np.testing.assert_allclose(score(np.array([np.log(3)])), [0.75])
    assert score(np.array([-1e4, 1e4])).tolist() == [0.0, 1.0]


def test_by_default_matches_lie_three_spreads_above() -> None:
    scale = Scale()
    background = Background(0.2, 0.1)
    # Where two normal densities of equal spread, three spreads apart, cross and are.
    evidence = scale.evidence(np.array([0.2, 0.35, 0.5]), background)
    np.testing.assert_allclose(evidence, [-4.5, 0.0, 4.5], atol=1e-9)


@pytest.mark.parametrize("n", [1, 10, 100])
def test_one_match_among_all_is_expected(n: int) -> None:
    """Evidence of ln n makes even odds: n times as likely as a rival, among n."""
    np.testing.assert_allclose(score(np.log([float(n)]), n), [0.5])


def test_a_larger_library_asks_for_more_evidence() -> None:
    points = [float(score(np.array([5.0]), n)[0]) for n in (0, 1, 10, 300, 301, 1000, 100_000)]
    assert points[0] == points[1]
    assert (np.diff(points[1:]) < 0).all()
    np.testing.assert_allclose(even(30_000) - even(300), np.log(100) / 5)


def listed(rng: np.random.Generator, n: int, unit: float = 0.7) -> np.ndarray:
    """The best of n chance matches, which thin out exponentially; best first."""
    return np.sort(rng.exponential(unit, n) - 5)[::-1][:TAIL]


@pytest.mark.parametrize("n", [60, 100, 1000, 10_000, 100_000])
def test_chance_seldom_stands_out_in_a_list_of_any_length(n: int) -> None:
    """The best of chance matches is distributed as Gumbel has it, whatever the length."""
    rng = np.random.default_rng(n)
    gained = np.array([standing_out(b := listed(rng, n), b)[0] for _ in range(2000)])
    for level in (1.0, 2.0, 3.0):
        surprise = np.log(np.expm1(level))
        expected = -np.expm1(-np.exp(-surprise))  # exact for a known unit
        assert expected / 2 < (gained > level).mean() < 2 * expected


@pytest.mark.parametrize("n", [1000, 10_000, 100_000])
def test_what_stands_out_gains_as_much_as_chance_is_unlikely(n: int) -> None:
    """A match where E chance matches are expected gains log(1 + 1/E)."""
    rng = np.random.default_rng(n)
    for expected in (1e-3, 1e-6):
        there = 0.7 * np.log(n / expected) - 5  # of n, so many are as high
        gains = []
        for _ in range(50):
            best = np.concatenate([[there], listed(rng, n - 1)[:-1]])
            gains.append(standing_out(best, best)[0])
        assert np.median(gains) == pytest.approx(np.log1p(1 / expected), rel=0.15)


def test_a_few_matches_do_not_hide_each_other() -> None:
    rng = np.random.default_rng(3)
    others = listed(rng, 10_000)
    one = np.append(others[:-1], others[0] + 5.0)
    eight = np.append(others[:-8], others[0] + 5.0 + np.arange(8) / 10)
    alone, among = (standing_out(np.array([others[0] + 5.0]), best)[0] for best in (one, eight))
    assert alone > 4
    assert among > 0.6 * alone


@given(
    st.lists(st.floats(-1, 1), min_size=0, max_size=130).map(np.array),
    st.lists(st.floats(-1, 1), min_size=0, max_size=40).map(np.array),
)
def test_standing_out_is_finite_and_never_less_for_more(
    nearest: np.ndarray, found: np.ndarray
) -> None:
    gained = standing_out(np.sort(found), nearest)
    assert gained.shape == found.shape
    assert np.isfinite(gained).all()
    assert (gained >= 0).all()
    assert (np.diff(gained) >= 0).all()


@pytest.mark.parametrize("n", [0, 1, 2, LEAST_TAIL - 1])
def test_short_lists_have_no_tail(n: int) -> None:
    found = np.linspace(-1, 1, n)
    assert standing_out(found, found).tolist() == [0.0] * n


def test_nothing_stands_out_of_copies_of_one_thing() -> None:
    copies = np.full(TAIL, 0.3)
    assert standing_out(np.array([0.3, 0.9]), copies).tolist() == [0.0, 0.0]
    near = 0.3 + np.linspace(0, 1e-3, TAIL)
    assert standing_out(np.array([0.302]), near)[0] < 0.1


def test_order_of_the_list_and_place_of_the_zero_do_not_matter() -> None:
    rng = np.random.default_rng(8)
    nearest = listed(rng, 5000)
    found = nearest[:20]
    gained = standing_out(found, nearest)
    assert (standing_out(found, rng.permutation(nearest)) == gained).all()
    np.testing.assert_allclose(standing_out(found + 7, nearest + 7), gained, atol=1e-4)
    np.testing.assert_allclose(standing_out(3 * found, 3 * nearest), gained, atol=1e-4)


def test_the_file_holds_everything(tmp_path: Path) -> None:
    fitted = Calibration(
        {(Modality.TEXT, Modality.AUDIO): Scale(0.1, 0.2, -4.0, 2.0, 0.5, 16.0, 0.75)},
        level=0.625,
        source="a generated world",
        fingerprint="abc",
    )
    fitted.save(tmp_path / "calibration.json")
    assert Calibration.load(tmp_path / "calibration.json") == fitted
    assert fitted.scale(Modality.TEXT, Modality.AUDIO).hub_weight == 0.75
    assert fitted.scale(Modality.AUDIO, Modality.TEXT) == Scale()


@pytest.mark.parametrize(
    "text", ["", "[]", '{"level": 1}', '{"source":"","level":0.5,"scales":{"text->smell":{}}}']
)
def test_a_damaged_file_says_what_to_do(tmp_path: Path, text: str) -> None:
    path = tmp_path / "calibration.json"
    path.write_text(text)
    with pytest.raises(ModelError, match="Pull the model set again"):
        Calibration.load(path)


def test_mini_is_calibrated_for_the_weights_that_it_ships() -> None:
    """If this fails, the weights are new: python benchmarks/calibration.py fit mini."""
    space = JointSpace(load_model_set("mini"))
    assert space.calibration.fingerprint == space.model_set.fingerprint
    assert set(space.calibration.scales) == set(product(Modality, Modality))
