"""`anyseek roots`: the folders that were indexed."""

from pathlib import Path
from typing import Annotated

import typer

from .harmless import harmless
from .paths import typed_path
from .place import LibraryOption, existing
from .terminal import say, show

app = typer.Typer()


@app.callback(invoke_without_command=True)
def roots(context: typer.Context, library: LibraryOption = None) -> None:
    """List the folders that were indexed.

    For example: anyseek roots --library anyseek-demo/library
    """
    if context.invoked_subcommand is not None:
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("name", overflow="fold")
    for column in ("files", "missing", "failed"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("folder", overflow="fold")
    with existing(library) as opened:
        for root in opened.catalog.roots():
            entries = opened.catalog.files.entries(root.id).values()
            folder = Text(harmless(str(root.folder)))
            if not root.folder.is_dir():
                folder.append("  (not there now)", style="yellow")
            table.add_row(
                harmless(root.name),
                f"{len(entries):,}",
                f"{sum(entry.missing for entry in entries):,}",
                f"{sum(entry.failed for entry in entries):,}",
                folder,
            )
    if table.row_count:
        show(table)
    else:
        say("No folder was indexed yet: anyseek index FOLDER")


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
