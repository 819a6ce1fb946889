"""From every way of storing a picture to 8-bit RGB on white."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from retrieval.media.pixels import BAND_PIXELS, to_pixels, to_rgb


def rgb(image: Image.Image) -> np.ndarray:
    return np.asarray(to_rgb(image))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "LA", "PA"])
def test_red_or_grey_stays_what_it_is(mode: str) -> None:
    image = Image.new("RGB", (8, 6), (255, 0, 0)).convert("RGB" if mode != "PA" else "P")
    pixels = rgb(image.convert(mode))
    expected = np.asarray(
        Image.new("RGB", (1, 1), (255, 0, 0))
        .convert("L" if mode in ("1", "L", "LA") else "RGB")
        .convert("1" if mode == "1" else "RGB")
        .convert("RGB")
    )
    if mode == "1":
        assert set(np.unique(pixels)) <= {0, 255}
    else:
        assert np.abs(pixels.astype(int) - expected).max() <= 2
    assert pixels.shape == (6, 8, 3)
    assert pixels.dtype == np.uint8


def test_lab() -> None:
    from PIL import ImageCms

    red = Image.new("RGB", (4, 4), (200, 30, 60))
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    image = ImageCms.profileToProfile(red, srgb, lab, outputMode="LAB")
    assert image is not None
    assert np.abs(rgb(image).astype(int) - (200, 30, 60)).max() <= 6


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "RGB", "L", "1"])
def test_transparency_becomes_white(mode: str) -> None:
    if mode in ("RGBA", "LA"):
        image = Image.new(mode, (3, 3), 0)
    else:
        image = Image.new(mode, (3, 3), 0)
        image.info["transparency"] = (0, 0, 0) if mode == "RGB" else 0
    assert (rgb(image) == 255).all()


def test_half_transparent_is_mixed_with_white() -> None:
    assert rgb(Image.new("RGBA", (1, 1), (255, 0, 0, 128)))[0, 0].tolist() == [255, 127, 127]


@pytest.mark.parametrize("dtype", ["<u2", ">u2"])
def test_sixteen_bits_are_scaled_not_clipped(dtype: str) -> None:
    ramp = np.linspace(0, 65535, 256, dtype=np.uint16).reshape(16, 16).astype(dtype)
    image = Image.frombytes("I;16" if dtype == "<u2" else "I;16B", (16, 16), ramp.tobytes())
    assert np.abs(rgb(image)[..., 0].astype(int).ravel() - np.arange(256)).max() <= 1


def test_thirty_two_bits_with_sixteen_used() -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.int32).reshape(16, 16)
    assert np.abs(rgb(Image.fromarray(ramp))[..., 0].ravel() - np.arange(256.0)).max() <= 1


def test_other_ranges_are_spread_from_darkest_to_brightest() -> None:
    for values in ([[-5, 0, 5]], [[0, 1_000_000, 2_000_000]]):
        assert rgb(Image.fromarray(np.array(values, np.int32)))[0, :, 0].tolist() == [0, 128, 255]
    floats = np.array([[-1.0, 0.0, 1.0]], np.float32)
    assert rgb(Image.fromarray(floats))[0, :, 0].tolist() == [0, 128, 255]


def test_floats_in_0_to_1_have_a_known_white() -> None:
    half = np.full((2, 2), 0.5, np.float32)
    assert (rgb(Image.fromarray(half)) == 128).all()
    broken = np.array([[np.nan, np.inf, -np.inf, 1.0]], np.float32)
    assert rgb(Image.fromarray(broken))[0, :, 0].tolist() == [0, 0, 0, 255]


@pytest.mark.parametrize("orientation", range(10))
def test_turns_equal_pillows_own(orientation: int) -> None:
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8))
    tagged = picture.copy()
    tagged.getexif()[0x0112] = orientation
    expected = ImageOps.exif_transpose(tagged)
    np.testing.assert_array_equal(to_pixels(picture, orientation, 512), np.asarray(expected))


@pytest.mark.parametrize(
    ("size", "expected"),
    [((511, 900), (511, 900)), ((1023, 2000), (1023, 2000)), ((1024, 2000), (512, 1000)),
     ((5000, 2600), (1000, 520)), ((3, 100_000), (3, 100_000)), ((1, 1), (1, 1))],
)  # fmt: skip
def test_coarser_but_never_below_the_least_side(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    pixels = to_pixels(Image.new("RGB", size, (9, 8, 7)), 1, 512)
    assert pixels.shape == (*expected[::-1], 3)
    assert (pixels == (9, 8, 7)).all()


@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 30), st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_coarser_pixels_are_means_of_whole_blocks(
    width: int, height: int, least: int, seed: int
) -> None:
    values = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    pixels = to_pixels(Image.fromarray(values), 1, least)
    factor = max(1, min(width, height) // least)
    assert pixels.shape == (-(-height // factor), -(-width // factor), 3)
    for y in range(height // factor):
        for x in range(width // factor):
            block = values[y * factor : (y + 1) * factor, x * factor : (x + 1) * factor]
            mean = block.reshape(-1, 3).mean(axis=0)
            assert np.abs(pixels[y, x] - mean).max() < 1


@given(st.floats(0, 1), st.integers(0, 255))
@settings(max_examples=40)
def test_mixing_with_white_by_the_formula(share: float, level: int) -> None:
    alpha = round(255 * share)
    pixel = rgb(Image.new("LA", (1, 1), (level, alpha)))[0, 0]
    expected = (level * alpha + 255 * (255 - alpha)) / 255
    assert np.abs(pixel - expected).max() <= 1
    assert len(set(pixel.tolist())) == 1


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[0, 255, 256, 65535]], np.int32), [0, 1, 1, 255]),
        (np.array([[0, 65536]], np.int32), [0, 255]),
        (np.array([[7, 7]], np.int32), [0, 0]),
        (np.array([[-7, -7]], np.int32), [0, 0]),
        (np.array([[0.0, 1.0]], np.float32), [0, 255]),
        (np.array([[0.0, 1.5]], np.float32), [0, 255]),
        (np.array([[0.25, 0.75]], np.float32), [64, 191]),
        (np.array([[-0.5, 0.5]], np.float32), [0, 255]),
        (np.array([[3.0, 3.0]], np.float32), [0, 0]),
        (np.array([[np.nan, np.nan]], np.float32), [0, 0]),
        (np.array([[np.inf, 0.5]], np.float32), [0, 128]),
    ],
)
def test_where_white_lies(values: np.ndarray, expected: list[int]) -> None:
    assert rgb(Image.fromarray(values))[0, :, 0].tolist() == expected


def test_turning_comes_after_making_coarser_and_neither_loses_a_corner() -> None:
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[:20, :20] = 255
    for orientation, (rows, columns) in {
        1: (slice(0, 10), slice(0, 10)),
        2: (slice(0, 10), slice(20, 30)),
        3: (slice(10, 20), slice(20, 30)),
        6: (slice(0, 10), slice(10, 20)),
        8: (slice(20, 30), slice(0, 10)),
    }.items():
        pixels = to_pixels(Image.fromarray(picture), orientation, 20)
        assert pixels.shape == ((30, 20, 3) if orientation > 4 else (20, 30, 3))
        assert (pixels[rows, columns] == 255).all()
        assert pixels.mean() == pytest.approx(255 / 6)


@pytest.mark.parametrize(
    "mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LA", "I;16", "RGB with tRNS", "PA"]
)
@pytest.mark.parametrize("size", [(203, 97), (60, 331), (64, 64)])
def test_in_bands_no_bit_is_other_than_at_once(
    mode: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrieval.media.pixels.BAND_PIXELS", 1000)
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 4), np.uint8)
    image = Image.fromarray(noise)
    if mode == "I;16":
        image = Image.frombytes(mode, size, noise[..., :2].tobytes())
    elif mode == "RGB with tRNS":
        image = image.quantize(16).convert("RGB")
        image.info["transparency"] = image.getpixel((0, 0))
    elif mode in ("P", "PA"):
        image = image.convert("RGB").quantize(16)
        image.info["transparency"] = bytes(range(0, 256, 16))
        image = image if mode == "P" else image.convert("PA")
    elif mode != "RGBA":
        image = image.convert("RGB").convert(mode) if mode != "LA" else image.convert("LA")
    for least in (7, 20, 31):
        factor = min(size) // least
        at_once = to_rgb(image).reduce(factor) if factor > 1 else to_rgb(image)
        np.testing.assert_array_equal(to_pixels(image, 1, least), np.asarray(at_once))


def test_no_copy_of_a_large_picture_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    converted = []

    def watched(image: Image.Image) -> Image.Image:
        converted.append(image.width * image.height)
        return to_rgb(image)

    monkeypatch.setattr("retrieval.media.pixels.to_rgb", watched)
    to_pixels(Image.new("RGBA", (3000, 2500), (9, 8, 7, 60)), 1, 500)
    assert sum(converted) == 3000 * 2500
    assert max(converted) <= BAND_PIXELS


def test_pixels_can_be_written_to() -> None:
    """What is cut, scaled or shared afterwards must not reach into the decoder's memory."""
    image = Image.new("RGB", (4, 4), (1, 2, 3))
    pixels = to_pixels(image, 1, 512)
    pixels[:] = 9
    assert image.getpixel((0, 0)) == (1, 2, 3)
    assert pixels.flags.c_contiguous
