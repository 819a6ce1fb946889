"""The tables of docs/speed.md, made from the raw results.

python -m benchmarks.speed_page
"""

from __future__ import annotations

import json
import re
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

RESULTS = Path(__file__).parent / "results"
PAGE = Path(__file__).parent.parent / "docs" / "speed.md"

PIPELINES = tuple(
    f"{models}_{width}" for models in ("mini", "ViT-B-32") for width in (4000, 1600, 640)
)
RATES = ("end_to_end", "encode_only", "read_only", "possible")
STEPS = {
    "first": "first run",
    "unchanged": "again, nothing new",
    "renamed": "after the folder was renamed",
    "unmounted": "folder empty (unmounted)",
    "mounted_again": "mounted again",
    "after_an_interrupt": "Ctrl-C at 60 % of a first run, then a search",
}


def read(name: str) -> dict[str, Any] | None:
    """A raw result, or None if it was not measured."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def pipeline_table() -> str | None:
    """Files a second end to end, and of each half alone."""
    lines = [
        "| model | pictures | end to end | encoding alone | reading alone | possible "
        "| of encoding | of possible | processor |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name in PIPELINES:
        if told := read(f"pipeline_{name}"):
            width = told["width_px"]
            rates = (told[f"{what}_per_s"] for what in RATES)
            lines.append(
                f"| {told['models']} | {told['files']} of {width} x {width * 3 // 4} | "
                + " | ".join(f"{rate:.1f}/s" for rate in rates)
                + f" | {told['share_of_encoding']:.2f} | {told['share_of_possible']:.2f} "
                f"| {told['processor'].removesuffix(' Processor')} |"
            )
    return "\n".join(lines) if len(lines) > 2 else None


def isolation_table() -> str | None:
    """What decoding in processes of their own costs, by kind of file."""
    told = read("isolation")
    if told is None:
        return None
    lines = [
        "| files | in the indexer's process | in processes | files/s lost | processor time more |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {kind['files']} {name} | {kind['here_files_per_s']:.1f}/s "
        f"| {kind['isolated_files_per_s']:.1f}/s | {100 * kind['cost']:.0f} % "
        f"| {100 * kind['processor_cost']:.0f} % |"
        for name, kind in told["kinds"].items()
    ]
    return "\n".join(lines)


def unchanged_table() -> str | None:
    """A run that finds nothing new."""
    told = read("unchanged")
    if told is None:
        return None
    more_s = told["second_run_s"] - told["bare_walk_s"]
    return (
        "| files | bare walk | second run | above the walk |\n|---|---|---|---|\n"
        f"| {told['files']:,} | {told['bare_walk_s']:.2f} s | {told['second_run_s']:.2f} s "
        f"| {more_s:.2f} s |"
    )


def growth_table() -> str | None:
    """New files a second into small and large libraries."""
    told = read("growth")
    if told is None:
        return None
    lines = ["| files in the library | new files a second, median of runs |", "|---|---|"]
    lines += [
        f"| {place['rows']:,} | {statistics.median(place['files_per_s']):.0f} "
        f"({', '.join(f'{rate:.0f}' for rate in place['files_per_s'])}) |"
        for place in told["growth"]
    ]
    return "\n".join(lines)


def memory_table() -> str | None:
    """Memory at rest and at most."""
    lines = [
        "| model | files | at rest | at most | above rest |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {told['models']} | {run['files']} {run['folder']} | {run['resting_mb']:.0f} MB "
        f"| {run['most_mb']:.0f} MB | {run['above_resting_mb']:.0f} MB |"
        for told in filter(None, [read("memory_mini")])
        for run in told["folders"]
    ]
    if told := read("long_sound"):
        rest, more = told["resting_mb"], told["above_resting_mb"]
        lines.append(
            f"| {told['models']} | {told['hours']:g} hours of sound in one file | {rest:.0f} MB "
            f"| {rest + more:.0f} MB | {more:.0f} MB |"
        )
    return "\n".join(lines) if len(lines) > 2 else None


def rclip_table() -> str | None:
    """The life of a folder, with both programs."""
    told = read("beside_rclip")
    if told is None:
        return None
    lines = [
        f"| {told['photos']} photographs | anyseek | found | peak | rclip | found | peak |",
        "|---|---|---|---|---|---|---|",
    ]
    for step, words in STEPS.items():
        cells = [
            f"{run['seconds']:.1f} s | {run['found']} | {run['peak_mb']:.0f} MB"
            for run in (told["anyseek"][step], told["rclip"][step])
        ]
        lines.append(f"| {words} | {' | '.join(cells)} |")
    return "\n".join(lines)


def cold_table() -> str | None:
    """A query from a cold start, with both programs."""
    told = read("cold_beside_rclip")
    if told is None:
        return None
    lines = ["| a query from a cold start | median | fastest | processor |", "|---|---|---|---|"]
    lines += [
        f"| {side} | {told[side]['median_s']:.2f} s | {told[side]['fastest_s']:.2f} s "
        f"| {told[side]['processor_s']:.2f} s |"
        for side in ("anyseek", "rclip")
    ]
    return "\n".join(lines)


def start_table() -> str | None:
    """How long commands take that do next to nothing."""
    told = read("start")
    if told is None:
        return None
    lines = ["| command | median | fastest |", "|---|---|---|"]
    lines += [
        f"| `{command}` | {run['seconds']:.2f} s | {run['fastest_s']:.2f} s |"
        for command, run in told["commands"].items()
    ]
    return "\n".join(lines)


TABLES: dict[str, Callable[[], str | None]] = {
    "pipeline": pipeline_table,
    "isolation": isolation_table,
    "unchanged": unchanged_table,
    "growth": growth_table,
    "memory": memory_table,
    "rclip": rclip_table,
    "cold": cold_table,
    "start": start_table,
}
"""For each mark on the page what makes its table."""


def main() -> None:
    """Write each table whose raw results are there between its two marks."""
    page = PAGE.read_text()
    for mark, table in TABLES.items():
        if text := table():
            page = re.sub(
                rf"(<!-- {mark} -->\n).*?(<!-- /{mark} -->)",
                lambda found, text=text: f"{found[1]}{text}\n{found[2]}",  # type: ignore[misc]
                page,
                flags=re.DOTALL,
            )
    PAGE.write_text(page)


if __name__ == "__main__":
    main()
