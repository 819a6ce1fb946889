"""`anyseek eval`: how well the search does on your own files."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .choices import JsonOption
from .paths import typed_path
from .place import Device, DeviceOption, LibraryOption, ModelsOption, existing
from .terminal import show

if TYPE_CHECKING:
    from rich.table import Table

    from retrieval.evaluation import Quality


def evaluate(
    table: Annotated[
        Path,
        typer.Argument(
            parser=typed_path,
            metavar="TABLE.csv",
            help="Columns query (words) or file (a path), and relevant (a path); one row for each "
            "right answer. Paths start at the table's folder.",
        ),
    ],
    as_json: JsonOption = False,
    models: ModelsOption = None,
    device: DeviceOption = Device.AUTO,
    library: LibraryOption = None,
) -> None:
    """Measure the search with queries whose answers you know.

    For each direction (what is asked with, what is looked for): the share of queries with a right
    answer among the first 1, 5 and 10, the mean reciprocal rank and the mean average precision.
    What chance would reach stands in brackets.

    For example: anyseek eval questions.csv
    """
    from retrieval.evaluation import evaluate as measure
    from retrieval.evaluation import read_table

    judged = read_table(table)
    with existing(library, models, device) as opened:
        qualities = measure(opened, judged)
    if as_json:
        for quality in qualities:
            show(json.dumps(asdict(quality)))
    else:
        show(_table(qualities))


def _table(qualities: "list[Quality]") -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("asked with", no_wrap=True)
    table.add_column("looked for", no_wrap=True)
    for name in ("queries", "files"):
        table.add_column(name, justify="right", no_wrap=True)
    ranks = list(qualities[0].recall) if qualities else []
    for name in (*(f"R@{rank}" for rank in ranks), "MRR", "mAP"):
        table.add_column(name, justify="right")
    for quality in qualities:
        table.add_row(
            quality.query,
            quality.target,
            f"{quality.queries:,}",
            f"{quality.files:,}",
            *(_beside(quality.recall[rank], quality.chance_recall[rank]) for rank in ranks),
            _beside(quality.mrr, quality.chance_mrr),
            _beside(quality.mean_average_precision, quality.chance_mean_average_precision),
        )
    return table


def _beside(value: float, chance: float) -> str:
    return f"{value:.2f} ({chance:.2f})"
