"""The caption bank: large, distinct, steady, and about both senses."""

from __future__ import annotations

import hashlib
from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from retrieval.caption_bank import (
    HEARD_TEMPLATES,
    SEEN_TEMPLATES,
    bank_hash,
    caption_bank,
    spread,
)


def test_at_least_20_000_distinct_lines() -> None:
    texts = [caption.text for caption in caption_bank()]
    assert len(texts) == len(set(texts)) >= 20_000
    assert all(text == text.strip() and "{" not in text for text in texts)


def test_half_seen_half_heard() -> None:
    heard = sum(caption.heard for caption in caption_bank())
    assert 0.4 < heard / len(caption_bank()) < 0.6


def test_every_thing_comes_in_its_templates() -> None:
    counts = Counter(caption.thing for caption in caption_bank())
    assert len(counts) > 900
    # A line that two things share, as a bare name in both lists, counts for the first.
    assert min(counts.values()) >= min(len(SEEN_TEMPLATES), len(HEARD_TEMPLATES)) - 1
    assert max(counts.values()) <= len(SEEN_TEMPLATES) + len(HEARD_TEMPLATES)


def test_articles_fit() -> None:
    for caption in caption_bank():
        first, _, rest = caption.thing.partition(" ")
        if first == "a":
            assert rest[0] not in "aeio", caption.thing
        if first == "an":
            assert rest[0] in "aeiou", caption.thing


def test_spread_takes_from_everywhere() -> None:
    some = spread(caption_bank(), 100)
    assert len({caption.thing for caption in some}) > 90
    assert 30 < sum(caption.heard for caption in some) < 70
    assert spread(some, 1000) == some


def test_the_hash_knows_every_line_and_their_order() -> None:
    bank = caption_bank()[:50]
    assert bank_hash(bank) == bank_hash(list(bank))
    assert bank_hash(bank) != bank_hash(bank[::-1])
    assert bank_hash(bank) != bank_hash(bank[:-1])


def test_the_order_is_by_sense_thing_and_template() -> None:
    bank = caption_bank()
    heard = [caption.heard for caption in bank]
    assert heard == sorted(heard)
    assert [c.text for c in bank[: len(SEEN_TEMPLATES)]] == [
        template.format(bank[0].thing) for template in SEEN_TEMPLATES
    ]
    assert bank is caption_bank()


@given(st.integers(0, 60), st.integers(0, 80))
def test_spread_is_even(size: int, n: int) -> None:
    bank = caption_bank()[:size]
    places = [bank.index(caption) for caption in spread(bank, n)]
    assert len(places) == min(n, size)
    assert places == sorted(set(places))
    if places:
        assert places[0] == 0
        steps = np.diff([*places, size])
        assert steps.max() - steps.min() <= 1


def test_the_hash_by_hand() -> None:
    bank = caption_bank()[:2]
    text = f"{bank[0].text}\n{bank[1].text}"
    assert bank_hash(bank) == hashlib.sha256(text.encode()).hexdigest()
