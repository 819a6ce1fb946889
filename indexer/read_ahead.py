"""Read-ahead: threads that read files while the model works, within a bound of memory.

Each thread has a decoder process at its side, so that a hostile file costs only itself.
"""

from __future__ import annotations

import os
import time
from collections import deque
from contextlib import closing, contextmanager
from threading import Condition, Lock, Thread
from typing import TYPE_CHECKING, Self

from indexer.message import Changing, Decoded, Failed, Finished, Known, Message
from indexer.reading import Job, Piece, Unsettled, opened, prepared_pieces, read_media
from retrieval.errors import MediaError, UnknownMedia
from retrieval.media.content_hash import content_hash
from retrieval.media.decoder_channel import AT_ONCE_BYTES
from retrieval.media.decoder_pool import DecoderPool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from retrieval.library import Library
    from retrieval.media.media import Media
    from retrieval.space import JointSpace

DEFAULT_MEMORY = 128 << 20
"""Bytes of decoded contents that may wait for the model."""
STOP_S = 2.0
"""How long the readers may take to stop; one that hangs in a decoder is left behind."""
DECODING_MEMORY = 192 << 20
"""Bytes that decoding pictures may take beside that; a picture that takes more is decoded alone."""


class Stopped(Exception):  # noqa: N818 - control flow between threads, never seen outside
    """The readers have been told to stop."""


