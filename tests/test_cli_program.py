"""How the program ends, as a process of its own."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest

from cli import stopping
from cli.program import complain
from tests.command_line import PROGRAM, anyseek, plug_in, process
from tests.media_files import write_picture

HEAVY = ("numpy", "sqlalchemy", "torch", "PIL", "faiss", "retrieval", "indexer", "soundfile")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The model set `fake`, and a library with two red things made by `anyseek index`."""
    home = tmp_path_factory.mktemp("home")
    variables = plug_in(home / "site") | {"ANYSEEK_LIBRARY": str(home / "library")}
    media = home / "media"
    media.mkdir()
    write_picture(media / "red.png", (255, 0, 0))
    (media / "red.md").write_text("red")
    ended = process("index", media, "--models", "fake", environment=variables)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == b""  # no terminal, so no progress
    assert ended.stdout.startswith(b"2 added, 0 updated, 0 moved, 0 missing, 0 failed in ")
    return variables


def test_results_go_to_stdout_and_nothing_else_does(environment: dict[str, str]) -> None:
    ended = process("search", "red", "--paths", environment=environment)
    assert ended.returncode == 0
    assert ended.stderr == b""
    assert {Path(path).name for path in ended.stdout.decode().splitlines()} == {
        "red.png",
        "red.md",
    }


def test_an_error_is_one_line_on_stderr(environment: dict[str, str], tmp_path: Path) -> None:
    ended = process("status", "--library", tmp_path / "none", environment=environment)
    assert ended.returncode == 1
    assert ended.stdout == b""
    assert ended.stderr.decode() == (
        f"anyseek: There is no library at {tmp_path / 'none'}. Make one with: anyseek index "
        "FOLDER\n"
    )


def test_wrong_usage_is_one_line_on_stderr(environment: dict[str, str]) -> None:
    ended = process("serch", environment=environment)
    assert ended.returncode == 2
    assert ended.stderr.decode() == (
        "anyseek: No such command 'serch'. Did you mean 'search'? See: anyseek --help\n"
    )


def test_a_name_in_a_message_is_harmless(environment: dict[str, str]) -> None:
    ended = process("search", "--file", "no\n\x1b[31msuch", environment=environment)
    assert ended.returncode == 1
    assert ended.stderr == (b"anyseek: Cannot read no \\x1b[31msuch: No such file or directory.\n")


