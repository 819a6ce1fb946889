"""Why a file cannot be read: whatever a decoder raises becomes a MediaError people understand."""

from __future__ import annotations

import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING

from retrieval.errors import MediaError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def reasons(subject: str) -> Iterator[None]:
    """Turn what a library raises in this block into a MediaError about `subject`.

    Decoders raise far more than they document (struct.error, RuntimeError, a Rust panic that is
    no Exception at all), so everything but a wish to stop is caught.

    Args:
        subject: What is being read, as the start of a sentence: "the picture".
    """
    try:
        yield
    except MediaError:
        raise
    except MemoryError as error:
        raise MediaError(f"{subject} needs more memory than there is") from error
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:
        raise MediaError(f"{subject} cannot be decoded: {_words(error)}") from error


def _words(error: BaseException) -> str:
    """What an error says, on one line without control characters, or its name if it is mute."""
    if isinstance(error, struct.error):  # whose words are about buffers
        return "it ends too early, or is damaged"
    said = "".join(c if c.isprintable() else " " for c in str(error))
    return " ".join(said.split())[:200] or type(error).__name__
