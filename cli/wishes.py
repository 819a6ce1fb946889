"""What is asked of the search indexes: `--recall` and `--memory`, which the library remembers."""

from typing import TYPE_CHECKING, Annotated

import typer

from .amounts import bytes_of

if TYPE_CHECKING:
    from retrieval.library import Library

NO_LIMIT = "none"


def _memory(text: str) -> int:
    return 0 if text.strip().lower() == NO_LIMIT else bytes_of(text)


def _recall(text: str) -> float:
    try:
        recall = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        recall = -1.0
    if not 0.5 <= recall <= 1:
        raise typer.BadParameter(f"{text!r} is no share between 0.5 and 1, such as 0.99.")
    return recall


RecallOption = Annotated[
    float | None,
    typer.Option(
        "--recall",
        parser=_recall,
        metavar="SHARE",
        help="How many of the truly nearest a search must find, such as 0.95; 1 for exact search "
        "at any size. The library remembers it; without it: what was asked before, at first 0.99.",
        show_default=False,
    ),
]
MemoryOption = Annotated[
    int | None,
    typer.Option(
        "--memory",
        parser=_memory,
        metavar="SIZE",
        help="What the indexes may keep in memory, such as 500MB or 2GB; none for no limit. The "
        "library remembers it.",
        show_default=False,
    ),
]


def ask(library: "Library", recall: float | None, memory: int | None) -> None:
    """Let the library remember what was asked for, if anything was."""
    if recall is not None or memory is not None:
        library.tune(recall=recall, memory=memory)
