"""From cosines to scores that mean the same for words, pictures and sounds.

Cosines of different directions live on different scales: a text and its paraphrase may have 0.8, a
text and its picture 0.3. So every list of cosines is seen against its *background*: the cosines of
the same query with a cohort of the library's moments of that modality, most of which have nothing
to do with it (cohort normalisation, known as z-norm from speaker verification). In a small library
the background leans on what the model set is known to do. The standardised cosine is then turned
into the log-likelihood ratio of "match" against "no match", and that into a score in 0..1: how
probable a match is if one among all moments is one. So the same evidence scores lower in a large
library, where more moments compete to be the best by chance.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from retrieval.errors import ModelError
from retrieval.records import Modality

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Floats = npt.NDArray[np.float64]
Direction = tuple[Modality, Modality]
"""Modality of the query, modality of the moments."""

FILE = "calibration.json"
"""Its name in the folder of a model set."""

MOST_RIVALS = 300
"""A library's size counts up to this. In larger ones the best chance match still gets better, so
that more absent things are taken for present; docs/quality.md has how many."""

LEAST_SPREAD = 1e-3
"""Cosines closer together than this count as equal: a float32 vector is not more exact."""


@dataclass(frozen=True, slots=True)
class Background:
    """Where the cosines of a query lie with moments that have nothing to do with it."""

    centre: float
    spread: float


@dataclass(frozen=True, slots=True)
class Scale:
    """What cosines of one direction look like, and how they become a score.

    `evidence = bias + slope * (cosine - centre) / spread + steady_slope * (cosine - usual_centre) /
    usual_spread`: the first fraction is against the query's own background, the second against that
    of the model set, which alone can tell that everything in a library matches.
    """

    usual_centre: float = 0.2
    usual_spread: float = 0.1
    bias: float = -4.5
    slope: float = 3.0
    steady_slope: float = 0.0
    prior: float = 8.0
    """How many cohort moments the usual background is worth."""
    hub_weight: float = 0.0
    """How much of a moment's hub value is taken off its cosine."""

    def background(self, cohort: Floats) -> Background:
        """The background of a query from its cosines `(n,)` with a cohort; n may be 0.

        Centre and spread come from the median and the lower half, so that matches in the cohort,
        which lie at its upper end, hardly move them.
        """
        n = len(cohort)
        if not n:
            return Background(self.usual_centre, self.usual_spread)
        median = float(np.median(cohort))
        own = lower_spread(cohort) ** 2
        share = n / (n + self.prior)
        centre = share * median + (1 - share) * self.usual_centre
        variance = share * own + (1 - share) * self.usual_spread**2
        return Background(centre, max(float(np.sqrt(variance)), LEAST_SPREAD))

    def evidence(self, cosines: Floats, background: Background) -> Floats:
        """The log-likelihood ratio of match against no match, `(n,)`, natural logarithm."""
        against_own = (cosines - background.centre) / background.spread
        against_usual = (cosines - self.usual_centre) / self.usual_spread
        return self.bias + self.slope * against_own + self.steady_slope * against_usual


def lower_spread(values: Floats) -> float:
    """Standard deviation of values `(n,)`, n > 0, judged by the lower half of them alone."""
    lower = np.sort(values)[: (len(values) + 1) // 2]
    return float(np.sqrt(np.mean((lower - np.median(values)) ** 2)))


def score(evidence: Floats, moments: int = 1) -> Floats:
    """Evidence as a score in 0..1: how probable a match is, if one of `moments` is expected to be.

    More than `MOST_RIVALS` count as that many, as large libraries repeat themselves.
    """
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * (evidence - even(moments)))), dtype=np.float64)


def even(moments: int) -> float:
    """The evidence at which a match is as probable as none, if one of `moments` is expected."""
    return float(np.log(min(max(moments, 1), MOST_RIVALS)))


@dataclass(frozen=True)
class Calibration:
    """The scales of a model set."""

    scales: Mapping[Direction, Scale] = field(default_factory=dict)
    """Directions that are missing have the default scale: what is right if matches lie three
    spreads above the background and spread as it does. That is a guess, not a measurement."""
    level: float = 0.5
    """Below this score a hit is taken for no match at all."""
    source: str = "default"
    """How the scales were found."""
    fingerprint: str = ""
    """Of the model set that they were fitted for."""

    def scale(self, query: Modality, target: Modality) -> Scale:
        """The scale of a direction."""
        return self.scales.get((query, target), Scale())

    def save(self, path: Path) -> None:
        """Write as JSON."""
        scales = {f"{q}->{t}": asdict(scale) for (q, t), scale in sorted(self.scales.items())}
        about = {
            "source": self.source,
            "fingerprint": self.fingerprint,
            "level": self.level,
            "scales": scales,
        }
        path.write_text(json.dumps(about, indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> Calibration:
        """Read what `save` wrote.

        Raises:
            ModelError: the file cannot be read as such.
        """
        try:
            about = json.loads(path.read_text())
            scales = {}
            for direction, values in about["scales"].items():
                query, target = direction.split("->")
                scales[Modality(query), Modality(target)] = Scale(**values)
            source, fitted_for = str(about["source"]), str(about.get("fingerprint", ""))
            return cls(scales, float(about["level"]), source, fitted_for)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"{path} is damaged ({error}). Pull the model set again.") from error
