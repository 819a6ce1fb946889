"""JPEG XL pictures."""

from __future__ import annotations

import io

import numpy as np
import pylibjxl
import pytest

from retrieval.errors import MediaError, UnknownMedia
from retrieval.media import jpeg_xl
from retrieval.media.media import open_media
from retrieval.media.windows import Windows
from retrieval.records import Kind

WINDOWS = Windows(picture_px=32)
COLUMNS, ROWS = np.meshgrid(np.arange(96), np.arange(64))
GRADIENT = np.stack([COLUMNS, ROWS, np.full_like(ROWS, 99)], -1).astype(np.uint8)


def read(content: bytes) -> np.ndarray:
    media = open_media(io.BytesIO(content), WINDOWS)
    assert media.kind is Kind.IMAGE
    ((_, pixels),) = media.pieces
    assert isinstance(pixels, np.ndarray)
    return pixels


def test_a_picture() -> None:
    pixels = read(bytes(pylibjxl.encode(GRADIENT)))
    assert np.abs(pixels.astype(int) - GRADIENT).mean() < 4


def test_transparency_becomes_white() -> None:
    assert read(bytes(pylibjxl.encode(np.zeros((64, 64, 4), np.uint8)))).min() > 250


def test_a_large_one_is_averaged() -> None:
    assert read(bytes(pylibjxl.encode(np.full((640, 700, 3), 77, np.uint8)))).shape == (64, 70, 3)


def test_too_many_pixels_are_refused_before_they_are_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jpeg_xl, "MAX_PIXELS", 1000)
    with pytest.raises(MediaError, match="the picture claims 96 x 64 pixels"):
        read(bytes(pylibjxl.encode(GRADIENT)))


def test_damage_is_told() -> None:
    content = bytes(pylibjxl.encode(GRADIENT))
    for broken in (content[:2], content[: len(content) // 2]):
        with pytest.raises(MediaError, match="the JPEG XL picture"):
            read(broken)


def test_what_is_none() -> None:
    with pytest.raises(UnknownMedia):
        jpeg_xl.open_jpeg_xl(io.BytesIO(b"\xff\xd8\xff"), WINDOWS)
