"""Our open_clip encoder against open_clip's own functions on the same weights and inputs."""

from __future__ import annotations

import json
import shutil
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import open_clip
import pytest
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image

from retrieval.encoders.encoder import Encoder
from retrieval.encoders.open_clip import context_length, open_clip_encoder, picture_px
from retrieval.encoders.open_clip_towers import OpenClipTowers
from retrieval.encoders.two_towers import TwoTowerEncoder
from retrieval.errors import ModelError
from retrieval.records import Modality
from tests.model_files import (
    SENTENCES,
    SMALL_CLIP,
    cosines,
    pictures,
    shrink_text,
    write_gemma_tokenizer,
    write_open_clip,
    write_small_clip,
)

SQUASHED = {"mean": [0.5] * 3, "std": [0.5] * 3, "resize_mode": "squash", "mode": "RGB"}


def config_of(name: str, **text: int) -> dict[str, Any]:
    config: dict[str, Any] = open_clip.get_model_config(name)
    return shrink_text(config, **text) if text or name != "ViT-B-32" else config


def write_clip(folder: Path) -> Any:
    """The true ViT-B-32, all 151 million parameters of it."""
    return write_open_clip(folder, config_of("ViT-B-32"), {"size": 224, "mode": "RGB"})


def write_siglip2(folder: Path) -> Any:
    """The picture tower of SigLIP 2 B/32 in true size, its text tower with two layers."""
    config = config_of("ViT-B-32-SigLIP2-256", vocabulary=200)
    model = write_open_clip(folder, config, {**SQUASHED, "size": 256, "interpolation": "bicubic"})
    write_gemma_tokenizer(folder)
    return model


def write_pe_core(folder: Path) -> Any:
    """The picture tower of PE-Core T/16 in true size, its text tower with two layers."""
    config = config_of("PE-Core-T-16-384")
    return write_open_clip(
        folder, shrink_text(config), {**SQUASHED, "size": 384, "interpolation": "bilinear"}
    )


ARCHITECTURES = {"ViT-B-32": write_clip, "SigLIP2": write_siglip2, "PE-Core": write_pe_core}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_clip(tmp_path_factory.mktemp("small") / "clip")


@pytest.fixture(scope="module")
def encoder(small: Path) -> TwoTowerEncoder:
    return open_clip_encoder(small, precision="fp32")


def encode(
    encoder: TwoTowerEncoder, modality: Modality, contents: list[Any]
) -> npt.NDArray[np.float32]:
    return encoder.encode(modality, [encoder.prepare(modality, c) for c in contents])


