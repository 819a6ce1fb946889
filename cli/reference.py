"""The command reference of the README, made from the help texts.

`python -m cli.reference README.md` brings the part between the two marks up to date.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BEGIN = "<!-- commands: made by `python -m cli.reference README.md` -->"
END = "<!-- end of commands -->"

COMMON = {"--help", "--library", "--models", "--device"}
"""Options that almost every command has; the README tells of them in its own words."""


def reference() -> str:
    """Every command with its arguments and options, as Markdown."""
    from typer.main import get_command

    from .app import app

    program = get_command(app)
    return "\n".join(_commands(program, "anyseek"))


def brought_up_to_date(page: str) -> str:
    """A page with the part between the marks made anew."""
    head, rest = page.split(BEGIN)
    _, tail = rest.split(END)
    return f"{head}{BEGIN}\n\n{reference()}\n{END}{tail}"


def _commands(command: Any, name: str) -> Iterator[str]:
    if name != "anyseek":
        yield from _one(command, name)
    for child, its_command in getattr(command, "commands", {}).items():
        yield from _commands(its_command, f"{name} {child}")


def _one(command: Any, name: str) -> Iterator[str]:
    context = command.make_context(name, [], resilient_parsing=True)
    usage = " ".join(command.collect_usage_pieces(context)).replace("[OPTIONS]", "").split()
    said = _sentence(command.help)
    if example := example_of(command):
        said += f" For example: `{example}`"
    yield f"**`{' '.join([name, *usage])}`**: {said}\n"
    rows = [
        record
        for parameter in command.get_params(context)
        if not COMMON & set(parameter.opts) and (record := parameter.get_help_record(context))
    ]
    for what, says in rows:
        yield f"- `{what.split(' <')[0]}`: {_sentence(says)}"
    if rows:
        yield ""


def example_of(command: Any) -> str | None:
    """What the last paragraph of a help text shows."""
    paragraph = re.sub(r"\s+", " ", (command.help or "").split("\n\n")[-1]).strip()
    example = paragraph.removeprefix("For example: ")
    return example if example != paragraph else None


def _sentence(help_text: str | None) -> str:
    return re.sub(r"\s+", " ", (help_text or "").split("\n\n")[0]).strip()


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(brought_up_to_date(path.read_text()))
