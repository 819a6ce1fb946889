"""XMP as Lightroom, darktable and digiKam write it, and as nobody should."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from retrieval.errors import MediaError
from retrieval.media.media import open_media
from retrieval.media.sidecar import MAX_XMP_BYTES, joined_facts, sidecar_facts
from retrieval.media.windows import Windows
from retrieval.media.xmp import xmp_facts
from tests.xmp_packets import packet

RDF = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
SPACES = (
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
    'xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:lr="http://ns.adobe.com/lightroom/1.0/" '
    'xmlns:digiKam="http://www.digikam.org/ns/1.0/" '
    'xmlns:xmpDM="http://ns.adobe.com/xmp/1.0/DynamicMedia/"'
)


def facts(inside: str) -> dict[str, Any]:
    """Of a description with these elements."""
    text = f"<rdf:RDF {RDF}><rdf:Description {SPACES}>{inside}</rdf:Description></rdf:RDF>"
    return xmp_facts(text.encode())


def test_lightroom() -> None:
    assert xmp_facts(packet().encode() + b"\n\0\0") == {
        "title": "At the beach",
        "artist": "Ada, Bea",
        "description": "Waves & sand",
        "taken": "2023-05-06T07:08:09.10",
        "year": 2023,
        "camera": "Canon EOS R5",
        "keywords": ["Beach", "Holiday", "Places", "France"],
        "rating": 4,
        "latitude": 48.8583333,
        "longitude": -2.2916667,
    }


def test_utf_16() -> None:
    assert xmp_facts(packet().removeprefix("\ufeff").encode("utf-16"))["title"] == "At the beach"


def test_darktable_and_digikam() -> None:
    found = facts(
        "<xmp:Rating>-1</xmp:Rating><exif:DateTimeOriginal>2020:01:02 03:04:05"
        "</exif:DateTimeOriginal><lr:hierarchicalSubject><rdf:Seq>"
        "<rdf:li>darktable|format|nef</rdf:li><rdf:li>people|Ada</rdf:li></rdf:Seq>"
        "</lr:hierarchicalSubject><digiKam:TagsList><rdf:Seq><rdf:li>animals/dog</rdf:li>"
        "</rdf:Seq></digiKam:TagsList>"
    )
    assert found == {
        "rating": -1,
        "taken": "2020-01-02T03:04:05",
        "year": 2020,
        "keywords": ["people", "Ada", "animals", "dog"],
    }


def test_sounds_have_an_album() -> None:
    found = facts("<xmpDM:artist>Ann</xmpDM:artist><xmpDM:album>One</xmpDM:album>")
    assert found == {"artist": "Ann", "album": "One"}


@pytest.mark.parametrize("rating", ["", "6", "-2", "good", "nan", "1e5", "٣"])
def test_a_rating_that_is_none(rating: str) -> None:
    assert facts(f"<xmp:Rating>{rating}</xmp:Rating>") == {}


@pytest.mark.parametrize("place", ["", "91,0N", "48,51.5W", "48.5", "x,yN", "48,51.5.5N"])
def test_a_place_that_is_none(place: str) -> None:
    longitude = "<exif:GPSLongitude>2,17,30E</exif:GPSLongitude>"
    assert facts(f"<exif:GPSLatitude>{place}</exif:GPSLatitude>{longitude}") == {}


def test_no_end_of_keywords() -> None:
    items = "".join(f"<rdf:li>{n}</rdf:li>" for n in range(5000))
    assert len(facts(f"<dc:subject><rdf:Bag>{items}</rdf:Bag></dc:subject>")["keywords"]) == 1000


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "cannot be decoded"),
        (b"<broken", "cannot be decoded"),
        (b"\xff\xfe\0", "cannot be decoded"),
        (b"<svg/>", "no rdf:RDF"),
        (b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>', "defines entities"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', "defines entities"),
    ],
)
def test_what_is_no_xmp(data: bytes, reason: str) -> None:
    with pytest.raises(MediaError, match=reason):
        xmp_facts(data)


def test_a_million_levels() -> None:
    """Expat counts them without recursion; so must we."""
    deep = b"<a>" * 300_000 + b"</a>" * 300_000
    with pytest.raises(MediaError, match="no rdf:RDF"):
        xmp_facts(deep)


class TestSidecar:
    def test_a_caption_is_a_description_on_one_line(self) -> None:
        file = io.BytesIO("a caf\xe9\nat night\n".encode("latin-1"))
        assert sidecar_facts(file, "a.txt")["description"].startswith("a caf")  # type: ignore[union-attr]

    def test_an_empty_caption_says_nothing(self) -> None:
        assert sidecar_facts(io.BytesIO(b" \n"), "a.TXT") == {}

    def test_a_caption_that_is_no_text(self) -> None:
        with pytest.raises(MediaError):
            sidecar_facts(io.BytesIO(bytes(range(256))), "a.txt")

    def test_too_large(self) -> None:
        with pytest.raises(MediaError, match="larger than 8 MB"):
            sidecar_facts(io.BytesIO(b" " * (MAX_XMP_BYTES + 1)), "a.xmp")

    def test_the_last_word_counts_but_descriptions_are_all_kept(self) -> None:
        first: dict[str, Any] = {"title": "a", "rating": 1, "description": "one"}
        assert joined_facts([first, {"title": "b", "description": "two"}]) == {
            "title": "b",
            "rating": 1,
            "description": "two\none",
        }
        assert joined_facts([first, first])["description"] == "one"
        assert joined_facts([]) == {}


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_embedded(form: str) -> None:
    file = io.BytesIO()
    image = Image.new("RGB", (40, 30), "red")
    data = packet().encode()
    if form == "PNG":
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", packet())
        image.save(file, form, pnginfo=info)
    elif form == "TIFF":
        image.save(file, form, tiffinfo={700: data})
    else:
        image.save(file, form, xmp=data)
    metadata = open_media(file, Windows(picture_px=32)).metadata
    assert metadata["keywords"] == ["Beach", "Holiday", "Places", "France"]
    assert (metadata["rating"], metadata["title"], metadata["width"]) == (4, "At the beach", 40)


def test_a_broken_packet_costs_no_picture() -> None:
    file = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(file, "JPEG", xmp=b"<broken")
    assert "keywords" not in open_media(file, Windows(picture_px=32)).metadata
