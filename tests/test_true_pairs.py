"""True pairs: taken from films by their seconds, taken in only where they help."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from retrieval import Kind, Library, Modality, Moment
from retrieval.bridge import Pairs, fit_bridge
from retrieval.catalog.transaction import EncodedMoment, FileState, NewContent
from retrieval.true_pairs import adapt_bridge, film_pairs
from retrieval.vectors import unit_rows
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


def test_pairs_that_tell_what_captions_do_not_are_taken_in() -> None:
    """In films a thing looks otherwise than it is written of; the captions cannot know."""
    world = TwoSpaces.make(1)
    captions = Pairs(*world.captions(noise=0.6))
    bridge = fit_bridge(("seen", "heard"), captions)
    rng = np.random.default_rng(0)
    films = rng.integers(0, len(world.things), 250)
    pictures = world.rows("seen", Modality.IMAGE, films, 0.3, 11)
    sounds = world.rows("heard", Modality.AUDIO, films, 0.3, 12)
    turned = np.linalg.qr(rng.standard_normal((40, 40)))[0][:, :40].astype(np.float32)
    turned = (0.5 * np.eye(40) + 0.8 * turned).astype(np.float32)
    adapted = adapt_bridge(
        bridge, captions, Pairs(unit_rows(pictures @ turned), sounds, range(250))
    )
    assert adapted is not None
    assert adapted.after > adapted.before + 0.02
    assert adapted.bridge.spaces == bridge.spaces
    assert not np.array_equal(adapted.bridge.maps["seen"], bridge.maps["seen"])


def test_pairs_that_are_none_are_left_out() -> None:
    world = TwoSpaces.make(2)
    captions = Pairs(*world.captions())
    bridge = fit_bridge(("seen", "heard"), captions)
    films = np.arange(60).repeat(4)
    pictures = world.rows("seen", Modality.IMAGE, films, 0.3, 11)
    sounds = world.rows("heard", Modality.AUDIO, films, 0.3, 12)
    muddled = Pairs(pictures, np.random.default_rng(0).permutation(sounds), range(240))
    adapted = adapt_bridge(bridge, captions, muddled)
    assert adapted is None or adapted.after < 0.1


def test_too_few_to_judge() -> None:
    world = TwoSpaces.make(3)
    captions = Pairs(*world.captions())
    bridge = fit_bridge(("seen", "heard"), captions)
    few = np.arange(30)
    pictures = world.rows("seen", Modality.IMAGE, few, 0.3, 11)
    sounds = world.rows("heard", Modality.AUDIO, few, 0.3, 12)
    assert adapt_bridge(bridge, captions, Pairs(pictures, sounds, range(30))) is None