class ReadAhead:
    """Reader threads for a list of jobs.

    A content that several files share is read once: the first file claims it, the others wait
    until `settle` says what became of it.
    """

    def __init__(
        self,
        jobs: Iterable[Job],
        library: Library,
        *,
        threads: int | None = None,
        memory: int = DEFAULT_MEMORY,
        decoders: DecoderPool | None = None,
    ) -> None:
        """Start reading.

        Args:
            jobs: What to read, roughly in this order.
            library: Where contents may be stored already, and whose encoders prepare them.
            threads: How many readers; by default one for each core, two at least.
            memory: Bytes of decoded contents that may wait; one moment always may.
            decoders: A pool that stays open; by default one of its own.
        """
        self._jobs = deque(jobs)
        self._library = library
        self._memory = memory
        self._messages: deque[Message] = deque()
        self._failure: BaseException | None = None
        self._held = 0
        self._in_decoding = 0
        self._busy = 0
        self._blocked = 0
        self._closed = False
        self._change = Condition(Lock())
        self._claims: dict[str, list[Known]] = {}
        self._claiming = Lock()
        self._loading = Lock()
        n = threads or max(2, os.cpu_count() or 2)
        self._decoders = decoders or DecoderPool(n)
        self._shares_decoders = decoders is not None
        self._decoders.warm(len(self._jobs))  # they start while the model is loaded
        self._threads = [Thread(target=self._work, daemon=True) for _ in range(n)]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the readers."""
        with self._change:
            self._closed = True
            self._change.notify_all()
        if not self._shares_decoders:
            self._decoders.close()
        deadline = time.monotonic() + STOP_S
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    @property
    def idle(self) -> bool:
        """Whether nothing is being read and nothing waits to be taken."""
        with self._change:
            return self._is_idle()

    def take(self, wait_s: float, *, can_free: bool) -> Message | None:
        """The next message, or None if none comes in time.

        Args:
            wait_s: How long to wait at most; not at all when everything has been read.
            can_free: Whether the caller holds pieces that it could encode and `release`: then
                there is no point in waiting while readers are out of memory.

        Raises:
            Exception: whatever stopped a reader that is not about one file.
        """
        with self._change:
            self._change.wait_for(
                lambda: (
                    self._messages
                    or self._failure
                    or self._is_idle()
                    or (can_free and self._blocked)
                ),
                timeout=wait_s,
            )
            if self._failure:
                raise self._failure
            return self._messages.popleft() if self._messages else None

    def release(self, n_bytes: int) -> None:
        """Say that contents of this size have been encoded and dropped."""
        with self._change:
            self._held -= n_bytes
            self._change.notify_all()

    def again(self, job: Job) -> None:
        """Read a file once more: what it holds is not stored any longer."""
        with self._change:
            self._jobs.append(job)
            self._change.notify_all()

    def settle(self, content_hash: str, failure: MediaError | None = None) -> None:
        """Say that a content is stored now, or why it cannot be."""
        with self._claiming:
            waiting = self._claims.pop(content_hash, [])
        for known in waiting:
            self._send(_failed(known.job, known, failure) if failure else known)

    def _is_idle(self) -> bool:
        return not (self._jobs or self._busy or self._messages)

    def _work(self) -> None:
        try:
            while True:
                job = self._next_job()
                for message in self._read(job):
                    self._send(message)
                with self._change:
                    self._busy -= 1
                    self._change.notify_all()
        except Stopped:
            pass
        except BaseException as error:  # handed over, and raised where the messages are taken
            with self._change:
                self._failure = self._failure or error
                self._change.notify_all()

    def _next_job(self) -> Job:
        with self._change:
            self._change.wait_for(lambda: self._jobs or self._closed)
            if self._closed:
                raise Stopped
            self._busy += 1
            return self._jobs.popleft()

    def _send(self, message: Message) -> None:
        with self._change:
            self._messages.append(message)
            self._change.notify_all()

    def _acquire(self, n_bytes: int) -> None:
        """Wait until there is room for contents; whoever is alone always gets it."""
        with self._change:
            self._wait_until(lambda: not self._held or self._held + n_bytes <= self._memory)
            self._held += n_bytes

    @contextmanager
    def _decoding(self, n_bytes: int) -> Iterator[None]:
        """Hold room for what decoding takes, if it is much; whoever is alone always gets it."""
        if n_bytes <= AT_ONCE_BYTES:
            yield
            return
        most = self._memory + DECODING_MEMORY - n_bytes
        with self._change:
            self._wait_until(lambda: not (taken := self._held + self._in_decoding) or taken <= most)
            self._in_decoding += n_bytes
        try:
            yield
        finally:
            with self._change:
                self._in_decoding -= n_bytes
                self._change.notify_all()

    def _wait_until(self, room: Callable[[], bool]) -> None:
        """Wait for room, with the lock held."""
        self._blocked += 1
        self._change.notify_all()
        self._change.wait_for(lambda: self._closed or room())
        self._blocked -= 1
        if self._closed:
            raise Stopped

    def _read(self, job: Job) -> Iterator[Message]:
        """Read one file; whatever is wrong with it is a message too."""
        known: Known | None = None
        try:
            with opened(job) as (file, state):
                known = Known(job, state, content_hash(file))
                if not self._claim(known):
                    return
                media = read_media(file, job, self._space(), self._decoders)
                with closing(media):
                    for piece in self._within_memory(media):
                        yield Decoded(job, piece)
            yield Finished(job, state, known.hash, media.kind, media.metadata)
        except Unsettled:
            self._give_up(known)
            yield Changing(job)
        except MediaError as error:
            yield _failed(job, known, error)
            if known:
                self.settle(known.hash, error)
        except OSError as error:
            self._give_up(known)
            yield Failed(job, None, f"the file cannot be read: {error.strerror or error}")

    def _within_memory(self, media: Media) -> Iterator[Piece]:
        """Decode when there is room for a picture's pixels, and hold the room of what is left."""
        pieces = prepared_pieces(media, self._space())
        while True:
            with self._decoding(media.decoding_bytes):
                piece = next(pieces, None)
            if piece is None:
                return
            self._acquire(piece.bytes)
            yield piece

    def _claim(self, known: Known) -> bool:
        """Whether this reader has to read the content; if not, the file's message will come."""
        with self._claiming:
            if known.hash in self._claims:
                self._claims[known.hash].append(known)
                return False
            if not self._library.catalog.files.has_content(known.hash):
                self._claims[known.hash] = []
                return True
        self._send(known)
        return False

    def _give_up(self, known: Known | None) -> None:
        """Let others who wait for this content read it themselves."""
        if known:
            with self._claiming:
                waiting = self._claims.pop(known.hash, [])
            for other in waiting:
                self.again(other.job)

    def _space(self) -> JointSpace:
        """The model set, loaded by the first file that needs it."""
        with self._loading:
            return self._library.space


def _failed(job: Job, known: Known | None, error: MediaError) -> Failed:
    state = known.state if known else None
    return Failed(job, state, str(error), isinstance(error, UnknownMedia))
