from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from cli.watch import _says_something
from indexer import Summary
from tests.command_line import PROGRAM, anyseek, plug_in
from tests.media_files import write_picture


@pytest.mark.parametrize(
    ("summary", "says"),
    [
        (Summary(unchanged=9, seconds=1.0), False),
        (Summary(unchanged=9, unreadable=(Path("/x"),)), False),
        (Summary(added=1), True),
        (Summary(missing=1, unchanged=3), True),
        (Summary(failed=1), True),
    ],
)
def test_only_what_changed_is_told(summary: Summary, says: bool) -> None:
    assert _says_something(summary) is says


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is a signal on POSIX alone")
def test_changes_are_followed_until_ctrl_c(tmp_path: Path) -> None:
    media = tmp_path / "media"
    media.mkdir()
    write_picture(media / "red.png", (255, 0, 0))
    environment = plug_in(tmp_path / "site") | {"ANYSEEK_LIBRARY": str(tmp_path / "library")}
    with subprocess.Popen(
        [*PROGRAM, "watch", media, "--models", "fake"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as watching:
        assert watching.stdout
        assert watching.stderr
        assert watching.stdout.readline().startswith("1 added, ")
        assert watching.stderr.readline() == "Watching. Stop with Ctrl-C.\n"
        # Moved in whole: a file that is written for long may be read before its end, and again.
        write_picture(tmp_path / "blue.png", (0, 0, 255)).rename(media / "blue.png")
        added = watching.stdout.readline()
        assert re.match(r"\d\d:\d\d:\d\d  1 added, ", added)
        (media / "red.png").unlink()
        assert "1 missing" in watching.stdout.readline()
        watching.send_signal(signal.SIGINT)
        assert watching.wait(120) == 130
        assert watching.stderr.read() == "anyseek: stopped\n"


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such names, and no such terminal")
def test_no_name_reaches_the_terminal_as_it_is(tmp_path: Path) -> None:
    media, empty = tmp_path / "fi\x1b[31mles", tmp_path / "emp\x1b[31mty"
    media.mkdir()
    empty.mkdir()
    write_picture(media / "red\x1b]0;x\x07.png", (255, 0, 0))
    (media / "broken\x1b[2J.png").write_bytes(b"\x89PNG\r\n\x1a\nno")
    environment = plug_in(tmp_path / "site") | {
        "ANYSEEK_LIBRARY": str(tmp_path / "library"),
        "TERM": "xterm",
        "NO_COLOR": "1",
        "COLUMNS": "400",
    }
    terminal, end = os.openpty()
    command = [*PROGRAM, "watch", str(media), str(empty), "--models", "fake"]
    with subprocess.Popen(command, env=environment, stdout=end, stderr=end) as watching:
        os.close(end)
        shown = read_until(terminal, b"Watching.")
        write_picture(tmp_path / "blue.png", (0, 0, 255)).rename(media / "blue\x1b]0;x\x07.png")
        shown += read_until(terminal, b"1 added, ")
        shutil.rmtree(media)
        shown += read_until(terminal, b"missing")
        watching.send_signal(signal.SIGINT)
        shown += read_until(terminal, b"stopped")
    os.close(terminal)
    assert rb"emp\x1b[31mty is empty, not mounted or not to be read" in shown
    for harm in (b"\x1b[31m", b"\x1b]0;", b"\x07", b"\x1b[2J"):
        assert harm not in shown


def read_until(terminal: int, words: bytes) -> bytes:
    """What a terminal is sent until these words come, and all that has come with them."""
    shown = b""
    while words not in shown:
        shown += os.read(terminal, 1 << 16)
    return shown


def test_without_a_library_there_is_nothing_to_watch(tmp_path: Path) -> None:
    result = anyseek("watch", library=tmp_path / "none")
    assert result.exit_code == 1
    assert "Make one with: anyseek index FOLDER" in result.stderr
