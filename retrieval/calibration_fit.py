"""Finding the scale of a direction from queries whose right answers are known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from retrieval.calibration import LEAST_SPREAD, Scale, lower_spread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrieval.calibration import Floats

NEWTON_STEPS = 50

RIDGE = 1e-3
"""Keeps the slopes finite where matches and others are perfectly apart."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One query's cosines with some moments, and which of them match it."""

    cohort: Floats
    """`(c,)` cosines with the cohort, as a library of some size would draw it."""
    cosines: Floats
    """`(n,)` cosines with the moments judged: the best, as no others are compared by a search."""
    matches: npt.NDArray[np.bool_]
    """`(n,)`."""
    beside: Floats | float = 0.0
    """`(n,)` what counts beside their evidence: what is gained by standing out, less `even`."""


def fit_scale(queries: Sequence[Judged], *, prior: float = 16.0, hub_weight: float = 0.0) -> Scale:
    """The scale that best tells matches from others, each side weighing the same.

    Logistic regression on the two standardised cosines of `Scale`, beside what else counts; neither
    slope is below zero, so that a higher cosine is never a lower score. What is usual is taken from
    the cohorts, in which matches are few.

    Args:
        queries: Judged queries, at cohort sizes as they occur in libraries small and large.
        prior: How many cohort moments the usual background is worth.
        hub_weight: Only stored: the cosines come with their hub values taken off.

    Raises:
        ValueError: there are no matches or nothing but matches.
    """
    labels = np.concatenate([q.matches for q in queries])
    if labels.all() or not labels.any():
        raise ValueError("a scale needs matches and others")
    around = np.concatenate([q.cohort for q in queries])
    scale = Scale(
        usual_centre=float(np.median(around)),
        usual_spread=max(lower_spread(around), LEAST_SPREAD),
        prior=prior,
        hub_weight=hub_weight,
    )
    own, usual = (replace(scale, bias=0.0, slope=s, steady_slope=1.0 - s) for s in (1.0, 0.0))
    features = np.concatenate(
        [
            np.column_stack(
                [s.evidence(q.cosines, scale.background(q.cohort)) for s in (own, usual)]
            )
            for q in queries
        ]
    )
    beside = np.concatenate([np.broadcast_to(q.beside, q.cosines.shape) for q in queries])
    bias, slopes = _logistic(features, labels, beside)
    return replace(scale, bias=bias, slope=float(slopes[0]), steady_slope=float(slopes[1]))


def _logistic(
    features: Floats, labels: npt.NDArray[np.bool_], beside: Floats
) -> tuple[float, Floats]:
    """Bias and slopes, none below zero; both classes have the same total weight."""
    used = np.ones(features.shape[1], dtype=bool)
    while True:
        bias, fitted = _newton(features[:, used], labels, beside)
        slopes = np.zeros(features.shape[1])
        slopes[used] = fitted
        if (slopes >= 0).all():
            return bias, slopes
        used &= slopes > 0


def _newton(
    features: Floats, labels: npt.NDArray[np.bool_], beside: Floats
) -> tuple[float, Floats]:
    design = np.column_stack([np.ones(len(features)), features])
    weights = np.where(labels, 0.5 / labels.sum(), 0.5 / (~labels).sum())
    ridge = RIDGE * np.eye(design.shape[1])
    ridge[0, 0] = 0
    solution = np.zeros(design.shape[1])
    for _ in range(NEWTON_STEPS):
        probability = 0.5 * (1 + np.tanh(0.5 * (design @ solution + beside)))
        slope = design.T @ (weights * (probability - labels)) + ridge @ solution
        curve = design.T @ (design * (weights * probability * (1 - probability))[:, None]) + ridge
        step = np.linalg.solve(curve + 1e-12 * np.eye(len(curve)), slope)
        # A full step can overshoot where the classes are far apart; half a unit of evidence at a
        # typical moment is always safe.
        step *= min(1.0, 2.0 / (np.abs(step).max() + 1e-12))
        solution = solution - step
        if np.abs(step).max() < 1e-9:
            break
    return float(solution[0]), solution[1:]
