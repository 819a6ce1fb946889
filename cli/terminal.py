"""Where output goes: results to stdout, everything else to stderr."""

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

UNLIMITED = 10_000
"""Columns of a line that no terminal will show."""


def show(result: "RenderableType") -> None:
    """Write a result to stdout: as wide as the terminal, or for a program in plain long lines.

    A table is folded where the terminal ends; a line, which may be a path to be copied, never is.
    """
    console = _console(stderr=False)
    is_line = isinstance(result, str)
    if console.is_terminal:
        console.print(result, soft_wrap=is_line)
        return
    with console.capture() as captured:
        console.print(result, soft_wrap=is_line)
    lines = [line.rstrip() for line in captured.get().splitlines()]
    print("\n".join(lines), flush=True)  # noqa: T201


def say(message: str) -> None:
    """Write a remark to stderr."""
    print(message, file=sys.stderr)  # noqa: T201


def messages() -> "Console":
    """The console for progress."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> "Console":
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    known = stream.isatty() or "COLUMNS" in os.environ
    return Console(
        file=stream, highlight=False, emoji=False, markup=False, width=None if known else UNLIMITED
    )
