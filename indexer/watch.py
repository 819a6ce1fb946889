"""Watching folders: what changes in them is in the library a moment later."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from watchfiles import Change
from watchfiles import watch as file_events

from indexer.exclusion import DEFAULT_EXCLUDE, Exclusion
from indexer.run import index
from indexer.targets import NotThere, find_targets, is_known
from retrieval.catalog.catalog import identity
from retrieval.catalog.roots import innermost
from retrieval.errors import LibraryLocked, SearchError
from retrieval.media.decoder_pool import DecoderPool

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from threading import Event

    from watchfiles.main import FileChange

    from indexer.progress import Progress, Summary
    from retrieval.catalog.roots import Root
    from retrieval.library import Library

log = logging.getLogger(__name__)

TICK_MS = 100
"""How often it is looked whether there is something to do."""
QUIET_S = 0.4
"""A path that has not changed for so long is no longer being written to."""
LONGEST_S = 30.0
"""A path that never rests is read after so long, as it is then."""
ROOTS_S = 1.0
"""How often it is looked whether the roots are still the folders that they were."""
WALK_S = 300.0
"""How often everything is walked over, in case events were lost or never came, as with folders on
another machine."""
SINGLE_PATHS = 100
"""More changed paths than this are walked over by folder, and more folders by root."""


def watch(
    library: Library,
    *paths: str | os.PathLike[str],
    progress: Callable[[Progress], None] | None = None,
    exclude: Sequence[str] = DEFAULT_EXCLUDE,
    stop: Event | None = None,
) -> Iterator[Summary]:
    """Index folders, and again whatever changes in them, until told to stop.

    Args:
        library: Where everything is stored; the writer's lock is held only while there is work.
        paths: Folders and files; without any, every root that the library knows.
        progress: As for `index`.
        exclude: As for `index`.
        stop: Set to end; a KeyboardInterrupt passes through.

    Yields:
        What was done: first of the whole, then of each portion of changes.

    Raises:
        SearchError: as `index`, or the system refuses to watch so many folders.
    """
    watcher = Watcher(library, paths, exclude, stop)
    watcher.follow()
    library.space  # noqa: B018 - loaded now, so that the first change does not wait for it
    with DecoderPool(max(2, os.cpu_count() or 2)) as decoders:
        yield index(library, *paths, progress=progress, exclude=exclude, decoders=decoders)
        while watcher.wait():
            decoders.keep(1)
            changed = watcher.due()
            if not changed:
                continue
            try:
                summary = index(
                    library, *changed, progress=progress, exclude=exclude, decoders=decoders
                )
            except (LibraryLocked, NotThere) as error:
                log.info("trying again: %s", error)
                watcher.again(changed)
            else:
                yield summary


class Watcher:
    """Gathers changed paths until they rest."""

    def __init__(
        self,
        library: Library,
        paths: Sequence[str | os.PathLike[str]],
        exclude: Sequence[str],
        stop: Event | None,
    ) -> None:
        self._library = library
        self._exclude = exclude
        self._stop = stop
        self._wanted = [
            target.root.folder / target.below for target in find_targets(library, paths)
        ]
        self._events: Generator[set[FileChange], None, None] | None = None
        self._identities: dict[Path, tuple[int, int] | None] = {}
        self._changed: dict[Path, tuple[float, float]] = {}
        self._exclusions: list[tuple[Root, Exclusion]] = []
        self._looked_at_roots = self._walked = time.monotonic()

    def follow(self) -> None:
        """Begin to receive events, or begin anew after a root has come or gone.

        Raises:
            SearchError: the system refuses.
        """
        if self._events:
            self._events.close()
        self._identities = {path: identity(path) for path in self._wanted}
        roots = self._library.catalog.roots()
        skip = [*(root.folder for root in roots), self._library.path.resolve()]
        self._exclusions = [(r, Exclusion(r.folder, self._exclude, skip)) for r in roots]
        there = [path for path, was in self._identities.items() if was]
        self._events = _events(there, self._stop) if there else None
        self.wait()  # events are received from the first time that they are asked for

    def wait(self) -> bool:
        """Take events for a moment; False when it is time to stop."""
        if self._stop and self._stop.is_set():
            return False
        if self._events is None:
            time.sleep(TICK_MS / 1000)
        else:
            try:
                changes = next(self._events, None)
            except OSError as error:
                raise SearchError(
                    f"The system refuses to watch these folders: {error}. Raise its limit, on "
                    "Linux with: sudo sysctl fs.inotify.max_user_watches=1048576"
                ) from error
            if changes is None:
                return False
            # That a folder was modified says no more than the events of what lies in it.
            self._note(
                Path(path)
                for kind, path in changes
                if kind is not Change.modified or not os.path.isdir(path)  # noqa: PTH112
            )
        return True

    def due(self) -> list[Path]:
        """What to index now: changed paths that rest, or the folders they lie in."""
        now = time.monotonic()
        if now - self._looked_at_roots >= ROOTS_S:
            self._looked_at_roots = now
            self._look_at_roots()
        if now - self._walked >= WALK_S:
            self._walked = now
            self._note(self._wanted)
        ready = [
            path
            for path, (first, last) in self._changed.items()
            if now - last >= QUIET_S or now - first >= LONGEST_S
        ]
        for path in ready:
            del self._changed[path]
        return [path for path in self._gathered(ready) if self._matters(path)]

    def again(self, paths: Sequence[Path]) -> None:
        """Paths that could not be indexed just now."""
        self._note(paths)

    def _note(self, paths: Iterator[Path] | Sequence[Path]) -> None:
        now = time.monotonic()
        for path in paths:
            first, _ = self._changed.get(path, (now, now))
            self._changed[path] = (first, now)

    def _look_at_roots(self) -> None:
        """A folder that has come, gone or become another one is watched anew and indexed."""
        other = [path for path, was in self._identities.items() if identity(path) != was]
        if other:
            self.follow()
            self._note(other)

    def _gathered(self, paths: list[Path]) -> list[Path]:
        if len(paths) <= SINGLE_PATHS:
            return paths
        folders = {path if path in self._identities else path.parent for path in paths}
        if len(folders) <= SINGLE_PATHS:
            return sorted(folders)
        return self._wanted

    def _matters(self, path: Path) -> bool:
        """Whether a path is in a root, not left out, and either there or known."""
        exclusions = {root.id: exclusion for root, exclusion in self._exclusions}
        place = innermost([root for root, _ in self._exclusions], path)
        if place is None:
            return False
        root, below = place
        if below and exclusions[root.id].covers_any_of(below):
            return False
        return path.exists() or is_known(self._library, path)


def _events(paths: Sequence[Path], stop: Event | None) -> Generator[set[FileChange], None, None]:
    """Sets of changes as they come, empty ones while nothing happens."""
    return file_events(
        *paths,
        watch_filter=None,
        debounce=TICK_MS,
        step=TICK_MS // 2,
        rust_timeout=TICK_MS,
        yield_on_timeout=True,
        ignore_permission_denied=True,
        stop_event=stop,
    )
