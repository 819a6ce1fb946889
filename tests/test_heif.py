"""HEIC and HEIF pictures."""

from __future__ import annotations

import io

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from retrieval.errors import MediaError, UnknownMedia
from retrieval.media.heif import open_heif
from retrieval.media.media import open_media
from retrieval.media.windows import Windows
from retrieval.records import Kind

WINDOWS = Windows(picture_px=32)


def heic(image: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    pillow_heif.from_pillow(image).save(file, **options)
    return file.getvalue()


def drawn() -> Image.Image:
    image = Image.new("RGB", (96, 64), (200, 30, 30))
    image.paste((30, 30, 200), (48, 0, 96, 64))
    return image


def test_a_picture() -> None:
    media = open_media(io.BytesIO(heic(drawn(), quality=90)), WINDOWS)
    assert media.kind is Kind.IMAGE
    ((_, pixels),) = media.pieces
    assert isinstance(pixels, np.ndarray)
    assert np.abs(pixels.astype(int) - np.asarray(drawn())).mean() < 6


def test_transparency_becomes_white() -> None:
    ((_, pixels),) = open_media(io.BytesIO(heic(Image.new("RGBA", (64, 64)))), WINDOWS).pieces
    assert isinstance(pixels, np.ndarray)
    assert pixels.min() > 250


def test_the_turn_is_applied_once() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    ((_, pixels),) = open_media(io.BytesIO(heic(drawn(), exif=exif.tobytes())), WINDOWS).pieces
    assert isinstance(pixels, np.ndarray)
    assert pixels.shape == (96, 64, 3)
    assert pixels[5, 32, 0] > 150
    assert pixels[90, 32, 2] > 150


def test_damage_is_told() -> None:
    content = heic(drawn())
    for share in (0.3, 0.9):
        with pytest.raises(MediaError, match="the HEIF picture"):
            list(open_heif(io.BytesIO(content[: int(len(content) * share)]), WINDOWS).pieces)


def test_others_are_left_to_others() -> None:
    avif = io.BytesIO()
    drawn().save(avif, "AVIF")
    for content in (avif.getvalue(), b"\0\0\0\x18ftypisom", b"", b"words"):
        with pytest.raises(UnknownMedia):
            open_heif(io.BytesIO(content), WINDOWS)
