"""The program `anyseek`: every command, in the order of its help."""

import os
import sys
from io import TextIOWrapper
from typing import Annotated

import typer

from . import models, roots
from .backup import backup, restore
from .demo import demo
from .duplicates import duplicates
from .evaluation import evaluate
from .explain import explain
from .export import export
from .files import failures, forget, prune
from .index import index
from .label import label
from .library import rebuild, status, verify
from .program import Program, quieten
from .search import search
from .similar import similar
from .watch import watch

FIND = "Index and find"
CARE = "Look after the library"
MODELS = "Models and measuring"

app = typer.Typer(
    name="anyseek",
    cls=Program,
    help="Point it at a folder; find anything in it by words, by a picture or by a sound.",
    epilog="Start with: anyseek index FOLDER, then: anyseek search WORDS. "
    "Or see it work first: anyseek demo",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def show_version(asked: bool) -> None:
    """Print the version and end, if asked to."""
    if asked:
        from importlib.metadata import version

        print(f"anyseek {version('anyseek')}")  # noqa: T201
        raise typer.Exit


@app.callback(invoke_without_command=True)
def program(
    context: typer.Context,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Show the help when no command is given."""
    if context.invoked_subcommand is None:
        print(context.get_help())  # noqa: T201


app.command(rich_help_panel=FIND)(index)
app.command(rich_help_panel=FIND)(watch)
app.command(rich_help_panel=FIND)(search)
app.command(rich_help_panel=FIND)(similar)
app.command(rich_help_panel=FIND)(explain)
app.command(rich_help_panel=FIND)(label)
app.command(rich_help_panel=FIND)(duplicates)
app.command(rich_help_panel=FIND)(demo)
app.command(rich_help_panel=CARE)(status)
app.command(rich_help_panel=CARE)(failures)
app.command(rich_help_panel=CARE)(forget)
app.add_typer(roots.app, name="roots", rich_help_panel=CARE)
app.command(rich_help_panel=CARE)(verify)
app.command(rich_help_panel=CARE)(rebuild)
app.command(rich_help_panel=CARE)(prune)
app.command(rich_help_panel=CARE)(backup)
app.command(rich_help_panel=CARE)(restore)
app.add_typer(models.app, name="models", rich_help_panel=MODELS)
app.command("eval", rich_help_panel=MODELS)(evaluate)
app.command(rich_help_panel=MODELS)(export)


def main() -> None:
    """Run the program with the arguments of this process."""
    quieten()
    # Whoever closes them wants to hear nothing.
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: PTH123, SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    app(prog_name="anyseek")
