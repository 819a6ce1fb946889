"""Being asked to stop: by Ctrl-C, by the system that ends, by a terminal that is closed.

The first signal raises KeyboardInterrupt, so that what is complete is still written down. Whoever
asks a second time does not want to wait for that: the program ends at once, as if it were killed,
which costs nothing that was committed.
"""

import os
import signal
import sys
from types import FrameType

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
"""Windows has no SIGHUP."""
SHOW_CURSOR = "\x1b[?25h"

_asked_by: int | None = None


def listen() -> None:
    """Hear signals that ask to stop from now on; those that are ignored, as by nohup, stay so."""
    for name in SIGNALS:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _asked)


def was_asked() -> bool:
    """Whether such a signal has come."""
    return _asked_by is not None


def exit_code() -> int:
    """By the signal that asked, as shells count: 130 for Ctrl-C."""
    return 128 + (_asked_by or signal.SIGINT)


def _asked(number: int, _: FrameType | None) -> None:
    global _asked_by
    if _asked_by is None:
        _asked_by = number
        raise KeyboardInterrupt
    if sys.stderr.isatty():
        os.write(2, SHOW_CURSOR.encode())
    os._exit(exit_code())
