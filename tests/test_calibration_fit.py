"""Fitting a scale: it finds what the data were made from."""

from __future__ import annotations

import numpy as np
import pytest

from retrieval.calibration import score
from retrieval.calibration_fit import Judged, fit_scale


def judged(seed: int, n: int, apart: float = 4.0, wander: float = 0.0) -> Judged:
    """Cosines of background N(0.2 + wander, 0.05) and matches `apart` spreads above it."""
    rng = np.random.default_rng(seed)
    middle = 0.2 + rng.normal(0, wander) if wander else 0.2
    matches = np.arange(n) < n // 4
    found = rng.normal(middle, 0.05, n) + 0.05 * apart * matches
    return Judged(rng.normal(middle, 0.05, 100), found, matches)


def test_the_score_is_the_probability_of_a_match() -> None:
    scale = fit_scale([judged(seed, 80) for seed in range(60)])
    assert scale.usual_centre == pytest.approx(0.2, abs=0.01)
    assert scale.usual_spread == pytest.approx(0.05, rel=0.1)
    # Two normal densities of equal width, 4 spreads apart: they cross half way, evidence rises by
    # 4 for each spread.
    background = scale.background(np.random.default_rng(9).normal(0.2, 0.05, 5000))
    evidence = scale.evidence(np.array([0.25, 0.30, 0.35]), background)
    np.testing.assert_allclose(evidence, [-4, 0, 4], atol=0.8)
    test = [judged(seed, 80) for seed in range(1000, 1100)]
    points = np.concatenate(
        [score(scale.evidence(q.cosines, scale.background(q.cohort))) for q in test]
    )
    truth = np.concatenate([q.matches for q in test])
    weight = np.where(truth, 0.5 / truth.sum(), 0.5 / (~truth).sum())
    for low, high in ((0.0, 0.2), (0.2, 0.8), (0.8, 1.0)):
        here = (points >= low) & (points <= high)
        share = np.average(truth[here], weights=weight[here])
        assert share == pytest.approx(np.average(points[here], weights=weight[here]), abs=0.12)


def test_it_trusts_the_query_where_backgrounds_wander() -> None:
    wandering = fit_scale([judged(seed, 80, wander=0.2) for seed in range(60)])
    assert wandering.slope > 10 * abs(wandering.steady_slope)


def test_it_trusts_the_model_set_where_cohorts_tell_nothing() -> None:
    rng = np.random.default_rng(5)
    # Whole libraries of matches: the cohort is what the query finds.
    everything = [
        Judged(c := rng.normal(0.4, 0.05, 50), c, np.ones(50, dtype=bool)) for _ in range(20)
    ]
    nothing = [
        Judged(c := rng.normal(0.2, 0.05, 50), c, np.zeros(50, dtype=bool)) for _ in range(20)
    ]
    scale = fit_scale(everything + nothing)
    assert scale.steady_slope > 10 * abs(scale.slope)
    background = scale.background(everything[0].cohort)
    assert np.median(score(scale.evidence(everything[0].cosines, background))) > 0.8


def test_slopes_are_never_negative() -> None:
    upside_down = judged(1, 80, apart=-4.0)
    scale = fit_scale([upside_down])
    assert scale.slope == 0.0
    assert scale.steady_slope == 0.0


def test_perfectly_apart_stays_finite() -> None:
    scale = fit_scale([judged(seed, 40, apart=60.0) for seed in range(5)])
    assert np.isfinite([scale.bias, scale.slope, scale.steady_slope]).all()
    assert 0 < scale.slope < 100


@pytest.mark.parametrize("all_match", [True, False])
def test_both_sides_are_needed(all_match: bool) -> None:
    one_side = Judged(np.zeros(3), np.zeros(3), np.full(3, all_match))
    with pytest.raises(ValueError, match="needs matches and others"):
        fit_scale([one_side])
