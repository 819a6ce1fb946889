"""The bridge: its equations, its geometry, its file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from retrieval.bridge import Bridge, NormalEquations, Pairs, fit_bridge
from retrieval.errors import ModelError
from retrieval.records import Modality
from retrieval.relay import Relay
from retrieval.vectors import centred, unit_rows
from tests.two_spaces import TwoSpaces


@pytest.fixture(scope="module")
def world() -> TwoSpaces:
    return TwoSpaces.make()


@pytest.fixture(scope="module")
def bridge(world: TwoSpaces) -> Bridge:
    seen, heard, groups = world.captions()
    return fit_bridge(("seen", "heard"), Pairs(seen, heard, groups), bank="abc")


@settings(max_examples=25)
@given(
    n=st.integers(1, 60),
    dims=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    cut=st.integers(0, 60),
    lam=st.sampled_from([1e-4, 4e-3, 0.5]),
)
def test_streaming_equals_a_direct_solve(
    n: int, dims: tuple[int, int], cut: int, lam: float
) -> None:
    rng = np.random.default_rng(n)
    x = unit_rows(rng.standard_normal((n, dims[0])))
    y = unit_rows(rng.standard_normal((n, dims[1])))
    sums = NormalEquations(*dims)
    sums.add(x[:cut], y[:cut])
    sums.add(x[cut:], y[cut:])
    # Ridge regression as ordinary least squares on rows that pull the map to zero.
    for one, other, found in ((x, y, sums.forth(lam)), (y, x, sums.back(lam))):
        pull = np.sqrt(lam * n) * np.eye(one.shape[1])
        direct, *_ = np.linalg.lstsq(
            np.vstack([one.astype(float), pull]),
            np.vstack([other.astype(float), np.zeros((one.shape[1], other.shape[1]))]),
            rcond=None,
        )
        np.testing.assert_allclose(found, direct, atol=1e-9)


def test_a_weight_counts_as_repeats() -> None:
    rng = np.random.default_rng(3)
    x, y = unit_rows(rng.standard_normal((8, 5))), unit_rows(rng.standard_normal((8, 4)))
    heavy, repeated = NormalEquations(5, 4), NormalEquations(5, 4)
    heavy.add(x, y, weight=3)
    for _ in range(3):
        repeated.add(x, y)
    np.testing.assert_allclose(heavy.forth(0.01), repeated.forth(0.01), atol=1e-12)


def test_centring_takes_the_mean_away(world: TwoSpaces) -> None:
    seen, _, _ = world.captions()
    assert np.linalg.norm(seen.mean(axis=0)) > 0.5
    rows = centred(seen, seen.mean(axis=0))
    assert np.linalg.norm(rows.mean(axis=0)) < 0.05
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)


def test_centring_changes_no_argument(world: TwoSpaces) -> None:
    seen, _, _ = world.captions()
    before = seen.copy()
    centred(seen, seen.mean(axis=0))
    np.testing.assert_array_equal(seen, before)


def test_a_picture_finds_its_sound(world: TwoSpaces, bridge: Bridge) -> None:
    which = np.arange(len(world.things))
    pictures = world.rows("seen", Modality.IMAGE, which, 0.3, 5)
    sounds = world.rows("heard", Modality.AUDIO, which, 0.3, 6)
    there = bridge.apply(centred(pictures, pictures.mean(axis=0)), "seen")
    cosines = there @ centred(sounds, sounds.mean(axis=0)).T
    first = (cosines.argmax(axis=1) == which).mean()
    assert first > 0.9
    off_topic = cosines[~np.eye(len(which), dtype=bool)]
    assert abs(np.median(off_topic)) < 0.05
    # Without centring every picture meets the modality gap instead of its sound.
    raw = bridge.apply(pictures, "seen") @ sounds.T
    assert (raw.argmax(axis=1) == which).mean() < first


def test_and_the_way_back(world: TwoSpaces, bridge: Bridge) -> None:
    which = np.arange(len(world.things))
    sounds = world.rows("heard", Modality.AUDIO, which, 0.3, 6)
    pictures = world.rows("seen", Modality.IMAGE, which, 0.3, 5)
    there = bridge.apply(centred(sounds, sounds.mean(axis=0)), "heard")
    assert there.shape == (len(which), 40)
    cosines = there @ centred(pictures, pictures.mean(axis=0)).T
    assert (cosines.argmax(axis=1) == which).mean() > 0.9


@pytest.mark.parametrize("relayed", [True, False])
def test_both_ways_across_find_it(world: TwoSpaces, bridge: Bridge, relayed: bool) -> None:
    chosen = bridge if relayed else replace(bridge, relay=None)
    which = np.arange(len(world.things))
    pictures = world.rows("seen", Modality.IMAGE, which, 0.3, 5)
    sounds = world.rows("heard", Modality.AUDIO, which, 0.3, 6)
    there = chosen.apply(centred(pictures, pictures.mean(axis=0)), "seen")
    cosines = there @ centred(sounds, sounds.mean(axis=0)).T
    assert (cosines.argmax(axis=1) == which).mean() > 0.9


def test_the_relay_by_hand() -> None:
    things = {"a": np.eye(3, dtype=np.float32), "b": unit_rows([[1, 0], [0, 1], [-1, 0]])}
    relay = Relay(things, temperature=0.5)
    row = unit_rows([[0.9, 0.3, 0.1]])
    z = (row[0] - row[0].mean()) / row[0].std()
    weights = np.exp(z / 0.5)
    expected = unit_rows((weights @ things["b"])[None, :])
    found = relay.carry(row, "a", "b", {"b": np.zeros(2, np.float32)})
    np.testing.assert_allclose(found, expected, atol=1e-6)
    # How far apart pictures and captions lie does not matter, only the order of nearness.
    shifted = replace(relay, things=things | {"a": unit_rows(things["a"] + 0.4)})
    closer = shifted.carry(row, "a", "b", {"b": np.zeros(2, np.float32)})
    np.testing.assert_allclose(closer, expected, atol=1e-5)


def test_the_relay_is_undisturbed_by_captions_from_elsewhere(world: TwoSpaces) -> None:
    """Half of the bank is about things that the two encoders put anywhere."""
    seen, heard, groups = world.captions()
    rng = np.random.default_rng(3)
    n = len(groups)
    noise = [
        unit_rows(rng.standard_normal((n, d)) + 1.2 * rng.standard_normal(d)) for d in (40, 32)
    ]
    bank = Pairs(
        np.concatenate([seen, noise[0]]),
        np.concatenate([heard, noise[1]]),
        [*groups, *(1000 + g for g in groups)],
    )
    mixed = fit_bridge(("seen", "heard"), bank)
    which = np.arange(len(world.things))
    pictures = world.rows("seen", Modality.IMAGE, which, 0.3, 5)
    sounds = world.rows("heard", Modality.AUDIO, which, 0.3, 6)
    there = mixed.apply(centred(pictures, pictures.mean(axis=0)), "seen")
    cosines = there @ centred(sounds, sounds.mean(axis=0)).T
    assert (cosines.argmax(axis=1) == which).mean() > 0.8


def test_lambda_is_chosen_by_what_was_held_out(world: TwoSpaces) -> None:
    clean = fit_bridge(("seen", "heard"), Pairs(*world.captions(noise=0.01)))
    noisy = fit_bridge(("seen", "heard"), Pairs(*world.captions(per_thing=2, noise=1.5)))
    assert clean.lambdas["seen"] < noisy.lambdas["seen"]


def test_too_few_captions() -> None:
    rows = unit_rows(np.eye(5))
    with pytest.raises(ValueError, match="5 groups of captions are too few"):
        fit_bridge(("a", "b"), Pairs(rows, rows, range(5)))


def test_the_file_holds_everything(bridge: Bridge, tmp_path: Path) -> None:
    path = tmp_path / "x.bridge.safetensors"
    bridge.save(path)
    read = Bridge.load(path)
    assert read.spaces == ("seen", "heard")
    assert read.bank == "abc"
    assert read.lambdas == bridge.lambdas
    for source, rows in bridge.maps.items():
        np.testing.assert_array_equal(read.maps[source], rows)
    assert set(read.means) == {("seen", Modality.TEXT), ("heard", Modality.TEXT)}
    for key, row in bridge.means.items():
        np.testing.assert_array_equal(read.means[key], row)
    assert read.relay is not None
    assert bridge.relay is not None
    assert read.relay.temperature == bridge.relay.temperature
    for space, rows in bridge.relay.things.items():
        np.testing.assert_array_equal(read.relay.things[space], rows)
    assert read.other("seen") == "heard"
    assert read.other("heard") == "seen"


@pytest.mark.parametrize("damage", ["short", "empty", "other"])
def test_a_damaged_file_says_what_to_do(bridge: Bridge, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "x.bridge.safetensors"
    bridge.save(path)
    if damage == "short":
        path.write_bytes(path.read_bytes()[:500])
    elif damage == "empty":
        path.write_bytes(b"")
    else:
        save_file({"map/seen": np.eye(2, dtype=np.float32)}, path)
    with pytest.raises(ModelError, match=r"is damaged .* anyseek models fit-bridge"):
        Bridge.load(path)
