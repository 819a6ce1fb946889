"""The terms of a query, embedded: from words, files, moments and vectors to blocks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from retrieval.errors import MediaError, QueryError
from retrieval.media.media import open_media
from retrieval.records import Modality
from retrieval.vectors import unit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from retrieval.catalog.catalog import Catalog
    from retrieval.media.content import Content
    from retrieval.query import Term
    from retrieval.space import Blocks, JointSpace
    from retrieval.vectors import Vector
    from retrieval.word_evidence import WordEvidence


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddedTerm:
    """A term with its vectors: for each modality it has, one in each space of that modality."""

    weight: float
    blocks: Mapping[Modality, Blocks]
    words: WordEvidence | None = None
    """What its words say as they are written; None if they do not count so."""


def embed_term(term: Term, space: JointSpace, catalog: Catalog) -> EmbeddedTerm:
    """Embed one term.

    Raises:
        QueryError: its file cannot be read, its moment does not exist, its vector does not fit.
    """
    subject = term.subject
    if isinstance(subject, str):
        rows = space.embed_query(subject)
        blocks: Mapping[Modality, Blocks] = {Modality.TEXT: {s: r[0] for s, r in rows.items()}}
    elif isinstance(subject, Path):
        blocks = _of_file(subject, space)
    elif isinstance(subject, np.ndarray):
        blocks = {Modality.TEXT: _split(subject, space)}
    else:
        blocks = _of_moment(int(subject), space, catalog)
    return EmbeddedTerm(term.weight, blocks)


def _of_file(path: Path, space: JointSpace) -> dict[Modality, Blocks]:
    """For each modality of a file the mean of its moments."""
    moments: dict[Modality, list[Content]] = {}
    try:
        with path.open("rb") as file:
            media = open_media(file, space.model_set.windows, name=path.name)
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
            name: unit(rows.mean(axis=0)) for name, rows in space.embed(modality, contents).items()
        }
        for modality, contents in moments.items()
    }


def _of_moment(moment_id: int, space: JointSpace, catalog: Catalog) -> dict[Modality, Blocks]:
    found = catalog.moments.get([moment_id])
    if moment_id not in found:
        raise QueryError(f"There is no moment {moment_id} in this library.")
    modality = found[moment_id][1].modality
    names = space.spaces_of(modality)
    return {modality: {s: catalog.vectors.get(s, [moment_id])[1][0] for s in names}}


def _split(joint: Vector, space: JointSpace) -> Blocks:
    """A joint vector fills every space, as a text does."""
    dims = space.dims
    if len(joint) != sum(dims.values()):
        raise QueryError(
            f"The query vector has {len(joint)} dimensions; this library's have "
            f"{sum(dims.values())}."
        )
    ends = np.cumsum([dims[name] for name in sorted(dims)])[:-1]
    return {s: unit(b) for s, b in zip(sorted(dims), np.split(joint, ends), strict=True)}
