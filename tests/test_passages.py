"""Passages: cut at sentence ends, whole, in order, never too long."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.media.passages import flowing_passages, passages


def cut(text: str, max_chars: int) -> list[str]:
    return [text[start:end] for start, end in passages(text, max_chars)]


TEXTS = st.text(
    alphabet=st.sampled_from(list("abcd éß。！؟ .!?…\"')\n\r\t\f\u2028\u2029\u3000字🎵")),
    max_size=400,
)


@given(TEXTS, st.integers(1, 60))
def test_every_visible_character_once_in_order(text: str, max_chars: int) -> None:
    spans = list(passages(text, max_chars))
    last = 0
    for start, end in spans:
        assert last <= start < end <= len(text)
        assert end - start <= max_chars
        assert not text[last:start].strip()
        assert text[start:end] == text[start:end].strip()
        last = end
    assert not text[last:].strip()


@given(TEXTS, st.integers(1, 60), st.lists(st.integers(0, 400), max_size=30))
def test_a_text_in_blocks_has_the_passages_of_the_whole(
    text: str, max_chars: int, cuts: list[int]
) -> None:
    borders = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    blocks = [text[a:b] for a, b in itertools.pairwise(borders)]
    flowing = list(flowing_passages(blocks, max_chars))
    assert flowing == [(start, text[start:end]) for start, end in passages(text, max_chars)]


def test_no_more_than_the_open_end_of_a_text_is_held() -> None:
    came: list[str] = []

    def blocks() -> Iterator[str]:
        for number in range(1000):
            came.append(f"This is sentence {number} of many. ")
            yield came[-1]

    flowing = flowing_passages(blocks(), 40)
    for number in range(900):
        assert f" {number} " in next(flowing)[1]
        assert len(came) <= number + 4


def test_sentences_are_gathered_up_to_the_limit() -> None:
    text = "One two. Three four! Five six? Seven eight."
    assert cut(text, 25) == ["One two. Three four!", "Five six? Seven eight."]
    assert cut(text, 100) == [text]
    assert cut(text, 12) == ["One two.", "Three four!", "Five six?", "Seven eight."]


def test_no_cut_inside_numbers_and_names() -> None:
    text = "It costs 3.50 at example.org today. Then it rains."
    assert cut(text, 40) == ["It costs 3.50 at example.org today.", "Then it rains."]


def test_closing_marks_stay_with_their_sentence() -> None:
    text = '"Stop!" she said. (It was late.) He went.'
    assert cut(text, 20) == ['"Stop!" she said.', "(It was late.)", "He went."]


def test_paragraphs_are_kept_apart_but_headings_go_with_their_text() -> None:
    long = "This paragraph is long enough to stand by itself."
    text = f"# Bells\n\n{long}\r\n\r\n{long}"
    assert cut(text, 80) == [f"# Bells\n\n{long}", long]


def test_a_long_sentence_is_cut_at_a_clause_then_at_a_word_then_anywhere() -> None:
    assert cut("aaaa bbbb cccc, dddd eeee ffff", 20) == ["aaaa bbbb cccc,", "dddd eeee ffff"]
    assert cut("aaaa bbbb cccc dddd eeee", 15) == ["aaaa bbbb cccc", "dddd eeee"]
    assert cut("x" * 25, 10) == ["x" * 10, "x" * 10, "x" * 5]


def test_scripts_without_spaces_end_sentences_too() -> None:
    assert cut("雨が降る。鐘が鳴る。犬が吠える。", 6) == [
        "雨が降る。",
        "鐘が鳴る。",
        "犬が吠える。",
    ]


@pytest.mark.parametrize("text", ["", " \n\t\r\n ", "\u2029"])
def test_nothing_visible_no_passage(text: str) -> None:
    assert cut(text, 10) == []


def test_time_grows_with_the_length_alone() -> None:
    """A megabyte without a single border must not take quadratic time."""
    assert len(cut("x" * 1_000_000, 280)) == -(-1_000_000 // 280)
    assert len(cut("word " * 200_000, 280)) > 3_000
