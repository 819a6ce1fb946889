"""Searching by words as they are written: beside the vectors, or alone and without any model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from retrieval.calibration import score
from retrieval.catalog.wording import Wording, all_of
from retrieval.errors import QueryError
from retrieval.grouping import NO_MOMENT, Candidates, grouped
from retrieval.records import Modality
from retrieval.word_evidence import WordEvidence

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from retrieval.catalog.catalog import Catalog
    from retrieval.catalog.filter import Filter
    from retrieval.query import Query, Terms
    from retrieval.records import Hit

    Floats = npt.NDArray[np.float64]

LEAST_LOOK = 100
"""Files and passages looked up, at least; twice as many as there are to be hits."""


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


def unmet(
    catalog: Catalog, words: WordEvidence, points: Callable[[Floats], Floats], even: float = 0.0
) -> Candidates:
    """Files that say words but have no moment that could be scored.

    Args:
        catalog: Where they stand.
        words: What is said.
        points: From evidence `(n,)` to scores.
        even: The evidence at which a match is as probable as none.
    """
    content_ids = np.array(catalog.moments.lacking(words.found.by_content), np.int64)
    evidence = np.array([even + words.of(None, i)[1] for i in content_ids.tolist()], np.float64)
    moment_ids = np.full(len(content_ids), NO_MOMENT)
    return Candidates.said(content_ids, moment_ids, evidence, points(evidence))


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
    candidates = Candidates.joined(some for _, some in found)
    return grouped(catalog, candidates, k, wanted, [words for words, _ in found], min_score)


def _alternative(
    catalog: Catalog, terms: Terms, k: int, wanted: Filter
) -> tuple[WordEvidence, Candidates]:
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
    first = catalog.moments.first(found.by_content)
    firsts = first[Modality.AUDIO] | first[Modality.IMAGE] | first[Modality.TEXT]
    ids, content_ids = catalog.moments.contents(sorted({*firsts.values(), *found.by_moment}))
    pairs = zip(ids.tolist(), content_ids.tolist(), strict=True)
    evidence = np.array([words.of(i, content_id)[1] for i, content_id in pairs], np.float64)
    met = Candidates.said(content_ids, ids, evidence, score(evidence))
    return words, Candidates.joined([met, unmet(catalog, words, score)])
