"""Reasons: whatever a decoder raises becomes a MediaError that a person understands."""

from __future__ import annotations

import struct

import pytest

from retrieval.errors import MediaError, UnknownMedia
from retrieval.media.reasons import reasons


class PanicException(BaseException):
    """As Rust extensions raise it: no Exception at all."""


@pytest.mark.parametrize(
    ("raised", "message"),
    [
        (OSError("truncated"), "the picture cannot be decoded: truncated"),
        (struct.error("unpack requires 4 bytes"), "it ends too early, or is damaged"),
        (RecursionError(), "the picture cannot be decoded: RecursionError"),
        (MemoryError(), "the picture needs more memory than there is"),
        (PanicException("index out of bounds"), "index out of bounds"),
        (DeprecationWarning("old"), "the picture cannot be decoded: old"),
        (ValueError("two\nlines \x1b[31mred"), "the picture cannot be decoded: two lines [31mred"),
        (ValueError("x" * 5000), "the picture cannot be decoded: " + "x" * 200),
    ],
)
def test_what_is_raised_becomes_a_reason(raised: BaseException, message: str) -> None:
    with pytest.raises(MediaError, match="the picture") as caught, reasons("the picture"):
        raise raised
    assert str(caught.value).endswith(message)
    assert "\n" not in str(caught.value)


def test_a_reason_passes_as_it_is() -> None:
    with pytest.raises(UnknownMedia, match=r"^the file is no sound$"), reasons("the sound"):
        raise UnknownMedia("the file is no sound")


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_a_wish_to_stop_passes(stop: type[BaseException]) -> None:
    with pytest.raises(stop), reasons("the sound"):
        raise stop


def test_nothing_raised_nothing_changed() -> None:
    with reasons("the sound"):
        result = 1
    assert result == 1
