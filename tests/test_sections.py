"""Sections joined to one text in which the characters of a moment count."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.errors import MediaError
from retrieval.media import sections
from retrieval.media.sections import SEPARATOR, section_pieces, text_piece
from retrieval.media.windows import Windows
from retrieval.records import Modality


@given(st.lists(st.text(st.sampled_from("ab .\n")), min_size=1), st.integers(1, 30))
def test_places_count_in_the_joined_text(parts: list[str], most: int) -> None:
    whole = SEPARATOR.join(parts)
    if not whole.strip():
        return
    last = 0
    for moment, passage in section_pieces(parts, Windows(passage_chars=most)):
        assert moment.start_char is not None
        assert moment.end_char is not None
        assert moment.start_char >= last
        assert whole[moment.start_char : moment.end_char] == passage == moment.text
        last = moment.end_char


def test_sections_are_read_as_they_are_needed() -> None:
    def chapters() -> object:
        yield "First words."
        raise AssertionError("read too far")

    pieces = section_pieces(chapters(), Windows())  # type: ignore[arg-type]
    assert next(pieces)[1] == "First words."


@pytest.mark.parametrize("parts", [[], [""], [" \n", "\t"]])
def test_no_words(parts: list[str]) -> None:
    with pytest.raises(MediaError, match="the text holds no words"):
        list(section_pieces(parts, Windows()))


def test_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sections, "MAX_CHARS", 100)
    with pytest.raises(MediaError, match="the text holds more than"):
        list(section_pieces(["word " * 10] * 5, Windows()))


def test_places_by_hand() -> None:
    """Two characters stand between sections, also around one without words."""
    pieces = list(section_pieces(["One.", "", "Two.", " Three."], Windows()))
    assert [(m.start_char, m.end_char, text) for m, text in pieces] == [
        (0, 4, "One."),
        (8, 12, "Two."),
        (15, 21, "Three."),
    ]


def test_as_much_as_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sections, "MAX_CHARS", 10)
    assert len(list(section_pieces(["a" * 10], Windows()))) == 1
    assert len(list(section_pieces(["a" * 4, "b" * 4], Windows()))) == 2
    with pytest.raises(MediaError, match="the text holds more than 0 million characters"):
        list(section_pieces(["a" * 11], Windows()))
    with pytest.raises(MediaError, match="more than"):
        list(section_pieces(["a" * 4, "b" * 5], Windows()))


def test_what_came_before_too_much_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sections, "MAX_CHARS", 10)
    pieces = section_pieces(["a" * 8, "b"], Windows())
    assert next(pieces)[1] == "a" * 8
    with pytest.raises(MediaError, match="more than"):
        next(pieces)


def test_a_piece_says_where_it_stands_and_what() -> None:
    moment, passage = text_piece("words", 7)
    assert (moment.modality, moment.start_char, moment.end_char) == (Modality.TEXT, 7, 12)
    assert moment.text == passage == "words"
    assert moment.start_s is moment.end_s is None
