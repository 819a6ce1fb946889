"""Whatever a file is called, its content says what it is."""

from __future__ import annotations

import contextlib
import io
import random

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from retrieval.errors import MediaError, UnknownMedia
from retrieval.media.media import open_media
from retrieval.media.windows import Windows
from retrieval.records import Kind, Modality
from tests.flac_files import DEPTHS, flac

WINDOWS = Windows()


def picture(form: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (30, 20), (10, 200, 30)).save(file, form)
    return file.getvalue()


def sound(form: str) -> bytes:
    file = io.BytesIO()
    t = np.arange(44_100) / 44_100
    soundfile.write(file, 0.5 * np.sin(2 * np.pi * 440 * t), 44_100, format=form)
    return file.getvalue()


@pytest.mark.parametrize("name", ["", "a.txt", "a.jpg", "a.mp3", "a.pdf", "a", "a.mp4"])
@pytest.mark.parametrize(
    ("content", "kind", "modality"),
    [
        *((picture(form), Kind.IMAGE, Modality.IMAGE)
          for form in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "TGA")),
        *((sound(form), Kind.AUDIO, Modality.AUDIO) for form in ("WAV", "FLAC", "OGG", "MP3")),
        (b"The rain sings on the roof.", Kind.TEXT, Modality.TEXT),
        ("Größe und Gefühl, überall Töne und Düfte.".encode("latin-1"), Kind.TEXT, Modality.TEXT),
        (b"/* a comment, as in an X bitmap */ but only words", Kind.TEXT, Modality.TEXT),
        (b"P1 is a number, not a picture", Kind.TEXT, Modality.TEXT),
    ],
)  # fmt: skip
def test_kind_comes_from_content(content: bytes, kind: Kind, modality: Modality, name: str) -> None:
    file = io.BytesIO(content)
    file.seek(len(content))
    media = open_media(file, WINDOWS, name=name)
    assert media.kind is kind
    ((moment, _),) = media.pieces
    assert moment.modality is modality


@pytest.mark.parametrize("bits", DEPTHS)
def test_a_flac_of_any_bit_depth(bits: int) -> None:
    """libsndfile refuses some depths, and FFmpeg reads them."""
    samples = np.round(0.5 * 2 ** (bits - 1) * np.sin(np.arange(24_000) / 20)).astype(np.int64)
    media = open_media(io.BytesIO(flac(samples.tolist(), bits, 48_000)), Windows())
    assert media.kind is Kind.AUDIO
    ((moment, content),) = media.pieces
    assert moment.end_s == pytest.approx(0.5)
    assert isinstance(content, np.ndarray)
    np.testing.assert_allclose(content[:24_000], samples / 2 ** (bits - 1), atol=1e-6)


def test_an_empty_file() -> None:
    with pytest.raises(MediaError, match=r"^the file is empty$"):
        open_media(io.BytesIO(), WINDOWS)


@pytest.mark.parametrize(
    "content", [random.Random(5).randbytes(5000), b"\0" * 5000, b"\0", b"\xff"]
)
def test_binary_garbage(content: bytes) -> None:
    with pytest.raises(
        UnknownMedia, match=r"^nothing in the file says text, picture, sound or video$"
    ):
        open_media(io.BytesIO(content), WINDOWS)


def test_a_damaged_header_is_told_as_such() -> None:
    with pytest.raises(MediaError, match="the PNG picture") as caught:
        list(open_media(io.BytesIO(picture("PNG")[:20]), WINDOWS).pieces)
    assert not isinstance(caught.value, UnknownMedia)


def test_source_code_is_left_out_by_name() -> None:
    with pytest.raises(UnknownMedia, match="source code and settings are left out"):
        open_media(io.BytesIO(b"print('the rain sings')"), WINDOWS, name="rain.py")
    assert open_media(io.BytesIO(picture("PNG")), WINDOWS, name="rain.py").kind is Kind.IMAGE


SEEDS = [picture(f) for f in ("PNG", "JPEG", "GIF", "BMP", "TIFF")] + [
    sound(f)[:4000] for f in ("WAV", "FLAC", "OGG", "MP3")
]


@settings(max_examples=80)
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 3999), st.integers(0, 255)), max_size=8),
    st.integers(1, 4000),
)
def test_damage_of_any_kind_is_a_media_error_or_none(
    seed: bytes, changes: list[tuple[int, int]], length: int
) -> None:
    content = bytearray(seed[:length])
    for place, value in changes:
        content[place % len(content)] = value
    with contextlib.suppress(MediaError):
        for moment, piece in open_media(io.BytesIO(content), WINDOWS).pieces:
            assert (moment.modality is Modality.TEXT) == isinstance(piece, str)
