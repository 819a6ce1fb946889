"""SVG drawings, with nothing followed outside the file."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from retrieval.errors import MediaError, UnknownMedia
from retrieval.media.media import open_media
from retrieval.media.svg import open_svg
from retrieval.media.windows import Windows
from retrieval.records import Kind

WINDOWS = Windows(picture_px=32)
NAMES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'


def read(markup: str) -> np.ndarray:
    media = open_media(io.BytesIO(markup.encode()), WINDOWS, name="a.xml")
    assert media.kind is Kind.IMAGE
    ((_, pixels),) = media.pieces
    assert isinstance(pixels, np.ndarray)
    return pixels


@pytest.mark.parametrize(
    ("size", "shape"),
    [
        ('width="10" height="10"', (64, 64)),
        ('viewBox="0 0 20 10"', (64, 128)),
        ("", (64, 64)),
        ('width="2in" height="1in"', (64, 128)),
        ('width="100%" height="50%"', (64, 64)),
        ('width="1e7" height="1e7"', (64, 64)),
        ('viewBox="0 0 -1 0"', (64, 64)),
        ('viewBox="a b c d"', (64, 64)),
    ],
)
def test_whatever_size_it_claims_it_is_rendered_at_ours(size: str, shape: tuple[int, int]) -> None:
    pixels = read(f'<svg {NAMES} {size}><rect width="1000000" height="1000000" fill="#00f"/></svg>')
    assert pixels.shape[:2] == shape
    assert pixels[5, 5].tolist() == [0, 0, 255]


def test_nothing_drawn_is_white() -> None:
    assert (read(f"<svg {NAMES}/>") == 255).all()


@pytest.mark.parametrize("before", ["", "\ufeff", "<?xml version='1.0'?>\n<!-- a -->\n"])
def test_what_may_stand_before_the_root(before: str) -> None:
    assert read(f"{before}<svg {NAMES}/>").shape == (64, 64, 3)


@pytest.mark.parametrize("attribute", ["href", "xlink:href"])
@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_picture_beside_it_is_not_read(tmp_path: Path, attribute: str, scheme: str) -> None:
    path = tmp_path / "secret.png"
    Image.new("RGB", (10, 10), "red").save(path)
    image = f'<image width="10" height="10" {attribute}="{scheme}{path}"/>'
    assert (read(f'<svg {NAMES} width="10" height="10">{image}</svg>') == 255).all()


def test_nor_by_way_of_an_entity(tmp_path: Path) -> None:
    path = tmp_path / "secret.png"
    Image.new("RGB", (10, 10), "red").save(path)
    entity = f"<!ENTITY i \"<image width='10' height='10' h&#114;ef='{path}'/>\">"
    markup = f'<!DOCTYPE svg [{entity}]><svg {NAMES} width="10" height="10">&i;</svg>'
    assert (read(markup) == 255).all()


def test_a_picture_within_it_is_drawn() -> None:
    file = io.BytesIO()
    Image.new("RGB", (10, 10), "red").save(file, "PNG")
    data = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    image = f'<image width="10" height="10" href="{data}"/>'
    assert read(f'<svg {NAMES} width="10" height="10">{image}</svg>')[32, 32].tolist() == [
        255,
        0,
        0,
    ]


def test_entities_of_a_drawing_program() -> None:
    square = '<rect width="9" height="9" fill="&b;"/>'
    markup = f'<!DOCTYPE svg [<!ENTITY b "#0000ff">]><svg {NAMES}>{square}</svg>'
    assert read(markup)[2, 2].tolist() == [0, 0, 255]


def test_an_external_entity_is_refused() -> None:
    entity = '<!ENTITY e SYSTEM "file:///etc/passwd">'
    markup = f"<!DOCTYPE svg [{entity}]><svg {NAMES}><text>&e;</text></svg>"
    with pytest.raises(MediaError, match="the SVG drawing defines entities, which is not allowed"):
        read(markup)


def test_a_bomb_of_entities_is_refused() -> None:
    levels = "".join(f'<!ENTITY l{i + 1} "{f"&l{i};" * 10}">' for i in range(12))
    entities = f'<!ENTITY l0 "{"a" * 100}">{levels}'
    markup = f"<!DOCTYPE svg [{entities}]><svg {NAMES}><text>&l12;</text></svg>"
    with pytest.raises(MediaError, match="the SVG drawing"):
        read(markup)


@pytest.mark.parametrize("markup", ["<svg", "<svg xmlns='x'><rect", "<svg></gvs>"])
def test_broken(markup: str) -> None:
    with pytest.raises(MediaError):
        open_svg(io.BytesIO(markup.encode()), WINDOWS)


@pytest.mark.parametrize("markup", ["words about <svg>", "<html><svg/></html>", "", "<p>no</p>"])
def test_what_is_none(markup: str) -> None:
    with pytest.raises(UnknownMedia):
        open_svg(io.BytesIO(markup.encode()), WINDOWS)


def test_a_long_drawing_is_rendered_within_limits() -> None:
    assert read(f'<svg {NAMES} viewBox="0 0 1 1000000"/>').shape == (4096, 64, 3)


def test_a_head_of_nothing_but_comments_takes_no_time() -> None:
    markup = "<!-- a -->" * 6_000 + "words"
    with pytest.raises(UnknownMedia):
        open_svg(io.BytesIO(markup.encode()), WINDOWS)
