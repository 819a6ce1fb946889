"""A survey: what a walk over folders finds to be done, before any file is opened."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from indexer.annotation import Note
from indexer.compare import Change, compare
from indexer.exclusion import Exclusion
from indexer.progress import Progress, Stage
from indexer.reading import Job
from indexer.scan import Scan
from indexer.twins import Raw

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from indexer.compare import Difference
    from indexer.scan import Found
    from indexer.targets import Target
    from retrieval.catalog.listing import Listed
    from retrieval.library import Library

FILES_PER_EVENT = 1000
"""How often the walk reports where it is."""


@dataclass(slots=True)
class Survey:
    """Targets compared with what the library knows of them."""

    library: Library
    progress: Callable[[Progress], None]
    exclude: Sequence[str]
    retry_failed: bool
    jobs: list[Job] = field(default_factory=list)
    """What is to be read next."""
    raws: list[Raw] = field(default_factory=list)
    """What need not be read if the picture beside it can be."""
    notes: list[Note] = field(default_factory=list)
    """Files whose sidecars are to be read."""
    absorbed: list[int] = field(default_factory=list)
    """Files that have become sidecars."""
    absent: set[int] = field(default_factory=set)
    """Files that are not where they were."""
    missing: set[int] = field(default_factory=set)
    """Files to mark missing: absent or out of sight, and not marked yet."""
    returned: list[int] = field(default_factory=list)
    unreadable: list[Path] = field(default_factory=list)
    scanned: int = 0
    unchanged: int = 0

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
            if difference.known and difference.path in scan.sidecars:
                self.absorbed.append(difference.known.file_id)
            else:
                self._not_found(difference, could_see=scan.could_see(difference.path))
        self.unreadable += [folder / path for path in scan.unreadable]

    def mark(self) -> None:
        """Write down what can be seen and what cannot; no file needs to be opened for that."""
        if self.missing or self.returned or self.absorbed:
            with self.library.catalog.transaction() as transaction:
                transaction.forget(self.absorbed)
                transaction.mark_missing(sorted(self.missing), time.time())
                transaction.mark_seen(self.returned)

    def _found(self, target: Target, difference: Difference) -> None:
        if self.scanned % FILES_PER_EVENT == 0:
            self.progress(Progress(Stage.SCAN, target.root.folder, self.scanned))
        self.scanned += 1
        known, found, change = difference.known, difference.found, difference.change
        assert found
        if known and change is Change.RETURNED:
            self.returned.append(known.file_id)
        same = known if change in (Change.SAME, Change.RETURNED) else None
        again = self.retry_failed and same is not None and same.failed
        is_read = same is not None and not same.twin and not again
        stays = same is not None and same.twin if found.leader else is_read
        if not stays:
            root, folder = target.root.id, str(target.root.folder)
            job = Job(root, folder, found.path, found.state.size, known)
            if found.leader:
                self.raws.append(Raw(job, found.state, found.leader, is_read))
            else:
                self.jobs.append(job)
        elif change is Change.SAME:
            self.unchanged += 1
        self._look_at_sidecars(target, found, known, stays=stays)

    def _look_at_sidecars(
        self, target: Target, found: Found, known: Listed | None, *, stays: bool
    ) -> None:
        """Sidecars are read if they are others, or if another file may come to this path."""
        before = known.sidecars if known else ()
        failed = self.retry_failed and any(sidecar.failure for sidecar in before)
        if found.sidecars != before or failed or (found.sidecars and not stays):
            folder = str(target.root.folder)
            self.notes.append(Note(target.root.id, folder, found.path, found.sidecars))

    def _not_found(self, difference: Difference, *, could_see: bool) -> None:
        known = difference.known
        assert known
        if could_see:
            self.absent.add(known.file_id)
        if not known.missing:
            self.missing.add(known.file_id)
