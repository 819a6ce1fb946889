"""Our CLAP encoder against transformers' own functions on the same weights and inputs."""

from __future__ import annotations

import json
import shutil
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from transformers import AutoTokenizer, ClapFeatureExtractor, ClapModel, ClapProcessor

from retrieval.encoders.clap import clap_encoder, refuse
from retrieval.encoders.encoder import Encoder
from retrieval.encoders.two_towers import TwoTowerEncoder
from retrieval.errors import ModelError
from retrieval.records import Modality
from tests.model_files import (
    SAMPLE_RATE_HZ,
    SENTENCES,
    cosines,
    small_clap_config,
    sounds,
    write_clap,
)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """HTSAT-tiny in true size and a text tower of true width."""
    return write_clap(tmp_path_factory.mktemp("published") / "clap")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clap(tmp_path_factory.mktemp("small") / "clap", small_clap_config())


@pytest.fixture(scope="module")
def encoder(small: Path) -> TwoTowerEncoder:
    return clap_encoder(small, precision="fp32")


def encode(
    encoder: TwoTowerEncoder, modality: Modality, contents: list[Any]
) -> npt.NDArray[np.float32]:
    return encoder.encode(modality, [encoder.prepare(modality, c) for c in contents])


def test_the_true_architecture_gives_upstream_s_own_vectors(published: Path) -> None:
    ours = clap_encoder(published, precision="fp32")
    heard = encode(ours, Modality.AUDIO, list(sounds()))
    read = encode(ours, Modality.TEXT, SENTENCES)

    model = ClapModel.from_pretrained(published)
    processor = ClapProcessor(  # type: ignore[no-untyped-call]
        ClapFeatureExtractor.from_pretrained(published), AutoTokenizer.from_pretrained(published)
    )
    with torch.inference_mode():
        audio = processor(audio=sounds(), sampling_rate=SAMPLE_RATE_HZ, return_tensors="pt")
        listened = model.get_audio_features(**audio).pooler_output.numpy()
        text = processor(
            text=SENTENCES, return_tensors="pt", padding=True, truncation=True, max_length=77
        )
        told = model.get_text_features(**text).pooler_output.numpy()

    assert heard.shape == (len(sounds()), 512)
    assert cosines(heard, listened).min() >= 0.9999
    assert cosines(read, told).min() >= 0.9999
    # The test would see one content taken for another.
    assert cosines(heard, np.roll(listened, 1, axis=0)).min() < 0.9
    assert cosines(read, np.roll(told, 1, axis=0)).max() < 0.999


def test_it_is_an_encoder(encoder: TwoTowerEncoder) -> None:
    assert isinstance(encoder, Encoder)
    assert encoder.dim == 64
    assert encoder.modalities == {Modality.TEXT, Modality.AUDIO}
    with pytest.raises(ValueError, match="does not encode image"):
        encoder.encode(Modality.IMAGE, [])


@pytest.mark.parametrize("samples", [0, 480_001, 30 * SAMPLE_RATE_HZ])
def test_what_is_no_window_is_refused_and_never_cut_at_random(
    encoder: TwoTowerEncoder, samples: int
) -> None:
    with pytest.raises(ValueError, match="expected 1 to 480000 samples of one window"):
        encoder.prepare(Modality.AUDIO, np.zeros(samples, np.float32))


def test_a_sound_is_not_changed_in_place(encoder: TwoTowerEncoder) -> None:
    sound = sounds()[4]
    before = sound.copy()
    encoder.prepare(Modality.AUDIO, sound)
    np.testing.assert_array_equal(sound, before)


@pytest.mark.parametrize("modality", [Modality.AUDIO, Modality.TEXT])
def test_a_vector_does_not_depend_on_its_company(
    encoder: TwoTowerEncoder, modality: Modality
) -> None:
    contents: list[Any] = list(sounds()) if modality is Modality.AUDIO else SENTENCES
    prepared = [encoder.prepare(modality, c) for c in contents]
    together = encoder.encode(modality, prepared)
    for size in (1, 2, 5):
        pieces = [prepared[i : i + size] for i in range(0, len(prepared), size)]
        apart = np.concatenate([encoder.encode(modality, p) for p in pieces])
        np.testing.assert_array_equal(apart, together)
    order = np.random.default_rng(0).permutation(len(prepared))
    shuffled = encoder.encode(modality, [prepared[i] for i in order])
    np.testing.assert_array_equal(shuffled, together[order])


def test_a_text_is_filled_up_to_one_of_a_few_lengths(encoder: TwoTowerEncoder) -> None:
    lengths = {}
    for sentence in SENTENCES:
        tokens, mask = encoder.prepare(Modality.TEXT, sentence)
        assert tokens.shape == mask.shape
        assert (tokens[mask == 0] == 1).all()
        lengths[sentence] = len(tokens)
    assert lengths["thunder"] == 16
    assert max(lengths.values()) == 77
    assert set(lengths.values()) <= {16, 32, 77}


def test_threads_may_prepare_at_once(encoder: TwoTowerEncoder) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda s: encoder.prepare(Modality.TEXT, s), SENTENCES * 10))
    for i, (tokens, _) in enumerate(made):
        np.testing.assert_array_equal(tokens, encoder.prepare(Modality.TEXT, SENTENCES[i % 7])[0])


def test_bf16_is_close_because_decibels_stay_exact(small: Path, encoder: TwoTowerEncoder) -> None:
    lower = clap_encoder(small, precision="bf16")
    for modality, contents in ((Modality.AUDIO, list(sounds())), (Modality.TEXT, SENTENCES)):
        near = cosines(encode(lower, modality, contents), encode(encoder, modality, contents))
        assert 0.999 < near.min() < 1.0
    assert lower.fingerprint != encoder.fingerprint


def test_no_network_call_and_nothing_shown_with_weights_there(
    small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError("a network call")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, fail)
    monkeypatch.setattr(socket, "getaddrinfo", fail)
    encode(clap_encoder(small), Modality.TEXT, ["a dog"])
    assert capsys.readouterr() == ("", "")


def test_the_collapsed_model_is_refused_with_its_reason(small: Path) -> None:
    with pytest.raises(ModelError, match=r"larger_clap_music is refused: its text tower has coll"):
        clap_encoder(small, name="clap:laion/larger_clap_music")
    refuse("clap:laion/larger_clap_general")


def test_fused_models_are_refused(small: Path, tmp_path: Path) -> None:
    fused = Path(shutil.copytree(small, tmp_path / "fused"))
    config = json.loads((fused / "config.json").read_text())
    config["audio_config"]["enable_fusion"] = True
    (fused / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="use an unfused model such as laion/clap-htsat-unfused"):
        clap_encoder(fused)
    listening = Path(shutil.copytree(small, tmp_path / "listening"))
    ClapFeatureExtractor(truncation="fusion").save_pretrained(listening)
    with pytest.raises(ModelError, match="prepared for fusion"):
        clap_encoder(listening)


def test_folders_that_hold_no_model(small: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"holds no CLAP model: config\.json"):
        clap_encoder(tmp_path)
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(ModelError, match=r"config\.json is no object"):
        clap_encoder(tmp_path)
    for name in ("config.json", "preprocessor_config.json"):
        shutil.copy(small / name, tmp_path)
    with pytest.raises(ModelError, match=r"holds no weights: model\.safetensors"):
        clap_encoder(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"half a file")
    with pytest.raises(ModelError, match="transformers cannot load"):
        clap_encoder(tmp_path, precision="fp32").prepare(Modality.TEXT, "x")
