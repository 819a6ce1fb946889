"""Why a hit: where in a picture, when in a sound, which passage of a text a query is met.

It works for any encoder and any query, a bridged sound on a picture too, since it only asks how
near parts of the content are to the query: a part is shown to the encoder as if it were all.

That asks nothing of the model's inside, where attention maps would need a transformer of a
known make: the convolutions of `mini` have no attention to read.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from retrieval.errors import MediaError, QueryError
from retrieval.media.media import open_media
from retrieval.query import Query
from retrieval.records import Modality
from retrieval.terms import embed_term

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from retrieval.library import Library
    from retrieval.media.content import Content, Picture, Sound
    from retrieval.query import Subject
    from retrieval.records import Moment
    from retrieval.terms import EmbeddedTerm

Floats = npt.NDArray[np.float64]

CROPS = (0.5, 0.8)
"""Sides of the parts of a picture that are looked at, as shares of its shorter side."""

STEPS = 4
"""Parts overlap: each is moved by this part of its own side."""

GRID = 64
"""Side of the heat map's own grid."""

PART_OF_WINDOW = 0.25
"""Length of the parts of a sound that are listened to, as a share of a window."""

DOUBT = 0.5
"""How much a place is pulled to the average, as a share of what the best-seen place is seen."""

LEAST_SPREAD = 1e-6
"""Evidence that differs by less over a whole picture points nowhere."""

BATCH = 32


@dataclass(frozen=True)
class PictureReason:
    """Where in a picture a query is met."""

    picture: Picture
    heat: Floats
    """`(GRID, GRID)` over the whole picture, 0..1; 1 is where it is met most."""

    @property
    def point(self) -> tuple[int, int]:
        """Column and row, in pixels, where the query is met most."""
        row, column = np.unravel_index(int(self.heat.argmax()), self.heat.shape)
        height_px, width_px = self.picture.shape[:2]
        return int((column + 0.5) / GRID * width_px), int((row + 0.5) / GRID * height_px)


@dataclass(frozen=True)
class SoundReason:
    """When in a sound a query is met."""

    times_s: Floats
    """`(n,)` seconds from the start of the file, middles of the parts."""
    evidence: Floats
    """`(n,)` log-likelihood ratio of match against no match."""

    @property
    def peak_s(self) -> float:
        """When it is met most."""
        return float(self.times_s[int(self.evidence.argmax())])


@dataclass(frozen=True)
class TextReason:
    """Which passages of a text meet a query."""

    passages: tuple[tuple[Moment, float], ...]
    """Passages with their evidence, best first."""


Reason: TypeAlias = PictureReason | SoundReason | TextReason


