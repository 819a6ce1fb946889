"""`anyseek roots`: the folders that were indexed."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .harmless import harmless
from .paths import typed_path
from .place import LibraryOption, existing
from .terminal import say, show, width

if TYPE_CHECKING:
    from rich.table import Table

    from retrieval.catalog.roots import Root
    from retrieval.library import Library

NARROW = 60
"""Columns below which a folder gets a line of its own."""

app = typer.Typer()


@app.callback(invoke_without_command=True)
def roots(context: typer.Context, library: LibraryOption = None) -> None:
    """List the folders that were indexed.

    For example: anyseek roots --library anyseek-demo/library
    """
    if context.invoked_subcommand is not None:
        return
    with existing(library) as opened:
        rows = [_row(opened, root) for root in opened.catalog.roots()]
    if not rows:
        say("No folder was indexed yet: anyseek index FOLDER")
    elif width() < NARROW:
        for name, files, missing, failed, folder in rows:
            show(f"{name}: {files} files, {missing} missing, {failed} failed\n  {folder}")
    else:
        show(_table(rows))


def _row(library: "Library", root: "Root") -> list[str]:
    entries = library.catalog.files.entries(root.id).values()
    away = "" if root.folder.is_dir() else "  (not there now)"
    return [
        harmless(root.name),
        f"{len(entries):,}",
        f"{sum(entry.missing for entry in entries):,}",
        f"{sum(entry.failed for entry in entries):,}",
        f"{harmless(str(root.folder))}{away}",
    ]


def _table(rows: list[list[str]]) -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("name", overflow="fold")
    for column in ("files", "missing", "failed"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("folder", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


@app.command()
def move(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The root, as anyseek roots tells.")],
    folder: Annotated[
        Path,
        typer.Argument(
            parser=typed_path, metavar="NEW_PATH", help="The folder where its files lie now."
        ),
    ],
    library: LibraryOption = None,
) -> None:
    """Say that a root lies somewhere else now; its files keep everything.

    For example: anyseek roots move pictures /media/disk/pictures
    """
    with existing(library) as opened:
        moved = opened.move_root(name, folder)
    say(f"{harmless(moved.name)} lies at {harmless(str(moved.folder))} now.")
