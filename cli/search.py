"""`anyseek search`: words, pictures and sounds in, files out."""

import re
from datetime import datetime
from enum import StrEnum
from functools import partial, reduce
from operator import or_
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .dates import date
from .harmless import harmless, shown_path
from .hits import Form, write
from .place import LibraryOption, existing
from .program import complain

if TYPE_CHECKING:
    from retrieval.query import Query


class Wanted(StrEnum):
    """The kinds of files, so that telling them in `--help` need not load the library."""

    TEXT = "text"
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"


WEIGHT = re.compile(r"(?P<path>.+):(?P<weight>\d+(\.\d+)?|\.\d+)", re.DOTALL)


def search(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="WORDS", help="What to look for, in words.", show_default=False),
    ] = None,
    file: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE[:WEIGHT]",
            help="Look for what is like this picture, sound or text; may be given several times. "
            "A weight such as :0.5 says how much it counts beside the rest, which counts 1.",
            show_default=False,
        ),
    ] = None,
    no: Annotated[
        list[str] | None,
        typer.Option(
            "--not",
            metavar="WORDS",
            help="What the hits should not be like; may be given several times.",
            show_default=False,
        ),
    ] = None,
    kinds: Annotated[
        list[Wanted] | None,
        typer.Option(
            "--in",
            metavar="KIND",
            help="Only text, image, audio or video files; may be given several times.",
            show_default=False,
        ),
    ] = None,
    k: Annotated[int, typer.Option("-k", metavar="N", help="At most this many hits.")] = 10,
    under: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Only files below this folder.", show_default=False),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            parser=date,
            metavar="DATE",
            help="Only files modified at this time or later, such as 2024-05-31, or 30d for the "
            "last 30 days.",
            show_default=False,
        ),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(
            parser=date,
            metavar="DATE",
            help="Only files modified before this time.",
            show_default=False,
        ),
    ] = None,
    missing: Annotated[
        bool,
        typer.Option(
            "--missing", help="Also files that could not be seen when they were last indexed."
        ),
    ] = False,
    either: Annotated[
        bool,
        typer.Option(
            "--any", help="Look for what matches any of the words and files, not all together."
        ),
    ] = False,
    least: Annotated[
        float | None,
        typer.Option(
            "--min",
            metavar="SCORE",
            help="Only hits with at least this score, 0..1; 0 shows everything. Without it: the "
            "level below which the model set cannot tell a match from chance.",
            show_default=False,
        ),
    ] = None,
    verbose: Annotated[
        bool,
        typer.Option("--verbose", "-v", help="If nothing matches, say what came nearest."),
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line for each hit.")
    ] = False,
    paths: Annotated[bool, typer.Option("--paths", help="Only the paths, one a line.")] = False,
    null: Annotated[
        bool,
        typer.Option("--null", "-0", help="Only the paths, each ended by a zero byte: xargs -0."),
    ] = False,
    library: LibraryOption = None,
) -> None:
    """Find files by words, by a picture, by a sound, or by all of them.

    Exit code 1 says that nothing was found.
    """
    form = _form(json=json, paths=paths, null=null)
    query = _query(words or [], file or [], either=either)
    with existing(library) as opened:
        find = partial(
            opened.search,
            query,
            kinds=kinds or None,
            without=no or (),
            under=under,
            since=since,
            until=until,
            missing=missing,
        )
        level = opened.space.calibration.level if least is None else least
        hits = find(k=k, min_score=level)
        nearest = find(k=1) if verbose and not hits else []
    if not hits:
        complain("Nothing here matches.")
        if nearest:
            complain(
                f"Nearest: {shown_path(nearest[0].path)} with score {nearest[0].score:.2f}, "
                f"below {level:.2f}. To see such hits: --min 0"
            )
        raise typer.Exit(1)
    write(hits, form)


def _form(*, json: bool, paths: bool, null: bool) -> Form:
    wanted = [
        form for form, asked in ((Form.JSON, json), (Form.PATHS, paths), (Form.NULL, null)) if asked
    ]
    if len(wanted) > 1:
        raise typer.BadParameter("--json, --paths and -0 exclude each other: give one of them.")
    return wanted[0] if wanted else Form.TABLE


def _query(words: list[str], files: list[str], *, either: bool) -> "Query | tuple[Query, ...]":
    from retrieval.query import Query

    text = " ".join(words)
    if words and Path(text).is_file():
        complain(f"{text} is taken as words. To search with the file: --file {harmless(text)}")
    terms = (*([Query(text)] if words else []), *map(_term, files))
    return reduce(or_, terms) if either and terms else terms


def _term(file: str) -> "Query":
    """A file as a query, with the weight that its last `:NUMBER` says."""
    from retrieval.query import Query

    weighted = WEIGHT.fullmatch(file)
    if not weighted:
        return Query(Path(file).expanduser())
    weight = float(weighted["weight"])
    if weight == 0:
        raise typer.BadParameter(f"{file}: a weight is above 0.")
    return weight * Query(Path(weighted["path"]).expanduser())
