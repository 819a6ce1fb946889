"""`anyseek search`: words, pictures and sounds in, files out."""

from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from .choices import (
    CountOption,
    JsonOption,
    KindsOption,
    LeastOption,
    NullOption,
    PathsOption,
    form,
    level,
)
from .dates import date
from .harmless import shown_path
from .hits import write
from .paths import typed_path
from .place import Device, DeviceOption, LibraryOption, ModelsOption, check_known, existing
from .profile import ProfileOption, profiled
from .program import complain
from .query import FileOption, WordsArgument, query_of


def _readable(where: str | None) -> str | None:
    """A filter as it was typed, if it is one."""
    if where is not None:
        from retrieval.catalog.where import parse
        from retrieval.errors import QueryError

        try:
            parse(where)
        except QueryError as error:
            raise typer.BadParameter(str(error)) from error
    return where


def search(
    words: WordsArgument = None,
    file: FileOption = None,
    no: Annotated[
        list[str] | None,
        typer.Option(
            "--not",
            metavar="WORDS",
            help="What the hits should not be like; may be given several times.",
            show_default=False,
        ),
    ] = None,
    kinds: KindsOption = None,
    k: CountOption = 10,
    under: Annotated[
        Path | None,
        typer.Option(
            parser=typed_path,
            metavar="PATH",
            help="Only files below this folder.",
            show_default=False,
        ),
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
    where: Annotated[
        str | None,
        typer.Option(
            callback=_readable,
            metavar="FILTER",
            help="Only files of which this is true, such as 'year >= 2023 and camera ~ \"Pixel\"': "
            "kind, size, name, folder, root, modified, title, artist, album, genre, description, "
            "keywords, rating, camera, taken, year, latitude, longitude, duration_s, width, "
            "height, compared by = != < <= > >=, or ~ for a part of it, and joined by and, or, "
            "not and parentheses.",
            show_default=False,
        ),
    ] = None,
    either: Annotated[
        bool,
        typer.Option(
            "--any", help="Look for what matches any of the words and files, not all together."
        ),
    ] = False,
    words_only: Annotated[
        bool,
        typer.Option(
            "--words-only",
            help="Only what says the words, in its name, its folder, what it states of itself or "
            "its text; no model is loaded.",
        ),
    ] = False,
    no_words: Annotated[
        bool,
        typer.Option("--no-words", help="Only what the words mean, not where they are written."),
    ] = False,
    least: LeastOption = None,
    verbose: Annotated[
        bool,
        typer.Option("--verbose", "-v", help="If nothing matches, say what came nearest."),
    ] = False,
    json: JsonOption = False,
    paths: PathsOption = False,
    null: NullOption = False,
    models: ModelsOption = None,
    device: DeviceOption = Device.AUTO,
    library: LibraryOption = None,
    profile: ProfileOption = False,
) -> None:
    """Find files by words, pictures or sounds, or by all of these.

    What is "in quotes" (which the shell must not take away) has to stand in every hit.

    Exit code 1 says that nothing was found.

    For example: anyseek search two red clocks --not bells --in image
    """
    shape = form(json=json, paths=paths, null=null)
    if words_only and no_words:
        raise typer.BadParameter("--words-only and --no-words exclude each other.")
    if not all(map(str.strip, no or [])):
        raise typer.BadParameter("--not is empty: say what the hits should not be like.")
    if words_only and file:
        raise typer.BadParameter("--words-only looks for words alone: leave out --file.")
    with profiled(profile, json=json):
        from retrieval.stopwatch import Stage, timed

        with timed(Stage.OPEN):
            query = query_of(words, file, either=either)
            opened = existing(library, models, device)
        with opened:
            find = partial(
                opened.search,
                query,
                kinds=kinds or None,
                without=no or (),
                under=under,
                since=since,
                until=until,
                missing=missing,
                where=where,
                words="only" if words_only else "no" if no_words else "also",
            )
            lowest = least or 0.0 if words_only else level(opened, least)
            hits = find(k=k, min_score=lowest)
            nearest = find(k=1) if verbose and not hits else []
            if under and not hits:
                check_known(opened, under)
        with timed(Stage.SHOW):
            if hits:
                write(hits, shape)
    if not hits:
        complain("Nothing here matches.")
        if nearest:
            complain(
                f"Nearest: {shown_path(nearest[0].path)} with score {nearest[0].score:.2f}, "
                f"below {lowest:.2f}. To see such hits: --min 0"
            )
        raise typer.Exit(1)
