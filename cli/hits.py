r"""Hits on the terminal, as JSON lines, and as paths.

A JSON line has these fields, in this order; new ones may follow in later versions:

    rank        1 for the best hit
    score       0..1, comparable between kinds, higher is better
    cosine      the raw similarity of the best moment, -1..1; null where only words were compared
    kind        text, image, audio or video
    path        absolute
    start_s, end_s          the best moment's seconds; null where the file has no time
    start_char, end_char    the passage's place in the decoded text; null for other kinds
    text        the passage; null for other kinds
    moment_id   the best moment's number in the library: a query for more like it
    file_id     the file's number in the library
    missing     true for a file that could not be seen when it was last indexed
    copies      paths of files with exactly the same content
    twins       paths of the RAWs that the camera wrote beside a picture
    facts       what the file and its sidecars state: title, keywords, taken ... (docs/formats.md)
    also        the file's other moments that matched: score, cosine, start_s ... moment_id
    said        where words of the query stand: place (name, folder, text, or a fact such as title)
                and text (what stands there); null if the contents alone made it a hit

Lines are ASCII. A byte of a path that is no UTF-8 stands as the lone surrogate that Python's
`os.fsdecode` makes of it (byte ff is `\udcff`); `os.fsencode(hit["path"])` gives the path back.
"""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from itertools import islice
from math import isnan
from typing import TYPE_CHECKING, Any

from .amounts import clock
from .choices import Form
from .harmless import harmless, one_line, shown_path
from .terminal import show, width, write_bytes

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from retrieval.records import Hit, Moment, ScoredMoment

BAR_CELLS = 10
EIGHTHS = " ▏▎▍▌▋▊▉"
PASSAGE_CHARS = 160
COPIES_SHOWN = 3
NARROW = 64
"""In a terminal with fewer columns the bar is left out and the kind stands before the path."""


def write(hits: "Sequence[Hit]", form: Form) -> None:
    """Write hits to stdout."""
    if form is Form.TABLE:
        show(table(hits, narrow=width() < NARROW))
    elif form is Form.JSON:
        write_bytes(f"{line}\n".encode() for line in json_lines(hits))
    elif form is Form.NULL:
        write_bytes(os.fsencode(hit.path) + b"\0" for hit in hits)
    elif sys.stdout.isatty():
        write_bytes(f"{harmless(str(hit.path))}\n".encode() for hit in hits)
    else:
        write_bytes(os.fsencode(hit.path) + b"\n" for hit in hits)


def json_lines(hits: "Iterable[Hit]") -> Iterable[str]:
    """One JSON object for each hit; the fields are told at the top of this file."""
    for rank, hit in enumerate(hits, start=1):
        yield json.dumps(
            {
                "rank": rank,
                "score": round(hit.score, 6),
                "cosine": _cosine(hit.cosine),
                "kind": hit.kind,
                "path": str(hit.path),
                **_place(hit.moment),
                "file_id": hit.file_id,
                "missing": hit.missing,
                "copies": [str(path) for path in hit.copies],
                "twins": [str(path) for path in hit.twins],
                "facts": dict(hit.facts),
                "also": [_match(match) for match in hit.also],
                "said": hit.said and {"place": hit.said.place, "text": hit.said.text},
            }
        )


def table(hits: "Sequence[Hit]", *, narrow: bool = False) -> "Table":
    """Hits for people: rank, score bar, score, kind and where it is."""
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(justify="right", style="dim", no_wrap=True)
    if not narrow:
        grid.add_column(style="cyan", no_wrap=True)
    grid.add_column(justify="right", no_wrap=True)
    if not narrow:
        grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for rank, hit in enumerate(hits, start=1):
        score, where = f"{hit.score:.2f}", _where(hit)
        if narrow:
            kind = Text(overflow="fold").append(f"{hit.kind}  ", style="cyan")
            grid.add_row(str(rank), score, kind.append(where))
        else:
            grid.add_row(str(rank), Text(bar(hit.score)), score, hit.kind, where)
    return grid


def bar(score: float) -> str:
    """A score of 0..1 as a bar of `BAR_CELLS` cells, exact to an eighth of a cell."""
    eighths = round(min(max(score, 0.0), 1.0) * BAR_CELLS * 8)
    full, rest = divmod(eighths, 8)
    cells = "█" * full + (EIGHTHS[rest] if rest else "")
    return cells.ljust(BAR_CELLS)


def _where(hit: "Hit") -> "Text":
    """Path and seconds; below them the passage, other moments and copies."""
    from rich.text import Text

    text = Text(overflow="fold").append(shown_path(hit.path))
    if seconds := _seconds(hit.moment):
        text.append(f"  {seconds}", style="cyan")
    if hit.missing:
        text.append("  (missing)", style="yellow")
    said = hit.said
    if said and said.place in {"name", "folder"}:
        text.append(f"  by its {said.place}", style="green")
    elif said:
        label = f"{said.place}: " * (said.place != "text")
        text.append(f"\n{label}{_shortened(one_line(said.text))}", style="green")
    if hit.moment.text and not (said and said.place == "text"):
        text.append(f"\n{_shortened(one_line(hit.moment.text))}", style="dim")
    if also := ", ".join(_times(hit)):
        text.append(f"\nalso {also}", style="dim")
    for path in hit.twins:
        text.append(f"\nwith {shown_path(path)}", style="dim")
    for path in islice(hit.copies, COPIES_SHOWN):
        text.append(f"\nsame as {shown_path(path)}", style="dim")
    if len(hit.copies) > COPIES_SHOWN:
        text.append(f"\nand {len(hit.copies) - COPIES_SHOWN} more copies", style="dim")
    return text


def _seconds(moment: "Moment") -> str:
    if moment.start_s is None or moment.end_s is None:
        return ""
    return _interval(moment.start_s, moment.end_s)


def _times(hit: "Hit") -> list[str]:
    """The seconds of a hit's other moments in order; windows that overlap are told as one."""
    spans: list[tuple[float, float]] = []
    moments = [match.moment for match in hit.also]
    for start_s, end_s in sorted(
        (m.start_s, m.end_s) for m in moments if m.start_s is not None and m.end_s is not None
    ):
        if spans and start_s <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end_s, spans[-1][1]))
        else:
            spans.append((start_s, end_s))
    return [_interval(start_s, end_s) for start_s, end_s in spans]


def _interval(start_s: float, end_s: float) -> str:
    return clock(start_s) if start_s == end_s else f"{clock(start_s)}–{clock(end_s)}"


def _shortened(passage: str) -> str:
    return passage if len(passage) <= PASSAGE_CHARS else f"{passage[: PASSAGE_CHARS - 1]}…"


def _place(moment: "Moment") -> dict[str, Any]:
    return {
        "start_s": moment.start_s,
        "end_s": moment.end_s,
        "start_char": moment.start_char,
        "end_char": moment.end_char,
        "text": moment.text,
        "moment_id": moment.id,
    }


def _cosine(cosine: float) -> float | None:
    return None if isnan(cosine) else round(cosine, 6)


def _match(match: "ScoredMoment") -> dict[str, Any]:
    return {
        "score": round(match.score, 6),
        "cosine": _cosine(match.cosine),
        **_place(match.moment),
    }
