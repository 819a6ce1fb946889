"""Memory that a run needs no longer, given back to the system."""

from __future__ import annotations

import ctypes
from contextlib import suppress


def give_back_memory() -> None:
    """Give back what was freed but is kept for later.

    glibc keeps what lies below a block that is still in use, which after a long text are hundreds
    of megabytes; other systems see to it themselves.
    """
    with suppress(OSError, AttributeError, TypeError):  # Windows has no such library
        ctypes.CDLL(None).malloc_trim(0)
