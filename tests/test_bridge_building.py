"""Building bridges: files, progress, and a picture that finds its sound through them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from retrieval import Library
from retrieval.bridge import Bridge
from retrieval.bridge_building import bank_fingerprint, bridge_file, build_bridges
from retrieval.encoders.fake import fake_model_set
from retrieval.errors import QueryError
from retrieval.hubness import BATCH
from retrieval.records import Modality
from retrieval.space import JointSpace
from tests.media_files import COLOURS
from tests.pair_models import CAPTIONS, bridged_model_set, pair_model_set


def test_files_of_a_set_with_two_spaces(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    space = JointSpace(pair_model_set(None))
    written = build_bridges(
        space, tmp_path / "new", captions=CAPTIONS, progress=lambda *done: calls.append(done)
    )
    assert [path.name for path in written] == [
        "hub_bank.safetensors",
        "heard+seen.bridge.safetensors",
    ]
    assert calls[-1] == (len(CAPTIONS), len(CAPTIONS))
    bridge = Bridge.load(written[1])
    assert bridge.spaces == ("heard", "seen")
    assert bridge.bank == bank_fingerprint(space.model_set, CAPTIONS)
    assert bridge.bank != bank_fingerprint(space.model_set, CAPTIONS[1:])


def test_one_space_needs_no_bridge(tmp_path: Path) -> None:
    written = build_bridges(JointSpace(fake_model_set()), tmp_path)
    assert [path.name for path in written] == ["hub_bank.safetensors"]


def test_the_bridge_does_not_change_the_fingerprint(tmp_path: Path) -> None:
    assert bridged_model_set(tmp_path).fingerprint == pair_model_set(None).fingerprint


@pytest.fixture
def bridged(tmp_path: Path, media: Path) -> Library:
    library = Library.open(tmp_path / "bridged", models=bridged_model_set(tmp_path / "models"))
    for path in sorted(media.iterdir()):
        library.add(path)
    return library


@pytest.mark.parametrize(("colour", "pitch"), [*zip(COLOURS, ["low", "mid", "high"], strict=True)])
def test_a_picture_finds_its_sound_and_back(
    bridged: Library, media: Path, colour: str, pitch: str
) -> None:
    sounds = bridged.search(media / f"{colour}.png", kinds=["audio"])
    assert sounds[0].path.name == f"{pitch}.wav"
    assert sounds[0].score > sounds[1].score
    pictures = bridged.search(media / f"{pitch}.wav", kinds=["image"])
    assert pictures[0].path.name == f"{colour}.png"


def test_native_answers_stay_as_they_are(bridged: Library, tmp_path: Path, media: Path) -> None:
    with Library.open(tmp_path / "plain", models=pair_model_set(None)) as plain:
        for path in sorted(media.iterdir()):
            plain.add(path)
        for words in ("red", "low blue", "something green"):
            for kind in ("text", "image", "audio"):
                with_bridge = bridged.search(words, kinds=[kind])
                without = plain.search(words, kinds=[kind])
                assert [(h.path.name, h.cosine) for h in with_bridge] == [
                    (h.path.name, h.cosine) for h in without
                ]


def test_without_a_bridge_the_message_says_how_to_make_one(tmp_path: Path, media: Path) -> None:
    with Library.open(tmp_path / "plain", models=pair_model_set(None)) as plain:
        for path in sorted(media.iterdir()):
            plain.add(path)
        with pytest.raises(QueryError, match="anyseek models fit-bridge"):
            plain.search(media / "red.png", kinds=["audio"])
        # What can be compared is found all the same.
        kinds = {hit.kind for hit in plain.search(media / "red.png")}
        assert kinds == {"image", "text"}


def test_joint_vectors_have_every_block(bridged: Library) -> None:
    space = bridged.space
    picture = np.full((8, 8, 3), (255, 0, 0), dtype=np.uint8)
    text = space.joint(Modality.TEXT, ["red"])
    image = space.joint(Modality.IMAGE, [picture])
    assert text.shape == image.shape == (1, 8)
    np.testing.assert_allclose(np.linalg.norm(np.vstack([text, image]), axis=1), 1, atol=1e-6)
    native = space.embed(Modality.IMAGE, [picture])["seen"]
    np.testing.assert_allclose(image[0, 4:] * np.sqrt(2), native[0], atol=1e-6)
    assert np.abs(image[0, :4]).max() > 0.1


def test_progress_is_told_after_every_batch(tmp_path: Path) -> None:
    captions = [f"{CAPTIONS[i % len(CAPTIONS)]} {i}" for i in range(2 * BATCH + 3)]
    calls: list[tuple[int, int]] = []
    build_bridges(
        JointSpace(pair_model_set(None)),
        tmp_path,
        captions=captions,
        progress=lambda *done: calls.append(done),
    )
    total = len(captions)
    assert calls == [(BATCH, total), (2 * BATCH, total), (total, total)]


def test_the_same_captions_make_the_same_tensors(tmp_path: Path) -> None:
    """The order of a file's facts is left to safetensors; what it holds is the same."""
    for name in ("one", "two"):
        build_bridges(JointSpace(pair_model_set(None)), tmp_path / name, captions=CAPTIONS)
    for file in sorted((tmp_path / "one").iterdir()):
        first, second = load_file(file), load_file(tmp_path / "two" / file.name)
        assert first.keys() == second.keys()
        for name, tensor in first.items():
            np.testing.assert_array_equal(tensor, second[name])


def test_a_file_is_named_by_its_spaces_whatever_they_are_called(tmp_path: Path) -> None:
    build_bridges(JointSpace(pair_model_set(None)), tmp_path, captions=CAPTIONS)
    bridge = Bridge.load(tmp_path / "heard+seen.bridge.safetensors")
    odd = replace(bridge, spaces=("laion/clap:v1", "ViT-B-16"))
    assert bridge_file(odd) == "laion-clap-v1+ViT-B-16.bridge.safetensors"


def test_the_fingerprint_of_a_bank_knows_captions_their_order_and_the_encoders() -> None:
    models = pair_model_set(None)
    prints = {
        bank_fingerprint(models, ["a", "b"]),
        bank_fingerprint(models, ["b", "a"]),
        bank_fingerprint(models, ["a"]),
        bank_fingerprint(fake_model_set(), ["a", "b"]),
    }
    assert len(prints) == 4
    assert bank_fingerprint(models, ["a", "b"]) == bank_fingerprint(models, ("a", "b"))
