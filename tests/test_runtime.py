"""Which way the towers of a model multiply, and that it is the same model either way."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from retrieval.encoders import runtime
from retrieval.encoders.clap import clap_encoder
from retrieval.encoders.open_clip import open_clip_encoder
from retrieval.encoders.packed_linears import PackedLinear
from retrieval.encoders.runtime import RESULT, is_packed, samples, self_test
from retrieval.encoders.two_towers import TwoTowerEncoder
from retrieval.records import Modality
from tests.model_files import cosines, small_clap_config, write_clap, write_small_clip


def encoder_of(kind: str, folder: Path, precision: str = "fp32") -> TwoTowerEncoder:
    make = clap_encoder if kind == "clap" else open_clip_encoder
    return make(folder, device="cpu", precision=precision)


@pytest.fixture(scope="module", params=["clip", "clap"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("model") / str(request.param)
    if request.param == "clap":
        return write_clap(place, small_clap_config())
    return write_small_clip(place)


def encoded(encoder: TwoTowerEncoder) -> np.ndarray:
    return np.concatenate(
        [
            encoder.encode(m, [encoder.prepare(m, content) for content in samples(m)])
            for m in sorted(encoder.modalities)
        ]
    )


def packed_layers(encoder: TwoTowerEncoder) -> int:
    model = encoder.towers()._model  # type: ignore[attr-defined]
    return sum(isinstance(layer, PackedLinear) for layer in model.modules())


def choose(folder: Path, packed: bool) -> None:
    (folder / RESULT).write_text(json.dumps({"packed": packed, "cosine": 1.0, "gains": {}}))


def test_both_ways_are_the_same_model(folder: Path) -> None:
    choose(folder, packed=False)
    plain = encoder_of(folder.name, folder)
    truth = encoded(plain)
    assert packed_layers(plain) == 0
    choose(folder, packed=True)
    packed = encoder_of(folder.name, folder)
    found = encoded(packed)
    assert packed_layers(packed) > 4
    assert cosines(found, truth).min() > 0.999999
    assert packed.fingerprint == plain.fingerprint
    np.testing.assert_array_equal(found, encoded(encoder_of(folder.name, folder)))


def test_a_packed_row_does_not_depend_on_its_batch(folder: Path) -> None:
    choose(folder, packed=True)
    encoder = encoder_of(folder.name, folder)
    modality = next(m for m in encoder.modalities if m is not Modality.TEXT)
    rows = [encoder.prepare(modality, content) for content in samples(modality)]
    alone = np.concatenate([encoder.encode(modality, [row]) for row in rows])
    np.testing.assert_array_equal(encoder.encode(modality, rows), alone)


@pytest.mark.parametrize(("least", "packed"), [(0.0, True), (1e9, False)])
def test_the_self_test_decides_by_speed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, least: float, packed: bool
) -> None:
    monkeypatch.setattr(runtime, "LEAST_GAIN", least)
    result = self_test(encoder_of(folder.name, folder))
    assert result["packed"] is packed
    assert result["cosine"] > 0.999999
    assert all(gain > 0 for gain in result["gains"].values())
    assert is_packed(folder) is packed


def test_vectors_of_another_model_are_never_taken(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "LEAST_GAIN", 0.0)
    monkeypatch.setattr(runtime, "LEAST_COSINE", 1.01)
    assert not self_test(encoder_of(folder.name, folder))["packed"]
    assert not is_packed(folder)


def test_there_is_no_choice_in_another_precision(folder: Path) -> None:
    choose(folder, packed=True)
    assert self_test(encoder_of(folder.name, folder, "bf16")) == {}
    assert not (folder / RESULT).exists()


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"packed": true}', '{"packed": true, "cosine": 0.9}']
)
def test_a_damaged_result_means_torch_as_it_comes(folder: Path, text: str) -> None:
    (folder / RESULT).write_text(text)
    assert not is_packed(folder)
    assert not is_packed(None)
