"""The library: the one door to everything that was indexed.

::

    with Library.open("my.library") as library:
        library.add("bell.wav")
        for hit in library.search("a ringing bell"):
            print(hit.score, hit.path)
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, BinaryIO, Literal, Self

from filelock import FileLock, Timeout

from retrieval import known_models
from retrieval.catalog.catalog import Catalog
from retrieval.catalog.filter import Filter
from retrieval.catalog.new_content import FileState
from retrieval.catalog.roots import Root, covered, free_name, innermost
from retrieval.encoded_file import encoded_file
from retrieval.encoders.model_set import ModelSet, load_model_set
from retrieval.errors import (
    LibraryError,
    LibraryLocked,
    MediaError,
    QueryError,
    UnknownMedia,
)
from retrieval.hubness import Hubs
from retrieval.index_cache import IndexCache
from retrieval.library_folder import CATALOG, LOCK, holds_library, must_hold_library
from retrieval.media.content_hash import content_hash
from retrieval.new_library import make_library
from retrieval.own_bridges import OwnBridge, improve_bridges, own_bridges
from retrieval.query import Query
from retrieval.search import Search
from retrieval.space import JointSpace
from retrieval.stats import Stats
from retrieval.stopwatch import Stage, timed
from retrieval.user_path import user_path
from retrieval.verify import problems
from retrieval.word_search import search_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import timedelta
    from pathlib import Path

    from retrieval.query import Subject
    from retrieval.records import File, Hit, Kind

DEFAULT_MODELS = "clip-clap"


class Library:
    """A folder with a catalog (the one truth) and its indexes (a cache).

    Any number of processes may read a library while one writes to it.
    """

    def __init__(
        self, path: Path, catalog: Catalog, models: str | ModelSet | None, device: str = "cpu"
    ) -> None:
        """Use `Library.open`."""
        self.path = path
        self.catalog = catalog
        self._models = models
        self._lock = FileLock(path / LOCK, timeout=0, thread_local=False)
        self.indexes = IndexCache(path / "vectors", catalog, device)

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        models: str | ModelSet | None = None,
        create: bool = True,
        device: str = "cpu",
    ) -> Self:
        """Open a library, or make one where there is none.

        Args:
            path: Its folder.
            models: The model set: for a new library the one to use (default: clip-clap), for an
                existing one a check that it was made with this set. Without it an existing one
                finds its set where it was last, or by its name.
            create: False to insist that it exists.
            device: `cuda` to search large indexes on the GPUs, `cuda:1` on one of them; any other
                for the CPU. Models have a device of their own: `load_model_set(..., device=...)`.

        Raises:
            LibraryNotFound: there is none and `create` is False, or the folder holds other things.
            LibraryVersion: it was made by a newer anyseek.
            LibraryDamaged: its catalog cannot be read.
            LibraryLocked: it must be made or migrated while another process writes to it.
        """
        path = user_path(path)
        if not create:
            must_hold_library(path)
        elif not holds_library(path):
            make_library(path, models or DEFAULT_MODELS)
        catalog = Catalog(path / CATALOG)
        library = cls(path, catalog, models, device)
        if catalog.is_outdated():
            with library.writing():
                catalog.migrate()
        return library

    def close(self) -> None:
        """Let go of all files; the library can be opened again."""
        self.indexes.close()
        self.catalog.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @cached_property
    def space(self) -> JointSpace:
        """The model set, loaded when it is first needed.

        Raises:
            ModelMismatch: the library was made with another one.
        """
        with timed(Stage.LOAD):
            return self._load_space()

    def _load_space(self) -> JointSpace:
        models, facts = self._models, self.catalog.facts()
        if models is None:
            model_set = known_models.find_again(self.path, facts)
        else:
            model_set = models if isinstance(models, ModelSet) else load_model_set(models)
            known_models.check(self.path, facts, model_set)
        space = JointSpace(model_set)
        return space.with_bridges(own_bridges(self.path, space.bridges))

    @cached_property
    def searcher(self) -> Search:
        """What answers queries; it also takes terms that are embedded already."""
        return Search(self.catalog, self.indexes, self.space)

    @cached_property
    def _hubs(self) -> Hubs:
        return Hubs(self.space)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the writer's lock; may be nested.

        Raises:
            LibraryLocked: another process holds it.
        """
        try:
            lock = self._lock.acquire()
        except Timeout as error:
            raise LibraryLocked(
                f"Another process is writing to {self.path}. Searching works meanwhile; "
                "try again when it has finished."
            ) from error
        except OSError as error:
            raise LibraryError(f"Cannot write to {self.path}: {error.strerror}.") from error
        with lock:
            yield

    def add(self, path: str | Path) -> File:
        """Add one file, or bring it up to date; for folders there is `indexer.index`.

        Raises:
            MediaError: the file cannot be read; it is recorded with this reason.
            LibraryLocked: another process is writing.
        """
        path = user_path(path)
        try:
            with self.writing(), path.open("rb") as file:
                file_id = self._store(path, file)
                self.refresh()
        except OSError as error:
            raise MediaError(f"Cannot read {path}: {error.strerror}.") from error
        return self.catalog.files.get(file_id)

    def remove(self, path: str | Path) -> int:
        """Drop a file, or everything below a folder, from the library; the disk is not touched.

        A root of which nothing is left is dropped too, so that it is not indexed by itself again.

        Returns:
            How many files were dropped; 0 if none was known.
        """
        with self.writing():
            gone = [file.id for file in self.files(under=path)]
            self._forget(gone, [root_id for root_id, _ in self._under(path)])
        return len(gone)

    def prune(self, older_than: timedelta, *, dry_run: bool = False) -> list[File]:
        """Drop files that have been missing for longer than this.

        A root of which nothing is left is dropped too if its folder is not there; a folder that
        was only emptied is indexed on, for nobody named it.

        Args:
            older_than: Counted from the run that missed them first.
            dry_run: Only say which they are.

        Returns:
            The files that were (or would be) dropped.
        """
        now = datetime.now(UTC)
        gone = [f for f in self.files() if f.missing_since and now - f.missing_since > older_than]
        if gone and not dry_run:
            absent = [
                root.id
                for root in self.catalog.roots()
                if not root.folder.is_dir()
                and any(file.path.is_relative_to(root.folder) for file in gone)
            ]
            self._forget([file.id for file in gone], absent)
        return gone

    def _forget(self, file_ids: Sequence[int], root_ids: Sequence[int]) -> None:
        """Drop files, and those of some roots that are empty then."""
        with self.writing():
            with self.catalog.transaction() as transaction:
                transaction.forget(file_ids)
                transaction.forget_empty(root_ids)
            self.refresh()

    def move_root(self, name: str, folder: str | Path) -> Root:
        """Say that a root lies somewhere else now; its files keep everything.

        Raises:
            LibraryError: there is no such root, no such folder, or another root lies there.
        """
        real = user_path(folder).resolve()
        roots = {root.name: root for root in self.catalog.roots()}
        if name not in roots:
            known = ", ".join(roots) or "none"
            raise LibraryError(f"There is no root named {name}. Known: {known}.")
        if not real.is_dir():
            raise LibraryError(f"{real} is no folder. Name the folder where {name} lies now.")
        taken = [root.name for root in roots.values() if root.folder == real and root.name != name]
        if taken:
            raise LibraryError(f"{real} is the folder of root {taken[0]} already.")
        with self.writing(), self.catalog.transaction() as transaction:
            transaction.move_root(roots[name].id, str(real))
        return replace(roots[name], folder=real)

    def search(
        self,
        query: Subject | Query | list[Subject | Query] | tuple[Subject | Query, ...],
        *,
        k: int = 10,
        kinds: Iterable[Kind | str] | None = None,
        without: Sequence[Subject] = (),
        under: str | Path | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        missing: bool = False,
        where: str | None = None,
        min_score: float = 0.0,
        words: Literal["also", "only", "no"] = "also",
    ) -> list[Hit]:
        """Find files.

        Args:
            query: Words (`str`), a file (`Path`), the id of a moment (`int`), a vector `(dim,)`,
                a `Query`, or several of these that are wanted together.
            k: At most this many hits.
            kinds: Only files of these kinds.
            without: What the hits should not be like.
            under: Only files below this folder.
            since: Only files modified at this time or later.
            until: Only files modified before this time.
            missing: Also files that could not be seen when their folder was last indexed.
            where: Only files of which this is true, such as `year >= 2023 and camera ~ "Pixel"`;
                `retrieval.catalog.where` says what can be asked.
            min_score: No hits below this score; `library.space.calibration.level` is where
                nothing in the library can be said to match.
            words: Whether the words of the query also count as they are written, in names, folders,
                stated facts and passages: beside what they mean ("also"), alone and without loading
                any model ("only"), or not ("no"). What is "in quotes" must then stand in each hit.

        Returns:
            Hits, best first; a file appears once, with its best moment.

        Raises:
            QueryError: the query cannot be answered as it stands.
        """
        terms = [Query(s) for s in (query if isinstance(query, list | tuple) else [query])]
        if not terms:
            raise QueryError("The query is empty. Give some words, or a file with --file.")
        combined = sum(terms[1:], terms[0])
        for subject in without:
            combined = combined - Query(subject)
        wanted = Filter.asked(
            kinds=kinds,
            under=None if under is None else self._under(under),
            since=since,
            until=until,
            missing=missing,
            where=where,
        )
        if words == "only":
            return search_words(self.catalog, combined, k, wanted, min_score)
        return self.searcher.hits(combined, k, wanted, min_score, words=words == "also")

    def files(
        self, *, kinds: Iterable[Kind | str] | None = None, under: str | Path | None = None
    ) -> Iterator[File]:
        """Every file the library knows, also failed and missing ones, by root and path."""
        below = None if under is None else self._under(under)
        return self.catalog.files.matching(Filter.asked(kinds=kinds, under=below, missing=True))

    def stats(self) -> Stats:
        """How much the library holds and what made it."""
        return Stats.of(self.path, self.catalog)

    def refresh(self) -> None:
        """Bring the indexes in step with the catalog and write them down."""
        with self.writing():
            # Moments only come with a model set that is loaded; forgetting files must not load it.
            if "space" in self.__dict__:
                known_models.remember(self.catalog, self.space.model_set)
                self._hubs.fill(self.catalog)
            self.indexes.refresh()

    def tune(
        self,
        *,
        recall: float | None = None,
        memory: int | None = None,
    ) -> None:
        """Ask something else of the indexes, which the library remembers; None leaves what is.

        It holds from the next `refresh` or `rebuild` on; `indexes.describe()` says what came of it.

        Args:
            recall: Share of the truly nearest that a search must find, 0.5 to 1; 1 for exact
                search at any size. At first 0.99.
            memory: Bytes that all indexes together may keep in memory; 0 for no limit, as at first.

        Raises:
            LibraryError: a value makes no sense.
            LibraryLocked: another process is writing.
        """
        wish = self.indexes.wish
        if recall is not None:
            wish = replace(wish, recall=recall)
        if memory is not None:
            wish = replace(wish, memory=memory or None)
        if not 0.5 <= wish.recall <= 1:
            raise LibraryError(f"recall = {wish.recall}: ask for a share between 0.5 and 1.")
        if wish.memory is not None and wish.memory < 1:
            raise LibraryError(f"memory = {wish.memory}: give bytes, or 0 for no limit.")
        with self.writing():
            self.indexes.ask(wish)

    def rebuild(self) -> None:
        """Make the indexes, of vectors and of words, anew from the catalog."""
        with self.writing():
            self.catalog.words.rebuild()
            self.indexes.rebuild()
            # What it remembers was drawn from the old indexes, which may have been damaged.
            self.__dict__.pop("searcher", None)

    def improve_bridges(self) -> list[OwnBridge]:
        """Improve the model set's bridges with what the library's films show and sound like.

        A bridge is taken only if it finds the sounds of films that it was not made from better.
        Nothing is encoded again.

        Returns:
            The bridges that got better; none for a model set of one space.

        Raises:
            LibraryLocked: another process is writing.
        """
        with self.writing():
            improved = improve_bridges(self)
        shipped = JointSpace(self.space.model_set).bridges
        self.space = self.space.with_bridges(own_bridges(self.path, shipped))
        self.__dict__.pop("searcher", None)
        return improved

    def verify(self, sample: int = 20) -> list[str]:
        """Check that catalog, indexes and files agree.

        Args:
            sample: How many files are read and encoded again.

        Returns:
            Everything found wrong, a sentence each; empty if all is well.
        """
        return list(problems(self, sample))

    def place(self, folder: str | Path) -> tuple[Root, str]:
        """The root that a folder belongs to and its path below it; a new root if there is none."""
        real = user_path(folder).resolve()
        roots = self.catalog.roots()
        found = innermost(roots, real)
        if found:
            return found
        name = free_name(real.name or "root", [root.name for root in roots])
        with self.writing(), self.catalog.transaction() as transaction:
            return Root(transaction.add_root(name, str(real)), name, real), ""

    def _store(self, path: Path, file: BinaryIO) -> int:
        state = FileState.of(os.fstat(file.fileno()))
        root, folder = self.place(path.parent)
        below = f"{folder}/{path.name}" if folder else path.name
        with self.catalog.transaction() as transaction:
            known = transaction.link(root.id, below, state, content_hash(file))
        if known is not None:
            return known
        try:
            content = encoded_file(self.space, file, path.name)
        except MediaError as error:
            with self.catalog.transaction() as transaction:
                not_media = isinstance(error, UnknownMedia)
                transaction.fail(root.id, below, state, str(error), not_media=not_media)
            raise
        with self.catalog.transaction() as transaction:
            return transaction.add(root.id, below, state, content)

    def _under(self, path: str | Path) -> tuple[tuple[int, str], ...]:
        return covered(self.catalog.roots(), user_path(path).resolve())
