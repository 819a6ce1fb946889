"""How well moments answer the terms of a query, as evidence that is comparable everywhere."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from retrieval.calibration import TAIL, even, score, standing_out
from retrieval.cohort import Cohorts, usual_where_unknown
from retrieval.hubness import LEAST_MOMENTS
from retrieval.vectors import mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from retrieval.catalog.catalog import Catalog
    from retrieval.cohort import Cohort
    from retrieval.index_cache import IndexCache
    from retrieval.moment_table import KnownMoments
    from retrieval.records import Modality
    from retrieval.space import Blocks, JointSpace
    from retrieval.terms import EmbeddedTerm
    from retrieval.vectors import Vector, Vectors

Floats = npt.NDArray[np.float64]

UNWANTED = 0.75
"""How much of the evidence for an unwanted term is taken off; see benchmarks/composed.py."""

MOST_EVIDENCE = 500.0
"""More would be a chance of no match below what a float can hold."""


@dataclass(frozen=True, slots=True)
class Scored:
    """How well some moments answer something."""

    evidence: Floats
    """`(n,)` log-likelihood ratios of match against no match."""
    cosines: Floats
    """`(n,)` what they were made from, as it was."""


class Scoring:
    """Scores moments of one library."""

    def __init__(
        self,
        catalog: Catalog,
        space: JointSpace,
        indexes: IndexCache,
        fixed: Mapping[Modality, Cohort] | None = None,
        change: int | None = None,
    ) -> None:
        """Score against cohorts that follow the library, or against fixed ones of a change."""
        self._catalog = catalog
        self._space = space
        self._indexes = indexes
        self._cohorts = Cohorts(catalog, space, indexes)
        self._fixed = fixed
        self._change = change

    def as_of(self, change: int) -> Scoring:
        """The same for one query, which sees one state and does not ask for changes each time."""
        drawn = self._cohorts.drawn(change=change) if self._fixed is None else self._fixed
        return Scoring(self._catalog, self._space, self._indexes, drawn, change)

    def means(self, space: str, modality: Modality) -> Vector | None:
        """What the moments of a modality have in common, for bridges."""
        cohort = self._drawn()[modality]
        return self._space.adapted_mean(space, modality, cohort.means.get(space), cohort.counted)

    def _drawn(self) -> Mapping[Modality, Cohort]:
        return self._cohorts.drawn() if self._fixed is None else self._fixed

    def points(self, evidence: Floats) -> Floats:
        """Evidence `(n,)` as scores in 0..1 for a library of this size."""
        return score(evidence, self._moments)

    @property
    def even(self) -> float:
        """The evidence at which a match is as probable as none."""
        return even(self._moments)

    @property
    def _moments(self) -> int:
        return sum(cohort.different for cohort in self._drawn().values())

    def score(
        self,
        terms: Sequence[EmbeddedTerm],
        target: Modality,
        moments: KnownMoments,
    ) -> Scored:
        """All terms together, by vectors and by what the words of the terms say.

        Args:
            terms: At least one is wanted, and all can be compared with the target.
            target: Modality of the moments.
            moments: What is scored, `(n,)`; among them the `TAIL` of the whole library that are
                nearest to each wanted term, so that it shows which stand out.
        """
        rows = {
            space: self._indexes.get(space, target, self._change).vectors(moments.ids)
            for space in self._space.spaces_of(target)
        }
        hubs = self._hubs(target, moments)
        each = [self._term(t, target, rows, hubs, listed=t.weight > 0) for t in terms]
        for i, words in enumerate(term.words for term in terms):
            if words:
                said = words.added(each[i].evidence, moments.ids, moments.content_ids, self.even)
                each[i] = replace(each[i], evidence=said)
        return _combined(terms, each)

    def score_rows(
        self,
        terms: Sequence[EmbeddedTerm],
        target: Modality,
        rows: Mapping[str, Vectors],
        hubs: Mapping[str, Floats] | None = None,
    ) -> Scored:
        """All terms together, for rows that need not be in the library.

        Args:
            terms: At least one is wanted, and all can be compared with the target.
            target: Modality of the rows.
            rows: Space to `(n, dim)`.
            hubs: Space to hub values `(n,)`; nothing is taken off without them.
        """
        return _combined(terms, [self._term(term, target, rows, hubs or {}) for term in terms])

    def _term(
        self,
        term: EmbeddedTerm,
        target: Modality,
        rows: Mapping[str, Vectors],
        hubs: Mapping[str, Floats],
        *,
        listed: bool = False,
    ) -> Scored:
        """One term; one with several modalities (a video) counts by the one that fits best.

        With `listed` the rows hold the term's nearest, and what stands out of those gains by it.
        """
        each = [
            self._block(modality, blocks, target, rows, hubs)
            for modality, blocks in term.blocks.items()
            if self._space.meets(modality, target)
        ]
        return either([_raised(scored) for scored in each] if listed else each)

    def _block(
        self,
        query: Modality,
        blocks: Blocks,
        target: Modality,
        rows: Mapping[str, Vectors],
        hubs: Mapping[str, Floats],
    ) -> Scored:
        space, cohort = self._space, self._drawn()[target]
        scale = space.calibration.scale(query, target)
        cosines = space.cosines(query, blocks, target, rows, self.means)
        around = space.cosines(query, blocks, target, cohort.vectors, self.means)
        shared = space.shared(query, target)
        held_back, held_back_around = (
            scale.hub_weight * mean([values[s] - cohort.usual_hub[s] for s in shared])
            if shared and hubs and scale.hub_weight
            else 0.0
            for values in (hubs, cohort.hubs)
        )
        background = scale.background(around - held_back_around)
        return Scored(scale.evidence(cosines - held_back, background), cosines)

    def _hubs(self, target: Modality, moments: KnownMoments) -> dict[str, Floats]:
        """Hub values of moments, space to `(n,)`; none where the library is too small for them."""
        if self._drawn()[target].total < LEAST_MOMENTS:
            return {}
        spaces = self._space.spaces_of(target)
        return {space: usual_where_unknown(moments.hubs[space]) for space in spaces}


def _raised(scored: Scored) -> Scored:
    """With what is gained by standing out of the `TAIL` highest cosines."""
    cosines = scored.cosines
    nearest = np.partition(cosines, -TAIL)[-TAIL:] if len(cosines) > TAIL else cosines
    return Scored(scored.evidence + standing_out(cosines, nearest), cosines)


def _combined(terms: Sequence[EmbeddedTerm], each: Sequence[Scored]) -> Scored:
    weighted = [(term.weight, scored) for term, scored in zip(terms, each, strict=True)]
    wanted = [(weight, scored) for weight, scored in weighted if weight > 0]
    unwanted = [(-weight, scored) for weight, scored in weighted if weight < 0]
    return without(together(wanted), unwanted)


def together(wanted: Sequence[tuple[float, Scored]]) -> Scored:
    """Weighted terms that are all wanted in one moment.

    The weighted geometric mean of the probabilities that each term matches: a moment that has
    nothing of one term is not saved by having much of another, as it would be by a sum. Compared
    with other ways in benchmarks/composed.py; that a product wins was found by i-CIR.
    """
    total = sum(weight for weight, _ in wanted)
    shares = [(weight / total, scored) for weight, scored in wanted]
    if len(shares) == 1:
        return shares[0][1]
    matching = np.sum(
        [share * -np.logaddexp(0.0, -np.minimum(s.evidence, MOST_EVIDENCE)) for share, s in shares],
        axis=0,
    )
    return Scored(
        matching - np.log(-np.expm1(matching)),  # logit of a probability given by its logarithm
        np.sum([share * scored.cosines for share, scored in shares], axis=0),
    )


def without(wanted: Scored, unwanted: Sequence[tuple[float, Scored]]) -> Scored:
    """What is wanted, held back by the unwanted term that matches most."""
    if not unwanted:
        return wanted
    matched = np.max([w * np.maximum(s.evidence, 0.0) for w, s in unwanted], axis=0)
    return Scored(wanted.evidence - UNWANTED * matched, wanted.cosines)


def either(alternatives: Sequence[Scored]) -> Scored:
    """For each moment the alternative that fits it best."""
    if len(alternatives) == 1:
        return alternatives[0]
    evidence = np.stack([scored.evidence for scored in alternatives])
    best = evidence.argmax(axis=0)[None, :]
    cosines = np.stack([scored.cosines for scored in alternatives])
    return Scored(
        np.take_along_axis(evidence, best, 0)[0],
        np.take_along_axis(cosines, best, 0)[0],
    )
