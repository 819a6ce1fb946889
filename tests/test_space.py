"""The joint space: who embeds what, and how things meet natively or over a bridge."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from retrieval import Modality, ModelSet
from retrieval.bridge import Bridge, Pairs, fit_bridge
from retrieval.calibration import FILE, Calibration
from retrieval.encoders.fake import WINDOWS, FakeEncoder, fake_model_set
from retrieval.encoders.model_set import load_model_set
from retrieval.errors import ModelError
from retrieval.space import SHIPPED_COUNTS, UNKNOWN_COUNTS, JointSpace
from retrieval.vectors import Vector, centred, unit_rows
from tests.pair_models import bridged_model_set, pair_model_set
from tests.two_spaces import TwoSpaces


def nothing(space: str, modality: Modality) -> Vector | None:
    return None


def test_one_space_covers_all() -> None:
    space = JointSpace(fake_model_set())
    assert space.dims == {"fake": 4}
    for query, target in product(Modality, Modality):
        assert space.shared(query, target) == ("fake",)
        assert space.meets(query, target)


def test_a_byte_that_no_terminal_decodes_is_no_word() -> None:
    space = JointSpace(load_model_set("mini"))
    typed, meant = (space.embed_query(words)["mini"] for words in ("a dog \udcff", "a dog ?"))
    np.testing.assert_array_equal(typed, meant)


def test_two_spaces_share_what_both_have() -> None:
    space = JointSpace(pair_model_set(None))
    assert space.spaces_of(Modality.TEXT) == ("heard", "seen")
    assert space.shared(Modality.TEXT, Modality.TEXT) == ("heard", "seen")
    assert space.shared(Modality.TEXT, Modality.IMAGE) == ("seen",)
    assert space.shared(Modality.IMAGE, Modality.AUDIO) == ()
    assert not space.meets(Modality.IMAGE, Modality.AUDIO)
    with pytest.raises(ModelError, match="no bridge from image to audio"):
        space.cosines(Modality.IMAGE, {}, Modality.AUDIO, {}, nothing)
    with pytest.raises(ModelError, match="no bridge to heard for image"):
        space.joint(Modality.IMAGE, [np.zeros((4, 4, 3), np.uint8)])


@pytest.mark.parametrize(
    ("encoders", "message"),
    [
        ((FakeEncoder(modalities=frozenset({Modality.TEXT})),), "no encoder for image"),
        ((FakeEncoder(), FakeEncoder(seed=1)), "two encoders for"),
    ],
)
def test_a_set_that_does_not_fit(encoders: tuple[FakeEncoder, ...], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        JointSpace(ModelSet("odd", encoders, WINDOWS))


def test_fitted_parts_come_from_the_folder(tmp_path: Path) -> None:
    Calibration(level=0.7, source="here").save(tmp_path / FILE)
    space = JointSpace(bridged_model_set(tmp_path))
    assert space.calibration.level == 0.7
    assert [bridge.spaces for bridge in space.bridges] == [("heard", "seen")]
    assert space.meets(Modality.IMAGE, Modality.AUDIO)
    (tmp_path / FILE).write_text("{")
    with pytest.raises(ModelError, match="damaged"):
        JointSpace(pair_model_set(tmp_path))


def bridged() -> tuple[JointSpace, TwoSpaces, Bridge]:
    """The known world, in a space whose bridge was fitted on its captions."""
    world = TwoSpaces.make(5)
    bridge = fit_bridge(("seen", "heard"), Pairs(*world.captions()))
    return JointSpace(pair_model_set(None), bridges=[bridge]), world, bridge


def test_both_ways_over_the_bridge_are_averaged() -> None:
    space, world, bridge = bridged()
    which = np.arange(20)
    pictures = world.rows("seen", Modality.IMAGE, which, 0.3, 5)
    sounds = world.rows("heard", Modality.AUDIO, which, 0.3, 6)
    means = {
        ("seen", Modality.IMAGE): pictures.mean(axis=0),
        ("heard", Modality.AUDIO): sounds.mean(axis=0),
    }
    x = centred(pictures, means["seen", Modality.IMAGE])
    y = centred(sounds, means["heard", Modality.AUDIO])
    by_hand = (bridge.apply(x, "seen") @ y.T + x @ bridge.apply(y, "heard").T) / 2
    for i in range(3):
        found = space.cosines(
            Modality.IMAGE,
            {"seen": pictures[i]},
            Modality.AUDIO,
            {"heard": sounds},
            lambda s, m: means.get((s, m)),
        )
        np.testing.assert_allclose(found, by_hand[i], atol=1e-5)
        back = space.cosines(
            Modality.AUDIO,
            {"heard": sounds[i]},
            Modality.IMAGE,
            {"seen": pictures},
            lambda s, m: means.get((s, m)),
        )
        np.testing.assert_allclose(back, by_hand[:, i], atol=1e-5)


def test_the_way_to_look_is_the_bridged_query() -> None:
    space, world, bridge = bridged()
    picture = world.rows("seen", Modality.IMAGE, np.array([3]), 0.3, 5)
    ((name, row),) = space.routes(Modality.IMAGE, {"seen": picture[0]}, Modality.AUDIO, nothing)
    assert name == "heard"
    np.testing.assert_allclose(row, bridge.apply(picture, "seen")[0], atol=1e-6)
    ((name, row),) = space.routes(Modality.IMAGE, {"seen": picture[0]}, Modality.TEXT, nothing)
    assert name == "seen"
    np.testing.assert_array_equal(row, picture[0])


def test_text_meets_pictures_as_without_a_bridge() -> None:
    space, world, _ = bridged()
    texts = world.rows("seen", Modality.TEXT, np.arange(9), 0.3, 1)
    pictures = world.rows("seen", Modality.IMAGE, np.arange(9), 0.3, 5)
    for text in texts:
        blocks = {"seen": text, "heard": text[:32]}
        found = space.cosines(Modality.TEXT, blocks, Modality.IMAGE, {"seen": pictures}, nothing)
        np.testing.assert_array_equal(found, pictures.astype(float) @ text.astype(float))


def test_means_are_weighed_by_their_counts() -> None:
    space, _, bridge = bridged()
    own = np.full(40, 0.5, np.float32)
    shipped = bridge.means["seen", Modality.TEXT]
    assert space.adapted_mean("seen", Modality.TEXT, None, 0) is shipped
    even = space.adapted_mean("seen", Modality.TEXT, own, SHIPPED_COUNTS)
    assert even is not None
    np.testing.assert_allclose(even, (own + shipped) / 2, atol=1e-6)
    half = space.adapted_mean("seen", Modality.IMAGE, own, UNKNOWN_COUNTS)
    assert half is not None
    np.testing.assert_allclose(half, own / 2, atol=1e-6)
    assert space.adapted_mean("seen", Modality.IMAGE, None, 0) is None


def test_joined_rows_are_native_where_they_can_be() -> None:
    space, world, bridge = bridged()
    pictures = world.rows("seen", Modality.IMAGE, np.arange(4), 0.3, 5)
    joined = space.joined(Modality.IMAGE, {"seen": pictures})
    # Blocks by name, each of length 1 before the whole is scaled to length 1.
    expected = unit_rows(np.hstack([bridge.apply(pictures, "seen"), pictures]))
    np.testing.assert_allclose(joined, expected, atol=1e-6)
