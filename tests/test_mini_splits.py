"""The split of the generated world: what is measured was never seen, heard or read in training."""

from __future__ import annotations

from collections import Counter
from itertools import product
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.encoders.mini.world.concepts import CONCEPTS
from retrieval.encoders.mini.world.pictures import COLOURS, NUMBERS, Look
from retrieval.encoders.mini.world.sentences import write_heard, write_seen
from retrieval.encoders.mini.world.sounds import PACES, PITCHES, Ring
from retrieval.encoders.mini.world.splits import concept_names, is_held_out, looks, rings

NAMES = list(CONCEPTS)


def test_names_come_in_the_order_of_the_world() -> None:
    assert concept_names() == NAMES
    assert len(NAMES) >= 40


@pytest.mark.parametrize("name", NAMES)
def test_the_sides_share_nothing_and_together_are_everything(name: str) -> None:
    seen, kept = looks(name, held_out=False), looks(name, held_out=True)
    assert len(seen) + len(kept) == len(COLOURS) * len(NUMBERS)
    assert {(look.colour, look.number) for look in seen}.isdisjoint(
        (look.colour, look.number) for look in kept
    )
    assert {look.concept for look in seen + kept} == {name}
    heard, spared = rings(name, held_out=False), rings(name, held_out=True)
    assert {(r.pitch, r.pace) for r in heard}.isdisjoint((r.pitch, r.pace) for r in spared)
    assert {(r.pitch, r.pace) for r in heard + spared} == set(product(PITCHES, PACES))


@pytest.mark.parametrize("name", NAMES)
def test_each_attribute_alone_is_known_to_training(name: str) -> None:
    """A held-out combination is new, but made of parts each of which was seen with this thing."""
    seen = looks(name, held_out=False)
    assert {look.colour for look in seen} == set(COLOURS)
    assert {look.number for look in seen} == set(NUMBERS)
    heard = rings(name, held_out=False)
    assert {ring.pitch for ring in heard} == set(PITCHES)
    assert {ring.pace for ring in heard} == set(PACES)


def test_about_an_eighth_of_the_looks_and_two_ninths_of_the_rings_are_kept() -> None:
    n_looks = len(NAMES) * len(COLOURS) * len(NUMBERS)
    kept = sum(len(looks(name, held_out=True)) for name in NAMES)
    assert kept / n_looks == pytest.approx(1 / 8, abs=0.03)
    assert {len(rings(name, held_out=True)) for name in NAMES} == {2}


def test_no_attribute_is_kept_much_more_often_than_another() -> None:
    """Else precision on the held-out side would measure that attribute."""
    kept = [look for name in NAMES for look in looks(name, held_out=True)]
    colours, numbers = Counter(look.colour for look in kept), Counter(look.number for look in kept)
    for counts in (colours, numbers):
        usual = len(kept) / len(counts)
        assert min(counts.values()) > usual / 2.5
        assert max(counts.values()) < usual * 2
    spared = [ring for name in NAMES for ring in rings(name, held_out=True)]
    for counted in (Counter(r.pitch for r in spared), Counter(r.pace for r in spared)):
        assert min(counted.values()) > len(spared) / 9


def test_held_out_rings_of_a_concept_differ_in_pitch_or_pace() -> None:
    for name in NAMES:
        one, other = rings(name, held_out=True)
        assert (one.pitch, one.pace) != (other.pitch, other.pace)


def test_the_split_is_written_in_stone() -> None:
    """Weights that were trained under another split would be measured on what they saw."""
    kept = [look for name in NAMES for look in looks(name, held_out=True)]
    lines = [f"{look.concept} {look.colour} {look.number}" for look in kept]
    assert all(crc32(line.encode()) % 8 == 0 for line in lines)
    assert is_held_out(Look("x", "y", 0)) == (crc32(b"x y 0") % 8 == 0)


any_look = st.builds(
    Look, st.sampled_from(NAMES), st.sampled_from(list(COLOURS)), st.sampled_from(NUMBERS)
)
any_ring = st.builds(
    Ring, st.sampled_from(NAMES), st.sampled_from(list(PITCHES)), st.sampled_from(list(PACES))
)


@given(any_look, any_ring)
def test_a_scene_is_on_the_side_where_it_is_listed(look: Look, ring: Ring) -> None:
    assert look in looks(look.concept, held_out=is_held_out(look))
    assert look not in looks(look.concept, held_out=not is_held_out(look))
    assert ring in rings(ring.concept, held_out=is_held_out(ring))
    assert ring not in rings(ring.concept, held_out=not is_held_out(ring))


@settings(max_examples=30)
@given(any_look, any_ring, st.integers(0, 2**32 - 1))
def test_held_out_sentences_are_never_written_in_training(
    look: Look, ring: Ring, seed: int
) -> None:
    """For the same scene, no draw of a training sentence is a sentence that is measured with."""
    rng = np.random.default_rng(seed)
    trained = {write_seen(look, rng, held_out=False).text for _ in range(30)}
    measured = {write_seen(look, rng, held_out=True).text for _ in range(30)}
    assert not trained & measured
    trained = {write_heard(ring, rng, held_out=False).text for _ in range(30)}
    measured = {write_heard(ring, rng, held_out=True).text for _ in range(30)}
    assert not trained & measured
