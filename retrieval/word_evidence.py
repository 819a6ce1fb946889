"""What words that stand somewhere say about a match, as evidence beside that of the vectors.

A file answers words in one of two ways: it is what they mean, which its vectors tell, or it is what
somebody called so, which its words tell. The evidence for either, both log-likelihood ratios, is
their sum as probabilities:

    evidence = log(exp(meaning + AGREE * coverage) + exp(calling))

A file that says nothing keeps its evidence to the last digit. One that says every word is taken for
a match (`SURE` above the level where a match is even), the more so the fewer say it, since then it
is hardly by chance; the less so the surer the vectors are that the words mean something that is
here. A file that is *named* after something else stays behind those that *are* it,
which have more evidence still. One that says some of the words loses for what it lacks.

The numbers are chosen on generated libraries by benchmarks/words.py and measured on others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from retrieval.catalog.words import snippet
from retrieval.records import Said

if TYPE_CHECKING:
    from retrieval.catalog.words import Found, Place
    from retrieval.records import Moment
    from retrieval.vectors import Ids

Floats = npt.NDArray[np.float64]

SURE = 1.5
"""Evidence above even for a file that says all words, however many others say them too."""

RARE = 0.5
"""How much the rarity of what is said counts: names mislead, so it is less than by chance alone."""

LACKING = 12.0
"""Evidence taken off for what is not said, as far as it is not."""

DENSE = 1.0
"""Evidence for a name that is nothing but what was typed."""

AGREE = 2.0
"""Evidence for what is meant by the words and says them as well."""

CHANCE = 1.0
"""Evidence above even that the best of many moments has now and then without meaning anything."""

DOUBT = 1.0
"""Evidence taken off for each unit by which the best moment is meant beyond chance: words that mean
something here are rather meant than called so."""

NUMBERED = 2.0
"""Evidence for words with a number of three figures or more, such as `IMG_2041`: nothing looks or
sounds like that, so it is not doubted either."""

MOST_DOUBT = 4.0
"""Evidence that doubt takes off at most, so that what is called so is still shown."""


@dataclass(frozen=True)
class WordEvidence:
    """What the words of one term say about the moments of a library."""

    found: Found

    def of(self, moment_id: int | None, content_id: int) -> tuple[float, float]:
        """Coverage of the words in 0..1 and evidence above even; -inf for what says nothing."""
        places = self._places(moment_id, content_id)
        if not any(places):
            return 0.0, -np.inf
        coverage = self.found.coverage(*places)
        density = max(place.density for place in places if place)
        evidence = SURE + RARE * self.found.rarity - LACKING * (1 - coverage) + DENSE * density
        return coverage, evidence + NUMBERED * self._is_numbered

    @property
    def _is_numbered(self) -> bool:
        runs = (run for word in self.found.words for run in word.runs)
        return any(token.isdigit() and len(token) >= 3 for run in runs for token in run)

    def added(self, evidence: Floats, ids: Ids, content_ids: Ids, even: float) -> Floats:
        """Evidence `(n,)` of moments by their vectors, with that of the words.

        Args:
            evidence: Of the vectors.
            ids: The moments `(n,)`.
            content_ids: Their contents `(n,)`.
            even: The evidence at which a match is as probable as none.
        """
        found = self.found
        if not found.by_content and not found.by_moment:
            return evidence
        said = np.isin(content_ids, list(found.by_content)) | np.isin(ids, list(found.by_moment))
        total = evidence.copy()
        beyond = float(evidence.max(initial=-np.inf)) - even - CHANCE
        doubt = 0.0 if self._is_numbered else min(max(DOUBT * beyond, 0.0), MOST_DOUBT)
        for n in np.flatnonzero(said).tolist():
            coverage, calling = self.of(int(ids[n]), int(content_ids[n]))
            total[n] = np.logaddexp(evidence[n] + AGREE * coverage, even + calling - doubt)
        return total

    def said(self, moment: Moment, content_id: int) -> Said | None:
        """Where most of the words stand, for people; None if they are nowhere."""
        in_file, in_passage = self._places(moment.id, content_id)
        in_name = self.found.coverage(in_file) if in_file else 0.0
        if in_passage and moment.text and in_name < self.found.coverage(in_passage):
            return Said("text", snippet(self.found.words, moment.text))
        return in_file.said if in_file else None

    def file_id(self, content_id: int) -> int | None:
        """Which of the files with this content says most of the words."""
        place = self.found.by_content.get(content_id)
        return place.file_id if place else None

    def _places(self, moment_id: int | None, content_id: int) -> tuple[Place | None, Place | None]:
        passage = self.found.by_moment.get(moment_id) if moment_id is not None else None
        return self.found.by_content.get(content_id), passage[1] if passage else None
