"""How far something long has come: a line on stderr that follows along, if it is a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self

from .amounts import clock
from .harmless import harmless, shown_path
from .terminal import messages

if TYPE_CHECKING:
    from indexer.progress import Progress
    from retrieval.encoders.pull import Progress as Pulled

REFRESHES_PER_S = 8


class Display:
    """Shows the progress of one run; says nothing where nobody watches."""

    def __init__(self) -> None:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            SpinnerColumn,
            TextColumn,
        )
        from rich.table import Column

        console = messages()
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[pace]}"),
            TextColumn(
                "{task.fields[path]}",
                style="dim",
                markup=False,
                table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1),
            ),
            console=console,
            transient=True,
            expand=True,
            refresh_per_second=REFRESHES_PER_S,
            disable=not console.is_terminal,
        )
        self._stage = ""
        self._begin("starting")

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def show(self, progress: "Progress") -> None:
        """Take in what the indexer reports."""
        if progress.stage != self._stage:
            self._stage = progress.stage
            self._bars.remove_task(self._task)
            self._begin(DOING[progress.stage])
        self._bars.update(
            self._task,
            completed=progress.files,
            total=progress.total_files or None,
            pace=self._pace(),
            path=shown_path(progress.path) if progress.path else "",
        )

    def _begin(self, doing: str) -> None:
        self._task = self._bars.add_task(doing, total=None, pace="", path="")

    def _pace(self) -> str:
        task = self._bars.tasks[0]
        if not task.speed:
            return ""
        left_s = task.time_remaining
        left = "" if left_s is None else f"  {clock(left_s)} left"
        return f"{task.speed:,.0f} files/s{left}"


DOING = {"scan": "looking", "read": "reading", "refresh": "writing"}
"""Stages of a run, as one word each."""


@contextmanager
def bytes_display() -> Iterator[Callable[["Pulled"], None]]:
    """A line about a download: file, bytes, speed, time left."""
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    console = messages()
    bars = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(compact=True),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    task = bars.add_task("asking", total=None)

    def show(pulled: "Pulled") -> None:
        bars.update(
            task, description=harmless(pulled.file), completed=pulled.done, total=pulled.total
        )

    with bars:
        yield show


@contextmanager
def captions_display() -> Iterator[Callable[[int, int], None]]:
    """A line about captions that are being read."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = messages()
    bars = Progress(
        TextColumn("fitting the bridge"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TextColumn("captions"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    task = bars.add_task("", total=None)

    def show(done: int, total: int) -> None:
        bars.update(task, completed=done, total=total)

    with bars:
        yield show
