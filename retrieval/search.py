"""Answering a query: from terms to candidates, scores and hits."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from retrieval.errors import MediaError, QueryError
from retrieval.media.media import open_media
from retrieval.records import Hit, Kind, Modality, ScoredMoment
from retrieval.vectors import unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrieval.catalog.catalog import Catalog, Owner
    from retrieval.catalog.filter import Filter
    from retrieval.media.content import Content
    from retrieval.index_cache import IndexCache
    from retrieval.query import Query, Term
    from retrieval.space import JointSpace
    from retrieval.vectors import Ids, Vector

Floats = npt.NDArray[np.float64]

MOMENTS_OF = {
    Kind.TEXT: {Modality.TEXT},
    Kind.IMAGE: {Modality.IMAGE},
    Kind.AUDIO: {Modality.AUDIO},
    Kind.VIDEO: {Modality.IMAGE, Modality.AUDIO},
}
"""Which moments a file of each kind can have."""

UNWANTED = 0.5
"""How much a match with an unwanted term takes away."""

FIRST_LOOK = 100
"""Candidates fetched at first, at least; more follow while they fall into too few files."""

ALSO = 5
"""Most further moments shown with a hit."""


@dataclass(frozen=True)
class EmbeddedTerm:
    """A term with its vectors: one for each modality it has, in each space of that modality."""

    weight: float
    blocks: dict[Modality, dict[str, Vector]]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A moment that may answer, before it is grouped into a file."""

    content_id: int
    match: ScoredMoment


