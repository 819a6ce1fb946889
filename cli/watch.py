"""`anyseek watch`: the library follows its folders."""

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from .index import ExcludeOption, PathsArgument, check_there, excluded, report, told
from .place import Device, DeviceOption, LibraryOption, ModelsOption, existing, new_or_existing
from .progress import Display
from .terminal import say, show

if TYPE_CHECKING:
    from indexer.progress import Summary


def watch(
    paths: PathsArgument = None,
    exclude: ExcludeOption = None,
    models: ModelsOption = None,
    device: DeviceOption = Device.AUTO,
    library: LibraryOption = None,
) -> None:
    """Index folders, then follow their changes until Ctrl-C.

    A file that is new, changed, moved or gone is so in the library about a second after it was
    last written to. Searching works meanwhile.

    For example: anyseek watch ~/Pictures ~/Documents
    """
    from indexer.watch import watch as follow

    open_library = new_or_existing if paths else existing
    check_there(paths or [], library)
    with open_library(library, models, device) as opened:
        display = Display()
        summaries = follow(
            opened, *(paths or []), progress=display.show, exclude=excluded(exclude or ())
        )
        with display:
            first = next(iter(summaries))
        report(first)
        say("Watching. Stop with Ctrl-C.")
        for summary in summaries:
            if _says_something(summary):
                show(f"{datetime.now():%H:%M:%S}  {told(summary)}")


def _says_something(summary: "Summary") -> bool:
    nothing = type(summary)(unchanged=summary.unchanged, seconds=summary.seconds)
    return replace(summary, unreadable=()) != nothing
