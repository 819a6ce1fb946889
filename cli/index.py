"""`anyseek index`: folders into the library."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .amounts import counted
from .harmless import shown_path
from .paths import typed_path
from .place import (
    Device,
    DeviceOption,
    LibraryOption,
    ModelsOption,
    existing,
    new_or_existing,
    place,
)
from .program import complain
from .progress import Display
from .stopping import exit_code
from .terminal import show
from .wishes import MemoryOption, RecallOption, ask

if TYPE_CHECKING:
    from indexer.progress import Summary
    from retrieval.library import Library


PathsArgument = Annotated[
    list[Path] | None,
    typer.Argument(
        parser=typed_path,
        metavar="PATH",
        help="Folders or files. Without one: every folder that was indexed before.",
        show_default=False,
    ),
]
ExcludeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        metavar="GLOB",
        help="Leave out what matches; may be given several times. A glob with a slash, such as "
        "'old/*', is held against the path below the folder, one without against the name. "
        "Hidden files are always left out.",
        show_default=False,
    ),
]


def index(
    paths: PathsArgument = None,
    exclude: ExcludeOption = None,
    retry_failed: Annotated[
        bool,
        typer.Option(
            "--retry-failed", help="Read files again that failed before and have not changed."
        ),
    ] = False,
    models: ModelsOption = None,
    device: DeviceOption = Device.AUTO,
    recall: RecallOption = None,
    memory: MemoryOption = None,
    library: LibraryOption = None,
) -> None:
    """Bring the library up to date with folders.

    Only what is new or changed is read. A file that cannot be seen any more is marked missing and
    kept; one that cannot be read is listed by: anyseek failures. Stop with Ctrl-C at any time: the
    next run goes on from there.

    For example: anyseek index anyseek-demo/pictures anyseek-demo/sounds --models mini
    """
    open_library = new_or_existing if paths else existing
    check_there(paths or [], library)
    with open_library(library, models, device) as opened:
        ask(opened, recall, memory)
        run(opened, paths or [], exclude=exclude or (), retry_failed=retry_failed)


def check_there(paths: Sequence[Path], library: Path | None) -> None:
    """Make no library for folders that are not there; an existing one may know them."""
    from retrieval.errors import SearchError
    from retrieval.library_folder import holds_library

    gone = next((path for path in paths if not path.exists()), None)
    if gone and not holds_library(place(library)):
        raise SearchError(
            f"Cannot index {gone.absolute()}: No such file or directory. Check the path and "
            "whether its disk is mounted."
        )


def run(
    opened: "Library",
    paths: list[Path],
    *,
    exclude: Sequence[str] = (),
    retry_failed: bool = False,
) -> None:
    """Index paths into an open library, with progress and a summary."""
    import indexer

    try:
        with Display() as display:
            summary = indexer.index(
                opened,
                *paths,
                progress=display.show,
                exclude=excluded(exclude),
                retry_failed=retry_failed,
            )
    except KeyboardInterrupt:
        complain("stopped. What was indexed is kept; the next run goes on from there.")
        sys.exit(exit_code())
    report(summary)


def excluded(globs: Sequence[str]) -> list[str]:
    """What is left out: what always is, and what was asked for."""
    from indexer.exclusion import DEFAULT_EXCLUDE

    return [*DEFAULT_EXCLUDE, *globs]


def report(summary: "Summary") -> None:
    """Tell what a run did, and what to do about what it could not."""
    for folder in dict.fromkeys(summary.unreadable):
        complain(
            f"{shown_path(folder)} is empty, not mounted or not to be read; "
            "what the library knows of it is kept."
        )
    show(told(summary))
    if summary.failed > summary.not_media:
        complain("To see why files failed: anyseek failures")
    if summary.unsettled:
        complain(f"{counted(summary.unsettled, 'file')} changed while being read: index again.")


def told(summary: "Summary") -> str:
    """A summary in one line: what every run tells, and what only some have to tell."""
    always = ("added", "updated", "moved", "missing", "failed")
    sometimes = ("not media", "restored", "unchanged", "annotated", "unsettled")
    counts = asdict(summary) | {"not media": summary.not_media}
    counts["failed"] -= summary.not_media
    parts = [f"{counts[name]:,} {name}" for name in always]
    parts += [f"{counts[name]:,} {name}" for name in sometimes if counts[name]]
    return f"{', '.join(parts)} in {summary.seconds:.1f} s"
