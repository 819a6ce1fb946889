"""Where the library is and which model set it uses."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from retrieval.library import Library

LibraryOption = Annotated[
    Path | None,
    typer.Option(
        "--library",
        metavar="FOLDER",
        envvar="ANYSEEK_LIBRARY",
        help="The library's folder. Without it: the user's data folder.",
        show_default=False,
    ),
]

ModelsOption = Annotated[
    str | None,
    typer.Option(
        "--models",
        metavar="SET",
        help="The model set of a new library. An existing one knows its own and checks that it "
        "is this.",
        show_default=False,
    ),
]


def place(library: Path | None) -> Path:
    """The folder of the library: the one named, else the user's own."""
    if library is not None:
        return library.expanduser()
    from platformdirs import user_data_path

    return user_data_path("anyseek", appauthor=False) / "library"


def existing(library: Path | None) -> "Library":
    """Open a library that must be there."""
    from retrieval.library import Library

    return Library.open(place(library), create=False)
