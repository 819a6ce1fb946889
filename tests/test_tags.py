"""Tags of sounds and videos under one set of names."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from indexer import index
from retrieval import Library
from retrieval.encoders.fake import fake_model_set
from retrieval.media.media import open_media
from retrieval.media.tags import LONGEST, clean, tag_facts
from retrieval.media.windows import Windows
from tests.films import film

TAGS = {"title": "Bell", "artist": "Ann", "album": "Sounds", "date": "2021-05-03", "genre": "Field"}
FACTS = {
    "title": "Bell", "artist": "Ann", "album": "Sounds", "genre": "Field",
    "taken": "2021-05-03", "year": 2021,
}  # fmt: skip


@pytest.mark.parametrize(
    ("form", "codec"),
    [("mp3", "libmp3lame"), ("flac", "flac"), ("ogg", "libopus"), ("wav", "pcm_s16le"),
     ("ipod", "aac"), ("asf", "wmav2"), ("matroska", "libopus")],
)  # fmt: skip
def test_from_sounds(form: str, codec: str) -> None:
    content = film(form, None, codec, seconds=1, tags=TAGS)
    assert dict(open_media(io.BytesIO(content), Windows()).metadata).items() >= FACTS.items()


def test_a_song_is_found_by_its_artist(tmp_path: Path) -> None:
    (tmp_path / "songs").mkdir()
    for name in ("Ann", "Ben"):
        song = film("flac", None, "flac", seconds=1, tags=TAGS | {"artist": name})
        (tmp_path / "songs" / f"{name}.flac").write_bytes(song)
    with Library.open(tmp_path / "library", models=fake_model_set()) as library:
        index(library, tmp_path / "songs")
        found = library.search("red", where='artist ~ "be" and year = 2021')
        assert [hit.path.name for hit in found] == ["Ben.flac"]


def test_from_a_video() -> None:
    content = film(seconds=1, tags=TAGS)
    assert dict(open_media(io.BytesIO(content), Windows()).metadata).items() >= FACTS.items()


def test_from_a_png() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Title", "Bell")
    info.add_itxt("Author", "Ann")
    file = io.BytesIO()
    Image.new("RGB", (4, 4)).save(file, "PNG", pnginfo=info)
    metadata = open_media(file, Windows()).metadata
    assert (metadata["title"], metadata["artist"]) == ("Bell", "Ann")


def test_names_in_any_case_and_the_most_trusted_first() -> None:
    assert tag_facts({"ALBUM_ARTIST": "All", "Composer": "C", "ARTIST": "Ann"}) == {"artist": "Ann"}
    assert tag_facts({"composer": "C"}) == {"artist": "C"}


@pytest.mark.parametrize(
    ("date", "taken", "year"),
    [("1999", "1999", 1999), ("2020-02", "2020-02", 2020),
     ("2020-02-03 04:05", "2020-02-03T04:05", 2020),
     ("2023-07-14T18:05:09.000000Z", "2023-07-14T18:05:09.000000Z", 2023)],
)  # fmt: skip
def test_dates_as_exact_as_stated(date: str, taken: str, year: int) -> None:
    assert tag_facts({"date": date}) == {"taken": taken, "year": year}


@pytest.mark.parametrize("date", ["", "soon", "99", "0", "3021", None, 5])
def test_no_date(date: object) -> None:
    assert tag_facts({"date": date}) == {}


def test_places() -> None:
    phone = {"com.apple.quicktime.location.ISO6709": "+48.1374-011.5755+519.000/"}
    assert tag_facts(phone) == {"latitude": 48.1374, "longitude": -11.5755}
    assert tag_facts({"location": "+95.0+011.0/"}) == {}
    assert tag_facts({"location": "home"}) == {}


def test_clean() -> None:
    assert clean(" two\nlines\x1b[31m \0 ") == "two lines [31m"
    assert clean(b"caf\xc3\xa9") == "café"
    assert clean("x" * 10_000) == "x" * LONGEST
    assert clean(None) == clean(5) == clean(["a"]) == ""


@given(
    st.dictionaries(st.text() | st.integers(), st.text() | st.binary() | st.none() | st.integers())
)
def test_whatever_the_tags(tags: dict[object, object]) -> None:
    for value in tag_facts(tags).values():
        assert not isinstance(value, str) or (value and value.isprintable())
