"""Names and texts are cut so that what a person types meets what is stored."""

from __future__ import annotations

import os
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.catalog.tokens import LONGEST, name_tokens, path_tokens, tokens


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("IMG_2041.jpg", ["img", "2041", "jpg", "img2041"]),
        ("IMG2041.jpg", ["img", "2041", "jpg", "img2041"]),
        ("beach-sunset.png", ["beach", "sunset", "png", "beachsunset"]),
        ("HTMLParser", ["html", "parser", "htmlparser"]),
        ("straße.txt", ["strasse", "txt"]),
        ("ﬁnal Über.txt", ["final", "uber", "txt"]),
        ("İzmir", ["izmir"]),
        ("", []),
        ("...", []),
        (os.fsdecode(b"caf\xe9.txt"), ["caf", "txt"]),
    ],
)
def test_names_are_cut_into_their_parts(name: str, expected: list[str]) -> None:
    assert name_tokens(name) == expected


def test_humps_are_found_apart_and_together() -> None:
    found = name_tokens("beachSunset.jpg")
    assert found[:2] == ["beach", "sunset"]
    assert "beachsunset" in found


def test_scripts_without_blanks_are_cut_into_characters() -> None:
    assert tokens("東京タワー の夜") == ["東", "京", "タ", "ワ", "ー", "の", "夜"]
    assert tokens("สวัสดี")[0] == "ส"
    assert tokens("서울의 밤") == ["서울의", "밤"]


def test_a_path_is_a_name_and_its_folders() -> None:
    name, folders = path_tokens("2021/beach-days/a.jpg")
    assert name == ["a", "jpg"]
    assert folders == ["2021", "beach", "days", "beachdays"]


@given(st.text())
def test_tokens_hold_letters_and_digits_alone(text: str) -> None:
    for token in tokens(text):
        assert 0 < len(token) <= LONGEST
        assert not set(token) & set("\"'*()^:+-{} \t\n\0")


@given(st.text())
def test_case_accents_and_form_do_not_matter(text: str) -> None:
    assert tokens(unicodedata.normalize("NFD", text)) == tokens(unicodedata.normalize("NFC", text))


@given(st.text(alphabet="abcäÖ é9_", max_size=30))
def test_upper_case_is_lower_case(text: str) -> None:
    assert tokens(text.upper()) == tokens(text)
