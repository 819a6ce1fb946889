"""How far an index run has come: a line on stderr that follows along, if stderr is a terminal."""

from types import TracebackType
from typing import TYPE_CHECKING, Self

from .harmless import shown_path
from .terminal import messages

if TYPE_CHECKING:
    from indexer.progress import Progress

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
            TimeRemainingColumn,
        )
        from rich.table import Column

        console = messages()
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
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
        self._task = self._bars.add_task("starting", total=None, speed="", path="")
        self._stage: str | None = None

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
            self._bars.reset(self._task, description=DOING[progress.stage])
        self._bars.update(
            self._task,
            completed=progress.files,
            total=progress.total_files or None,
            speed=self._speed(),
            path=shown_path(progress.path) if progress.path else "",
        )

    def _speed(self) -> str:
        speed = self._bars.tasks[0].speed
        return f"{speed:,.0f} files/s" if speed else ""


DOING = {"scan": "looking", "read": "reading", "refresh": "writing"}
"""Stages of a run, as one word each."""
