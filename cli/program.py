"""How the program ends: which error becomes which line on stderr and which exit code.

    0    done
    1    an error that anyseek raises on purpose, or a search that found nothing
    2    wrong usage
    130  stopped by Ctrl-C; 143 by a request to end, 129 by a terminal that was closed
    141  who read the output has gone, as `head` does: nothing is said

Any other exception is a bug and shows its trace.
"""

import logging
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from . import stopping
from .harmless import harmless
from .terminal import NobodyReads, read_by_somebody, results, say

INTERRUPTED = 130
"""What Typer makes of a KeyboardInterrupt, whatever raised it."""
NOBODY_READS = 141
"""What a shell says of a program that was ended by SIGPIPE."""


class Program(TyperGroup):
    """All commands, with one way to report errors."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run one command and exit."""
        try:
            code = super().main(
                args,
                prog_name,
                complete_var,
                standalone_mode=False,
                windows_expand_args=windows_expand_args,
                **extra,
            )
            with results():
                sys.stdout.flush()
        except typer.TyperException as error:
            complain(f"{_said(error)}{_hint(error)} See: {_command(error)} --help")
            sys.exit(error.exit_code)
        except typer.Abort:  # at a question
            complain("stopped")
            sys.exit(stopping.exit_code())
        except NobodyReads:
            sys.exit(NOBODY_READS)
        except Exception as error:
            from retrieval.errors import SearchError

            if not isinstance(error, SearchError):
                raise
            complain(str(error))
            sys.exit(1)
        if code == INTERRUPTED:
            complain("stopped")
            sys.exit(stopping.exit_code())
        sys.exit(code if isinstance(code, int) else 0)

    def make_context(self, *args: Any, **extra: Any) -> Any:
        """Read the arguments; Typer shows the help here, and ends a program that nobody reads."""
        with read_by_somebody():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: Any) -> Any:
        """Run the command, or show its help."""
        with read_by_somebody():
            return super().invoke(ctx)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the commands by group, each with the whole first line of its help."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for name, command in self.commands.items():
            group = str(getattr(command, "rich_help_panel", None) or "Commands")
            says = (command.help or "").split("\n")[0]
            groups.setdefault(group, []).append((name, says))
        widest = max(map(len, self.commands))
        for group, rows in groups.items():
            with formatter.section(group):
                formatter.write_dl([(name.ljust(widest), says) for name, says in rows])


def sentence(text: str) -> str:
    """A text with a mark at its end."""
    return text if text.endswith((".", "?", "!")) else f"{text}."


def complain(message: str) -> None:
    """Say what is wrong in one line on stderr."""
    say(f"anyseek: {harmless(' '.join(map(str.strip, message.splitlines())))}")


def _said(error: typer.TyperException) -> str:
    """What Typer says of wrong usage, as a sentence and without what helps nobody."""
    said = error.format_message().removeprefix("Invalid value: ")
    return sentence(said.replace(": Value error, ", ": "))


def _hint(error: typer.TyperException) -> str:
    """Where an option belongs that stands before the command, or how to name a file like one."""
    option, context = getattr(error, "option_name", ""), getattr(error, "ctx", None)
    file = next(
        (a for a in sys.argv[1:] if option and a.startswith(option) and Path(a).exists()), ""
    )
    if file:
        return f" If the file is meant, write ./{file} instead."
    commands = getattr(context and context.command, "commands", {}).values()
    if not any(option in parameter.opts for command in commands for parameter in command.params):
        return ""
    return f" It belongs after the command, as in: {_command(error)} COMMAND ... {option} ..."


def quieten() -> None:
    """Keep other packages' remarks off the terminal; our own warnings become lines on stderr."""
    logging.basicConfig(format="anyseek: %(message)s", level=logging.WARNING)
    for handler in logging.getLogger().handlers:
        handler.addFilter(_is_ours)
    if not sys.warnoptions:
        warnings.simplefilter("ignore")


def _is_ours(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] in ("cli", "indexer", "retrieval")


def _command(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    return context.command_path if context else "anyseek"
