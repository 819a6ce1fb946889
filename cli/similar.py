"""`anyseek similar`: more like these."""

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
from .hits import write
from .paths import typed_path
from .place import Device, DeviceOption, LibraryOption, ModelsOption, existing
from .program import complain


def similar(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            parser=typed_path,
            metavar="PATH",
            help="Files; they need not be in the library.",
            show_default=False,
        ),
    ] = None,
    moments: Annotated[
        list[int] | None,
        typer.Option(
            "--moment",
            metavar="ID",
            help="A moment of the library, by the moment_id that --json tells; may be given "
            "several times.",
            show_default=False,
        ),
    ] = None,
    kinds: KindsOption = None,
    k: CountOption = 10,
    least: LeastOption = None,
    json: JsonOption = False,
    only_paths: PathsOption = False,
    null: NullOption = False,
    models: ModelsOption = None,
    device: DeviceOption = Device.AUTO,
    library: LibraryOption = None,
) -> None:
    """Find files like a file, or like several taken together.

    What is asked with is left out of the answer. Exit code 1 says that nothing was found.

    For example: anyseek similar "anyseek-demo/pictures/2 red clocks 1.png" -k 3
    """
    from retrieval.similar import similar as find

    shape = form(json=json, paths=only_paths, null=null)
    if not paths and not moments:
        raise typer.BadParameter("Similar to what? Give at least one file or moment.")
    with existing(library, models, device) as opened:
        hits = find(
            opened,
            [*(paths or []), *(moments or [])],
            k=k,
            kinds=kinds or None,
            min_score=level(opened, least),
        )
    if not hits:
        complain("Nothing here is like it.")
        raise typer.Exit(1)
    write(hits, shape)
