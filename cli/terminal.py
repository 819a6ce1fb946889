"""Where output goes: results to stdout, everything else to stderr."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

UNLIMITED = 10_000
"""Columns of a line that no terminal will show."""


class NobodyReads(Exception):  # noqa: N818 - a reader that has enough is no error
    """What reads the results has closed the pipe, as `head` does."""


def show(result: "RenderableType") -> None:
    """Write a result to stdout: as wide as the terminal, or for a program in plain long lines.

    A table is folded where the terminal ends; a line, which may be a path to be copied, never is.
    """
    console = _console(stderr=False)
    is_line = isinstance(result, str)
    with results():
        if console.is_terminal:
            console.print(result, soft_wrap=is_line)
            return
        with console.capture() as captured:
            console.print(result, soft_wrap=is_line)
        lines = [line.rstrip() for line in captured.get().splitlines()]
        print("\n".join(lines), flush=True)  # noqa: T201


def write_bytes(pieces: Iterable[bytes]) -> None:
    """Write results to stdout as they are."""
    with results():
        sys.stdout.flush()
        sys.stdout.buffer.writelines(pieces)
        sys.stdout.buffer.flush()


@contextmanager
def results() -> Iterator[None]:
    """What goes to stdout, or an error of ours.

    Raises:
        NobodyReads: the reader has closed the pipe.
        SearchError: it cannot be written for another reason, such as a full disk.
    """
    try:
        with read_by_somebody():
            yield
    except OSError as error:
        _drop(sys.stdout)
        from retrieval.errors import SearchError

        raise SearchError(f"Cannot write the output: {error.strerror}.") from error


@contextmanager
def read_by_somebody() -> Iterator[None]:
    """What may write to stdout.

    Raises:
        NobodyReads: the reader has closed the pipe.
    """
    try:
        yield
    except BrokenPipeError as error:
        _drop(sys.stdout)
        raise NobodyReads from error


def width() -> int:
    """Columns of a line on stdout."""
    return _console(stderr=False).width


def say(message: str) -> None:
    """Write a remark to stderr; nobody need be there to read it."""
    try:
        print(message, file=sys.stderr)  # noqa: T201
    except OSError:
        _drop(sys.stderr)


def messages() -> "Console":
    """The console for progress."""
    return _console(stderr=True)


def _drop(stream: TextIO) -> None:
    """Python flushes a stream once more when it ends; that must not fail again."""
    with suppress(OSError):  # it is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _console(*, stderr: bool) -> "Console":
    from rich.console import Console

    class Terminal(Console):
        def on_broken_pipe(self) -> None:
            raise  # by itself it would end the program

    stream = sys.stderr if stderr else sys.stdout
    known = stream.isatty() or "COLUMNS" in os.environ
    return Terminal(
        file=stream, highlight=False, emoji=False, markup=False, width=None if known else UNLIMITED
    )
