"""One run: from folders to a library that knows what is in them."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.annotation import annotate
from indexer.assembly import Assembly
from indexer.exclusion import DEFAULT_EXCLUDE
from indexer.ledger import Ledger, Tally
from indexer.message import Changing, Decoded, Failed, Finished, Known
from indexer.progress import Progress, Stage, Summary
from indexer.read_ahead import DEFAULT_MEMORY, ReadAhead
from indexer.survey import Survey
from indexer.targets import find_targets
from indexer.twins import pair
from indexer.whereabouts import Whereabouts
from retrieval.catalog.content_writer import SPARE
from retrieval.errors import LibraryError
from retrieval.media.unused_memory import give_back_memory

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    from indexer.message import Message
    from indexer.reading import Job
    from retrieval.library import Library
    from retrieval.media.decoder_pool import DecoderPool

log = logging.getLogger(__name__)

PATIENCE_S = 0.2
"""How long a batch that is not full waits for company."""


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
        batch_size: Moments to encode together; by default as many as take about half a second.
        threads: Reader threads; by default one for each core, two at least.
        memory: Bytes of decoded contents that may wait for the model.
        decoders: A pool that stays open, for who calls often: to start a process takes longer than
            to read a file.

    Raises:
        SearchError: a path is neither there nor known to the library.
        LibraryLocked: another process is writing to the library.
        LibraryGone: the library was deleted or replaced meanwhile.
        ModelMismatch: the library was made with another model set.
    """
    with library.writing():
        told = progress or _ignore
        survey = Survey(library, told, exclude, retry_failed)
        run = Run(library, told, survey, left_over=SPARE in library.catalog.facts())
        for target in find_targets(library, paths):
            survey.look(target)
        survey.mark()
        run.read(survey.jobs, batch_size, threads, memory, decoders)
        run.read(run.paired(), batch_size, threads, memory, decoders)
        run.annotate()
        run.sweep()
        run.refresh()
        run.improve()
        give_back_memory()
        return run.summary()


@dataclass(slots=True)
class Run:
    """The steps of `index`, in the order of that function."""

    library: Library
    progress: Callable[[Progress], None]
    survey: Survey
    left_over: bool
    """Whether an interrupted run left contents that no file has."""
    started: float = field(default_factory=time.monotonic)
    unsettled: int = 0
    done_files: int = 0
    done_bytes: int = 0
    total_files: int = 0
    total_bytes: int = 0
    tally: Tally = field(default_factory=Tally)
    moved: set[int] = field(default_factory=set)
    """Files that were found under another path."""
    spare: set[int] = field(default_factory=set)
    """Contents that lost their last file."""
    films: bool = False
    """Whether videos with new content were stored."""
    annotated: int = 0

    def read(
        self,
        jobs: Sequence[Job],
        batch_size: int | None,
        threads: int | None,
        memory: int,
        decoders: DecoderPool | None,
    ) -> None:
        """Read, encode and commit what is to be read."""
        if not jobs:
            return
        self.total_files += len(jobs)
        self.total_bytes += sum(job.size for job in jobs)
        with ReadAhead(
            jobs, self.library, threads=threads, memory=memory, decoders=decoders
        ) as readers:
            folders = {root.id: root.folder for root in self.library.catalog.roots()}
            whereabouts = Whereabouts(folders, self.survey.absent)
            ledger = Ledger(self.library, readers, whereabouts, self.tally, self.moved, self.spare)
            assembly = Assembly(self.library, readers, batch_size)
            self._report(None)
            try:
                self._take_all(readers, assembly, ledger)
            finally:  # also when interrupted: what is complete is not lost
                self._take_complete(assembly, ledger)
                ledger.commit()
                self.films |= ledger.films
        give_back_memory()

    def paired(self) -> list[Job]:
        """Let pictures that were read stand for the RAWs beside them; other RAWs must be read."""
        survey = self.survey
        return pair(self.library, survey.raws, survey.absent, self.tally, self.moved)

    def annotate(self) -> None:
        """Record what sidecars state that are new, have changed or are gone."""
        if self.survey.notes:
            self.annotated = annotate(self.library, self.survey.notes)

    def sweep(self) -> None:
        """Drop contents that no file has any more, also those that an interrupted run left."""
        if self.left_over or self.spare:
            with self.library.catalog.transaction() as transaction:
                transaction.contents.sweep(None if self.left_over else self.spare)

    def refresh(self) -> None:
        """Bring the indexes in step with the catalog."""
        self.library.catalog.must_be_there()
        if not self.library.indexes.is_saved():
            self.progress(Progress(Stage.REFRESH, None, 0))
            try:
                self.library.refresh()
            except OSError as error:
                self.library.catalog.must_be_there()
                raise LibraryError(
                    f"The indexes of {self.library.path} cannot be written: {error.strerror}. "
                    "Everything is stored and can be found; make room and run the command again."
                ) from error

    def improve(self) -> None:
        """Let new films improve the bridge between what is seen and what is heard."""
        if self.films:
            try:
                self.library.improve_bridges()
            except OSError as error:  # a library without room is still one that can be searched
                log.warning("the bridges stay as they were: %s", error)

    def summary(self) -> Summary:
        """What was done."""
        return Summary(
            added=self.tally.added,
            updated=self.tally.updated,
            moved=self.tally.moved,
            missing=len(self.survey.missing - self.moved),
            restored=len(self.survey.returned),
            failed=self.tally.failed,
            not_media=self.tally.not_media,
            unchanged=self.survey.unchanged + self.tally.unchanged,
            unsettled=self.unsettled,
            annotated=self.annotated,
            unreadable=tuple(self.survey.unreadable),
            seconds=time.monotonic() - self.started,
        )

    def _take_all(self, readers: ReadAhead, assembly: Assembly, ledger: Ledger) -> None:
        """Until everything is read: encode full batches, and others while nothing comes."""
        while True:
            message = readers.take(PATIENCE_S, can_free=assembly.waits)
            if message:
                self._take(message, assembly, ledger)
            elif assembly.waits:
                assembly.encode_fullest()
            elif readers.idle:
                ledger.commit()  # which settles what other files with the same bytes wait for
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
        self._report(Path(job.folder, job.path))

    def _report(self, path: Path | None) -> None:
        self.progress(
            Progress(
                Stage.READ,
                path,
                self.done_files,
                self.total_files,
                self.done_bytes,
                self.total_bytes,
            )
        )


def _ignore(_: Progress) -> None:
    """For callers who do not want to hear of progress."""
