"""Answering a query: from terms to candidates, scores and hits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from retrieval.allowed_moments import AllowedMoments
from retrieval.catalog.wording import unquoted
from retrieval.errors import QueryError
from retrieval.grouping import Candidates, grouped
from retrieval.records import Kind, Modality
from retrieval.scoring import UNWANTED, Scoring, either
from retrieval.stopwatch import Stage, timed
from retrieval.terms import embed_term
from retrieval.vectors import unit_rows
from retrieval.word_search import narrowed, unmet, word_evidence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from retrieval.catalog.catalog import Catalog
    from retrieval.catalog.filter import Filter
    from retrieval.index_cache import IndexCache
    from retrieval.query import Query, Term
    from retrieval.records import Hit
    from retrieval.space import JointSpace
    from retrieval.terms import EmbeddedTerm
    from retrieval.vectors import Ids, Vector, Vectors
    from retrieval.word_evidence import WordEvidence

MOMENTS_OF = {
    Kind.TEXT: {Modality.TEXT},
    Kind.IMAGE: {Modality.IMAGE},
    Kind.AUDIO: {Modality.AUDIO},
    Kind.VIDEO: {Modality.IMAGE, Modality.AUDIO},
}
"""Which moments a file of each kind can have."""

FIRST_LOOK = 100
"""Candidates fetched at first, at least; more follow while they fall into too few files."""


class Search:
    """Searches one library; what it remembers is drawn anew when the catalog has changed."""

    def __init__(self, catalog: Catalog, indexes: IndexCache, space: JointSpace) -> None:
        self._catalog = catalog
        self._indexes = indexes
        self._space = space
        self._allowed = AllowedMoments(catalog)
        self.scoring = Scoring(catalog, space, indexes)

    def hits(
        self,
        query: Query,
        k: int,
        wanted: Filter,
        min_score: float = 0.0,
        *,
        words: bool = True,
    ) -> list[Hit]:
        """The k best files, best first, none below `min_score`.

        With `words` the words of the query also count as they are written, each term's for itself.

        Raises:
            QueryError: the query cannot be answered as it stands.
        """
        if k < 1:
            raise QueryError(f"k = {k}: ask for at least one hit.")
        if words:
            wanted = narrowed(query, wanted)
        alternatives = [
            [self._embedded(term, k, wanted, words=words) for term in terms]
            for terms in query.alternatives
        ]
        return self.answer(alternatives, k, wanted, min_score)

    def answer(
        self,
        alternatives: Sequence[Sequence[EmbeddedTerm]],
        k: int,
        wanted: Filter,
        min_score: float = 0.0,
    ) -> list[Hit]:
        """The k best files for terms that are embedded already.

        Raises:
            QueryError: the terms cannot be answered as they stand.
        """
        if not all(any(term.weight > 0 for term in terms) for terms in alternatives):
            raise QueryError("Nothing is wanted in this query: give at least one term to look for.")
        kinds = wanted.kinds or frozenset(Kind)
        targets: list[Modality] = sorted(set().union(*(MOMENTS_OF[kind] for kind in kinds)))
        change = self._catalog.changes()
        scoring = self.scoring.as_of(change)
        candidates = [
            self._candidates(scoring, answerable, target, k, wanted, change)
            for target, answerable in self._answerable(alternatives, targets).items()
        ]
        candidates += self._unmet(scoring, alternatives)
        with timed(Stage.METADATA):
            every = Candidates.joined(candidates)
            return grouped(self._catalog, every, k, wanted, _words(alternatives), min_score)

    def _embedded(self, term: Term, k: int, wanted: Filter, *, words: bool) -> EmbeddedTerm:
        by_words = words and isinstance(term.subject, str)
        with timed(Stage.ENCODE):
            meant = replace(term, subject=unquoted(str(term.subject))) if by_words else term
            embedded = embed_term(meant, self._space, self._catalog)
        if not by_words:
            return embedded
        with timed(Stage.WORDS):
            found = word_evidence(self._catalog, str(term.subject), k, wanted)
        return replace(embedded, words=found)

    def _unmet(
        self, scoring: Scoring, alternatives: Sequence[Sequence[EmbeddedTerm]]
    ) -> list[Candidates]:
        """Files without a moment that words alone can find, where nothing but words is asked."""
        return [
            unmet(self._catalog, terms[0].words, scoring.points, scoring.even)
            for terms in alternatives
            if len(terms) == 1 and terms[0].words
        ]

    def _answerable(
        self, alternatives: Sequence[Sequence[EmbeddedTerm]], targets: Sequence[Modality]
    ) -> dict[Modality, list[list[EmbeddedTerm]]]:
        """For each target the alternatives of which every wanted term can be compared with it.

        Raises:
            QueryError: there are none at all.
        """
        found: dict[Modality, list[list[EmbeddedTerm]]] = {}
        for target in targets:
            for terms in alternatives:
                comparable = [t for t in terms if self._meets(t, target)]
                if all(t in comparable for t in terms if t.weight > 0):
                    found.setdefault(target, []).append(comparable)
        if not found:
            raise QueryError(
                f"Model set {self._space.model_set.name} has no bridge between what is asked and "
                "what is asked for. Make it with: anyseek models fit-bridge"
            )
        return found

    def _meets(self, term: EmbeddedTerm, target: Modality) -> bool:
        return any(self._space.meets(modality, target) for modality in term.blocks)

    def _candidates(
        self,
        scoring: Scoring,
        alternatives: Sequence[Sequence[EmbeddedTerm]],
        target: Modality,
        k: int,
        wanted: Filter,
        change: int,
    ) -> Candidates:
        """The best moments of one modality: enough of them to fill k files, if there are."""
        with timed(Stage.SEARCH):
            allowed = self._allowed.get(target, wanted, change)
            queries = self._queries(scoring, alternatives, target)
        look = max(FIRST_LOOK, 2 * k)
        while True:
            with timed(Stage.SEARCH):
                ids, exhausted = self._nearest(queries, target, look, allowed, change)
            with timed(Stage.METADATA):
                ids, content_ids = self._catalog.moments.contents(ids)
            if exhausted or len(np.unique(content_ids)) >= k:
                break
            look *= 4
        with timed(Stage.METADATA):
            said = sorted(self._said(alternatives, target).difference(ids.tolist()))
            more = self._catalog.moments.contents(said)
        ids, content_ids = (
            np.concatenate(both) for both in zip((ids, content_ids), more, strict=True)
        )
        order = np.argsort(ids)
        ids, content_ids = ids[order], content_ids[order]
        if not len(ids):
            return Candidates.joined([])
        with timed(Stage.CALIBRATE):
            scored = either(
                [scoring.score(terms, target, ids, content_ids.tolist()) for terms in alternatives]
            )
            points = scoring.points(scored.evidence)
        cosines = np.clip(scored.cosines, -1.0, 1.0)
        return Candidates(content_ids, ids, scored.evidence, points, cosines)

    def _said(self, alternatives: Sequence[Sequence[EmbeddedTerm]], target: Modality) -> set[int]:
        """Moments of a modality that words point to: passages, and the first of each file."""
        ids: set[int] = set()
        for words in _words(alternatives):
            ids.update(self._catalog.moments.first(target, words.found.by_content).values())
            if target is Modality.TEXT:
                ids.update(words.found.by_moment)
        return ids

    def _queries(
        self,
        scoring: Scoring,
        alternatives: Sequence[Sequence[EmbeddedTerm]],
        target: Modality,
    ) -> dict[str, Vectors]:
        """Space to the vectors `(n, dim)` to look with: each wanted term, and all terms at once."""
        vectors: dict[str, list[Vector]] = {}
        for terms in alternatives:
            together: dict[str, list[Vector]] = {}
            for term in terms:
                for modality, blocks in term.blocks.items():
                    if not self._space.meets(modality, target):
                        continue
                    for space, row in self._space.routes(modality, blocks, target, scoring.means):
                        if term.weight > 0:
                            vectors.setdefault(space, []).append(row)
                        share = term.weight if term.weight > 0 else UNWANTED * term.weight
                        together.setdefault(space, []).append((share * row).astype(np.float32))
            # A moment that has something of every term may be near to none of them alone.
            for space, rows in together.items():
                if len(rows) > 1:
                    vectors.setdefault(space, []).append(np.sum(rows, axis=0))
        return {space: unit_rows(np.stack(rows)) for space, rows in vectors.items()}

    def _nearest(
        self,
        queries: Mapping[str, Vectors],
        target: Modality,
        look: int,
        allowed: Ids | None,
        change: int,
    ) -> tuple[Ids, bool]:
        """Ids near any of the queries, ascending, and whether there are no more than these."""
        found = []
        exhausted = True
        for space, rows in queries.items():
            for ids, _ in self._indexes.get(space, target, change).search(rows, look, allowed):
                exhausted &= len(ids) < look
                found.append(ids)
        return np.unique(np.concatenate(found)), exhausted


def _words(alternatives: Sequence[Sequence[EmbeddedTerm]]) -> list[WordEvidence]:
    """What the words of all wanted terms say."""
    return [t.words for terms in alternatives for t in terms if t.words and t.weight > 0]