@pytest.fixture
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a network call")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.usefixtures("_no_network")
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_true_architectures_give_upstream_s_own_vectors(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    model = ARCHITECTURES[name](folder).eval()
    shown = pictures()[:4]
    look = image_transform_v2(PreprocessCfg(**model.visual.preprocess_cfg), is_train=False)
    tokenize = open_clip.get_tokenizer(f"local-dir:{folder}")
    with torch.inference_mode():
        pixels = torch.stack([look(Image.fromarray(p)) for p in shown])
        seen = model.encode_image(pixels, normalize=True).numpy()
        told = model.encode_text(tokenize(SENTENCES), normalize=True).numpy()
    del model

    ours = open_clip_encoder(folder, precision="fp32")
    prepared = np.stack([ours.prepare(Modality.IMAGE, p)[0] for p in shown])
    np.testing.assert_array_equal(prepared, pixels.numpy())
    looked = encode(ours, Modality.IMAGE, list(shown))
    read = encode(ours, Modality.TEXT, SENTENCES)
    assert looked.shape == (len(shown), ours.dim)
    assert cosines(looked, seen).min() >= 0.9999
    assert cosines(read, told).min() >= 0.9999
    # The test would see one content taken for another.
    assert cosines(looked, np.roll(seen, 1, axis=0)).max() < 0.99
    assert cosines(read, np.roll(told, 1, axis=0)).max() < 0.999


def test_upstream_s_own_loader_gives_the_same(small: Path, encoder: TwoTowerEncoder) -> None:
    model, _, look = open_clip.create_model_and_transforms(f"local-dir:{small}")
    model.eval()
    with torch.inference_mode():
        pixels = torch.stack([look(Image.fromarray(p)) for p in pictures()])
        seen = model.encode_image(pixels, normalize=True).numpy()
        told = model.encode_text(open_clip.tokenize(SENTENCES), normalize=True).numpy()
    assert cosines(encode(encoder, Modality.IMAGE, list(pictures())), seen).min() >= 0.9999
    assert cosines(encode(encoder, Modality.TEXT, SENTENCES), told).min() >= 0.9999


def test_weights_are_mapped_where_they_lie_and_nothing_is_said_of_them(
    small: Path, caplog: pytest.LogCaptureFixture
) -> None:
    towers = OpenClipTowers(small, "cpu", "fp32")
    assert not caplog.records
    maps = Path("/proc/self/maps").read_text() if sys.platform == "linux" else ""
    assert str(small) in maps or not maps
    assert {weights.dtype for weights in towers._model.parameters()} == {torch.float32}


def test_preprocessing_is_each_model_s_own(tmp_path: Path) -> None:
    """The same pixels come out differently prepared: cropped or squashed, scaled differently."""
    stripe = np.zeros((64, 170, 3), np.uint8)
    stripe[:, :40] = 255
    seen = {}
    for name, preprocess in {
        "CLIP": {"size": 64, "mode": "RGB"},
        "SigLIP2": {**SQUASHED, "size": 64, "interpolation": "bicubic"},
        "PE-Core": {**SQUASHED, "size": 64, "interpolation": "bilinear"},
    }.items():
        write_open_clip(tmp_path / name, deepcopy(SMALL_CLIP), preprocess)
        ours = open_clip_encoder(tmp_path / name, precision="fp32")
        seen[name] = ours.prepare(Modality.IMAGE, stripe)[0]
        assert seen[name].shape == (3, 64, 64)
        assert seen[name].dtype == np.float32
    # The centre of the stripe is black, so a crop loses the white edge that squashing keeps.
    assert (seen["CLIP"][0] == seen["CLIP"][0].min()).all()
    assert seen["SigLIP2"][0].max() == 1.0
    assert seen["PE-Core"].min() == -1.0
    assert not np.array_equal(seen["SigLIP2"], seen["PE-Core"])


def test_it_is_an_encoder(encoder: TwoTowerEncoder) -> None:
    assert isinstance(encoder, Encoder)
    assert encoder.dim == 64
    assert encoder.modalities == {Modality.TEXT, Modality.IMAGE}
    assert encoder.name == encoder.space == "open_clip:local-dir:clip"
    with pytest.raises(ValueError, match="does not encode audio"):
        encoder.prepare(Modality.AUDIO, np.zeros(10, np.float32))


def test_rows_are_unit_and_none_is_none(encoder: TwoTowerEncoder) -> None:
    made = encode(encoder, Modality.IMAGE, list(pictures()))
    assert made.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(made, axis=1), 1.0, atol=1e-6)
    assert encoder.encode(Modality.TEXT, []).shape == (0, 64)


@pytest.mark.parametrize("modality", [Modality.IMAGE, Modality.TEXT])
def test_a_vector_does_not_depend_on_its_company(
    encoder: TwoTowerEncoder, modality: Modality
) -> None:
    contents: list[Any] = [*pictures(), *pictures()[:3]]
    if modality is Modality.TEXT:
        contents = SENTENCES
    prepared = [encoder.prepare(modality, c) for c in contents]
    together = encoder.encode(modality, prepared)
    for size in (1, 2, 3, 5):
        pieces = [prepared[i : i + size] for i in range(0, len(prepared), size)]
        apart = np.concatenate([encoder.encode(modality, p) for p in pieces])
        np.testing.assert_array_equal(apart, together)
    order = np.random.default_rng(0).permutation(len(prepared))
    shuffled = encoder.encode(modality, [prepared[i] for i in order])
    np.testing.assert_array_equal(shuffled, together[order])


