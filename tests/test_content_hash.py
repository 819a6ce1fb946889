"""The hash that tells contents apart."""

from __future__ import annotations

import hashlib
import io

import pytest

from retrieval.media.content_hash import BLOCK, content_hash


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_is_blake2b_of_every_byte(size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    file = io.BytesIO(content[:size])
    file.seek(size // 2)
    assert content_hash(file) == hashlib.blake2b(content[:size], digest_size=20).hexdigest()
    assert file.tell() == 0


def test_two_scans_with_the_same_margins_differ() -> None:
    """The same size, the same first and last megabytes: a sampled hash would take one for both."""
    margin = b"\xff" * (2 * BLOCK)
    first, second = (margin + middle + margin for middle in (b"one line", b"or other"))
    assert len(first) == len(second)
    assert content_hash(io.BytesIO(first)) != content_hash(io.BytesIO(second))
