"""Image towers in torch alone, against those of open_clip and timm over the same weights."""

from __future__ import annotations

import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from retrieval.encoders.image_tower import image_tower
from retrieval.encoders.open_clip import open_clip_encoder, read_config
from retrieval.encoders.open_clip_towers import OpenClipTowers
from retrieval.encoders.picture_towers import PictureTowers
from retrieval.encoders.two_towers import Towers
from retrieval.records import Modality
from tests.model_files import SENTENCES, SMALL_CLIP, pictures, write_open_clip
from tests.test_open_clip import SQUASHED, write_siglip2

WEIGHTS = "open_clip_model.safetensors"


def write_clip(folder: Path) -> None:
    write_open_clip(folder, deepcopy(SMALL_CLIP), {"size": 64, "mode": "RGB"})


def write_openai_clip(folder: Path) -> None:
    """Another activation and other proportions; the preprocessing is squashed and bilinear."""
    config = deepcopy(SMALL_CLIP) | {"quick_gelu": True}
    config["vision_cfg"] |= {"mlp_ratio": 3.0, "layers": 3, "image_size": 96}
    write_open_clip(folder, config, SQUASHED | {"interpolation": "bilinear"})


def write_half(folder: Path) -> None:
    """Weights in half precision, as some are published."""
    write_clip(folder)
    weights = load_file(folder / WEIGHTS)
    save_file({name: w.half() for name, w in weights.items()}, folder / WEIGHTS)


FORMS = {
    "CLIP": write_clip,
    "OpenAI's CLIP": write_openai_clip,
    "half": write_half,
    "SigLIP2": write_siglip2,
}


@pytest.fixture(scope="module", params=FORMS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("model") / "model"
    FORMS[request.param](place)
    return place


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("small") / "model"
    write_clip(place)
    return place


def loaded(folder: Path, precision: str) -> Towers:
    return open_clip_encoder(folder, device="cpu", precision=precision).towers()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_pixels_and_vectors_are_upstream_s_bit_for_bit(
    folder: Path, precision: str, packed: bool
) -> None:
    ours, theirs = loaded(folder, precision), OpenClipTowers(folder, "cpu", precision)
    assert isinstance(ours, PictureTowers)
    if packed:
        assert ours.pack() == theirs.pack() == (precision == "fp32")
    rows = [ours.prepare(Modality.IMAGE, picture) for picture in pictures()]
    for row, picture in zip(rows, pictures(), strict=True):
        np.testing.assert_array_equal(row[0], theirs.prepare(Modality.IMAGE, picture)[0])
    found = ours.run(Modality.IMAGE, rows)
    np.testing.assert_array_equal(found, theirs.run(Modality.IMAGE, rows))
    assert len(np.unique(found, axis=0)) == len(rows)


def test_words_are_upstream_s_and_pictures_stay(small: Path) -> None:
    ours, theirs = loaded(small, "fp32"), OpenClipTowers(small, "cpu", "fp32")
    rows = [ours.prepare(Modality.IMAGE, pictures()[0])]
    before = ours.run(Modality.IMAGE, rows)
    told = [ours.prepare(Modality.TEXT, text) for text in SENTENCES]
    np.testing.assert_array_equal(
        ours.run(Modality.TEXT, told),
        theirs.run(Modality.TEXT, [theirs.prepare(Modality.TEXT, text) for text in SENTENCES]),
    )
    np.testing.assert_array_equal(ours.run(Modality.IMAGE, rows), before)


@pytest.mark.parametrize("first", ["packing", "words"])
def test_packing_reaches_both_towers(small: Path, first: str) -> None:
    ours, theirs = loaded(small, "fp32"), OpenClipTowers(small, "cpu", "fp32")
    theirs.pack()
    if first == "words":
        ours.prepare(Modality.TEXT, "a sea")
    assert ours.pack()
    rows = [theirs.prepare(Modality.TEXT, text) for text in SENTENCES]
    np.testing.assert_array_equal(ours.run(Modality.TEXT, rows), theirs.run(Modality.TEXT, rows))


def shown(config: dict[str, Any]) -> dict[str, Any]:
    vision: dict[str, Any] = config["vision_cfg"]
    return vision


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"ls_init_value": 0.1}, "layers are scaled"),
        ({"pool_type": "avg"}, "the mean is pooled"),
        ({"no_ln_pre": True}, "a norm is missing"),
    ],
)
def test_other_forms_are_left_to_open_clip(
    tmp_path: Path, change: dict[str, Any], why: str
) -> None:
    config = deepcopy(SMALL_CLIP)
    shown(config).update(change)
    write_open_clip(tmp_path / "model", config, {"size": 64, "mode": "RGB"})
    assert isinstance(loaded(tmp_path / "model", "fp32"), OpenClipTowers), why


@pytest.mark.parametrize("preprocess", [{"resize_mode": "longest"}, {"mean": 0.5}])
def test_other_preprocessing_is_left_to_open_clip(
    tmp_path: Path, preprocess: dict[str, Any]
) -> None:
    write_open_clip(tmp_path / "model", deepcopy(SMALL_CLIP), {"mode": "RGB", **preprocess})
    ours = open_clip_encoder(tmp_path / "model", device="cpu", precision="fp32")
    assert isinstance(ours.towers(), OpenClipTowers)
    (pixels,) = ours.prepare(Modality.IMAGE, pictures()[0])
    assert pixels.shape == (3, 64, 64)


def test_a_file_of_another_form_than_it_says_is_no_tower(tmp_path: Path) -> None:
    write_clip(tmp_path / "model")
    model = read_config(tmp_path / "model")["model_cfg"]
    path = tmp_path / "model" / WEIGHTS
    assert image_tower(path, model, torch.float32) is not None
    shown(model)["layers"] = 3
    assert image_tower(path, model, torch.float32) is None
    shown(model).update(layers=2, image_size=128)
    assert image_tower(path, model, torch.float32) is None
    path.write_bytes(b"half a file")
    assert image_tower(path, read_config(tmp_path / "model")["model_cfg"], torch.float32) is None


@pytest.mark.skipif(sys.platform != "linux", reason="asks the system what is mapped")
def test_float32_weights_are_mapped_where_they_lie(tmp_path: Path) -> None:
    write_clip(tmp_path / "model")
    path = tmp_path / "model" / WEIGHTS
    tower = image_tower(path, read_config(tmp_path / "model")["model_cfg"], torch.float32)
    assert tower is not None
    assert str(path) in Path("/proc/self/maps").read_text()
