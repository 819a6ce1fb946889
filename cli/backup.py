"""`anyseek backup` and `restore`: everything the library knows, in one file."""

from pathlib import Path
from typing import Annotated

import typer

from .harmless import harmless, shown_path
from .paths import typed_path
from .place import LibraryOption, existing, place
from .terminal import say


def backup(
    file: Annotated[Path, typer.Argument(parser=typed_path, metavar="FILE", help="A new file.")],
    library: LibraryOption = None,
) -> None:
    """Write everything the library knows to one file.

    Its checksum lies beside it. Others may search and index meanwhile.

    For example: anyseek backup anyseek.backup
    """
    from retrieval import backup as backups

    with existing(library) as opened:
        checksum = backups.backup(opened, file)
    say(f"Wrote {shown_path(file)} and {harmless(checksum.name)}.")


def restore(
    file: Annotated[
        Path, typer.Argument(parser=typed_path, metavar="FILE", help="What backup wrote.")
    ],
    library: LibraryOption = None,
) -> None:
    """Make a backup the library again.

    It is verified first, and what was there is kept aside.

    For example: anyseek restore anyseek.backup
    """
    from retrieval import backup as backups

    backups.restore(file, place(library))
    say(f"Restored {shown_path(file)} to {harmless(str(place(library)))}.")
