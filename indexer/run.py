"""One run: from folders to a library that knows what is in them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.assembly import Assembly
from indexer.compare import Change, compare
from indexer.exclusion import DEFAULT_EXCLUDE, Exclusion
from indexer.ledger import Ledger, Tally
from indexer.progress import Progress, Stage, Summary
from indexer.read_ahead import (
    DEFAULT_MEMORY,
    Changing,
    Decoded,
    Failed,
    Finished,
    Known,
    ReadAhead,
)
from indexer.reading import Job
from indexer.scan import Scan
from indexer.targets import Target, find_targets
from indexer.whereabouts import Whereabouts
from retrieval.catalog.transaction import SPARE
from retrieval.errors import LibraryError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    from indexer.compare import Difference
    from indexer.read_ahead import Message
    from retrieval.library import Library
    from retrieval.media.decoder_pool import DecoderPool

PATIENCE_S = 0.2
"""How long a batch that is not full waits for company."""
FILES_PER_EVENT = 1000
"""How often the walk reports where it is."""


def index(
    library: Library,
    *paths: str | os.PathLike[str],
    progress: Callable[[Progress], None] | None = None,
    exclude: Sequence[str] = DEFAULT_EXCLUDE,
    retry_failed: bool = False,
    batch_size: int | None = None,
    threads: int | None = None,
    memory: int = DEFAULT_MEMORY,
    decoders: DecoderPool | None = None,
) -> Summary:
    """Bring a library up to date with folders and files.

    What is new or has changed is read and encoded; what moved keeps its ids and vectors; what
    cannot be seen is marked missing and kept. Complete files are committed about once a second, so
    that an interrupt or a kill loses no more than that, and the next run goes on from there.

    Args:
        library: Where everything is stored.
        paths: Folders and files; without any, every root that the library knows.
        progress: Called from this thread as the run goes on.
        exclude: Globs of what to leave out besides hidden files; see `Exclusion`.
        retry_failed: Read files again that failed before, though they have not changed.
        batch_size: Moments to encode together; by default a number for each modality.
        threads: Reader threads; by default one for each core, two at least.
        memory: Bytes of decoded contents that may wait for the model.
        decoders: A pool that stays open, for who calls often: to start a process takes longer than
            to read a file.

    Raises:
        SearchError: a path is neither there nor known to the library.
        LibraryLocked: another process is writing to the library.
        ModelMismatch: the library was made with another model set.
    """
    with library.writing():
        run = Run(library, progress or _ignore, exclude, retry_failed)
        for target in find_targets(library, paths):
            run.look(target)
        run.mark()
        run.read(batch_size, threads, memory, decoders)
        run.sweep()
        run.refresh()
        return run.summary()


@dataclass(slots=True)
class Run:
    """The steps of `index`, in order: look, mark, read, sweep, refresh, summary."""

    library: Library
    progress: Callable[[Progress], None]
    exclude: Sequence[str]
    retry_failed: bool
    started: float = field(default_factory=time.monotonic)
    jobs: list[Job] = field(default_factory=list)
    absent: set[int] = field(default_factory=set)
    """Files that are not where they were."""
    missing: set[int] = field(default_factory=set)
    """Files to mark missing: absent or out of sight, and not marked yet."""
    returned: list[int] = field(default_factory=list)
    unreadable: list[Path] = field(default_factory=list)
    scanned: int = 0
    unchanged: int = 0
    unsettled: int = 0
    left_over: bool = False
    """An interrupted run left contents that no file has."""
    done_files: int = 0
    done_bytes: int = 0
    total_bytes: int = 0
    ledger: Ledger | None = None

    def look(self, target: Target) -> None:
        """Walk over a target and compare it with what the library knows."""
        folder = target.root.folder
        others = [root.folder for root in self.library.catalog.roots() if root.id != target.root.id]
        exclusion = Exclusion(folder, self.exclude, [*others, self.library.path.resolve()])
        scan = Scan(folder, target.below, exclusion)
        known = self.library.catalog.files.listing(target.root.id, target.below)
        not_found: list[Difference] = []
        for difference in compare(scan, known):
            if difference.change is Change.ABSENT:
                not_found.append(difference)
            else:
                self._found(target, difference)
        for difference in not_found:
            self._not_found(difference, could_see=scan.could_see(difference.path))
        self.unreadable += [folder / path for path in scan.unreadable]

    def mark(self) -> None:
        """Write down what can be seen and what cannot; no file needs to be opened for that."""
        self.left_over = SPARE in self.library.catalog.facts()
        if self.missing or self.returned:
            with self.library.catalog.transaction() as transaction:
                transaction.mark_missing(sorted(self.missing), time.time())
                transaction.mark_seen(self.returned)

    def read(
        self,
        batch_size: int | None,
        threads: int | None,
        memory: int,
        decoders: DecoderPool | None,
    ) -> None:
        """Read, encode and commit what is new or changed."""
        if not self.jobs:
            return
        self.total_bytes = sum(job.size for job in self.jobs)
        with ReadAhead(
            self.jobs, self.library, threads=threads, memory=memory, decoders=decoders
        ) as readers:
            folders = {root.id: root.folder for root in self.library.catalog.roots()}
            self.ledger = Ledger(self.library, readers, Whereabouts(folders, self.absent))
            assembly = Assembly(self.library, readers, batch_size)
            self.progress(Progress(Stage.READ, None, 0, len(self.jobs), 0, self.total_bytes))
            try:
                self._take_all(readers, assembly, self.ledger)
            finally:  # also when interrupted: what is complete is not lost
                self._take_complete(assembly, self.ledger)
                self.ledger.commit()

    def sweep(self) -> None:
        """Drop contents that no file has any more, also those that an interrupted run left."""
        if self.left_over or (self.ledger and self.ledger.spare):
            with self.library.catalog.transaction() as transaction:
                transaction.sweep(None if self.left_over or not self.ledger else self.ledger.spare)

    def refresh(self) -> None:
        """Bring the indexes in step with the catalog."""
        if not self.library.indexes.is_saved():
            self.progress(Progress(Stage.REFRESH, None, 0))
            try:
                self.library.refresh()
            except OSError as error:
                raise LibraryError(
                    f"The indexes of {self.library.path} cannot be written: {error.strerror}. "
                    "Everything is stored and can be found; make room and run the command again."
                ) from error

    def summary(self) -> Summary:
        """What was done."""
        tally = self.ledger.tally if self.ledger else Tally()
        moved = self.ledger.moved if self.ledger else set()
        return Summary(
            added=tally.added,
            updated=tally.updated,
            moved=tally.moved,
            missing=len(self.missing - moved),
            restored=len(self.returned),
            failed=tally.failed,
            unchanged=self.unchanged + tally.unchanged,
            unsettled=self.unsettled,
            unreadable=tuple(self.unreadable),
            seconds=time.monotonic() - self.started,
        )

    def _found(self, target: Target, difference: Difference) -> None:
        if self.scanned % FILES_PER_EVENT == 0:
            self.progress(Progress(Stage.SCAN, target.root.folder, self.scanned))
        self.scanned += 1
        known, state = difference.known, difference.state
        assert state
        if known and difference.change is Change.RETURNED:
            self.returned.append(known.file_id)
        again = self.retry_failed and known and known.failed
        if difference.change in (Change.NEW, Change.CHANGED) or again:
            folder = str(target.root.folder)
            self.jobs.append(Job(target.root.id, folder, difference.path, state.size, known))
        elif difference.change is Change.SAME:
            self.unchanged += 1

    def _not_found(self, difference: Difference, *, could_see: bool) -> None:
        known = difference.known
        assert known
        if could_see:
            self.absent.add(known.file_id)
        if not known.missing:
            self.missing.add(known.file_id)

    def _take_all(self, readers: ReadAhead, assembly: Assembly, ledger: Ledger) -> None:
        """Until everything is read: encode full batches, and others while nothing comes."""
        while True:
            message = readers.take(PATIENCE_S, can_free=assembly.waits)
            if message:
                self._take(message, assembly, ledger)
            elif assembly.waits:
                assembly.encode_fullest()
            elif readers.idle:
                ledger.commit()
                if readers.idle:
                    return
            self._take_complete(assembly, ledger)
            ledger.commit_if_due()

    def _take(self, message: Message, assembly: Assembly, ledger: Ledger) -> None:
        match message:
            case Decoded(job, piece):
                assembly.add(job, piece)
            case Finished():
                assembly.finish(message)
            case Known():
                ledger.add(message)
                self._done(message.job)
            case Failed():
                assembly.drop(message.job)
                ledger.add(message)
                self._done(message.job)
            case Changing():
                assembly.drop(message.job)
                self.unsettled += 1
                self._done(message.job)

    def _take_complete(self, assembly: Assembly, ledger: Ledger) -> None:
        for finished, content in assembly.take_complete():
            ledger.add((finished, content))
            self._done(finished.job)

    def _done(self, job: Job) -> None:
        self.done_files += 1
        self.done_bytes += job.size
        self.progress(
            Progress(
                Stage.READ,
                Path(job.folder, job.path),
                self.done_files,
                len(self.jobs),
                self.done_bytes,
                self.total_bytes,
            )
        )


def _ignore(_: Progress) -> None:
    """For callers who do not want to hear of progress."""
