"""The command line: parse, call, show. Slow imports wait for the command that uses them."""

import os
import sys
from contextlib import suppress

from . import stopping

__all__ = ["main"]


def main() -> None:
    """Run the program with the arguments of this process."""
    stopping.listen()
    try:
        from .app import main as run

        run()
    except KeyboardInterrupt:  # while it started, or was about to end
        with suppress(OSError):
            print("anyseek: stopped", file=sys.stderr)  # noqa: T201
    except SystemExit:
        if not stopping.was_asked():
            raise
    # Everything is written down and closed. An orderly end would wait for threads that may be in
    # the middle of loading a model.
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(stopping.exit_code())
