"""XMP: what photo programs write into a picture, or into a file beside it, as facts."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from retrieval.errors import MediaError
from retrieval.media.exif import camera_name
from retrieval.media.tags import clean, tag_facts
from retrieval.media.xml_tree import xml_tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from xml.etree.ElementTree import Element

    from retrieval.records import Fact

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
DC = "{http://purl.org/dc/elements/1.1/}"
BASIC = "{http://ns.adobe.com/xap/1.0/}"
PHOTOSHOP = "{http://ns.adobe.com/photoshop/1.0/}"
EXIF = "{http://ns.adobe.com/exif/1.0/}"
TIFF = "{http://ns.adobe.com/tiff/1.0/}"
MEDIA = "{http://ns.adobe.com/xmp/1.0/DynamicMedia/}"
TREES = (
    "{http://ns.adobe.com/lightroom/1.0/}hierarchicalSubject",
    "{http://www.digikam.org/ns/1.0/}TagsList",
)
"""Keywords with those above them: "Places|France|Nice" and "Places/France/Nice"."""
OWN_TREE = "darktable"
"""The top of the tree in which darktable notes what it did to a picture; no words of a person."""
WHEN = (f"{EXIF}DateTimeOriginal", f"{PHOTOSHOP}DateCreated", f"{BASIC}CreateDate")
"""Where the time of capture stands, in order of trust."""
COLONS = re.compile(r"([0-9]{4}):([0-9][0-9]):([0-9][0-9])")
PLACE = re.compile(
    r"(?P<degrees>[0-9]{1,3}),(?P<minutes>[0-9]{1,2}(?:\.[0-9]{1,10})?)(?:,(?P<seconds>[0-9]{1,2}(?:\.[0-9]{1,10})?))?"
    r"(?P<side>[NESW])"
)
RATING = re.compile(r"[+-]?[0-9](\.[0-9]{1,6})?")
MOST_KEYWORDS = 1000


def xmp_facts(data: bytes) -> dict[str, Fact]:
    """Title, description, keywords, rating, artist, time, place and the like.

    Names and forms are those of the XMP specification (ISO 16684-1, parts 1 and 2). What is
    broken or unknown is left out.

    Args:
        data: An XMP packet, as it stands in a picture or in a file of its own.

    Returns:
        Facts as in `Media.metadata`.

    Raises:
        MediaError: it is no XMP, no well-formed XML, or defines entities.
    """
    if not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        data = data.strip(b" \t\r\n\0")  # the padding of embedded packets
    root = xml_tree(data, "the XMP")
    if root.tag != f"{RDF}RDF" and root.find(f".//{RDF}RDF") is None:
        raise MediaError("the XMP holds no facts: there is no rdf:RDF in it")
    stated = _properties(root)

    def first(*names: str) -> str:
        return next((text for name in names for text in stated.get(name, []) if text), "")

    facts: dict[str, Fact] = dict(
        tag_facts(
            {
                "title": first(f"{DC}title"),
                "description": first(f"{DC}description"),
                "artist": ", ".join(stated.get(f"{DC}creator", [])) or first(f"{MEDIA}artist"),
                "album": first(f"{MEDIA}album"),
                "genre": first(f"{MEDIA}genre"),
                "date": COLONS.sub(r"\1-\2-\3", first(*WHEN), count=1),
            }
        )
    )
    if camera := camera_name(first(f"{TIFF}Make"), first(f"{TIFF}Model")):
        facts["camera"] = camera
    if keywords := list(_keywords(stated)):
        facts["keywords"] = keywords[:MOST_KEYWORDS]
    rating = first(f"{BASIC}Rating")
    if RATING.fullmatch(rating) and -1 <= float(rating) <= 5:
        facts["rating"] = int(rating) if float(rating).is_integer() else float(rating)
    latitude = _degrees(first(f"{EXIF}GPSLatitude"), "N", "S", 90)
    longitude = _degrees(first(f"{EXIF}GPSLongitude"), "E", "W", 180)
    if latitude is not None and longitude is not None:
        facts |= {"latitude": latitude, "longitude": longitude}
    return facts


def _properties(root: Element) -> dict[str, list[str]]:
    """Every property with its values; where several descriptions state one, the first does."""
    stated: dict[str, list[str]] = {}
    for rdf in root.iter(f"{RDF}RDF"):
        for description in rdf:
            for name, value in description.items():
                stated.setdefault(name, [clean(value)])
            for element in description:
                stated.setdefault(element.tag, [clean(text) for text in _values(element)])
    return stated


def _values(element: Element) -> list[str]:
    """The values of a property: its text, or the items of its list, the default language first."""
    if len(element) == 0:
        return [element.text or element.get(f"{RDF}resource") or ""]
    items = list(element.iter(f"{RDF}li"))
    items.sort(key=lambda item: item.get(LANGUAGE) != "x-default")
    return [item.text or "" for item in items]


def _keywords(stated: dict[str, list[str]]) -> Iterator[str]:
    """Each keyword once: those of the flat list, then what only stands in trees."""
    seen = {""}
    for keyword in _all_keywords(stated):
        if keyword not in seen:
            seen.add(keyword)
            yield keyword


def _all_keywords(stated: dict[str, list[str]]) -> Iterable[str]:
    yield from stated.get(f"{DC}subject", [])
    for name in TREES:
        for branch in stated.get(name, []):
            parts = [part.strip() for part in re.split(r"[|/]", branch)]
            if parts[0] != OWN_TREE:
                yield from parts


def _degrees(text: str, positive: str, negative: str, most: float) -> float | None:
    """A place such as "48,51.5N" or "48,51,30N" as decimal degrees."""
    found = PLACE.fullmatch(text)
    if not found or found["side"] not in (positive, negative):
        return None
    seconds = float(found["seconds"] or 0)
    value = float(found["degrees"]) + float(found["minutes"]) / 60 + seconds / 3600
    if value > most:
        return None
    return round(-value if found["side"] == negative else value, 7)
