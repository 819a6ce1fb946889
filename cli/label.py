"""`anyseek label`: which of some words fits a file."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from .choices import JsonOption
from .harmless import harmless
from .hits import bar
from .paths import typed_path
from .place import Device, DeviceOption, LibraryOption, ModelsOption, existing
from .terminal import show


def label(
    file: Annotated[
        Path,
        typer.Argument(parser=typed_path, metavar="PATH", help="A picture, sound, text or video."),
    ],
    labels: Annotated[
        list[str],
        typer.Option("--as", metavar="LABEL", help="A word or two; give at least two labels."),
    ],
    as_json: JsonOption = False,
    models: ModelsOption = None,
    device: DeviceOption = Device.AUTO,
    library: LibraryOption = None,
) -> None:
    """Say which label fits a file, with probabilities.

    The probabilities add up to 1: they say which of these labels is the right one if one is. The
    score beside them says whether a label fits at all, as in a search.

    For example: anyseek label "anyseek-demo/pictures/2 red clocks 1.png" --as clocks --as dogs
    """
    from rich.table import Table

    from retrieval.label import label as choose

    if sum(bool(one.strip()) for one in labels) < max(2, len(labels)):
        raise typer.BadParameter(
            "Give at least two labels to choose from, as in: --as cat --as dog"
        )
    with existing(library, models, device) as opened:
        found = choose(opened, file, labels)
    if as_json:
        for one in found:
            show(json.dumps(asdict(one)))
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("label", overflow="fold")
    table.add_column("probability", style="cyan", no_wrap=True)
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True, style="dim")
    for one in found:
        table.add_row(
            harmless(one.text), bar(one.probability), f"{one.probability:.3f}", f"{one.score:.2f}"
        )
    show(table)
