"""`anyseek export`: everything of the library as one file for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from .amounts import counted
from .harmless import shown_path
from .place import Device, DeviceOption, LibraryOption, ModelsOption, existing
from .terminal import say


def export(
    path: Annotated[
        Path, typer.Argument(metavar="FILE", help="A new file, named *.npz or *.parquet.")
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
    from retrieval.export import export as write
    from retrieval.user_path import user_path

    with existing(library, models, device) as opened:
        n_moments = write(opened, user_path(path), joint=joint)
    say(f"Wrote {counted(n_moments, 'moment')}: {shown_path(path)}")
