"""Tags: what ID3, Vorbis comments, MP4 atoms and text chunks say, under one set of names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES = {
    "title": "title", "artist": "artist", "author": "artist", "creator": "artist",
    "album_artist": "artist", "composer": "artist", "album": "album", "genre": "genre",
    "description": "description", "comment": "description", "synopsis": "description",
    "subject": "description", "com.apple.quicktime.title": "title",
    "com.apple.quicktime.artist": "artist", "com.apple.quicktime.model": "camera",
    "com.android.model": "camera", "com.apple.quicktime.creationdate": "taken",
    "creation_time": "taken", "date": "taken", "creation time": "taken", "year": "taken",
}  # fmt: skip
"""Names of tags, in order of trust, to ours."""
PLACES = ("com.apple.quicktime.location.iso6709", "location", "location-eng")
ISO_6709 = re.compile(r"([+-]\d{1,2}(?:\.\d+)?)([+-]\d{1,3}(?:\.\d+)?)")
DATE = re.compile(
    r"(?P<year>[12]\d{3})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?)?)?"
)
LONGEST = 500


def tag_facts(tags: Mapping[Any, Any]) -> dict[str, str | int | float]:
    """Facts under our names: title, artist, album, genre, description, camera, taken, year,
    latitude, longitude. A tag that is empty, broken or unknown is left out.
    """  # noqa: D205
    known = {clean(key).lower(): text for key, value in tags.items() if (text := clean(value))}
    facts: dict[str, str | int | float] = {}
    for theirs, ours in NAMES.items():
        if theirs in known and ours not in facts:
            facts[ours] = known[theirs]
    when = DATE.match(str(facts.pop("taken", "")))
    if when:
        facts |= {"taken": when[0].replace(" ", "T"), "year": int(when["year"])}
    place = next((m for key in PLACES if (m := ISO_6709.match(known.get(key, "")))), None)
    if place and abs(float(place[1])) <= 90 and abs(float(place[2])) <= 180:
        facts |= {"latitude": float(place[1]), "longitude": float(place[2])}
    return facts


def clean(value: Any, longest: int = LONGEST) -> str:
    """One line of visible characters, at most `longest`; what is no text becomes empty."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return ""
    visible = "".join(c if c.isprintable() else " " for c in value[: 4 * longest])
    return " ".join(visible.split())[:longest]
