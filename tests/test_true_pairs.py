"""True pairs: taken from films by their seconds, taken in only where they help."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from retrieval import Kind, Library, Modality, Moment
from retrieval.bridge import Bridge, Pairs, fit_bridge
from retrieval.catalog.new_content import EncodedMoment, FileState, NewContent
from retrieval.relay import Relay
from retrieval.true_pairs import adapt_bridge, film_pairs
from retrieval.vectors import centred, unit_rows
from tests.pair_models import pair_model_set
from tests.two_spaces import TwoSpaces


def test_frames_meet_the_sound_of_the_same_seconds(tmp_path: Path) -> None:
    frames = {0.0: [1, 0, 0, 0], 1.0: [0, 1, 0, 0], 5.0: [0, 0, 1, 0]}
    sounds = {(0.0, 2.0): [0, 0, 0, 1], (4.0, 6.0): [0, 1, 0, 0], (8.0, 10.0): [1, 0, 0, 0]}
    moments = [
        EncodedMoment(Moment(Modality.IMAGE, s, s), {"seen": np.array(row, np.float32)})
        for s, row in frames.items()
    ] + [
        EncodedMoment(Moment(Modality.AUDIO, a, b), {"heard": np.array(row, np.float32)})
        for (a, b), row in sounds.items()
    ]
    with Library.open(tmp_path / "lib", models=pair_model_set(None)) as library:
        assert len(film_pairs(library, "seen", "heard").groups) == 0
        with library.catalog.transaction() as transaction:
            root = transaction.add_root("r", "/r")
            content = NewContent("h", Kind.VIDEO, moments)
            film = transaction.add(root, "film.mp4", FileState(1, 1), content)
        pairs = film_pairs(library, "seen", "heard")
    assert pairs.groups == [film, film]
    np.testing.assert_allclose(pairs.first, unit_rows([[1, 1, 0, 0], [0, 0, 1, 0]]), atol=1e-6)
    np.testing.assert_array_equal(pairs.second, [[0, 0, 0, 1], [0, 1, 0, 0]])


@pytest.fixture(scope="module")
def world() -> TwoSpaces:
    return TwoSpaces.make(1)


@pytest.fixture(scope="module")
def bridge(world: TwoSpaces) -> Bridge:
    return fit_bridge(("seen", "heard"), Pairs(*world.captions(noise=1.0)))


def films(world: TwoSpaces, n: int, seed: int) -> Pairs:
    """Pictures as no caption tells of them, half turned another way, and their sounds."""
    rng = np.random.default_rng(seed)
    which = rng.integers(0, len(world.things), n)
    pictures = world.rows("seen", Modality.IMAGE, which, 0.3, 11 + seed)
    sounds = world.rows("heard", Modality.AUDIO, which, 0.3, 12 + seed)
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((40, 40)))[0]
    turned = pictures @ (0.5 * np.eye(40) + 0.8 * turn).astype(np.float32)
    return Pairs(unit_rows(turned), sounds, range(n))


def reciprocal_rank(bridge: Bridge, pairs: Pairs) -> float:
    """Written anew: how soon the sounds of pictures come."""
    x, y = (centred(rows, rows.mean(axis=0)) for rows in (pairs.first, pairs.second))
    cosines = bridge.apply(x, "seen") @ y.T + x @ bridge.apply(y, "heard").T
    return float(np.mean([1 / (1 + (row > row[i]).sum()) for i, row in enumerate(cosines)]))


def test_pairs_that_tell_what_captions_do_not_are_taken_in(
    world: TwoSpaces, bridge: Bridge
) -> None:
    adapted = adapt_bridge(bridge, films(world, 800, 0))
    assert adapted is not None
    assert adapted.gain is not None
    before, after = adapted.gain
    assert after > before + 0.02
    assert adapted.relay is not None
    assert len(adapted.relay.pairs["seen"]) == len(adapted.relay.pairs["heard"]) == 800
    # What was promised on held-out films holds for films that it never met.
    others = films(world, 150, 5)
    assert reciprocal_rank(adapted, others) > reciprocal_rank(bridge, others) + 0.02


def test_order_of_the_spaces_does_not_matter(world: TwoSpaces, bridge: Bridge) -> None:
    pairs = films(world, 800, 0)
    other_way = replace(bridge, spaces=("heard", "seen"))
    one, other = adapt_bridge(bridge, pairs), adapt_bridge(other_way, pairs.turned())
    assert one is not None
    assert other is not None
    assert one.gain == pytest.approx(other.gain)


@pytest.mark.parametrize("seed", range(5))
def test_pairs_that_are_none_are_left_out(world: TwoSpaces, bridge: Bridge, seed: int) -> None:
    pairs = films(world, 300, seed)
    muddled = replace(pairs, second=np.random.default_rng(seed).permutation(pairs.second))
    assert adapt_bridge(bridge, muddled) is None
    taken = adapt_bridge(bridge, muddled, regardless=True)
    assert taken is not None
    assert taken.gain is not None
    before, after = taken.gain
    assert after < before + 0.05, "what was taken in regardless tells that it is no gain"


def test_too_few_to_judge(world: TwoSpaces, bridge: Bridge) -> None:
    assert adapt_bridge(bridge, films(world, 49, 0)) is None
    one_film = replace(films(world, 300, 0), groups=[7] * 300)
    assert adapt_bridge(bridge, one_film) is None


def test_a_bridge_without_a_relay_stays_as_it_is(world: TwoSpaces, bridge: Bridge) -> None:
    assert adapt_bridge(replace(bridge, relay=None), films(world, 800, 0)) is None


def test_more_pairs_than_a_query_can_bear_are_thinned_out(
    world: TwoSpaces, bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrieval.true_pairs.MOST_PAIRS", 400)
    adapted = adapt_bridge(bridge, films(world, 800, 0))
    assert adapted is not None
    assert adapted.relay is not None
    assert len(adapted.relay.pairs["seen"]) == 400


def test_a_handicap_gives_captions_their_say() -> None:
    """By hand: two things, one pair; the row is at the pair, and a little at the second thing."""
    things = {"a": np.eye(2, dtype=np.float32), "b": unit_rows([[1, 0, 0], [0, 1, 0]])}
    means = {s: np.zeros(rows.shape[1], np.float32) for s, rows in things.items()}
    pairs = {"a": unit_rows([[0.6, 0.8]]), "b": unit_rows([[0, 0, 1]])}
    row = unit_rows([[0.6, 0.8]])
    for handicap in (0.0, 0.3):
        found = Relay(things, 0.3, pairs, handicap).carry(row, "a", "b", means)
        cosines = np.array([0.6, 0.8, 1.0 - handicap])
        weights = np.exp((cosines - cosines.mean()) / cosines.std() / 0.3)
        np.testing.assert_allclose(found, unit_rows(weights[None, :]), atol=1e-6)
