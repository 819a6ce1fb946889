"""`anyseek export`: everything of the library as one file for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from .amounts import counted
from .harmless import shown_path
from .paths import typed_path
from .place import Device, DeviceOption, LibraryOption, ModelsOption, existing
from .terminal import say


def export(
    file: Annotated[
        Path,
        typer.Argument(
            parser=typed_path, metavar="FILE", help="A new file, named *.npz or *.parquet."
        ),
    ],
    joint: Annotated[
        bool,
        typer.Option(
            "--joint",
            help="One joint vector for each moment, bridged where need be, in place of its own "
            "vectors.",
        ),
    ] = False,
    models: ModelsOption = None,
    device: DeviceOption = Device.AUTO,
    library: LibraryOption = None,
) -> None:
    """Write all moments with their vectors to a file.

    Columns: moment, path, kind, modality, start_s, end_s, start_char, end_char, text, and the
    vectors. A file with copies appears once.

    For example: anyseek export moments.npz --joint
    """
    from retrieval.errors import LibraryError
    from retrieval.export import FORMATS
    from retrieval.export import export as write

    if file.suffix not in FORMATS:
        raise typer.BadParameter(f"{file.name} says no format: name it *.npz or *.parquet.")
    if file.exists():
        raise LibraryError(f"{file} exists. An export is a new file; name another one.")
    with existing(library, models, device) as opened:
        n_moments = write(opened, file, joint=joint)
    say(f"Wrote {counted(n_moments, 'moment')}: {shown_path(file)}")
