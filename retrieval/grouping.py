"""From moments that may answer to hits: one for each content, by its best moment."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from math import isnan
from typing import TYPE_CHECKING

from retrieval.records import Hit, ScoredMoment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrieval.catalog.catalog import Catalog
    from retrieval.catalog.files import Owner
    from retrieval.catalog.filter import Filter
    from retrieval.records import Said
    from retrieval.word_evidence import WordEvidence

ALSO = 5
"""Most further moments shown with a hit."""

LEAST_LOOK = 20
"""Contents of which the files are looked up at once, at least: not of all candidates."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A moment that may answer, before it is grouped into a file."""

    content_id: int
    evidence: float
    match: ScoredMoment

    @property
    def order(self) -> tuple[float, float, int]:
        """Best first. By evidence, since scores near 1 differ in digits that a float lacks."""
        cosine = self.match.cosine
        return -self.evidence, 0.0 if isnan(cosine) else -cosine, self.match.moment.id or 0


def grouped(
    catalog: Catalog,
    candidates: Sequence[Candidate],
    k: int,
    wanted: Filter,
    words: Sequence[WordEvidence] = (),
) -> list[Hit]:
    """The k best files, best first; `words` are those of the query, to say where they stand."""
    by_content: dict[int, list[ScoredMoment]] = {}
    for candidate in sorted(candidates, key=lambda c: c.order):
        by_content.setdefault(candidate.content_id, []).append(candidate.match)
    ranked = iter(by_content)
    hits: list[Hit] = []
    while len(hits) < k and (some := list(islice(ranked, max(LEAST_LOOK, k)))):
        owners = catalog.files.owners(some, wanted)
        for content_id in [c for c in some if c in owners][: k - len(hits)]:
            matches = by_content[content_id]
            said = [(s, w) for w in words if (s := w.said(matches[0].moment, content_id))]
            named = said[0][1].file_id(content_id) if said else None
            # Of files with the same content the one that says the words is the hit.
            files = sorted(owners[content_id], key=lambda owner: owner.file_id != named)
            hits.append(_hit(files, matches, said[0][0] if said else None))
    return hits


def _hit(owners: Sequence[Owner], matches: Sequence[ScoredMoment], said: Said | None) -> Hit:
    first, best = owners[0], matches[0]
    return Hit(
        path=first.path,
        kind=first.kind,
        score=best.score,
        cosine=best.cosine,
        moment=best.moment,
        also=tuple(matches[1 : ALSO + 1]),
        file_id=first.file_id,
        copies=tuple(owner.path for owner in owners[1:]),
        missing=first.missing,
        facts=first.facts,
        twins=first.twins,
        said=said,
    )
