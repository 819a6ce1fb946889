"""Answering a query: from terms to candidates, scores and hits."""

from __future__ import annotations

import os
from dataclasses import replace
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

import numpy as np

from retrieval.allowed_moments import AllowedMoments
from retrieval.calibration import TAIL
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
    from retrieval.moment_table import KnownMoments
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

FIRST_LOOK = TAIL
"""Candidates fetched at first, at least; more follow while they fall into too few files."""


class Search:
    """Searches one library; what it remembers is drawn anew when the catalog has changed."""

    def __init__(self, catalog: Catalog, indexes: IndexCache, space: JointSpace) -> None:
        self._catalog = catalog
        self._indexes = indexes
        self._space = space
        self._allowed = AllowedMoments(catalog)
        # More threads than cores only take the interpreter's lock from one another.
        self._turns = BoundedSemaphore(os.cpu_count() or 1)
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
        with self._turns:
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
        answerable = self._answerable(alternatives, targets)
        found = self._found(scoring, answerable, k, wanted, change)
        with timed(Stage.CALIBRATE):
            candidates = self._scored(scoring, answerable, found)
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

    def _found(
        self,
        scoring: Scoring,
        answerable: Mapping[Modality, Sequence[Sequence[EmbeddedTerm]]],
        k: int,
        wanted: Filter,
        change: int,
    ) -> dict[Modality, tuple[KnownMoments, Ids | None]]:
        """Moments of each modality that may answer: enough to fill k files, if there are.

        Those that a filter lets through are the second part; None for all. What else is near the
        query comes along, since a hit stands out of the whole library or not, whatever is asked.
        """
        first = self._catalog.moments.first(
            {c for terms in answerable.values() for w in _words(terms) for c in w.found.by_content}
        )
        found: dict[Modality, tuple[KnownMoments, Ids | None]] = {}
        for target, alternatives in answerable.items():
            with timed(Stage.SEARCH):
                allowed = self._allowed.get(target, wanted, change)
                queries = self._queries(scoring, alternatives, target)
            look = max(FIRST_LOOK, 2 * k)
            while True:
                with timed(Stage.SEARCH):
                    ids, exhausted = self._nearest(queries, target, look, allowed, change)
                with timed(Stage.METADATA):
                    near = self._indexes.moments.get(ids, change)
                if exhausted or len(set(near.content_ids.tolist())) >= k:
                    break
                look *= 4
            said = _said(alternatives, target, first[target])
            if said:
                ids = np.union1d(ids, list(said))
            chosen = None
            if allowed is not None:
                with timed(Stage.SEARCH):
                    around, _ = self._nearest(queries, target, TAIL, None, change)
                ids, chosen = np.union1d(ids, around), ids
            if len(ids) > len(near):
                near = self._indexes.moments.get(ids, change)
            found[target] = near.chosen(near.content_ids > 0), chosen
        return found

    def _scored(
        self,
        scoring: Scoring,
        answerable: Mapping[Modality, Sequence[Sequence[EmbeddedTerm]]],
        found: Mapping[Modality, tuple[KnownMoments, Ids | None]],
    ) -> list[Candidates]:
        """The moments that were found, with their scores."""
        candidates = []
        for target, alternatives in answerable.items():
            moments, chosen = found[target]
            if len(moments):
                scored = either([scoring.score(terms, target, moments) for terms in alternatives])
                at = (
                    slice(None)
                    if chosen is None
                    else np.isin(moments.ids, chosen, assume_unique=True)
                )
                candidates.append(
                    Candidates(
                        moments.content_ids[at],
                        moments.ids[at],
                        scored.evidence[at],
                        scoring.points(scored.evidence[at]),
                        np.clip(scored.cosines[at], -1.0, 1.0),
                    )
                )
        return candidates

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
        # What one list holds is different already.
        ids = np.sort(found[0]) if len(found) == 1 else np.unique(np.concatenate(found))
        return ids, exhausted


def _said(
    alternatives: Sequence[Sequence[EmbeddedTerm]], target: Modality, first: Mapping[int, int]
) -> set[int]:
    """Moments of a modality that words point to: passages, and the first of each file."""
    ids: set[int] = set()
    for words in _words(alternatives):
        ids.update(first[c] for c in words.found.by_content if c in first)
        if target is Modality.TEXT:
            ids.update(words.found.by_moment)
    return ids


def _words(alternatives: Sequence[Sequence[EmbeddedTerm]]) -> list[WordEvidence]:
    """What the words of all wanted terms say."""
    return [t.words for terms in alternatives for t in terms if t.words and t.weight > 0]
