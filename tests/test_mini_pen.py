"""The pen: shapes lie where they were put, in the colours of their roles, in every style."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.encoders.mini.world.drawings import DRAWINGS
from retrieval.encoders.mini.world.drawings.pen import RGB, STYLES, Pen, blend, brightness
from retrieval.encoders.mini.world.pictures import COLOURS

SIDE_PX = 100
RED: RGB = (208, 36, 40)
BYTES = st.integers(0, 255)
any_colour = st.tuples(BYTES, BYTES, BYTES)


def pen(style: str = "flat", colour: RGB = RED, side_px: int = SIDE_PX, seed: int = 0) -> Pen:
    return Pen(side_px, colour, style, np.random.default_rng(seed))


def pixels(made: Pen) -> npt.NDArray[np.uint8]:
    return np.asarray(made.sheet)


def colour_at(found: npt.NDArray[np.uint8], row: int, column: int) -> RGB:
    red, green, blue = (int(v) for v in found[row, column, :3])
    return red, green, blue


def inked(made: Pen) -> npt.NDArray[np.bool_]:
    return np.asarray(made.sheet)[..., 3] > 0


@given(any_colour, any_colour, st.floats(0, 1))
def test_blending_lies_between(a: RGB, b: RGB, share: float) -> None:
    mixed = blend(a, b, share)
    for one, other, between in zip(a, b, mixed, strict=True):
        assert min(one, other) <= between <= max(one, other)
    assert blend(a, b, 0) == a
    assert blend(a, b, 1) == b
    assert blend(a, a, share) == a


@pytest.mark.parametrize(
    ("colour", "expected"),
    [((0, 0, 0), 0), ((255, 255, 255), 255), ((255, 0, 0), 76.2), ((0, 255, 0), 149.7)],
)
def test_brightness_as_the_eye_sees_it(colour: RGB, expected: float) -> None:
    assert brightness(colour) == pytest.approx(expected, abs=0.1)


def test_a_sheet_is_empty_at_first_and_of_its_size() -> None:
    made = pen(side_px=64)
    assert made.sheet.size == (64, 64)
    assert not inked(made).any()


@pytest.mark.parametrize("side_px", [50, 100, 200])
def test_units_are_hundredths_of_a_side(side_px: int) -> None:
    made = pen(side_px=side_px)
    made.box(20, 40, 60, 80)
    rows, columns = np.nonzero(inked(made))
    scale = side_px / 100
    assert (columns.min(), rows.min()) == (20 * scale, 40 * scale)
    assert columns.max() == pytest.approx(60 * scale, abs=1)
    assert rows.max() == pytest.approx(80 * scale, abs=1)


def test_corners_may_be_given_in_any_order() -> None:
    one, other = pen(), pen()
    one.box(20, 30, 60, 70)
    other.box(60, 70, 20, 30)
    np.testing.assert_array_equal(pixels(one), pixels(other))
    one.oval(10, 10, 30, 20)
    other.oval(30, 20, 10, 10)
    np.testing.assert_array_equal(pixels(one), pixels(other))


def test_the_area_of_an_oval() -> None:
    made = pen()
    made.oval(10, 20, 90, 60)
    assert inked(made).sum() == pytest.approx(np.pi * 40 * 20, rel=0.05)
    assert inked(made)[40, 50]
    assert not inked(made)[22, 12], "the corner of its box"


def test_rounded_corners_are_cut() -> None:
    sharp, soft = pen(), pen()
    sharp.box(10, 10, 90, 90)
    soft.box(10, 10, 90, 90, round_=20)
    missing = inked(sharp).sum() - inked(soft).sum()
    assert missing == pytest.approx((4 - np.pi) * 20**2, rel=0.15)


def test_a_shape_is_filled() -> None:
    made = pen()
    made.shape([(10, 90), (90, 90), (50, 10)])
    assert inked(made).sum() == pytest.approx(80 * 80 / 2, rel=0.06)


@pytest.mark.parametrize("width", [2, 5, 10])
def test_a_line_is_as_thick_as_asked(width: float) -> None:
    made = pen()
    made.line([(10, 50), (90, 50)], width)
    assert inked(made)[:, 50].sum() == pytest.approx(width, abs=1)
    assert inked(made)[50].sum() == pytest.approx(80, abs=2)


def test_an_arc_is_a_part_of_a_rim() -> None:
    made = pen()
    made.arc(10, 10, 90, 90, 0, 90, width=4)
    rows, columns = np.nonzero(inked(made))
    assert rows.min() >= 48
    assert columns.min() >= 48, "clockwise from the right to the bottom"
    distances = np.hypot(rows - 50, columns - 50)
    assert distances.min() > 34
    assert distances.max() < 42


def test_an_eye_has_a_pupil_in_its_middle() -> None:
    made = pen()
    made.eye(50, 50, 10)
    assert brightness(colour_at(pixels(made), 50, 50)) < 60
    assert brightness(colour_at(pixels(made), 50, 43)) > 220


@pytest.mark.parametrize("role", ["main", "dark", "light", "ink", "white", "black", "accent"])
@pytest.mark.parametrize("name", COLOURS)
def test_roles_have_their_brightness(name: str, role: str) -> None:
    """A person would name the thing by `main`; its shades lie on either side of it."""
    colour = COLOURS[name]
    made = pen(colour=colour)
    made.box(10, 10, 90, 90, role)
    seen = colour_at(pixels(made), 50, 50)
    match role:
        case "main":
            assert seen == colour
        case "light":
            assert brightness(seen) > brightness(colour)
        case "dark" | "ink":
            darker = brightness(seen) < brightness(colour)
            assert darker == (brightness(colour) >= 60)
        case "white":
            assert brightness(seen) > 230
        case "black":
            assert brightness(seen) < 40
        case _:
            assert seen == (240, 170, 40)


def test_an_unknown_role_is_a_bug() -> None:
    with pytest.raises(KeyError):
        pen().box(0, 0, 10, 10, "mian")


def test_only_a_shaky_hand_needs_luck() -> None:
    for style in STYLES:
        drawn = []
        for seed in (1, 1, 2):
            made = pen(style, seed=seed)
            made.shape([(10, 10), (90, 10), (50, 90)])
            drawn.append(pixels(made).tobytes())
        assert drawn[0] == drawn[1]
        assert (drawn[0] == drawn[2]) == (style != "sketch"), style


def test_styles_differ_by_their_edges() -> None:
    seen = {}
    for style in STYLES:
        made = pen(style)
        made.box(20, 20, 80, 80)
        seen[style] = pixels(made)
    edge = {style: colour_at(seen[style], 50, 21) for style in STYLES}
    assert edge["flat"] == RED
    assert brightness(edge["outlined"]) < brightness(RED)
    assert edge["lines"] == RED, "in lines the edge has the colour and the fill is paler"
    assert brightness(colour_at(seen["lines"], 50, 50)) > brightness(RED)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", sorted(DRAWINGS))
def test_a_drawing_fills_its_sheet_and_stays_on_it(name: str, style: str) -> None:
    made = pen(style)
    DRAWINGS[name](made)
    found = inked(made)
    assert 0.04 < found.mean() < 0.9
    rows, columns = np.nonzero(found)
    assert max(rows.max() - rows.min(), columns.max() - columns.min()) > 55
    rim = np.concatenate([found[0], found[-1], found[:, 0], found[:, -1]])
    assert rim.mean() < 0.35, "it would be cut off at the edge"


@pytest.mark.parametrize("name", sorted(DRAWINGS))
def test_a_drawing_has_the_colour_that_is_asked_for(name: str) -> None:
    """Drawn in red and in blue it is the same shape, in a colour that a person would name."""
    red, blue = pen("outlined", (208, 36, 40)), pen("outlined", (36, 84, 200))
    DRAWINGS[name](red)
    DRAWINGS[name](blue)
    np.testing.assert_array_equal(inked(red), inked(blue))
    mean = [pixels(made)[inked(made)][:, :3].astype(float).mean(axis=0) for made in (red, blue)]
    assert mean[0][0] - mean[0][2] > 25
    assert mean[1][2] - mean[1][0] > 25


def test_no_two_drawings_look_alike() -> None:
    """By their silhouettes and by what is in them, at the size of a thumbnail."""
    seen = {}
    for name, drawing in DRAWINGS.items():
        made = pen("flat")
        drawing(made)
        small = made.sheet.convert("RGBA").resize((20, 20))
        seen[name] = np.asarray(small).astype(float) / 255
    names = sorted(seen)
    for n, one in enumerate(names):
        for other in names[n + 1 :]:
            difference = np.abs(seen[one] - seen[other]).mean()
            assert difference > 0.035, (one, other)


@settings(max_examples=25)
@given(st.sampled_from(sorted(DRAWINGS)), st.sampled_from(STYLES), any_colour, st.integers(8, 130))
def test_any_colour_and_size_can_be_drawn(name: str, style: str, colour: RGB, side_px: int) -> None:
    made = pen(style, colour, side_px)
    DRAWINGS[name](made)
    assert made.sheet.size == (side_px, side_px)
    assert inked(made).any()
