"""Reading one file: opened safely, hashed, decoded and prepared for its encoders, step by step."""

from __future__ import annotations

import os
import stat
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from retrieval.catalog.new_content import FileState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from retrieval.catalog.listing import Listed
    from retrieval.media.decoder_pool import DecoderPool
    from retrieval.media.media import Media
    from retrieval.records import Moment
    from retrieval.space import JointSpace

NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""Refuse a symbolic link, and do not wait for somebody to write into a pipe."""

PIECE_BYTES = 8000
"""What a moment counts beside its contents. Objects and the text of a passage take a fourth of it;
the rest keeps passages, which are read far faster than they are encoded, from piling up."""

CLOCK_TICK_NS = 20_000_000
"""File systems stamp times by a clock that ticks every 4 to 16 ms."""


class Unsettled(Exception):  # noqa: N818 - not an error, and never seen outside the indexer
    """The file is not what the walk saw, or changed while it was read; the next run will see."""


@dataclass(frozen=True, slots=True)
class Job:
    """A file that is new or has changed."""

    root_id: int
    folder: str
    """The root's folder, without symbolic links in it."""
    path: str
    """Below the root, in POSIX form."""
    size: int
    """Bytes, as the walk saw it; for progress."""
    known: Listed | None
    """What the catalog knows of this path."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One moment, decoded and prepared."""

    moment: Moment
    prepared: dict[str, Any]
    """For each space of its modality what the encoder takes."""
    bytes: int
    """Memory that `prepared` takes."""


@contextmanager
def opened(job: Job) -> Iterator[tuple[BinaryIO, FileState]]:
    """Open a file of a root for reading, and make sure that it did not change meanwhile.

    Raises:
        Unsettled: it is gone, is no regular file (any more), or the path leads out of the root.
            Raised at the end if the file was written to while it was open.
        OSError: it cannot be opened or read.
    """
    full = f"{job.folder}/{job.path}"
    try:
        descriptor = os.open(full, os.O_RDONLY | NO_LINK)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Unsettled from error
    except OSError as error:
        if os.path.islink(full):  # noqa: PTH114 - a string is at hand
            raise Unsettled from error
        raise
    with open(descriptor, "rb") as file:  # noqa: PTH123 - from a descriptor
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or not _stands_at(full, status):
            raise Unsettled
        state = FileState.of(status)
        _let_the_clock_tick(state)
        yield file, state
        if FileState.of(os.fstat(descriptor)) != state:
            raise Unsettled


def _let_the_clock_tick(state: FileState) -> None:
    """Wait if a file was written just now: the next write must get another time, to be noticed."""
    age_ns = time.time_ns() - state.mtime_ns
    if 0 <= age_ns < CLOCK_TICK_NS:
        time.sleep((CLOCK_TICK_NS - age_ns) / 1e9)


def _stands_at(full: str, status: os.stat_result) -> bool:
    """Whether an open file is the one that stands at its path, with no link on the way there."""
    real = os.path.realpath(full)
    return real == full.replace("/", os.sep) and os.path.samestat(os.lstat(real), status)


def read_media(file: BinaryIO, job: Job, space: JointSpace, decoders: DecoderPool) -> Media:
    """Find out what an open file is; the one place where the indexer opens media.

    Raises:
        MediaError: it cannot be read, or its decoder crashed, hung or took too much.
    """
    return decoders.open(file, space.model_set.windows, name=PurePosixPath(job.path).name)


def prepared_pieces(media: Media, space: JointSpace) -> Iterator[Piece]:
    """Decode a file and prepare each moment for its encoders.

    Raises:
        MediaError: it cannot be decoded to its end.
    """
    for moment, content in media.pieces:
        prepared = space.prepare(moment.modality, content)
        yield Piece(moment, prepared, PIECE_BYTES + _memory(prepared))


def _memory(value: Any) -> int:
    """About how many bytes a prepared content takes: arrays, tensors, and containers of them."""
    if hasattr(value, "nbytes"):
        return int(value.nbytes)
    if isinstance(value, dict):
        return sum(map(_memory, value.values()))
    if isinstance(value, list | tuple):
        return sum(map(_memory, value))
    return len(value) if isinstance(value, str | bytes) else 64
