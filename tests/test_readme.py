"""What the README says is true: its examples run, and every command stands in it."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from cli.app import app
from cli.reference import brought_up_to_date, example_of

HOUSE = Path(__file__).parent.parent
README = (HOUSE / "README.md").read_text()
ANYSEEK = [sys.executable, "-c", "import cli; cli.main()"]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a reader would type the examples, after `make demo`."""
    folder = tmp_path_factory.mktemp("desk")
    run([*ANYSEEK, "demo"], folder)
    return folder


def run(command: list[str], folder: Path) -> str:
    environment = {
        "PYTHONPATH": str(HOUSE),
        "ANYSEEK_LIBRARY": str(folder / "library"),
        "HOME": str(folder),
        "PATH": "/usr/bin:/bin",
    }
    result = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, f"{shlex.join(command)}\n{result.stderr}"
    return result.stdout


def test_every_command_and_option_stands_in_the_readme() -> None:
    assert brought_up_to_date(README) == README, (
        "bring it up to date with: python -m cli.reference README.md"
    )


def test_console_examples(desk: Path) -> None:
    lines = [line for block in blocks("console") for line in block.splitlines()]
    commands = [shlex.split(line[2:]) for line in lines if line.startswith("$ anyseek ")]
    assert len(commands) >= 5
    for _, *arguments in commands:
        run([*ANYSEEK, *arguments], desk)


def test_python_examples(desk: Path) -> None:
    examples = blocks("python")
    assert len(examples) >= 2
    first = run([sys.executable, "-c", examples[0]], desk)
    best = first.splitlines()[0]
    assert "bell" in best
    for example in examples[1:]:
        run([sys.executable, "-c", example], desk)


def test_files_that_it_points_to_are_there() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    local = [target for target in targets if "://" not in target]
    assert local
    assert [target for target in local if not (HOUSE / target).exists()] == []


def test_public_names_are_those_it_lists() -> None:
    import retrieval

    (sentence,) = re.findall(r"`retrieval` has ten public names: (.*?)\n\n", README, re.DOTALL)
    assert set(re.findall(r"`(\w+)`", sentence)) == set(retrieval.__all__)
    assert len(retrieval.__all__) == 10


def test_what_people_without_make_type_is_what_make_does() -> None:
    makefile = (HOUSE / "Makefile").read_text()
    for variable, value in (("$(BIN)/python -m pip", "pip"), ("$(BIN)/", ""), ("$(VENV)", ".venv")):
        makefile = makefile.replace(variable, value)
    makefile = makefile.replace("$(PYTHON)", "python3").replace(" --quiet", "")
    done = {line.strip() for line in makefile.splitlines() if line.startswith("\t")}
    plain = " ".join(README.split()).replace("`", "\n")
    typed = {line.strip() for line in README.splitlines() if line.startswith(".venv/bin/")}
    typed |= {line for line in plain.splitlines() if line.startswith(".venv/bin/")}
    assert len(typed) >= 5
    for command in typed:
        wanted = command.removeprefix(".venv/bin/")
        assert any(line.startswith(wanted) for line in done), command


WITHOUT_RUNNING = {
    "watch": "does not end",
    "demo": "ran for the other examples",
    "roots move": "wants another disk",
    "models pull": "wants a network",
    "models path": "wants a model set that was pulled",
    "models fit-bridge": "wants a model set that was pulled",
}
"""Commands whose examples are only read."""


def examples(command: Any = None, name: str = "") -> Iterator[tuple[str, str | None]]:
    """Every command with the example in its help; a group that only lists its commands has none."""
    command = command or get_command(app)
    below = getattr(command, "commands", {})
    if name and (not below or example_of(command)):
        yield name, example_of(command)
    for child, its_command in below.items():
        yield from examples(its_command, f"{name} {child}".strip())


def test_every_command_has_an_example_that_runs(
    desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the order of the reference, as a reader would who goes down the page."""
    monkeypatch.chdir(desk)
    monkeypatch.setenv("ANYSEEK_LIBRARY", str(desk / "another-library"))
    (desk / "questions.csv").write_text(
        'query,relevant\nred clocks,"anyseek-demo/pictures/2 red clocks 1.png"\n'
    )
    seen = dict(examples())
    assert len(seen) >= 25
    assert set(WITHOUT_RUNNING) <= set(seen)
    for name, example in seen.items():
        assert example is not None, name
        program, *arguments = shlex.split(example)
        assert [program, *arguments][: 1 + name.count(" ") + 1] == ["anyseek", *name.split()]
        assert f" For example: `{example}`" in README
        if name == "eval":  # its right answer was forgotten further up the page
            CliRunner().invoke(app, ["index"])
        if name not in WITHOUT_RUNNING:
            result = CliRunner().invoke(app, arguments)
            assert result.exit_code == 0, f"{example}\n{result.output}"
    for made in ("why.png", "anyseek.backup", "moments.npz"):
        assert (desk / made).stat().st_size
