"""Camera RAW, with DNG files written here."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from retrieval.errors import MediaError, UnknownMedia
from retrieval.media.media import open_media
from retrieval.media.raw import open_raw
from retrieval.media.windows import Windows
from retrieval.records import Kind

WINDOWS = Windows(picture_px=32)
SHORT, LONG, BYTE, ASCII, SRATIONAL = 3, 4, 1, 2, 10
FORMS = {SHORT: "H", LONG: "I", BYTE: "B", SRATIONAL: "i"}


def dng(
    width: int = 160,
    height: int = 128,
    *,
    orientation: int = 1,
    sensor: np.ndarray | None = None,
) -> bytes:
    """An uncompressed DNG of `(height, width)` uint16, or one bright above and dark below."""
    if sensor is None:
        sensor = np.full((height, width), 500, np.uint16)
        sensor[: height // 2] = 12_000
    matrix = [1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1]
    tags: list[tuple[int, int, list[int] | bytes]] = [
        (254, LONG, [0]), (256, LONG, [width]), (257, LONG, [height]), (258, SHORT, [16]),
        (259, SHORT, [1]), (262, SHORT, [32803]), (271, ASCII, b"Maker\0"), (272, ASCII, b"M 1\0"),
        (273, LONG, [0]), (274, SHORT, [orientation]), (277, SHORT, [1]), (278, LONG, [height]),
        (279, LONG, [width * height * 2]), (306, ASCII, b"2022:01:02 03:04:05\0"),
        (33421, SHORT, [2, 2]), (33422, BYTE, [0, 1, 1, 2]), (50706, BYTE, [1, 4, 0, 0]),
        (50708, ASCII, b"Maker M 1\0"), (50717, LONG, [16_383]), (50721, SRATIONAL, matrix),
    ]  # fmt: skip
    start = 8 + 2 + 12 * len(tags) + 4
    extra = b""
    entries = b""
    for tag, kind, values in tags:
        data = (
            values
            if isinstance(values, bytes)
            else struct.pack(f"<{len(values)}{FORMS[kind]}", *values)
        )
        count = len(data) if kind == ASCII else len(values) // (2 if kind == SRATIONAL else 1)
        if tag == 273:
            entries += b"STRIPS"
            continue
        if len(data) > 4:
            extra += b"\0" * (len(extra) % 2)
            value = struct.pack("<I", start + len(extra))
            extra += data
        else:
            value = data.ljust(4, b"\0")
        entries += struct.pack("<HHI", tag, kind, count) + value
    strips = struct.pack("<HHII", 273, LONG, 1, start + len(extra))
    head = b"II*\0" + struct.pack("<IH", 8, len(tags))
    return head + entries.replace(b"STRIPS", strips) + bytes(4) + extra + sensor.tobytes()


def read(content: bytes) -> np.ndarray:
    media = open_media(io.BytesIO(content), WINDOWS)
    assert media.kind is Kind.IMAGE
    ((_, pixels),) = media.pieces
    assert isinstance(pixels, np.ndarray)
    return pixels


def test_a_raw_without_a_preview_is_developed() -> None:
    pixels = read(dng())
    assert pixels.shape == (64, 80, 3)
    assert pixels[10:20].mean() > pixels[-20:-10].mean() + 60


def test_the_turn_is_applied() -> None:
    pixels = read(dng(orientation=6))
    assert pixels.shape == (80, 64, 3)
    assert pixels[:, -20:-10].mean() > pixels[:, 10:20].mean() + 60


def test_what_the_camera_wrote() -> None:
    metadata = open_media(io.BytesIO(dng()), WINDOWS).metadata
    assert metadata["camera"] == "Maker M 1"
    assert metadata["year"] == 2022
    assert (metadata["width"], metadata["height"]) == (160, 128)


def test_a_truncated_one_is_an_error() -> None:
    content = dng()
    with pytest.raises(MediaError, match="the RAW picture"):
        read(content[: len(content) // 2])


@pytest.mark.parametrize("form", ["TIFF", "JPEG", "PNG"])
def test_other_pictures_are_left_to_others(form: str) -> None:
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, form)
    file.seek(0)
    with pytest.raises(UnknownMedia):
        open_raw(file, WINDOWS)


@pytest.mark.parametrize(
    "content", [b"", b"II*\0", b"MM\0*\xff\xff\xff\xff", b"II*\0\x08\0\0\0\xff\xff"]
)
def test_broken_tiffs_are_left_to_others(content: bytes) -> None:
    with pytest.raises(UnknownMedia):
        open_raw(io.BytesIO(content), WINDOWS)


def test_a_mark_without_a_picture_behind_it() -> None:
    with pytest.raises(MediaError, match="the RAW picture"):
        open_raw(io.BytesIO(b"FUJIFILMCCD-RAW 0201FF383501" + bytes(500)), WINDOWS)
