"""Assembly: moments encoded in batches, and put together again as the files they came from."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING

from indexer.spool import BLOCK, Spool
from retrieval.catalog.new_content import EncodedMoment, NewContent
from retrieval.records import Modality

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from indexer.message import Finished
    from indexer.read_ahead import ReadAhead
    from indexer.reading import Job, Piece
    from retrieval.library import Library
    from retrieval.vectors import Vector

BATCH = 64
"""Moments that are encoded together at most: as many as a GPU takes at a time."""

BATCH_S = 0.5
"""How long a batch may take, and how long its first moment may wait for others: an interrupt loses
little more, and readers keep ahead of a slow model."""

ABREAST = os.cpu_count() or 1
"""A CPU takes one moment on each of its cores at a time: full batches are a multiple of it."""


@dataclass(slots=True)
class Parts:
    """What there is of a file so far."""

    moments: list[EncodedMoment | None] = field(default_factory=list)
    """In the order of the file, those on disk left out; None until its vectors are there."""
    spool: Spool | None = None
    """The first moments, where there are many."""
    waiting: int = 0
    """How many are None."""
    finished: Finished | None = None
    dropped: bool = False

    def add(self) -> int:
        """Make room for one more moment; returns its place in the file."""
        self.moments.append(None)
        self.waiting += 1
        return self._spooled + len(self.moments) - 1

    def put(self, place: int, moment: EncodedMoment) -> None:
        """Take the moment of a place."""
        self.moments[place - self._spooled] = moment
        self.waiting -= 1

    def spool_first(self, folder: Path) -> None:
        """Put the first moments on disk as long as there are many that have their vectors."""
        while len(self.moments) > BLOCK and None not in (first := self.moments[:BLOCK]):
            self.spool = self.spool or Spool(folder)
            self.spool.append([moment for moment in first if moment])
            del self.moments[:BLOCK]

    def all_moments(self) -> Sequence[EncodedMoment]:
        """The moments of a complete file."""
        rest = [moment for moment in self.moments if moment]
        if self.spool is None:
            return rest
        for start in range(0, len(rest), BLOCK):
            self.spool.append(rest[start : start + BLOCK])
        return self.spool

    @property
    def _spooled(self) -> int:
        return len(self.spool) if self.spool else 0


class Assembly:
    """Encodes batches of one modality, and tells which files are complete."""

    def __init__(self, library: Library, readers: ReadAhead, batch_size: int | None) -> None:
        """Take a number of moments to encode together, or None to go by the encoder's speed."""
        self._library = library
        self._readers = readers
        self._timed = batch_size is None
        # How fast an encoder is, its first moment shows.
        self._sizes = dict.fromkeys(Modality, batch_size or 1)
        self._queues: dict[Modality, list[tuple[Piece, Parts, int]]] = {m: [] for m in Modality}
        self._since = dict.fromkeys(Modality, 0.0)
        self._parts: dict[Job, Parts] = {}
        self._complete: list[tuple[Finished, NewContent]] = []

    @property
    def waits(self) -> bool:
        """Whether there is anything to encode."""
        return any(self._queues.values())

    def add(self, job: Job, piece: Piece) -> None:
        """Take one moment of a file; encodes what is a full batch or has waited long enough."""
        parts = self._parts.setdefault(job, Parts())
        queue = self._queues[piece.moment.modality]
        if not queue:
            self._since[piece.moment.modality] = monotonic()
        queue.append((piece, parts, parts.add()))
        for modality in Modality:
            if self._is_due(modality):
                self._encode(modality)

    def finish(self, finished: Finished) -> None:
        """A file has no further moments."""
        parts = self._parts.setdefault(finished.job, Parts())
        parts.finished = finished
        self._complete_if_done(parts)

    def drop(self, job: Job) -> None:
        """A file turned out to be unreadable: forget what came of it."""
        parts = self._parts.pop(job, None)
        if parts:
            parts.dropped = True

    def encode_fullest(self) -> None:
        """Encode what waits in the longest queue, though it is no full batch."""
        self._encode(max(Modality, key=lambda modality: len(self._queues[modality])))

    def take_complete(self) -> list[tuple[Finished, NewContent]]:
        """Files all of whose moments are encoded, each handed out once."""
        complete, self._complete = self._complete, []
        return complete

    def _is_due(self, modality: Modality) -> bool:
        queue = self._queues[modality]
        if len(queue) >= self._sizes[modality]:
            return True
        return self._timed and bool(queue) and monotonic() - self._since[modality] >= BATCH_S

    def _encode(self, modality: Modality) -> None:
        queue, self._queues[modality] = self._queues[modality], []
        live = [(piece, parts, place) for piece, parts, place in queue if not parts.dropped]
        if live:
            begun = monotonic()
            vectors = self._library.space.encode(modality, [piece.prepared for piece, _, _ in live])
            if self._timed:
                self._sizes[modality] = _batch_size(len(live), monotonic() - begun)
            for row, (piece, parts, place) in enumerate(live):
                own: Mapping[str, Vector] = {space: rows[row] for space, rows in vectors.items()}
                parts.put(place, EncodedMoment(piece.moment, own))
                self._complete_if_done(parts)
            for parts in {id(parts): parts for _, parts, _ in live}.values():
                if parts.finished is None or parts.waiting:
                    parts.spool_first(self._library.path)
        self._readers.release(sum(piece.bytes for piece, _, _ in queue))

    def _complete_if_done(self, parts: Parts) -> None:
        finished = parts.finished
        if finished is None or parts.waiting:
            return
        del self._parts[finished.job]
        moments = parts.all_moments()
        content = NewContent(finished.hash, finished.kind, moments, finished.metadata)
        self._complete.append((finished, content))


def _batch_size(encoded: int, seconds: float) -> int:
    """How many moments take `BATCH_S`, when so many took so long."""
    if encoded * BATCH_S >= BATCH * seconds:  # also when it took no time that a clock can tell
        return BATCH
    return max(1, int(encoded * BATCH_S / seconds) // ABREAST) * ABREAST
