"""From moments that may answer to hits: one for each content, by its best moment."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, islice
from math import isnan, nan
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from retrieval.records import Hit, Kind, Modality, Moment, ScoredMoment

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from retrieval.catalog.catalog import Catalog
    from retrieval.catalog.files import Owner
    from retrieval.catalog.filter import Filter
    from retrieval.records import Said
    from retrieval.vectors import Ids
    from retrieval.word_evidence import WordEvidence

Floats = npt.NDArray[np.float64]

ALSO = 5
"""Most further moments shown with a hit."""

LEAST_LOOK = 10
"""Contents of which the files are looked up at once, at least: not of all candidates."""

NO_MOMENT = 0
"""Stands for the moment of a file that has none, such as a silent recording."""

Match = tuple[Moment, float, float]
"""A moment of a content, with its score and its cosine."""

FIRST_MODALITY = {
    Kind.TEXT: Modality.TEXT,
    Kind.IMAGE: Modality.IMAGE,
    Kind.AUDIO: Modality.AUDIO,
    Kind.VIDEO: Modality.IMAGE,
}
"""What is shown for it then."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Moments that may answer, before they are grouped into files; `(n,)` each."""

    content_ids: Ids
    moment_ids: Ids
    evidence: Floats
    scores: Floats
    cosines: Floats
    """NaN where there is none."""

    @classmethod
    def said(cls, content_ids: Ids, moment_ids: Ids, evidence: Floats, scores: Floats) -> Self:
        """Moments of which words alone are known."""
        return cls(content_ids, moment_ids, evidence, scores, np.full(len(evidence), np.nan))

    @classmethod
    def joined(cls, several: Iterable[Candidates]) -> Self:
        """All of several."""
        none = np.empty(0, np.int64)
        held: list[Candidates] = [cls.said(none, none, np.empty(0), np.empty(0)), *several]
        return cls(
            np.concatenate([each.content_ids for each in held]),
            np.concatenate([each.moment_ids for each in held]),
            np.concatenate([each.evidence for each in held]),
            np.concatenate([each.scores for each in held]),
            np.concatenate([each.cosines for each in held]),
        )

    def best_first(self, min_score: float = -np.inf) -> Self:
        """In order, without those below a score.

        By evidence, since scores near 1 differ in digits that a float lacks; then by cosine.
        """
        cosines = np.nan_to_num(self.cosines, nan=0.0)
        order = np.lexsort((self.moment_ids, -cosines, -self.evidence))
        order = order[self.scores[order] >= min_score]
        return type(self)(
            self.content_ids[order],
            self.moment_ids[order],
            self.evidence[order],
            self.scores[order],
            self.cosines[order],
        )


def grouped(
    catalog: Catalog,
    candidates: Candidates,
    k: int,
    wanted: Filter,
    words: Sequence[WordEvidence] = (),
    min_score: float = 0.0,
) -> list[Hit]:
    """The k best files, best first; `words` are those of the query, to say where they stand."""
    ranked = candidates.best_first(min_score)
    content_ids = ranked.content_ids.tolist()
    contents = iter(dict.fromkeys(content_ids))
    shown: dict[int, list[Owner]] = {}
    while len(shown) < k and (some := list(islice(contents, max(LEAST_LOOK, k)))):
        owners = catalog.files.owners(some, wanted)
        shown |= {c: owners[c] for c in [c for c in some if c in owners][: k - len(shown)]}
    places: dict[int, list[int]] = {content_id: [] for content_id in shown}
    for at, content_id in enumerate(content_ids):
        if content_id in places and len(places[content_id]) <= ALSO:
            places[content_id].append(at)
    matches = _matches(catalog, ranked, places, shown)
    telling = [w for w in words if w.found.by_content or w.found.by_moment]
    return [
        _hit(files, matches[content_id], content_id, telling)
        for content_id, files in shown.items()
        if matches[content_id]  # or another process has forgotten it since it was found
    ]


def _matches(
    catalog: Catalog,
    ranked: Candidates,
    places: dict[int, list[int]],
    owners: dict[int, list[Owner]],
) -> dict[int, list[Match]]:
    """For each content its moments at some places among the candidates, if it still has them."""
    at = list(chain.from_iterable(places.values()))
    ids = ranked.moment_ids[at].tolist()
    # One and the same NaN: hits that say the same are equal.
    cosines = [nan if isnan(cosine) else cosine for cosine in ranked.cosines[at].tolist()]
    scored = zip(ids, ranked.scores[at].tolist(), cosines, strict=True)
    known = catalog.moments.get(ids)
    found: dict[int, list[Match]] = {}
    for content_id, each in places.items():
        found[content_id] = some = []
        for i, score, cosine in islice(scored, len(each)):
            if i == NO_MOMENT:
                some.append((Moment(FIRST_MODALITY[owners[content_id][0].kind]), score, cosine))
            elif i in known:
                some.append((known[i][1], score, cosine))
    return found


def _hit(
    owners: Sequence[Owner],
    matches: Sequence[Match],
    content_id: int,
    words: Sequence[WordEvidence],
) -> Hit:
    moment, score, cosine = matches[0]
    said: Said | None = None
    if words and (told := [(s, w) for w in words if (s := w.said(moment, content_id))]):
        said = told[0][0]
        # Of files with the same content the one that says the words is the hit.
        named = told[0][1].file_id(content_id)
        owners = sorted(owners, key=lambda owner: owner.file_id != named)
    first = owners[0]
    return Hit(
        path=first.path,
        kind=first.kind,
        score=score,
        cosine=cosine,
        moment=moment,
        also=tuple(ScoredMoment(*match) for match in matches[1:]),
        file_id=first.file_id,
        copies=tuple(owner.path for owner in owners[1:]),
        missing=first.missing,
        facts=first.facts,
        twins=first.twins,
        said=said,
    )
