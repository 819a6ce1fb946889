"""`anyseek explain`: why a file is a hit."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .amounts import clock
from .harmless import one_line, shown_path
from .hits import bar
from .paths import typed_path
from .place import Device, DeviceOption, LibraryOption, ModelsOption, existing
from .query import FileOption, WordsArgument, query_of
from .terminal import show

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.PngImagePlugin import PngInfo

    from retrieval.explain import Reason, TextReason

SIGNATURE = ("Software", "anyseek explain")
"""What is written into a drawing, so that the next one may take its place."""
PASSAGES = 5
"""How many of a text's passages are shown."""


def explain(
    *,
    words: WordsArgument = None,
    subject: Annotated[
        Path,
        typer.Argument(
            parser=typed_path, metavar="PATH", help="The picture, sound, text or video to explain."
        ),
    ],
    file: FileOption = None,
    to: Annotated[
        Path | None,
        typer.Option(
            parser=typed_path,
            metavar="PNG",
            help="Where to write the drawing. Without it: into this folder, under the file's name "
            "with -explained.png. A video has a second one, -explained-2.png. Nothing but an "
            "earlier drawing is overwritten.",
            show_default=False,
        ),
    ] = None,
    models: ModelsOption = None,
    device: DeviceOption = Device.AUTO,
    library: LibraryOption = None,
) -> None:
    """Show why a file is a hit: where, when, or in which words.

    For a picture a heat map, for a sound a curve over its seconds, both as PNG; for a text its
    passages, best first. The file need not be in the library.

    For example: anyseek explain clocks "anyseek-demo/pictures/2 red clocks 1.png" --to why.png
    """
    from retrieval.explain import Explainer

    query = query_of(words, file)
    with existing(library, models, device) as opened:
        reasons = Explainer(opened, query).file(subject)
    target = to or Path(f"{subject.stem}-explained.png")
    for place, reason in enumerate(reasons):
        _tell(reason, target.with_stem(f"{target.stem}-{place + 1}") if place else target)


def _tell(reason: "Reason", target: Path) -> None:
    from retrieval.drawing import draw_curve, draw_heat
    from retrieval.explain import PictureReason, TextReason

    if isinstance(reason, TextReason):
        _tell_passages(reason)
    elif isinstance(reason, PictureReason):
        x, y = reason.point
        height_px, width_px = reason.picture.shape[:2]
        _save(draw_heat(reason), target)
        # The picture was read at a coarser scale, so pixels would not be those of the file.
        across, down = x / width_px, y / height_px
        show(f"most {across:.0%} from the left, {down:.0%} from the top: {shown_path(target)}")
    else:
        _save(draw_curve(reason), target)
        show(f"most at {clock(reason.peak_s)}: {shown_path(target)}")


def _tell_passages(reason: "TextReason") -> None:
    import numpy as np
    from rich.table import Table

    from retrieval.calibration import score

    best = reason.passages[:PASSAGES]
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="cyan", no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    scores = score(np.array([evidence for _, evidence in best]))
    for (moment, _), fits in zip(best, scores.tolist(), strict=True):
        grid.add_row(bar(fits), f"{fits:.2f}", one_line(moment.text or ""))
    show(grid)


def _save(drawing: "Image", target: Path) -> None:
    from retrieval.errors import SearchError

    if target.exists() and not _is_drawing(target):
        raise SearchError(f"{target} exists. Name another file: --to PNG")
    try:
        drawing.save(target, format="PNG", pnginfo=_signature())
    except OSError as error:
        raise SearchError(f"Cannot write {target}: {error.strerror}.") from error


def _signature() -> "PngInfo":
    from PIL.PngImagePlugin import PngInfo

    signature = PngInfo()
    signature.add_text(*SIGNATURE)
    return signature


def _is_drawing(file: Path) -> bool:
    """Whether a file is an earlier drawing, which may be replaced."""
    from PIL import Image

    name, value = SIGNATURE
    try:
        with Image.open(file) as image:
            return image.info.get(name) == value
    except (OSError, ValueError, Image.DecompressionBombError):
        return False
