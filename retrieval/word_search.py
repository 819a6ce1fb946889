"""Searching by words as they are written: beside the vectors, or alone and without any model."""

from __future__ import annotations

from dataclasses import replace
from math import nan
from typing import TYPE_CHECKING

import numpy as np

from retrieval.calibration import score
from retrieval.catalog.wording import Wording, all_of
from retrieval.errors import QueryError
from retrieval.grouping import Candidate, grouped
from retrieval.records import Kind, Modality, Moment, ScoredMoment
from retrieval.word_evidence import WordEvidence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrieval.catalog.catalog import Catalog
    from retrieval.catalog.filter import Filter
    from retrieval.query import Query, Terms
    from retrieval.records import Hit

LEAST_LOOK = 100
"""Files and passages looked up, at least; twice as many as there are to be hits."""

FIRST_MODALITY = {
    Kind.TEXT: Modality.TEXT,
    Kind.IMAGE: Modality.IMAGE,
    Kind.AUDIO: Modality.AUDIO,
    Kind.VIDEO: Modality.IMAGE,
}
"""What stands for a file that has no moment, such as a silent recording."""


def narrowed(query: Query, wanted: Filter) -> Filter:
    """The filter with what is quoted in the wanted words, which must stand in every hit.

    Where alternatives are asked for, the quotes of one would bind the others; they only count.
    """
    if len(query.alternatives) != 1:
        return wanted
    texts = [t.subject for t in query.terms if isinstance(t.subject, str) and t.weight > 0]
    return replace(wanted, phrases=tuple(p for text in texts for p in Wording.of(text).phrases))


def word_evidence(catalog: Catalog, text: str, k: int, wanted: Filter) -> WordEvidence:
    """What the words of a text say about the files that pass a filter, for k hits."""
    return WordEvidence(catalog.words.find(Wording.of(text), wanted, max(LEAST_LOOK, 2 * k)))


def unmet(catalog: Catalog, words: WordEvidence) -> Iterator[tuple[int, Moment, float]]:
    """Files that say words but have no moment that could be scored: content, moment, evidence."""
    for content_id, kind in catalog.moments.lacking(words.found.by_content).items():
        yield content_id, Moment(FIRST_MODALITY[kind]), words.of(None, content_id)[1]


def search_words(
    catalog: Catalog, query: Query, k: int, wanted: Filter, min_score: float = 0.0
) -> list[Hit]:
    """The k files whose names, folders, facts and passages say most of the words; no model.

    Terms that are wanted together are one wording; files that say all of an unwanted term are
    left out. A score is that of words as if no vector said anything.

    Raises:
        QueryError: the query holds other things than words.
    """
    if k < 1:
        raise QueryError(f"k = {k}: ask for at least one hit.")
    wanted = narrowed(query, wanted)
    found = [_alternative(catalog, terms, k, wanted) for terms in query.alternatives]
    candidates = [c for _, some in found for c in some if c.match.score >= min_score]
    return grouped(catalog, candidates, k, wanted, [words for words, _ in found])


def _alternative(
    catalog: Catalog, terms: Terms, k: int, wanted: Filter
) -> tuple[WordEvidence, list[Candidate]]:
    texts = [(t.subject, t.weight) for t in terms if isinstance(t.subject, str)]
    if len(texts) < len(terms):
        raise QueryError("Only words can be looked up as words: leave out the file, or the words.")
    sought = " ".join(text for text, weight in texts if weight > 0)
    if not sought:
        raise QueryError("Nothing is wanted in this query: give at least one term to look for.")
    unwanted = [Wording.of(text).words for text, weight in texts if weight < 0]
    wanted = replace(wanted, unsaid=tuple(all_of(words) for words in unwanted if words))
    words = word_evidence(catalog, sought, k, wanted)
    found = words.found
    firsts: dict[int, int] = {}
    for modality in (Modality.AUDIO, Modality.IMAGE, Modality.TEXT):
        firsts |= catalog.moments.first(modality, found.by_content)
    moments = catalog.moments.get(sorted({*firsts.values(), *found.by_moment}))
    rows = [(c, m, words.of(i, c)[1]) for i, (c, m) in moments.items()]
    return words, [
        Candidate(content_id, evidence, ScoredMoment(moment, points, nan))
        for content_id, moment, evidence in [*rows, *unmet(catalog, words)]
        for points in [float(score(np.array(evidence)))]
    ]