def test_a_second_load_gives_the_same_bits(small: Path, encoder: TwoTowerEncoder) -> None:
    again = open_clip_encoder(small, precision="fp32")
    assert again.fingerprint == encoder.fingerprint
    np.testing.assert_array_equal(
        encode(again, Modality.IMAGE, list(pictures())),
        encode(encoder, Modality.IMAGE, list(pictures())),
    )


def test_threads_may_prepare_at_once(encoder: TwoTowerEncoder) -> None:
    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda s: encoder.prepare(Modality.TEXT, s)[0], SENTENCES * 10))
        looks = list(pool.map(lambda p: encoder.prepare(Modality.IMAGE, p)[0], pictures() * 3))
    for i, tokens in enumerate(texts):
        np.testing.assert_array_equal(tokens, encoder.prepare(Modality.TEXT, SENTENCES[i % 7])[0])
    for i, pixels in enumerate(looks):
        np.testing.assert_array_equal(pixels, encoder.prepare(Modality.IMAGE, pictures()[i % 6])[0])


def test_bf16_is_close_and_another_fingerprint(small: Path, encoder: TwoTowerEncoder) -> None:
    lower = open_clip_encoder(small, precision="bf16")
    contents = list(pictures())
    near = cosines(
        encode(lower, Modality.IMAGE, contents), encode(encoder, Modality.IMAGE, contents)
    )
    assert 0.999 < near.min() < 1.0
    assert lower.precision == "bf16"
    assert lower.fingerprint != encoder.fingerprint


def test_the_fingerprint_sees_every_file(small: Path, tmp_path: Path) -> None:
    def copy(name: str) -> Path:
        return Path(shutil.copytree(small, tmp_path / name))

    def fingerprint(folder: Path) -> str:
        return open_clip_encoder(folder, name="x", precision="fp32").fingerprint

    plain = fingerprint(copy("plain"))
    assert fingerprint(copy("same")) == plain
    moved = copy("moved")
    config = json.loads((moved / "open_clip_config.json").read_text())
    config["preprocess_cfg"]["resize_mode"] = "squash"
    (moved / "open_clip_config.json").write_text(json.dumps(config))
    assert fingerprint(moved) != plain
    other = copy("other")
    weights = bytearray((other / "open_clip_model.safetensors").read_bytes())
    weights[-1] ^= 1
    (other / "open_clip_model.safetensors").write_bytes(weights)
    assert fingerprint(other) != plain
    worded = copy("worded")
    (worded / "tokenizer.json").write_text("{}")
    assert fingerprint(worded) != plain


def test_what_it_is_is_known_without_loading_it(small: Path) -> None:
    encoder = open_clip_encoder(small, precision="fp32")
    assert encoder.fingerprint
    assert encoder.dim == 64
    assert encoder._loaded is None
    assert picture_px(small) == 64
    assert context_length(small) == 77


def test_folders_that_hold_no_model(small: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"holds no open_clip model: open_clip_config\.json"):
        open_clip_encoder(tmp_path)
    (tmp_path / "open_clip_config.json").write_text('{"model_cfg": {}}')
    with pytest.raises(ModelError, match="holds no open_clip model"):
        open_clip_encoder(tmp_path)
    shutil.copy(small / "open_clip_config.json", tmp_path)
    with pytest.raises(ModelError, match=r"holds no weights: open_clip_model\.safetensors"):
        open_clip_encoder(tmp_path)
    (tmp_path / "open_clip_model.safetensors").write_bytes(b"half a file")
    with pytest.raises(ModelError, match="open_clip cannot load"):
        open_clip_encoder(tmp_path, precision="fp32").prepare(Modality.TEXT, "x")
