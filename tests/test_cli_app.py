"""The program as a whole: every command, its help, completion."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import pytest
from typer.main import get_command

from cli.app import app
from tests.command_line import anyseek

WORDS_OF_THE_DESIGN = {"collection", "database", "asset", "embedding", "distance", "segment"}
"""Other words for what has a name here."""


def commands(command: Any = None, name: str = "anyseek") -> Iterator[tuple[str, Any]]:
    """Every command with its full name, groups included."""
    command = command or get_command(app)
    yield name, command
    for below, sub in getattr(command, "commands", {}).items():
        yield from commands(sub, f"{name} {below}")


EVERY = dict(commands())


@pytest.mark.parametrize("name", EVERY)
def test_every_command_and_every_option_has_help(name: str) -> None:
    command = EVERY[name]
    assert command.help
    for parameter in command.params:
        assert parameter.help, parameter.name


@pytest.mark.parametrize("name", EVERY)
def test_help_is_shown_and_says_what_the_command_is_for(name: str) -> None:
    words = name.split()[1:]
    for option in ("--help", "-h"):
        result = anyseek(*words, option)
        assert result.exit_code == 0
        assert result.stdout.startswith(f"Usage: {name} ")
        assert EVERY[name].help.split("\n")[0] in " ".join(result.stdout.split())


@pytest.mark.parametrize("name", EVERY)
def test_help_fits_80_columns_and_uses_our_words(name: str) -> None:
    text = anyseek(*name.split()[1:], "--help").stdout
    assert all(len(line) <= 80 for line in text.splitlines())
    assert not WORDS_OF_THE_DESIGN & set(text.lower().replace(".", " ").split())


def test_each_command_has_one_line_in_the_list() -> None:
    lines = anyseek("--help").stdout.splitlines()
    widest = max(len(name.split()[1]) for name in EVERY if name.count(" ") == 1)
    for name, command in EVERY.items():
        if name.count(" ") == 1:
            says = command.help.split("\n")[0]
            assert f"  {name.split()[1]:<{widest}}  {says}" in lines


def test_without_a_command_the_help_is_shown() -> None:
    assert anyseek().stdout == anyseek("--help").stdout
    assert anyseek().exit_code == 0


def test_the_version_is_that_of_the_package() -> None:
    try:
        expected = f"anyseek {version('anyseek')}\n"
    except PackageNotFoundError:
        pytest.skip("anyseek is not installed here")
    assert anyseek("--version").stdout == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["serch", "x"], "No such command 'serch'. Did you mean 'search'? See: anyseek --help"),
        (["forget"], "Missing argument 'PATH'. See: anyseek forget --help"),
        (["search", "--colour"], "No such option: --colour. See: anyseek search --help"),
        (["search", "--file"], "Option '--file' requires an argument. See: anyseek --help"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(arguments: list[str], message: str) -> None:
    result = anyseek(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"anyseek: {message}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_can_be_shown(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("typer.completion._get_shell_name", lambda: shell)
    result = anyseek("--show-completion")
    assert result.exit_code == 0
    assert "_ANYSEEK_COMPLETE" in result.stdout


def test_completion_knows_the_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_ANYSEEK_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "anyseek se")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert "search" in anyseek().stdout.split()
