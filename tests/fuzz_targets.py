"""What `make fuzz` throws at our own parsers; they answer with a result or one of our errors.

Each target has seeds, which are mutated, and a function that takes bytes and raises nothing. The
suite runs each for a moment, `python -m tests.fuzz` for as long as it is told.
"""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import typer
from hypothesis import strategies as st
from PIL import Image

from cli.dates import date, span
from cli.query import query_of
from indexer.companions import companions
from retrieval.catalog.where import parse
from retrieval.errors import MediaError, SearchError
from retrieval.evaluation import read_table
from retrieval.media.media import open_media
from retrieval.media.passages import passages
from retrieval.media.sidecar import sidecar_facts
from retrieval.media.subtitles import open_subtitles
from retrieval.media.windows import Windows
from tests.xmp_packets import packet

WINDOWS = Windows(picture_px=32)
FACTS = {
    "title": str, "artist": str, "album": str, "genre": str, "description": str, "camera": str,
    "taken": str, "year": int, "latitude": float, "longitude": float, "keywords": list,
    "rating": int | float,
}  # fmt: skip


@dataclass(frozen=True)
class Target:
    """One parser."""

    name: str
    run: Callable[[bytes], object]
    seeds: tuple[bytes, ...]

    def inputs(self) -> st.SearchStrategy[bytes]:
        """The seeds, damaged in one place or several, and bytes of no meaning."""
        return st.binary(max_size=200) | st.builds(
            _mutated, st.sampled_from(self.seeds), st.lists(EDITS, max_size=6)
        )


EDITS = st.tuples(
    st.integers(0, 1 << 16),
    st.integers(0, 12),
    st.binary(max_size=4) | st.sampled_from([b'"', b"(", b")", b"\0", b"\xff\xfe", b"<", b"&x;"]),
)


def _mutated(seed: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    data = seed
    for place, length, instead in edits:
        at = place % (len(data) + 1)
        data = data[:at] + instead + data[at + length :]
    return data


def _text(data: bytes) -> str:
    """As an argument of the command line, which may hold bytes that are no UTF-8."""
    return data.decode("utf-8", "surrogateescape")


def where(data: bytes) -> None:
    """The grammar of `--where`."""
    with contextlib.suppress(SearchError):
        str(parse(_text(data)).sql())


def query(data: bytes) -> None:
    """`FILE:WEIGHT`, and words."""
    with contextlib.suppress(SearchError, typer.BadParameter):
        query_of([_text(data)], [_text(data)])


def dates(data: bytes) -> None:
    """Dates and spans of time."""
    for read in (date, span):
        with contextlib.suppress(typer.BadParameter):
            read(_text(data))


def sidecar(name: str) -> Callable[[bytes], None]:
    """What stands beside a file, under a name."""

    def run(data: bytes) -> None:
        with contextlib.suppress(MediaError):
            facts = sidecar_facts(io.BytesIO(data), name)
            for fact, value in facts.items():
                assert isinstance(value, FACTS[fact]), fact
            json.dumps(facts, allow_nan=False)

    return run


def names(data: bytes) -> None:
    """Names of the files of a folder."""
    sizes = {name: len(name) for name in _text(data).split("/") if name}
    found = companions(sizes)
    taken = {name for own in found.sidecars.values() for name in own}
    assert not taken & found.sidecars.keys()
    assert not found.leaders.keys() & set(found.leaders.values())


def cut(data: bytes) -> None:
    """The cutter of passages."""
    text = data.decode("utf-8", "replace")
    last = 0
    for start, end in passages(text, 80):
        assert last <= start < end <= len(text)
        assert text[start:end].strip()
        last = end


def subtitles(data: bytes) -> None:
    """SubRip and WebVTT."""
    with contextlib.suppress(MediaError):
        for moment, _ in open_subtitles(io.BytesIO(data), WINDOWS).pieces:
            assert moment.start_s is not None
            assert moment.end_s is not None
            assert 0 <= moment.start_s <= moment.end_s


def table(data: bytes) -> None:
    """The table of `anyseek eval`."""
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        file.write(data)
        file.flush()
        with contextlib.suppress(SearchError):
            read_table(Path(file.name))


def content(data: bytes) -> None:
    """What a small file is, and what is in it."""
    with contextlib.suppress(MediaError):
        media = open_media(io.BytesIO(data), WINDOWS, name="file")
        json.dumps(dict(media.metadata))
        for _ in media.pieces:
            pass
        media.close()


def _picture(form: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(file, form)
    return file.getvalue()


SRT = (
    b"1\n00:00:01,000 --> 00:00:02,500\nHello <i>you</i>\n\n2\n00:00:03,000 --> 00:00:04,000\nBye\n"
)
VTT = (
    b"WEBVTT\n\nNOTE x\n\n00:01.000 --> 00:02.000 align:start\nHello\n\n"
    b"01:00:03.000 --> 01:00:04.000\nBye"
)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><path d="M0 0h4v4z"/></svg>'
WAV = (
    b"RIFF\x28\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0"
    b"data\4\0\0\0\1\0\2\0"
)
PICTURES = tuple(map(_picture, ("PNG", "GIF", "BMP", "TIFF", "WEBP", "JPEG", "PPM")))
TEXTS = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\n",
    b"{\\rtf1 Hello}",
    b"<!doctype html><title>x</title><p>Hello <b>you",
)
FILTERS = (
    b'year >= 2023 and (camera ~ "Pixel" or not kind = image)',
    b"taken = 2023-05-01T12:30",
    b"size > 5MB and keywords = 'a b'",
    b"rating<=-1",
)
PACKETS = (
    packet().encode(),
    packet().removeprefix("\ufeff").encode("utf-16"),
    packet("\U0001f600", "<![CDATA[x]]>", "3.5").encode(),
)
CAPTIONS = (b"a caf\xc3\xa9", b"caf\xe9 noir", "é".encode("utf-16"))
NAMES = (b"a.jpg/a.xmp/a.jpg.xmp/a.cr2/A.txt", b"IMG.1.jpg/img.1.DNG/.x/x./..")
PROSE = (b"One. Two! Three?\n\nFour, five; six. " * 9, "。あ。い".encode() * 40)
TABLES = (b"query,relevant\na dog,dog.jpg\n", b"file,relevant\nx.jpg,y.wav\n")
TARGETS = (
    Target("where", where, FILTERS),
    Target("query", query, (b"beach.jpg:0.5", b"a dog barking", b"~/a:b:1.", b"x:0", b"x:1e5")),
    Target("dates", dates, (b"2024-05-31", b"12h", b"30d", b"2024-05-31T18:30+02:00", b"999999w")),
    Target("xmp", sidecar("a.xmp"), PACKETS),
    Target("caption", sidecar("a.txt"), CAPTIONS),
    Target("names", names, NAMES),
    Target("passages", cut, PROSE),
    Target("subtitles", subtitles, (SRT, VTT)),
    Target("table", table, TABLES),
    Target("content", content, (*PICTURES, SRT, SVG, WAV, *TEXTS)),
)
