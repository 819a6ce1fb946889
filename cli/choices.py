"""Options that several commands share: how many hits, of which kind, how good, and their form."""

from enum import Enum, StrEnum, auto
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from retrieval.library import Library


MOST = 1_000_000_000
"""More hits than any library has."""


class Wanted(StrEnum):
    """The kinds of files, so that telling them in `--help` need not load the library."""

    TEXT = "text"
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"


class Form(Enum):
    """How hits are written."""

    TABLE = auto()
    JSON = auto()
    PATHS = auto()
    NULL = auto()


def _count(n: int) -> int:
    if n < 1:
        raise typer.BadParameter("ask for at least one hit.")
    return min(n, MOST)


def _score(score: float | None) -> float | None:
    if score is not None and not 0 <= score <= 1:
        raise typer.BadParameter("a score is between 0 and 1, such as 0.5.")
    return score


KindsOption = Annotated[
    list[Wanted] | None,
    typer.Option(
        "--in",
        metavar="KIND",
        help="Only text, image, audio or video files; may be given several times.",
        show_default=False,
    ),
]
CountOption = Annotated[
    int, typer.Option("-k", callback=_count, metavar="N", help="At most this many hits.")
]
LeastOption = Annotated[
    float | None,
    typer.Option(
        "--min",
        callback=_score,
        metavar="SCORE",
        help="Only hits with at least this score, 0..1; 0 shows everything. Without it: the level "
        "below which the model set cannot tell a match from chance.",
        show_default=False,
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="One JSON object a line, for other programs.")
]
PathsOption = Annotated[bool, typer.Option("--paths", help="Only the paths, one a line.")]
NullOption = Annotated[
    bool,
    typer.Option("--null", "-0", help="Only the paths, each ended by a zero byte: xargs -0."),
]


def form(*, json: bool, paths: bool, null: bool) -> Form:
    """The one form that was asked for."""
    asked = {Form.JSON: json, Form.PATHS: paths, Form.NULL: null}
    wanted = [form for form, is_asked in asked.items() if is_asked]
    if len(wanted) > 1:
        raise typer.BadParameter("--json, --paths and -0 exclude each other: give one of them.")
    return wanted[0] if wanted else Form.TABLE


def level(library: "Library", least: float | None) -> float:
    """The lowest score that is shown."""
    return library.space.calibration.level if least is None else least
