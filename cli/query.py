"""A query as it is typed: words are words, files are files, a weight follows a colon."""

import re
from functools import reduce
from operator import add, or_
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .harmless import harmless
from .program import complain

if TYPE_CHECKING:
    from retrieval.query import Query

WEIGHT = re.compile(r"(?P<path>.+):(?P<weight>\d+(\.\d+)?|\.\d+)", re.DOTALL)

ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)

WordsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="WORDS", help="What to look for, in words.", show_default=False),
]
FileOption = Annotated[
    list[str] | None,
    typer.Option(
        "--file",
        metavar="FILE[:WEIGHT]",
        help="Look for what is like this picture, sound or text; may be given several times. "
        "A weight such as :0.5 says how much it counts beside the rest, which counts 1.",
        show_default=False,
    ),
]


def query_of(words: list[str] | None, files: list[str] | None, *, either: bool = False) -> "Query":
    """The query that words and files make together, or each for itself.

    Raises:
        BadParameter: there are neither words nor files.
    """
    from retrieval.query import Query

    text = " ".join(words or [])
    if not text.strip() and not files:
        raise typer.BadParameter("The query is empty: give some words, or a file with --file.")
    if words and Path(text).is_file():
        complain(f"{text} is taken as words. To search with the file: --file {harmless(text)}")
    terms = [*([Query(text)] if text.strip() else []), *map(_term, files or [])]
    return reduce(or_ if either else add, terms)


def _term(file: str) -> "Query":
    """A file as a query, with the weight that its last `:NUMBER` says."""
    from retrieval.query import Query
    from retrieval.user_path import user_path

    if ADDRESS.match(file):
        raise typer.BadParameter(
            f"{file} is an address, and anyseek fetches nothing. Download the file first."
        )
    if not file:
        raise typer.BadParameter("--file is empty: name a picture, a sound or a text.")
    weighted = WEIGHT.fullmatch(file)
    if not weighted:
        return Query(user_path(file))
    weight = float(weighted["weight"])
    if weight == 0:
        raise typer.BadParameter(f"{file}: a weight is above 0.")
    return weight * Query(user_path(weighted["path"]))
