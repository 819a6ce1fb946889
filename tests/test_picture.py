"""Pictures through Pillow."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import warnings
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from retrieval.errors import MediaError, UnknownMedia
from retrieval.media.picture import open_picture, open_unmarked_picture
from retrieval.media.windows import Windows
from retrieval.records import Kind, Modality

WINDOWS = Windows(picture_px=64)


def drawn(width: int = 120, height: int = 80) -> Image.Image:
    """Red on the left, blue on the right, a green stripe at the top: every turn looks different."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2, 0] = pixels[:, width // 2 :, 2] = 220
    pixels[: height // 4] = (0, 220, 0)
    return Image.fromarray(pixels)


def encoded(image: Image.Image, form: str, **options: Any) -> io.BytesIO:
    file = io.BytesIO()
    image.save(file, form, **options)
    file.seek(0)
    return file


def read(file: io.BytesIO) -> np.ndarray:
    ((moment, content),) = open_picture(file, WINDOWS).pieces
    assert moment.modality is Modality.IMAGE
    assert moment.start_s is None
    assert isinstance(content, np.ndarray)
    assert content.dtype == np.uint8
    assert content.shape[2] == 3
    return content


@pytest.mark.parametrize(
    ("form", "tolerance"),
    [("PNG", 0), ("BMP", 0), ("TIFF", 0), ("PPM", 0), ("GIF", 0), ("WEBP", 6), ("JPEG", 6),
     ("JPEG2000", 1), ("AVIF", 6), ("ICNS", 1), ("SGI", 0), ("PCX", 0), ("DDS", 0), ("QOI", 0)],
)  # fmt: skip
def test_formats(form: str, tolerance: int) -> None:
    image = drawn() if form != "ICNS" else drawn(128, 128)
    pixels = read(encoded(image, form))
    assert pixels.shape == (image.height, image.width, 3)
    assert np.abs(pixels.astype(int) - np.asarray(image)).mean() <= tolerance


def test_metadata_tells_the_size_before_anything_is_decoded() -> None:
    media = open_picture(encoded(drawn(), "PNG"), WINDOWS)
    assert media.kind is Kind.IMAGE
    assert (media.metadata["width"], media.metadata["height"]) == (120, 80)


@pytest.mark.parametrize("form", ["JPEG", "TIFF", "PNG", "WEBP", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turn_is_applied(form: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = encoded(drawn(), form, exif=exif)
    turned = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}[orientation]
    expected = drawn() if turned is None else drawn().transpose(Image.Transpose(turned))
    pixels = read(file)
    assert pixels.shape[:2] == (expected.height, expected.width)
    assert np.abs(pixels.astype(int) - np.asarray(expected)).mean() < 6


def test_broken_exif_costs_the_turn_not_the_picture() -> None:
    pixels = read(encoded(drawn(), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff"))
    assert pixels.shape == (80, 120, 3)


def test_a_large_jpeg_is_decoded_coarser_but_not_too_coarse() -> None:
    image = drawn(2000, 1300)
    pixels = read(encoded(image, "JPEG", quality=95))
    assert pixels.shape == (163, 250, 3)
    assert min(pixels.shape[:2]) >= 2 * WINDOWS.picture_px
    expected = np.asarray(image.resize(pixels.shape[1::-1], Image.Resampling.BOX))
    assert np.abs(pixels.astype(int) - expected).mean() < 3


def test_a_large_png_is_averaged() -> None:
    pixels = read(encoded(drawn(1280, 1280), "PNG"))
    assert pixels.shape == (128, 128, 3)
    assert np.abs(pixels.astype(int) - np.asarray(drawn(128, 128))).max() <= 1


def test_sixteen_bit_png() -> None:
    ramp = np.linspace(0, 65535, 4096, dtype=np.uint16).reshape(64, 64)
    pixels = read(encoded(Image.fromarray(ramp), "PNG"))
    assert np.abs(pixels[..., 1].astype(int) - (ramp >> 8)).max() <= 1


def test_cmyk_jpeg() -> None:
    pixels = read(encoded(drawn().convert("CMYK"), "JPEG", quality=95))
    assert np.abs(pixels.astype(int) - np.asarray(drawn())).mean() < 8


def test_transparent_palette_on_white() -> None:
    image = Image.new("P", (10, 10), 1)
    image.putpalette([0, 0, 0, 255, 0, 0])
    image.paste(0, (0, 0, 5, 10))
    pixels = read(encoded(image, "PNG", transparency=0))
    assert (pixels[:, :5] == 255).all()
    assert (pixels[:, 5:] == (255, 0, 0)).all()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000"])
@pytest.mark.parametrize("share", [0.9, 0.5, 0.1])
def test_a_truncated_picture_is_an_error_with_its_reason(form: str, share: float) -> None:
    noise = Image.fromarray(np.random.default_rng(3).integers(0, 256, (90, 90, 3), np.uint8))
    content = encoded(noise, form).getvalue()
    with pytest.raises(MediaError, match=f"the {form} picture") as caught:
        list(open_picture(io.BytesIO(content[: int(len(content) * share)]), WINDOWS).pieces)
    assert not isinstance(caught.value, UnknownMedia)
    assert "\n" not in str(caught.value)


def png_header(width: int, height: int) -> io.BytesIO:
    """A PNG of a few bytes that claims any size."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))]
    chunks += [(b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    content = b"\x89PNG\r\n\x1a\n"
    for tag, data in chunks:
        crc = zlib.crc32(tag + data)
        content += struct.pack(">I", len(data)) + tag + data + struct.pack(">I", crc)
    return io.BytesIO(content)


def test_a_decompression_bomb_is_refused_by_its_header() -> None:
    with pytest.raises(
        MediaError,
        match="the picture claims 65536 x 65536 pixels, more than the limit of 178 million",
    ):
        open_picture(png_header(65536, 65536), WINDOWS)


def test_a_jpeg_beyond_that_limit_is_decoded_at_an_eighth() -> None:
    """A phone's 200 million pixels; Pillow's own `Image.open` refuses them."""
    content = bytearray(encoded(Image.new("L", (16384, 16384), 77), "JPEG").getvalue())
    pixels = read(io.BytesIO(content))
    assert pixels.shape[0] == 128
    assert (pixels == 77).all()


def test_pillows_remarks_are_not_shown() -> None:
    """Not as warnings, which are errors in these tests, nor on the terminal."""
    large = png_header(10_000, 10_000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        media = open_picture(large, WINDOWS)
        assert media.metadata["width"] == 10_000


@pytest.mark.parametrize(
    "content",
    [b"words", b"", b"\0" * 64, b"ID3\x04", b"#define WIDTH of nothing", b"%!PS-Adobe-3.0 EPSF"],
)
def test_what_is_no_picture(content: bytes) -> None:
    with pytest.raises(MediaError) as caught:
        open_picture(io.BytesIO(content), WINDOWS)
    if not content.startswith(b"#define"):
        assert isinstance(caught.value, UnknownMedia)


def test_a_postscript_file_starts_no_program(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError("a program was started")

    monkeypatch.setattr(subprocess, "check_call", fail)
    monkeypatch.setattr(subprocess, "Popen", fail)
    content = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n"
    for reader in (open_picture, open_unmarked_picture):
        with pytest.raises(UnknownMedia):
            reader(io.BytesIO(content), WINDOWS)


def test_tga_has_no_mark_and_is_asked_last() -> None:
    content = encoded(drawn(), "TGA").getvalue()
    with pytest.raises(MediaError):
        open_picture(io.BytesIO(content), WINDOWS)
    ((_, pixels),) = open_unmarked_picture(io.BytesIO(content), WINDOWS).pieces
    np.testing.assert_array_equal(pixels, np.asarray(drawn()))


def test_the_same_bytes_give_the_same_pixels() -> None:
    noise = Image.fromarray(np.random.default_rng(4).integers(0, 256, (700, 900, 3), np.uint8))
    content = encoded(noise, "JPEG").getvalue()
    np.testing.assert_array_equal(read(io.BytesIO(content)), read(io.BytesIO(content)))


def test_nothing_global_is_changed() -> None:
    code = (
        "from PIL import Image, ImageFile; before = Image.MAX_IMAGE_PIXELS;"
        "import retrieval.media.picture;"
        "assert Image.MAX_IMAGE_PIXELS == before; assert not ImageFile.LOAD_TRUNCATED_IMAGES"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_pillow_refuses_to_decode_pyav_may(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: object) -> None:
        raise ValueError("unrecognized data stream contents")

    file = encoded(drawn(), "PNG")
    media = open_picture(file, WINDOWS)
    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", refuse)
    ((_, pixels),) = media.pieces
    np.testing.assert_array_equal(pixels, np.asarray(drawn()))


def test_an_animation_whose_frames_cannot_be_counted_is_a_picture() -> None:
    file = io.BytesIO()
    drawn().save(
        file, "GIF", save_all=True, append_images=[Image.new("RGB", (120, 80))], duration=2000
    )
    file.seek(0)
    assert len(list(open_picture(file, WINDOWS).pieces)) == 1 + 1
    broken = io.BytesIO(file.getvalue()[: len(file.getvalue()) - 60] + b"\x2c" + b"\xff" * 9)
    assert list(open_picture(broken, WINDOWS).pieces)


class TestUltraHdr:
    """Photos of phones: a JPEG, and behind it a second one that says how bright each part is."""

    @pytest.fixture
    def photo(self) -> bytes:
        packet = (
            '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
            'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
            'xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"/>'
            "</rdf:RDF></x:xmpmeta>"
        )
        made = encoded(
            drawn(240, 160),
            "MPO",
            save_all=True,
            append_images=[drawn(60, 40).convert("L")],
            xmp=packet.encode(),
        )
        with Image.open(made) as image:
            assert image.format == "JPEG", "Pillow takes it for no pair of pictures"
            assert "mp" in image.info
        return made.getvalue()

    def test_it_is_one_picture(self, photo: bytes) -> None:
        pixels = read(io.BytesIO(photo))
        assert np.abs(pixels.astype(int) - read(encoded(drawn(240, 160), "JPEG"))).mean() < 1

    def test_a_lost_gain_map_costs_nothing(self, photo: bytes) -> None:
        second = photo.rindex(b"\xff\xd8\xff")
        assert (read(io.BytesIO(photo[: second + 50])) == read(io.BytesIO(photo))).all()

    def test_a_truncated_picture_is_told(self, photo: bytes) -> None:
        for size in (photo.rindex(b"\xff\xd8\xff") // 2, photo.index(b"\xff\xda") + 14):
            with pytest.raises(MediaError, match="truncated"):
                read(io.BytesIO(photo[:size]))
