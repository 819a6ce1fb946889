"""Zero-shot labels: which of some words fits a file, and how surely."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from retrieval.errors import MediaError, QueryError
from retrieval.media.media import open_media
from retrieval.records import Modality
from retrieval.stored import moments_of_file, rows_by_modality, stored_file
from retrieval.terms import EmbeddedTerm
from retrieval.vectors import unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrieval.library import Library
    from retrieval.media.content import Content
    from retrieval.vectors import Vectors

TEMPLATES = {
    Modality.TEXT: ("{}", "a text about {}"),
    Modality.IMAGE: ("{}", "a photo of {}", "a picture of {}"),
    Modality.AUDIO: ("{}", "the sound of {}", "a recording of {}"),
}
"""A label is a word or two; in sentences as the models learned them it is better understood."""


@dataclass(frozen=True, slots=True)
class Label:
    """How well one label fits a file."""

    text: str
    probability: float
    """That this label is the right one of those given; they add up to 1."""
    score: float
    """0..1, on its own: whether it fits at all, comparable with the score of a hit."""


def label(library: Library, path: str | Path, labels: Sequence[str]) -> list[Label]:
    """Which label fits a file, best first.

    Each label's evidence is its log-likelihood ratio against the library's background; if exactly
    one label is right, its probability is the softmax of that. Moments of a file count equally,
    pictures and sounds of a video by whichever are surer.

    Args:
        library: Its model set and its moments, as background; the file need not be in it.
        path: The file.
        labels: At least two different ones.

    Raises:
        QueryError: too few labels, or the file cannot be read.
    """
    texts = list(dict.fromkeys(text.strip() for text in labels if text.strip()))
    if len(texts) < 2:
        raise QueryError("Give at least two labels to choose from, as in: --as cat --as dog")
    by_modality = _rows(library, Path(path))
    evidence = [
        [
            library.searcher.scoring.score_rows([_term(library, text, m)], m, rows).evidence.mean()
            for text in texts
        ]
        for m, rows in by_modality.items()
    ]
    surest = max((np.array(row) for row in evidence), key=np.ptp)
    odds = np.exp(surest - surest.max())
    probabilities, scores = odds / odds.sum(), library.searcher.scoring.points(surest)
    found = [
        Label(text, float(p), float(s))
        for text, p, s in zip(texts, probabilities, scores, strict=True)
    ]
    return sorted(found, key=lambda one: -one.probability)


def _term(library: Library, text: str, target: Modality) -> EmbeddedTerm:
    lines = [template.format(text) for template in TEMPLATES[target]]
    rows = library.space.embed(Modality.TEXT, lines)
    return EmbeddedTerm(1.0, {Modality.TEXT: {s: unit(r.mean(axis=0)) for s, r in rows.items()}})


def _rows(library: Library, path: Path) -> dict[Modality, dict[str, Vectors]]:
    """The vectors of a file's moments, stored or made now."""
    file = stored_file(library, path)
    if file is not None:
        stored = rows_by_modality(library, moments_of_file(library, file))
        if stored:
            return stored
    contents: dict[Modality, list[Content]] = {}
    try:
        with path.open("rb") as opened:
            media = open_media(opened, library.space.model_set.windows, name=path.name)
            for moment, content in media.pieces:
                contents.setdefault(moment.modality, []).append(content)
    except OSError as error:
        raise QueryError(f"Cannot read {path}: {error.strerror}.") from error
    except MediaError as error:
        raise QueryError(f"Cannot label {path}: {error}") from error
    if not contents:
        raise QueryError(f"Cannot label {path}: there is nothing to hear in it.")
    return {m: library.space.embed(m, pieces) for m, pieces in contents.items()}