class Search:
    """Searches one library; holds nothing that the catalog and the indexes do not know."""

    def __init__(self, catalog: Catalog, indexes: IndexCache, space: JointSpace) -> None:
        self._catalog = catalog
        self._indexes = indexes
        self._space = space

    def hits(self, query: Query, k: int, wanted: Filter) -> list[Hit]:
        """The k best files, best first.

        Raises:
            QueryError: the query cannot be answered as it stands.
        """
        if k < 1:
            raise QueryError(f"k = {k}: ask for at least one hit.")
        terms = [self._embed(term) for term in query.terms]
        if not any(term.weight > 0 for term in terms):
            raise QueryError("Nothing is wanted in this query: give at least one term to look for.")
        kinds = wanted.kinds or frozenset(Kind)
        targets = sorted(set().union(*(MOMENTS_OF[kind] for kind in kinds)))
        candidates = [c for target in targets for c in self._candidates(terms, target, k, wanted)]
        return self._group(candidates, k, wanted)

    def _embed(self, term: Term) -> EmbeddedTerm:
        subject = term.subject
        if isinstance(subject, str):
            rows = self._space.embed(Modality.TEXT, [subject])
            blocks = {Modality.TEXT: {space: row[0] for space, row in rows.items()}}
        elif isinstance(subject, Path):
            blocks = self._embed_file(subject)
        elif isinstance(subject, np.ndarray):
            blocks = self._split(subject)
        else:
            blocks = self._stored(int(subject))
        return EmbeddedTerm(term.weight, blocks)

    def _embed_file(self, path: Path) -> dict[Modality, dict[str, Vector]]:
        """For each modality of a file the mean of its moments."""
        moments: dict[Modality, list[Content]] = {}
        try:
            with path.open("rb") as file:
                media = open_media(file, self._space.model_set.windows, name=path.name)
                for moment, content in media.pieces:
                    moments.setdefault(moment.modality, []).append(content)
        except OSError as error:
            raise QueryError(f"Cannot read {path}: {error.strerror}.") from error
        except MediaError as error:
            raise QueryError(f"Cannot search with {path}: {error}") from error
        if not moments:
            raise QueryError(f"Cannot search with {path}: there is nothing to hear in it.")
        return {
            modality: {
                space: unit(rows.mean(axis=0))
                for space, rows in self._space.embed(modality, contents).items()
            }
            for modality, contents in moments.items()
        }

    def _stored(self, moment_id: int) -> dict[Modality, dict[str, Vector]]:
        found = self._catalog.moments([moment_id])
        if not found:
            raise QueryError(f"There is no moment {moment_id} in this library.")
        modality = found[moment_id][1].modality
        spaces = self._space.spaces_of(modality)
        return {modality: {s: self._catalog.vectors(s, [moment_id])[1][0] for s in spaces}}

    def _split(self, joint: Vector) -> dict[Modality, dict[str, Vector]]:
        """A joint vector fills every space, as a text does."""
        dims = self._space.dims
        if len(joint) != sum(dims.values()):
            raise QueryError(
                f"The query vector has {len(joint)} dimensions; this library's have "
                f"{sum(dims.values())}."
            )
        ends = np.cumsum([dims[space] for space in sorted(dims)])[:-1]
        blocks = np.split(joint, ends)
        return {Modality.TEXT: {s: unit(b) for s, b in zip(sorted(dims), blocks, strict=True)}}

    def _candidates(
        self, terms: Sequence[EmbeddedTerm], target: Modality, k: int, wanted: Filter
    ) -> list[Candidate]:
        """The best moments of one modality: enough of them to fill k files, if there are."""
        allowed = self._catalog.allowed(target, wanted)
        look = max(FIRST_LOOK, 2 * k)
        while True:
            ids, exhausted = self._nearest(terms, target, look, allowed)
            owners = self._catalog.moments(ids)
            files = {content_id for content_id, _ in owners.values()}
            if exhausted or len(files) >= k:
                break
            look *= 4
        scores, cosines = self._score(terms, target, ids)
        return [
            Candidate(owners[i][0], ScoredMoment(owners[i][1], float(score), float(cosine)))
            for i, score, cosine in zip(ids.tolist(), scores, cosines, strict=True)
            if i in owners
        ]

    def _nearest(
        self, terms: Sequence[EmbeddedTerm], target: Modality, look: int, allowed: Ids | None
    ) -> tuple[Ids, bool]:
        """Ids near any wanted term, ascending, and whether there are no more than these."""
        found = []
        exhausted = True
        for term in terms:
            if term.weight <= 0:
                continue
            for modality, blocks in term.blocks.items():
                for space in self._space.shared(modality, target):
                    index = self._indexes.get(space, target)
                    ids, _ = index.search(blocks[space][None, :], look, allowed)[0]
                    exhausted &= len(ids) < look
                    found.append(ids)
        ids = np.unique(np.concatenate(found)) if found else np.empty(0, np.int64)
        return ids, exhausted

    def _score(
        self, terms: Sequence[EmbeddedTerm], target: Modality, ids: Ids
    ) -> tuple[Floats, Floats]:
        """Scores `(n,)` of all terms together and cosines `(n,)` of the wanted ones."""
        wanted = np.zeros(len(ids))
        unwanted = np.zeros(len(ids))
        total = sum(term.weight for term in terms if term.weight > 0)
        for term in terms:
            cosines = self._cosines(term, target, ids)
            if term.weight > 0:
                wanted += term.weight / total * cosines
            else:
                unwanted = np.maximum(unwanted, -term.weight * cosines)
        return np.clip(wanted - UNWANTED * unwanted, 0, 1), wanted

    def _cosines(self, term: EmbeddedTerm, target: Modality, ids: Ids) -> Floats:
        """How near each moment is to a term, `(n,)`, by the catalog's own vectors.

        A term with several modalities (a video) counts by the one that is nearest.
        """
        best = np.full(len(ids), -1.0)
        for modality, blocks in term.blocks.items():
            spaces = self._space.shared(modality, target)
            if not spaces:
                continue
            cosines = np.zeros(len(ids))
            for space in spaces:
                _, rows = self._catalog.vectors(space, ids)
                cosines += rows.astype(np.float64) @ blocks[space].astype(np.float64)
            best = np.maximum(best, cosines / len(spaces))
        return best

    def _group(self, candidates: Sequence[Candidate], k: int, wanted: Filter) -> list[Hit]:
        """One hit for each content, by its best moment."""
        by_content: dict[int, list[ScoredMoment]] = {}
        ordered = sorted(
            candidates, key=lambda c: (-c.match.score, -c.match.cosine, c.match.moment.id)
        )
        for candidate in ordered:
            by_content.setdefault(candidate.content_id, []).append(candidate.match)
        owners = self._catalog.owners(list(by_content), wanted)
        best = ((c, matches) for c, matches in by_content.items() if c in owners)
        return [_hit(owners[content_id], matches) for content_id, matches in islice(best, k)]


def _hit(owners: Sequence[Owner], matches: Sequence[ScoredMoment]) -> Hit:
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
    )
