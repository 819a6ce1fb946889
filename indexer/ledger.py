"""The ledger: what the readers found out, written to the catalog every second or so."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from indexer.message import Failed, Finished, Known
from indexer.whereabouts import Sight, Whereabouts
from retrieval.catalog.new_content import FileState
from retrieval.records import Kind

if TYPE_CHECKING:
    from indexer.read_ahead import ReadAhead
    from indexer.reading import Job
    from retrieval.catalog.new_content import NewContent
    from retrieval.catalog.transaction import Transaction
    from retrieval.library import Library

COMMIT_S = 1.0
"""How often what is complete is committed: the most that a kill can undo."""
UNKNOWN_MTIME_NS = -1
"""A time that no file has: makes the next run try again."""
PLACES = 16
"""How many other places of a content are looked at to see whether the file was moved from one."""


@dataclass(slots=True)
class Tally:
    """Counts of committed files, by the fields of `Summary`."""

    added: int = 0
    updated: int = 0
    moved: int = 0
    failed: int = 0
    not_media: int = 0
    """Of those that failed."""
    unchanged: int = 0


@dataclass(slots=True)
class Ledger:
    """Outcomes that wait to be committed."""

    library: Library
    readers: ReadAhead
    whereabouts: Whereabouts
    tally: Tally = field(default_factory=Tally)
    moved: set[int] = field(default_factory=set)
    """Ids of files that were found under another path."""
    spare: set[int] = field(default_factory=set)
    """Contents that lost their last file."""
    films: bool = False
    """Whether a video with new content was among them."""
    _waiting: list[Known | Failed | tuple[Finished, NewContent]] = field(default_factory=list)
    _last: float = field(default_factory=time.monotonic)

    def add(self, outcome: Known | Failed | tuple[Finished, NewContent]) -> None:
        """Take what became of a file; committed when a second has passed."""
        self._waiting.append(outcome)

    def commit_if_due(self) -> None:
        """Commit when the last commit is a second ago."""
        if self._waiting and time.monotonic() - self._last >= COMMIT_S:
            self.commit()

    def commit(self) -> None:
        """Write everything that waits, in one transaction."""
        if not self._waiting:
            return
        tally, lost = Tally(), []
        with self.library.catalog.transaction() as transaction:
            transaction.contents.keep_unused()
            for outcome in self._waiting:
                match outcome:
                    case Failed():
                        self._fail(transaction, outcome, tally)
                    case Known() if not self._link(transaction, outcome, tally):
                        lost.append(outcome.job)
                    case (finished, content):
                        self._add(transaction, finished, content, tally)
        self.spare |= transaction.contents.spare
        done, self._waiting = self._waiting, []
        self._last = time.monotonic()
        for name in Tally.__slots__:
            setattr(self.tally, name, getattr(self.tally, name) + getattr(tally, name))
        for job in lost:
            self.readers.again(job)
        for outcome in done:
            if isinstance(outcome, tuple):
                self.readers.settle(outcome[0].hash)

    def _fail(self, transaction: Transaction, failed: Failed, tally: Tally) -> None:
        job = failed.job
        state = failed.state or FileState(job.size, UNKNOWN_MTIME_NS)
        transaction.fail(job.root_id, job.path, state, failed.reason, not_media=failed.not_media)
        tally.failed += 1
        tally.not_media += failed.not_media

    def _add(
        self, transaction: Transaction, finished: Finished, content: NewContent, tally: Tally
    ) -> None:
        job = finished.job
        transaction.add(job.root_id, job.path, finished.state, content)
        self.films |= content.kind is Kind.VIDEO
        _count(job, tally)

    def _link(self, transaction: Transaction, known: Known, tally: Tally) -> bool:
        """Give a path the content it shares; False if that content is gone from the catalog."""
        job = known.job
        if job.known and transaction.holds(job.known.file_id, known.hash):
            transaction.touch(job.known.file_id, known.state)
            tally.unchanged += 1
            return True
        places = transaction.places(known.hash, PLACES)
        sights = [(p, self.whereabouts.of(p)) for p in places if p.file_id not in self.moved]
        left = next((place for place, sight in sights if sight is Sight.LEFT), None)
        if left:
            transaction.move(left.file_id, job.root_id, job.path, known.state)
            self.moved.add(left.file_id)
            tally.moved += 1
            return True
        if transaction.link(job.root_id, job.path, known.state, known.hash) is None:
            return False
        hidden = [place.file_id for place, sight in sights if sight is Sight.HIDDEN]
        transaction.mark_missing(hidden, time.time())
        _count(job, tally)
        return True


def _count(job: Job, tally: Tally) -> None:
    if job.known:
        tally.updated += 1
    else:
        tally.added += 1
