"""The command line: parse, call, show. Slow imports wait for the command that uses them."""

import gc
import os
import sys
from contextlib import suppress

from . import stopping

__all__ = ["main"]


def main() -> None:
    """Run the program with the arguments of this process."""
    stopping.listen()
    # Imports make a million objects and hardly any garbage: to look for it after every 700 objects
    # takes an eighth of a search.
    gc.set_threshold(20_000)
    try:
        from .app import main as run

        run()
    except KeyboardInterrupt:  # while it started, or was about to end
        with suppress(OSError):
            print("anyseek: stopped", file=sys.stderr)  # noqa: T201
    except SystemExit:
        if not stopping.was_asked():
            gc.freeze()  # or all that is about to go would be looked through once more
            raise
    # Everything is written down and closed. An orderly end would wait for threads that may be in
    # the middle of loading a model.
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(stopping.exit_code())
