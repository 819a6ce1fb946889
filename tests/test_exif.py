"""EXIF as facts."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from retrieval.media.exif import exif_facts
from retrieval.media.media import open_media
from retrieval.media.windows import Windows


def exif(
    tags: dict[int, Any],
    details: dict[int, Any] | None = None,
    gps: dict[int, Any] | None = None,
) -> Image.Exif:
    made = Image.Exif()
    made.update(tags)
    made.get_ifd(0x8769).update(details or {})
    made.get_ifd(0x8825).update(gps or {})
    return made


HOLIDAY = exif(
    {0x010F: "Canon", 0x0110: "Canon EOS R5", 0x013B: "Ann", 0x010E: "The\nsea"},
    {0x9003: "2023:07:14 18:05:09", 0x9011: "+02:00"},
    {1: "S", 2: (33.0, 51.0, 24.5), 3: "E", 4: (151.0, 12.0, 36.0)},
)
FACTS = {
    "camera": "Canon EOS R5", "artist": "Ann", "description": "The sea",
    "taken": "2023-07-14T18:05:09+02:00", "year": 2023,
    "latitude": -33.8568056, "longitude": 151.21,
}  # fmt: skip


def test_every_fact() -> None:
    assert exif_facts(HOLIDAY) == FACTS


@pytest.mark.parametrize("form", ["JPEG", "TIFF", "WEBP", "AVIF", "PNG"])
def test_from_files(form: str) -> None:
    file = io.BytesIO()
    Image.new("RGB", (20, 10)).save(file, form, exif=HOLIDAY.tobytes())
    metadata = dict(open_media(file, Windows()).metadata)
    assert metadata.items() >= FACTS.items()
    assert (metadata["width"], metadata["height"]) == (20, 10)


@pytest.mark.parametrize(
    ("make", "model", "camera"),
    [("NIKON CORPORATION", "NIKON D850", "NIKON D850"), ("Google", "Pixel 8", "Google Pixel 8"),
     ("", "Scanner", "Scanner"), ("Leica\0\0", "", "Leica"), ("", "", None)],
)  # fmt: skip
def test_cameras(make: str, model: str, camera: str | None) -> None:
    assert exif_facts(exif({0x010F: make, 0x0110: model})).get("camera") == camera


@pytest.mark.parametrize(
    "when",
    [
        "0000:00:00 00:00:00",
        "    :  :     :  :  ",
        "",
        "yesterday",
        "2023:13:01 00:00:00",
        7,
        b"\xff",
    ],
)
def test_a_date_that_is_none_is_left_out(when: Any) -> None:
    assert exif_facts(exif({}, {0x9003: when})) == {}


def test_the_date_of_the_file_stands_in() -> None:
    assert exif_facts(exif({0x0132: "2001:02:03 04:05:06"}))["taken"] == "2001-02-03T04:05:06"


@pytest.mark.parametrize(
    "gps",
    [{1: "N", 2: (91.0, 0.0, 0.0), 3: "E", 4: (1.0, 0.0, 0.0)}, {1: "N", 2: (1.0, 0.0, 0.0)},
     {2: (0.0, 0.0, 0.0), 4: (0.0, 0.0, 0.0)}, {2: "no", 4: 5}, {2: (1.0,), 4: (2.0,)}],
)  # fmt: skip
def test_a_place_that_is_none_is_left_out(gps: dict[int, Any]) -> None:
    assert exif_facts(exif({}, {}, gps)) == {}
