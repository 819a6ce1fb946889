"""EXIF: what a camera wrote into a picture, as facts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from retrieval.media.tags import clean

if TYPE_CHECKING:
    from PIL.Image import Exif

MAKE, MODEL, DATE, ARTIST, DESCRIPTION = 0x010F, 0x0110, 0x0132, 0x013B, 0x010E
EXIF_IFD, DATE_TAKEN, OFFSET_TAKEN = 0x8769, 0x9003, 0x9011
GPS_IFD, LATITUDE_REF, LATITUDE, LONGITUDE_REF, LONGITUDE = 0x8825, 1, 2, 3, 4
WHEN = re.compile(r"(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d)")
ZONE = re.compile(r"[+-]\d\d:\d\d")


def exif_facts(exif: Exif) -> dict[str, str | int | float]:
    """Camera, capture date, place, artist and description; what is broken is left out.

    Tags are those of Exif 2.32; `taken` is ISO 8601, with the offset if the camera stated one.
    """
    facts: dict[str, str | int | float] = {}
    camera = camera_name(clean(exif.get(MAKE)), clean(exif.get(MODEL)))
    texts = {"camera": camera, "artist": exif.get(ARTIST), "description": exif.get(DESCRIPTION)}
    facts |= {key: text for key, value in texts.items() if (text := clean(value))}
    details = exif.get_ifd(EXIF_IFD)
    when = WHEN.match(clean(details.get(DATE_TAKEN) or exif.get(DATE)))
    if when and when[1] >= "0001" and "01" <= when[2] <= "12" and "01" <= when[3] <= "31":
        zone = ZONE.match(clean(details.get(OFFSET_TAKEN)))
        year, month, day, hour, minute, second = when.groups()
        offset = zone[0] if zone else ""
        facts["taken"] = f"{year}-{month}-{day}T{hour}:{minute}:{second}{offset}"
        facts["year"] = int(year)
    gps = exif.get_ifd(GPS_IFD)
    latitude = _degrees(gps.get(LATITUDE), gps.get(LATITUDE_REF), 90)
    longitude = _degrees(gps.get(LONGITUDE), gps.get(LONGITUDE_REF), 180)
    if latitude is not None and longitude is not None and (latitude or longitude):
        facts |= {"latitude": latitude, "longitude": longitude}
    return facts


def camera_name(make: str, model: str) -> str:
    """Make and model, without a make that the model repeats: "Canon EOS R5"."""
    first = make.split()[0].lower() if make else ""
    return model if first and model.lower().startswith(first) else f"{make} {model}".strip()


def _degrees(parts: Any, reference: Any, most: float) -> float | None:
    """Degrees, minutes and seconds as decimal degrees; south and west are negative."""
    try:
        degrees, minutes, seconds = (float(part) for part in parts)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    value = degrees + minutes / 60 + seconds / 3600
    if not 0 <= value <= most:
        return None
    return round(-value if clean(reference).upper() in ("S", "W") else value, 7)
