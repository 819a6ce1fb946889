"""What people and programs see: tables as wide as the terminal, lines whole, remarks apart."""

from __future__ import annotations

import io
import sys

import pytest
from rich.table import Table

from cli.terminal import UNLIMITED, messages, say, show


class Terminal(io.StringIO):
    """A stream that a person looks at."""

    def isatty(self) -> bool:
        return True


def table(*cells: str) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_row(*cells)
    return grid


@pytest.fixture
def _dumb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.delenv("FORCE_COLOR", raising=False)


LONG = "/media/disk/" + "very long name of a folder/" * 20 + "picture.png"


@pytest.mark.usefixtures("_dumb")
@pytest.mark.parametrize("columns", [None, "20", "80"])
@pytest.mark.parametrize("stream", [Terminal, io.StringIO])
def test_a_line_is_never_folded(
    monkeypatch: pytest.MonkeyPatch, stream: type[io.StringIO], columns: str | None
) -> None:
    """It may be a path that is copied, or read by `$(anyseek models path clip-clap)`."""
    if columns:
        monkeypatch.setenv("COLUMNS", columns)
    out = stream()
    monkeypatch.setattr(sys, "stdout", out)
    show(LONG)
    assert out.getvalue() == f"{LONG}\n"


def test_a_table_is_folded_where_the_terminal_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    out = Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    show(table("path", LONG))
    lines = out.getvalue().splitlines()
    assert len(lines) > 10
    assert all(len(line) <= 40 for line in lines)


def test_a_program_gets_a_row_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    show(table("path", LONG))
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert out.split() == ["path", *LONG.split()]
    assert len(LONG) < UNLIMITED


def test_a_program_gets_no_spaces_at_ends_of_lines(capsys: pytest.CaptureFixture[str]) -> None:
    grid = table("a", "a long cell")
    grid.add_row("b", "short")
    show(grid)
    out = capsys.readouterr().out
    assert [line.rstrip() for line in out.splitlines()] == out.splitlines()
    assert out.endswith("short\n")


def test_nothing_in_a_line_is_markup_or_a_picture(capsys: pytest.CaptureFixture[str]) -> None:
    odd = "[bold]brackets[/bold] :bell: https://example.org 3.14 'quoted' [/]"
    show(odd)
    assert capsys.readouterr().out == f"{odd}\n"


def test_remarks_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    say("a remark")
    messages().print("progress")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == ["a remark", "progress"]


def test_unicode_goes_through(capsys: pytest.CaptureFixture[str]) -> None:
    show("Größe █ 東京 🔔")
    assert capsys.readouterr().out == "Größe █ 東京 🔔\n"