class Explainer:
    """Explains hits of one query."""

    def __init__(self, library: Library, query: Subject | Query) -> None:
        """Embed the query.

        Raises:
            QueryError: the query cannot be answered.
        """
        self._library = library
        self._alternatives = [
            [embed_term(term, library.space, library.catalog) for term in terms]
            for terms in Query(query).alternatives
        ]

    def file(self, path: str | Path) -> list[Reason]:
        """Why a file is a hit: one reason for each modality that it has, a film by its best frame.

        Raises:
            QueryError: the file cannot be read, or not be compared with the query.
        """
        path = Path(path)
        by_modality: dict[Modality, list[tuple[Moment, Content]]] = {}
        try:
            with path.open("rb") as file:
                media = open_media(file, self._library.space.model_set.windows, name=path.name)
                for moment, content in media.pieces:
                    by_modality.setdefault(moment.modality, []).append((moment, content))
        except OSError as error:
            raise QueryError(f"Cannot read {path}: {error.strerror}.") from error
        except MediaError as error:
            raise QueryError(f"Cannot explain {path}: {error}") from error
        reasons = [
            self._reason(modality, pieces)
            for modality, pieces in sorted(by_modality.items())
            if self._comparable(modality)
        ]
        if not reasons:
            raise QueryError(f"Nothing in {path} can be compared with the query.")
        return reasons

    def picture(self, picture: Picture) -> PictureReason:
        """Where in a picture the query is met."""
        height_px, width_px = picture.shape[:2]
        boxes = list(_boxes(width_px, height_px))
        parts = [picture[top:bottom, left:right] for left, top, right, bottom in boxes]
        evidence = self._evidence(Modality.IMAGE, parts)
        heat = np.zeros((GRID, GRID))
        weight = np.zeros((GRID, GRID))
        for (left, top, right, bottom), e in zip(boxes, evidence, strict=True):
            rows = _span(top / height_px, bottom / height_px)
            columns = _span(left / width_px, right / width_px)
            bump = np.outer(_bump(rows), _bump(columns))
            heat[rows, columns] += (e - evidence.mean()) * bump
            weight[rows, columns] += bump
        # A place that few parts show, at the edge, must not win by one of them.
        heat /= weight + DOUBT * weight.max()
        spread = np.ptp(heat)
        even = spread < LEAST_SPREAD
        return PictureReason(picture, np.zeros_like(heat) if even else (heat - heat.min()) / spread)

    def sound(self, pieces: Sequence[tuple[Moment, Sound]]) -> SoundReason:
        """When in the windows of a sound the query is met."""
        windows = self._library.space.model_set.windows
        rate_hz, window_s = windows.sample_rate_hz, windows.window_s
        part_s = PART_OF_WINDOW * window_s
        length, whole = round(part_s * rate_hz), round(window_s * rate_hz)
        by_time: dict[float, Sound] = {}
        for moment, sound in pieces:
            start_s, end_s = moment.start_s or 0.0, moment.end_s or window_s
            last_s = max(end_s - start_s - part_s, 0.0)
            for offset_s in np.arange(0.0, last_s + part_s / 4, part_s / 2):
                at_s = min(float(offset_s), last_s)
                first = round(at_s * rate_hz)
                part = sound[first : first + length]
                # An encoder hears whole windows only; a short sound is repeated to fill one.
                middle_s = round(start_s + at_s + min(part_s, end_s - start_s) / 2, 3)
                by_time[middle_s] = np.resize(part, whole)
        times_s = sorted(by_time)
        evidence = self._evidence(Modality.AUDIO, [by_time[t] for t in times_s])
        return SoundReason(np.array(times_s), evidence)

    def text(self, pieces: Sequence[tuple[Moment, str]]) -> TextReason:
        """Which passages meet the query."""
        evidence = self._evidence(Modality.TEXT, [text for _, text in pieces])
        order = np.argsort(-evidence, kind="stable")
        return TextReason(tuple((pieces[i][0], float(evidence[i])) for i in order))

    def _reason(self, modality: Modality, pieces: list[tuple[Moment, Content]]) -> Reason:
        if modality is Modality.AUDIO:
            return self.sound(cast("list[tuple[Moment, Sound]]", pieces))
        if modality is Modality.TEXT:
            return self.text(cast("list[tuple[Moment, str]]", pieces))
        best = int(self._evidence(modality, [content for _, content in pieces]).argmax())
        return self.picture(cast("Picture", pieces[best][1]))

    def _comparable(self, target: Modality) -> bool:
        return any(self._meeting(terms, target) for terms in self._alternatives)

    def _meeting(self, terms: Sequence[EmbeddedTerm], target: Modality) -> list[EmbeddedTerm]:
        """The wanted terms that can be compared with a modality; what is unwanted explains none."""
        space = self._library.space
        return [t for t in terms if t.weight > 0 and any(space.meets(m, target) for m in t.blocks)]

    def _evidence(self, modality: Modality, contents: Sequence[Content]) -> Floats:
        library = self._library
        batches = []
        for start in range(0, len(contents), BATCH):
            rows = library.space.embed(modality, contents[start : start + BATCH])
            batches.append(
                np.max(
                    [
                        library.searcher.scoring.score_rows(terms, modality, rows).evidence
                        for terms in (self._meeting(a, modality) for a in self._alternatives)
                        if terms
                    ],
                    axis=0,
                )
            )
        return np.concatenate(batches)


def _boxes(width_px: int, height_px: int) -> Iterator[tuple[int, int, int, int]]:
    """Overlapping squares of several sizes: left, top, right, bottom, the last two exclusive."""
    short_px = min(width_px, height_px)
    for share in CROPS:
        side = max(round(share * short_px), 1)
        step = max(side // STEPS, 1)
        for top in _starts(height_px, side, step):
            for left in _starts(width_px, side, step):
                yield left, top, left + side, top + side


def _starts(length: int, side: int, step: int) -> list[int]:
    last = length - side
    count = max(-(-last // step), 0) + 1
    return sorted({round(v) for v in np.linspace(0, last, count)})


def _span(low: float, high: float) -> slice:
    """The cells of the grid between two shares of a side; at least one."""
    first = min(round(low * GRID), GRID - 1)
    return slice(first, max(round(high * GRID), first + 1))


def _bump(cells: slice) -> Floats:
    """Weights of a part's cells: the middle of a part is what it shows best."""
    count = cells.stop - cells.start
    return np.asarray(np.sin(np.pi * (np.arange(count) + 0.5) / count), dtype=np.float64)
