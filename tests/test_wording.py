"""What is typed becomes words and phrases, and never a piece of FTS5's language."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.catalog.tokens import name_tokens, tokens
from retrieval.catalog.wording import MOST_WORDS, Wording, all_of, any_of, row_of, unquoted

LETTERS = "ab AB12_-.\"'*()^:+{}é東京“”\0"


def finds(match: str, row: str) -> bool:
    """What FTS5 itself says of one row of tokens."""
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE t USING fts5(row, content='', tokenize='ascii')")
    connection.execute("INSERT INTO t(rowid, row) VALUES (1, ?)", (row,))
    found = connection.execute("SELECT rowid FROM t WHERE t MATCH ?", (match,)).fetchall()
    connection.close()
    return bool(found)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("IMG_2041", "IMG_2041.jpg"),
        ("img2041", "IMG_2041.jpg"),
        ("IMG-2041.jpg", "IMG2041.JPG"),
        ("2041", "IMG_2041.jpg"),
        ("beachsunset", "beach-sunset.jpg"),
        ("beach-sunset", "beachSunset.jpg"),
        ("beach-sunset", "beachsunset.jpg"),
        ("sunse", "beach-sunset.jpg"),
        ("cafe", "Café.txt"),
        ("京タ", "東京タワー.jpg"),
        ("iphone", "iPhone12.jpg"),
    ],
)
def test_a_word_finds_its_name(typed: str, name: str) -> None:
    (word,) = Wording.of(typed).words
    row = row_of(name_tokens(name))
    assert word.share_in(row) > 0
    assert finds(word.match(), row)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("2041", "IMG_20411.jpg.txt2"),
        ("art", "party.jpg"),
        ('"sunse"', "beach-sunset.jpg"),
        ("京東", "東京タワー.jpg"),
        ("IMG_2041", "2041_IMG.jpg"),
    ],
)
def test_a_word_does_not_find_what_it_is_not(typed: str, name: str) -> None:
    (word,) = Wording.of(typed).words
    row = row_of(name_tokens(name))
    assert (word.share_in(row) == 1.0) is False
    if typed != "2041":
        assert not finds(word.match(), row)


def test_quotes_of_several_kinds_make_phrases() -> None:
    for typed in ('"to be" x', "“to be” x", "„to be“ x", "«to be» x"):
        first, second = Wording.of(typed).words
        assert (first.runs, first.quoted) == ((("to", "be"),), True)
        assert not second.quoted
        assert unquoted(typed).split() == ["to", "be", "x"]


def test_a_quote_that_is_not_closed_is_no_phrase() -> None:
    assert [word.quoted for word in Wording.of('"to be').words] == [False, False]


def test_the_beginning_of_a_word_is_part_of_it() -> None:
    (word,) = Wording.of("IMG_20").words
    long, short = row_of(name_tokens("IMG_2041")), row_of(name_tokens("IMG_20"))
    assert 0.5 < word.share_in(long) < word.share_in(short) == 1.0


def test_nothing_but_signs_is_no_word() -> None:
    assert Wording.of('?! -- * "" \'').words == ()


def test_a_long_text_is_cut() -> None:
    assert len(Wording.of(" ".join(map(str, range(1000)))).words) == MOST_WORDS


@given(st.text(alphabet=LETTERS, max_size=30), st.text(alphabet=LETTERS, max_size=40))
def test_fts_agrees_with_a_plain_scan(typed: str, held: str) -> None:
    words = Wording.of(typed).words
    row = row_of(tokens(held))
    shares = [word.share_in(row) > 0 for word in words]
    for word, is_said in zip(words, shares, strict=True):
        assert finds(word.match(), row) is is_said
    if words:
        assert finds(any_of(words), row) is any(shares)
        assert finds(all_of(words), row) is all(shares)


@given(st.text(max_size=60))
def test_whatever_is_typed_can_be_asked(typed: str) -> None:
    words = Wording.of(typed).words
    if words:
        finds(all_of(words), "a b c")
    assert isinstance(unquoted(typed), str)
