"""Writing is not interrupted half way: Ctrl-C waits for the end of a transaction."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from threading import current_thread, main_thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Put off what signals raise until the end of the block; a second signal is not put off.

    An exception that falls into the database driver wherever it happens to be can leave a
    connection behind, and with it the write lock, for as long as that exception is handled. Who
    then wants to write down what is complete would wait for itself.
    """
    if current_thread() is not main_thread():  # signals are raised in no other thread
        yield
        return
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    asked: list[tuple[int, FrameType | None]] = []

    def put_off(number: int, frame: FrameType | None) -> None:
        asked.append((number, frame))
        if len(asked) > 1:
            raise_now()

    def raise_now() -> None:
        number, frame = asked[0]
        handler = handlers[number]
        assert callable(handler)
        handler(number, frame)

    try:
        for number, handler in handlers.items():
            if callable(handler):  # it is not when the signal is ignored or ends the process
                signal.signal(number, put_off)
        yield
    finally:
        for number, handler in handlers.items():
            if callable(handler):
                signal.signal(number, handler)
        if len(asked) == 1:
            raise_now()
