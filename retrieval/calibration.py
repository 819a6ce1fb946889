"""From cosines to scores that mean the same for words, pictures and sounds.

Cosines of different directions live on different scales: a text and its paraphrase may have 0.8, a
text and its picture 0.3. So every list of cosines is seen against its *background*: the cosines of
the same query with a cohort of the library's moments of that modality, most of which have nothing
to do with it (cohort normalisation, known as z-norm from speaker verification). In a small library
the background leans on what the model set is known to do. The standardised cosine is then turned
into the log-likelihood ratio of "match" against "no match". A moment that stands out of its own
list, higher than chance matches of that very query reach in a library of that size, gains by that.
What comes of it is a score in 0..1: how probable a match is. The same evidence scores lower in a
large library, where more moments compete to be the best by chance.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from math import sqrt
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

RIVALS = 300
"""Up to so many moments, no two of them copies, each is a rival of a match."""

RIVALS_BEYOND = 0.2
"""Beyond that to this power, as large libraries repeat themselves; benchmarks/standing_out.py."""

TAIL = 100
"""The tail of a query's list: so many of the moments nearest to it."""

LEAST_TAIL = 50
"""So many different ones at least; a shorter list has no tail, and nothing stands out of it."""

CENSORED = 0.1
"""Of the tail so many best may be matches: that they are above the rest counts, not how far."""

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

    def moved(self, evidence: float) -> Scale:
        """The same with so much more evidence for all."""
        return replace(self, bias=self.bias + evidence)

    def background(self, cohort: Floats) -> Background:
        """The background of a query from its cosines `(n,)` with a cohort; n may be 0.

        Centre and spread come from the median and the lower half, so that matches in the cohort,
        which lie at its upper end, hardly move them.
        """
        n = len(cohort)
        if not n:
            return Background(self.usual_centre, self.usual_spread)
        ordered = np.sort(cohort)
        median = _middle(ordered)
        own = _lower_spread(ordered) ** 2
        share = n / (n + self.prior)
        centre = share * median + (1 - share) * self.usual_centre
        variance = share * own + (1 - share) * self.usual_spread**2
        return Background(centre, max(sqrt(variance), LEAST_SPREAD))

    def evidence(self, cosines: Floats, background: Background) -> Floats:
        """The log-likelihood ratio of match against no match, `(n,)`, natural logarithm."""
        against_own = (cosines - background.centre) / background.spread
        against_usual = (cosines - self.usual_centre) / self.usual_spread
        return self.bias + self.slope * against_own + self.steady_slope * against_usual


def lower_spread(values: Floats) -> float:
    """Standard deviation of values `(n,)`, n > 0, judged by the lower half of them alone."""
    return _lower_spread(np.sort(values))


def _lower_spread(ordered: Floats) -> float:
    lower = ordered[: (len(ordered) + 1) // 2]
    return sqrt(((lower - _middle(ordered)) ** 2).mean())


def _middle(ordered: Floats) -> float:
    """The median; of values that are in order already it takes a tenth of the time."""
    half = len(ordered) // 2
    return float(ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2)


def standing_out(cosines: Floats, nearest: Floats) -> Floats:
    """Evidence that moments gain by standing out of the list that they are found in.

    Above a high enough threshold u the cosines of chance matches thin out exponentially (peaks over
    threshold; Pickands, 1975). So of a list of which m are above u, by b on average,

        E(x) = m exp(-(x - u) / b)

    are expected at x or above by chance: the expect value of Karlin and Altschul (1990), which
    grows with the list. A match is one more than those, so it is seen (E + 1) / E times as readily,
    and the logarithm of that is gained: nothing where chance explains what is seen, -log E where it
    does not. That nothing is lost matters: of a list that is all matches none stands out.

    b is the maximum likelihood under censoring (Epstein and Sobel, 1953), so that matches above a
    tail hardly lengthen it. Equal cosines, as copies have, count once.

    Args:
        cosines: Of the moments, `(n,)`.
        nearest: The highest of the whole list, in any order, `(m,)`; `TAIL` of them, or all.

    Returns:
        `(n,)`, 0 or above, and never less for a higher cosine.
    """
    tail = np.unique(nearest.round(6))
    if len(tail) < LEAST_TAIL:
        return np.zeros(len(cosines))
    censored = round(CENSORED * len(tail))
    excess = np.minimum(tail, tail[-censored - 1]) - tail[0]
    unit = max(float(excess.sum()) / (len(tail) - censored), LEAST_SPREAD)
    gained: Floats = np.logaddexp(0.0, (cosines - tail[0]) / unit - np.log(len(tail)))
    return gained


def score(evidence: Floats, moments: int = 1) -> Floats:
    """Evidence as a score in 0..1: how probable a match is in a library of `moments`."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * (evidence - even(moments)))), dtype=np.float64)


def even(moments: int) -> float:
    """The evidence at which a match is as probable as none, among `moments` that are no copies."""
    near, far = min(max(moments, 1), RIVALS), max(moments / RIVALS, 1.0)
    return float(np.log(near) + RIVALS_BEYOND * np.log(far))


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
