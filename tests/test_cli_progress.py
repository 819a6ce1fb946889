from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from cli.progress import DOING, Display
from indexer.progress import Progress, Stage


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(
    monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, steps: list[Progress], width: int = 100
) -> str:
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    with Display() as display:
        for step in steps:
            display.show(step)
            display._bars.refresh()
    return stream.getvalue()


READING = [
    Progress(Stage.SCAN, Path("/media"), 1000),
    Progress(Stage.READ, None, 0, 400),
    Progress(Stage.READ, Path("/media/a.png"), 100, 400),
    Progress(Stage.READ, Path("/media/b\n\x1b[31m.png"), 200, 400),
    Progress(Stage.READ, Path("/media/c.png"), 300, 400),
    Progress(Stage.REFRESH, None, 0),
]


def test_every_stage_has_a_word() -> None:
    assert set(DOING) == set(Stage)


def test_a_terminal_is_told_what_is_done_how_far_and_how_fast(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = shown(monkeypatch, Terminal(), READING)
    for part in (
        "looking",
        "1000/?",
        "reading",
        "100/400",
        "200/400",
        "files/s",
        "left",
        "writing",
    ):
        assert part in text


def test_names_in_progress_are_harmless(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(monkeypatch, Terminal(), READING)
    assert r"/media/b\n\x1b[31m.png" in text
    assert "\x1b[31m.png" not in text


def test_a_long_path_does_not_break_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    long = Path("/media", *["a folder with a long name"] * 20)
    text = shown(monkeypatch, Terminal(), [Progress(Stage.READ, long, 1, 2)], width=80)
    assert "…" in text
    assert "a folder with a long name/" * 10 not in text


def test_the_line_is_gone_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, Terminal(), READING).endswith("\x1b[2K")


def test_nobody_is_told_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, io.StringIO(), READING) == ""