def test_a_bug_shows_its_trace(environment: dict[str, str]) -> None:
    code = "import cli, retrieval; retrieval.Library.stats = lambda self: 1 / 0; cli.main()"
    ended = subprocess.run(
        [sys.executable, "-c", code, "status"],
        env=environment,
        capture_output=True,
        timeout=60,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith(b"Traceback (most recent call last):\n")
    assert ended.stderr.endswith(b"ZeroDivisionError: division by zero\n")


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is a signal on POSIX alone")
def test_ctrl_c_while_indexing_keeps_what_was_done(
    environment: dict[str, str], tmp_path: Path
) -> None:
    media = tmp_path / "media"
    media.mkdir()
    for n in range(30):
        (media / f"{n:02}.txt").write_text(f"red {n}")
    interrupt = (
        "import os, signal, cli\n"
        "from cli.progress import Display\n"
        "def show(self, progress):\n"
        "    if progress.stage == 'read' and progress.files == 20:\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "Display.show = show\n"
        "cli.main()"
    )
    variables = environment | {"ANYSEEK_LIBRARY": str(tmp_path / "library")}
    ended = subprocess.run(
        [sys.executable, "-c", interrupt, "index", media, "--models", "fake"],
        env=variables,
        capture_output=True,
        timeout=60,
    )
    assert ended.returncode == 130
    assert ended.stdout == b""
    assert ended.stderr == (
        b"anyseek: stopped. What was indexed is kept; the next run goes on from there.\n"
    )
    again = process("index", media, environment=variables).stdout.decode()
    added = int(again.split()[0])
    assert f"{30 - added} unchanged" in again
    assert added <= 10


def run_and_ask_to_stop(environment: dict[str, str], code: str) -> tuple[int, bytes, bytes]:
    """What `anyseek status` ends with and says when `code` runs before it.

    Whoever runs the tests may ignore signals, as nohup does, and what it starts inherits that.
    """
    heard = "for each in signal.SIGHUP, signal.SIGTERM: signal.signal(each, signal.SIG_DFL)"
    interrupted = "signal.signal(signal.SIGINT, signal.default_int_handler)"
    program = f"import os, signal, sys, cli\n{heard}\n{interrupted}\n{code}\ncli.main()"
    ended = subprocess.run(
        [sys.executable, "-c", program, "status"], env=environment, capture_output=True, timeout=60
    )
    return ended.returncode, ended.stdout, ended.stderr


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is a signal on POSIX alone")
@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_to_stop(environment: dict[str, str], name: str, code: int) -> None:
    stop = (
        f"import retrieval; retrieval.Library.stats = lambda _: signal.raise_signal(signal.{name})"
    )
    assert run_and_ask_to_stop(environment, stop) == (code, b"", b"anyseek: stopped\n")


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is a signal on POSIX alone")
def test_ctrl_c_while_it_starts(environment: dict[str, str]) -> None:
    stop = """
class Finder:
    def find_spec(self, name, *_):
        if name == "cli.app":
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Finder())"""
    assert run_and_ask_to_stop(environment, stop) == (130, b"", b"anyseek: stopped\n")


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is a signal on POSIX alone")
def test_a_second_ctrl_c_waits_for_nothing(environment: dict[str, str]) -> None:
    stop = """
import retrieval
def stats(_):
    try:
        signal.raise_signal(signal.SIGINT)
    finally:
        print("cleaning up", flush=True)
        signal.raise_signal(signal.SIGINT)
        print("and so on", flush=True)
retrieval.Library.stats = stats"""
    assert run_and_ask_to_stop(environment, stop) == (130, b"cleaning up\n", b"")


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is a signal on POSIX alone")
def test_ctrl_c_does_not_wait_for_a_thread_that_loads_a_model(environment: dict[str, str]) -> None:
    stop = """
import retrieval, threading
def stats(_):
    threading.Thread(target=threading.Event().wait).start()
    signal.raise_signal(signal.SIGINT)
retrieval.Library.stats = stats"""
    assert run_and_ask_to_stop(environment, stop) == (130, b"", b"anyseek: stopped\n")


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is a signal on POSIX alone")
def test_what_nohup_ignores_stays_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    set_up: list[int] = []
    monkeypatch.setattr(signal, "signal", lambda number, _: set_up.append(number))
    ignored = {signal.SIGHUP}
    monkeypatch.setattr(
        signal, "getsignal", lambda n: signal.SIG_IGN if n in ignored else signal.SIG_DFL
    )
    stopping.listen()
    assert set_up == [signal.SIGINT, signal.SIGTERM]


def test_a_terminal_that_was_closed_is_told_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(StringIO):
        def write(self, _: str) -> int:
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(sys, "stderr", Closed())
    complain("stopped")


@pytest.mark.skipif(os.name != "posix", reason="a closed pipe is another error elsewhere")
@pytest.mark.parametrize(
    "arguments",
    [
        ["search", "red"],
        ["search", "red", "--json"],
        ["search", "red", "--paths"],
        [],
        ["-h"],
        ["--version"],
        ["search", "-h"],
        ["roots", "move", "--help"],
    ],
)
def test_a_reader_that_goes_away_is_no_error(
    environment: dict[str, str], arguments: list[str]
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = subprocess.run(
            [*PROGRAM, *arguments],
            env=environment,
            stdout=writing,
            stderr=subprocess.PIPE,
            timeout=60,
        )
    finally:
        os.close(writing)
    assert (ended.returncode, ended.stderr) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is always full")
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_output_that_cannot_be_written(environment: dict[str, str], form: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [*PROGRAM, "search", "red", *form],
            env=environment,
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=60,
        )
    assert ended.returncode == 1
    assert ended.stderr == b"anyseek: Cannot write the output: No space left on device.\n"


@pytest.mark.skipif(os.name != "posix", reason="a shell closes streams on POSIX alone")
def test_closed_streams_are_no_error(environment: dict[str, str]) -> None:
    program = f"{sys.executable} -c 'import cli; cli.main()' search red"
    for closed in (">&-", "2>&-", ">&- 2>&-"):
        ended = subprocess.run(
            f"{program} {closed}", shell=True, env=environment, capture_output=True, timeout=60
        )
        assert (ended.returncode, ended.stderr) == (0, b"")


def test_output_that_the_terminal_cannot_write_is_escaped(environment: dict[str, str]) -> None:
    ended = process(
        "search", "red", environment=environment | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    )
    assert ended.returncode == 0
    assert b"\\u2588" in ended.stdout


@pytest.mark.parametrize("arguments", [[], ["search", "--help"]])
def test_help_loads_nothing_heavy(arguments: list[str], environment: dict[str, str]) -> None:
    code = (
        "import sys, atexit, cli\n"
        f"atexit.register(lambda: print([m for m in {HEAVY} if m in sys.modules]))\n"
        "cli.main()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=environment, capture_output=True, timeout=60
    )
    assert ended.returncode == 0
    assert ended.stdout.splitlines()[0].startswith(b"Usage: anyseek")
    assert ended.stdout.splitlines()[-1] == b"[]"


def test_an_interrupt_in_this_process_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("retrieval.library_folder.must_hold_library", interrupt)
    result = anyseek("status")
    assert (result.exit_code, result.stderr) == (130, "anyseek: stopped\n")
