"""`anyseek failures`, `forget` and `prune`: single files of the library."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from .amounts import counted
from .dates import span
from .harmless import harmless, shown_path
from .paths import typed_path
from .place import LibraryOption, check_known, existing
from .terminal import say, show


def failures(
    every: Annotated[
        bool,
        typer.Option("--all", help="List also the files that are nothing anyseek reads."),
    ] = False,
    library: LibraryOption = None,
) -> None:
    """List the files that could not be read, each with its reason.

    They are left alone until they change, or until: anyseek index --retry-failed. Files that are
    nothing anyseek reads, such as programs, are only counted.

    For example: anyseek failures --library anyseek-demo/library
    """
    with existing(library) as opened:
        files = list(opened.files())
    not_media = [file for file in files if file.not_media]
    failed = [
        (path, why)
        for file in files
        for path, why in [
            (file.path, None if file.not_media and not every else file.failure),
            *file.sidecars.items(),
        ]
        if why is not None
    ]
    for path, why in failed:
        _show_failure(path, why)
    if not failed:
        say("Every file could be read.")
    if not_media and not every:
        are = counted(len(not_media), "file")
        say(f"And {are} of no kind that anyseek reads. To list them: anyseek failures --all")


def _show_failure(path: Path, why: str) -> None:
    from rich.text import Text

    line = Text(shown_path(path), overflow="fold")
    line.append(f"\n    {harmless(why)}", style="dim")
    show(line)


def forget(
    paths: Annotated[
        list[Path],
        typer.Argument(
            parser=typed_path, metavar="PATH", help="Files, or folders with everything below them."
        ),
    ],
    library: LibraryOption = None,
) -> None:
    """Drop files from the library; on disk they stay.

    This is the only way to drop missing ones. A file that still lies in an indexed folder comes
    back when that folder is indexed again. A folder of which nothing is left is no longer indexed
    by: anyseek index

    For example: anyseek forget "anyseek-demo/pictures/2 red clocks 1.png"
    """
    with existing(library) as opened:
        for path in paths:
            check_known(opened, path)
            gone = opened.remove(path)
            say(f"Forgot {counted(gone, 'file')}: {shown_path(path)}")


def prune(
    older_than: Annotated[
        timedelta,
        typer.Option(
            parser=span,
            metavar="SPAN",
            help="Only files that have been missing for longer than this, such as 12h, 30d or 8w.",
        ),
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
    library: LibraryOption = None,
) -> None:
    """Drop files that have been missing for long.

    Says first which they are. Files on an unplugged disk are missing too: they come back without
    being read again if they were not dropped.

    For example: anyseek prune --older-than 90d
    """
    with existing(library) as opened:
        gone = opened.prune(older_than, dry_run=True)
        for file in gone:
            show(f"{shown_path(file.path)}  (missing since {file.missing_since:%Y-%m-%d})")
        if not gone:
            say("Nothing has been missing for that long.")
        elif yes or typer.confirm(f"Drop {counted(len(gone), 'file')}?", err=True):
            dropped = opened.prune(older_than)
            say(f"Dropped {counted(len(dropped), 'file')}.")
        else:
            say("Nothing was dropped.")
