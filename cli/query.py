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
        QueryError: there are neither words nor files.
    """
    from retrieval.errors import QueryError
    from retrieval.query import Query

    text = " ".join(words or [])
    if words and Path(text).is_file():
        complain(f"{text} is taken as words. To search with the file: --file {harmless(text)}")
    terms = [*([Query(text)] if words else []), *map(_term, files or [])]
    if not terms:
        raise QueryError("The query is empty. Give some words, or a file with --file.")
    return reduce(or_ if either else add, terms)


def _term(file: str) -> "Query":
    """A file as a query, with the weight that its last `:NUMBER` says."""
    from retrieval.query import Query
    from retrieval.user_path import user_path

    weighted = WEIGHT.fullmatch(file)
    if not weighted:
        return Query(user_path(file))
    weight = float(weighted["weight"])
    if weight == 0:
        raise typer.BadParameter(f"{file}: a weight is above 0.")
    return weight * Query(user_path(weighted["path"]))
