"""The NumPy towers against the torch towers that were trained, and the parts of the loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.encoders.mini import preparation, towers
from retrieval.encoders.mini.contrast import Facts, contrast
from retrieval.encoders.mini.encoder import MiniEncoder
from retrieval.encoders.mini.torch_towers import TextTower, Towers
from retrieval.encoders.mini.train import save
from retrieval.encoders.mini.world.concepts import CONCEPTS
from retrieval.encoders.mini.world.pictures import Look, draw
from retrieval.encoders.mini.world.sentences import Line
from retrieval.encoders.mini.world.sounds import Ring, play
from retrieval.records import Modality
from retrieval.vectors import unit

if TYPE_CHECKING:
    from pathlib import Path

    from retrieval.vectors import Vectors

TEXTS = ["two red bells", "", "a dog barking slowly, and nothing else", "¿日本語? 🙂", "x" * 900]


def _towers_with_lived_in_norms() -> Towers:
    """Random towers whose batch norms are far from doing nothing."""
    torch.manual_seed(4)
    model = Towers(list(Modality))
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, std=0.2)
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.normal_(std=0.2)
            module.running_var.uniform_(0.5, 2.0)
    text = model.towers["text"]
    assert isinstance(text, TextTower)
    text.table.weight.data.normal_()
    return model.eval()


def _torch_vectors(model: Towers, modality: Modality, prepared: list[object]) -> Vectors:
    with torch.inference_mode():
        if modality is Modality.TEXT:
            return np.asarray(model.towers["text"](prepared))
        stacked = torch.from_numpy(np.stack(prepared))  # type: ignore[arg-type]
        if modality is Modality.IMAGE:
            return np.asarray(model.towers["picture"](stacked.permute(0, 3, 1, 2)))
        return np.asarray(model.towers["sound"](stacked.permute(0, 2, 1)))


def _contents(encoder: MiniEncoder, modality: Modality) -> list[object]:
    rng = np.random.default_rng(8)
    if modality is Modality.TEXT:
        return [encoder.prepare(modality, text) for text in TEXTS]
    if modality is Modality.IMAGE:
        pictures = [draw(Look(name, "green", 3), rng).picture for name in list(CONCEPTS)[::8]]
        return [encoder.prepare(modality, picture) for picture in pictures]
    sounds = [play(Ring(name, "low", "fast"), rng) for name in list(CONCEPTS)[::8]]
    return [encoder.prepare(modality, sound) for sound in sounds]


@pytest.mark.parametrize("modality", list(Modality))
def test_numpy_gives_what_torch_gives(modality: Modality, tmp_path: Path) -> None:
    """Random weights with real batch norms, exported as float32 so that only the maths differs."""
    model = _towers_with_lived_in_norms()
    contents = _contents(MiniEncoder(tmp_path / "unused"), modality)
    encode_one = {
        Modality.TEXT: towers.encode_text,
        Modality.IMAGE: towers.encode_picture,
        Modality.AUDIO: towers.encode_sound,
    }[modality]
    weights = model.export()
    ours = np.stack([unit(encode_one(weights, content)) for content in contents])  # type: ignore[operator]
    theirs = _torch_vectors(model, modality, contents)
    cosines = np.einsum("ij,ij->i", ours, theirs)
    assert cosines.min() >= 0.99999
    assert np.abs(ours - theirs).max() < 1e-4
    spread = ours @ ours.T
    assert spread[~np.eye(len(ours), dtype=bool)].min() < 0.9999, "the contents must differ"


@pytest.mark.parametrize("modality", list(Modality))
def test_the_shipped_weights_in_torch(modality: Modality) -> None:
    """The shipped file, loaded back into the torch towers, gives the encoder's vectors."""
    encoder = MiniEncoder()
    model = Towers(list(Modality))
    model.load(encoder._weights)
    contents = _contents(encoder, modality)
    theirs = _torch_vectors(model.eval(), modality, contents)
    cosines = np.einsum("ij,ij->i", encoder.encode(modality, contents), theirs)
    assert cosines.min() >= 0.99999


def test_export_and_load_are_inverse() -> None:
    first = _towers_with_lived_in_norms().export()
    other = Towers(list(Modality)).eval()
    other.load(first)
    again = other.export()
    assert first.keys() == again.keys()
    for name in first:
        np.testing.assert_allclose(first[name], again[name], rtol=1e-5, atol=1e-6)


def test_save_writes_float16_safetensors_that_the_encoder_reads(tmp_path: Path) -> None:
    model = _towers_with_lived_in_norms()
    path = tmp_path / "w.safetensors"
    save(model, path, {"space": "here", "name": "mini:test", "seed": "4"})
    encoder = MiniEncoder(path)
    assert (encoder.space, encoder.name) == ("here", "mini:test")
    assert encoder.modalities == frozenset(Modality)
    contents = _contents(encoder, Modality.TEXT)
    near = np.einsum(
        "ij,ij->i",
        encoder.encode(Modality.TEXT, contents),
        _torch_vectors(model, Modality.TEXT, contents),
    )
    assert near.min() > 0.999


def test_towers_of_two_modalities(tmp_path: Path) -> None:
    path = tmp_path / "pair.safetensors"
    save(Towers([Modality.TEXT, Modality.AUDIO]).eval(), path, {"space": "s", "name": "n"})
    assert MiniEncoder(path).modalities == {Modality.TEXT, Modality.AUDIO}


def test_the_regions_of_a_picture_average_to_its_vector() -> None:
    encoder = MiniEncoder()
    picture = draw(Look("cat", "blue", 1), np.random.default_rng(0)).picture
    prepared = encoder.prepare(Modality.IMAGE, picture)
    regions = encoder.picture_regions(prepared)
    assert regions.shape == (8, 8, encoder.dim)
    whole = encoder.encode(Modality.IMAGE, [prepared])[0]
    np.testing.assert_allclose(unit(regions.mean(axis=(0, 1))), whole, atol=1e-6)


@pytest.mark.parametrize(("taps", "stride"), [(3, 1), (3, 2), (1, 1)])
def test_convolution_against_torch(taps: int, stride: int) -> None:
    rng = np.random.default_rng(1)
    x = rng.standard_normal((10, 12, 5), np.float32)
    matrix = rng.standard_normal((taps * taps * 5, 7), np.float32)
    bias = rng.standard_normal(7, np.float32)
    kernel = torch.from_numpy(matrix.reshape(taps, taps, 5, 7)).permute(3, 2, 0, 1)
    theirs = torch.relu(
        torch.nn.functional.conv2d(
            torch.from_numpy(x).permute(2, 0, 1)[None],
            kernel,
            torch.from_numpy(bias),
            stride,
            taps // 2,
        )
    )[0].permute(1, 2, 0)
    ours = towers._convolve_2d(x, matrix, bias, taps, stride)
    np.testing.assert_allclose(ours, np.asarray(theirs), atol=1e-4)


def test_a_convolution_leaves_its_input_alone() -> None:
    x = np.random.default_rng(1).standard_normal((8, 8, 3), np.float32)
    before = x.copy()
    towers._convolve_2d(x, np.ones((3, 2), np.float32), np.zeros(2, np.float32), 1, 1)
    np.testing.assert_array_equal(x, before)


# --- the loss -----------------------------------------------------------------------------------


def test_facts_agree_where_nothing_contradicts() -> None:
    red_bells = Line("two red bells", "bell", colour="red", number=2)
    any_bell = Line("a bell", "bell")
    high_bell = Line("a high bell", "bell", pitch="high")
    looks: list[Look | Ring | Line | None] = [
        Look("bell", "red", 2), Look("bell", "blue", 2), Look("dog", "red", 2), None,
    ]  # fmt: skip
    agree = Facts.of([red_bells, any_bell, high_bell]).agree(Facts.of(looks))
    assert agree.tolist() == [
        [True, False, False, False],
        [True, True, False, False],
        [True, True, False, False],
    ]


def test_nothing_agrees_with_nothing() -> None:
    nothing = Facts.of([None, Line("a spoon", None)])
    assert not nothing.agree(nothing).any()
    assert not nothing.same_concept(nothing).any()


@settings(max_examples=30)
@given(st.integers(2, 8), st.integers(0, 999))
def test_one_right_answer_each_is_clip_s_loss(n: int, seed: int) -> None:
    """With the identity as right answers it is the mean of the two cross entropies."""
    similarity = torch.randn(n, n, generator=torch.Generator().manual_seed(seed))
    target = torch.arange(n)
    entropy = torch.nn.functional.cross_entropy
    expected = 0.5 * (entropy(similarity, target) + entropy(similarity.T, target))
    ours = contrast(similarity, torch.eye(n, dtype=torch.bool))
    torch.testing.assert_close(ours, expected)


def test_several_right_answers_by_hand() -> None:
    similarity = torch.tensor([[2.0, 1.0, 0.0]])
    right = torch.tensor([[True, True, False]])
    logs = np.array([2.0, 1.0, 0.0]) - np.log(np.exp([2.0, 1.0, 0.0]).sum())
    row = -(logs[0] + logs[1]) / 2
    column = 0.0  # one row only: each column is certain
    assert contrast(similarity, right).item() == pytest.approx(0.5 * (row + column), abs=1e-6)


def test_without_self_a_content_is_not_its_own_answer() -> None:
    vectors = torch.nn.functional.normalize(torch.randn(4, 8), dim=1)
    right = torch.tensor([[True, True, False, False], [True, True, False, False],
                          [False, False, True, True], [False, False, True, True]])  # fmt: skip
    loss = contrast(10 * vectors @ vectors.T, right, without_self=True)
    without_diagonal = contrast(
        (10 * vectors @ vectors.T).masked_fill(torch.eye(4, dtype=torch.bool), -1e9),
        right & ~torch.eye(4, dtype=torch.bool),
    )
    torch.testing.assert_close(loss, without_diagonal)
    assert loss < 100


# --- preparation --------------------------------------------------------------------------------


@settings(max_examples=30)
@given(st.integers(1, 300), st.integers(1, 300))
def test_a_picture_of_any_shape_fits_the_square(height: int, width: int) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    before = picture.copy()
    square = preparation.prepare_picture(picture)
    assert square.shape == (preparation.SIDE_PX, preparation.SIDE_PX, 3)
    assert square.dtype == np.float32
    assert square.min() >= -1
    assert square.max() <= 1
    np.testing.assert_array_equal(picture, before)


def test_a_wide_picture_is_seen_whole() -> None:
    picture = np.zeros((50, 100, 3), np.uint8)
    picture[:, 50:] = 255
    picture[:5, :, 0] = 255
    square = preparation.prepare_picture(picture)
    side = preparation.SIDE_PX
    assert (square[side // 4 :, : side // 2 - 2] == -1).all()
    assert (square[side // 4 :, side // 2 + 2 :] == 1).all()
    assert (square[:4, : side // 2 - 2] == (1, -1, -1)).all()


def test_loudness_does_not_matter() -> None:
    sound = play(Ring("piano", "middle", "middle"), np.random.default_rng(0))
    loud, soft = preparation.prepare_sound(sound), preparation.prepare_sound(sound * 0.03)
    np.testing.assert_allclose(loud, soft, atol=1e-3)


@pytest.mark.parametrize("samples", [0, 1, 7, 30_000, 64_000, 90_000])
def test_a_sound_of_any_length_gives_one_window(samples: int) -> None:
    sound = np.random.default_rng(0).uniform(-1, 1, samples).astype(np.float32)
    log_mel = preparation.prepare_sound(sound)
    assert log_mel.shape == (preparation.FRAMES, preparation.MELS)
    assert np.isfinite(log_mel).all()
    assert -1.0001 <= log_mel.min() <= log_mel.max() <= 1.0001


@pytest.mark.parametrize("hz", [110.0, 440.0, 1760.0, 5000.0])
def test_a_tone_is_brightest_in_its_own_band(hz: float) -> None:
    t = np.arange(64_000) / preparation.RATE_HZ
    log_mel = preparation.prepare_sound(np.sin(2 * np.pi * hz * t).astype(np.float32))
    filters = preparation.mel_filters()
    bin_ = round(hz * preparation.FRAME / preparation.RATE_HZ)
    assert abs(int(log_mel.mean(axis=0).argmax()) - int(filters[bin_].argmax())) <= 1


def test_every_mel_band_hears_something() -> None:
    assert (preparation.mel_filters().sum(axis=0) > 0.3).all()


@given(st.text(max_size=300))
def test_any_text_becomes_rows_of_the_table(text: str) -> None:
    grams = preparation.prepare_text(text)
    assert len(grams) >= 1
    assert grams[0].tolist() == [0]
    for word in grams[1:]:
        assert len(word) >= 2
        assert word.min() >= 1
        assert word.max() < preparation.BUCKETS


def test_text_ignores_case_width_and_spacing() -> None:
    plain = preparation.prepare_text("two red bells")
    for other in ("Two  RED\nbells", "ｔｗｏ red bells"):
        for a, b in zip(plain, preparation.prepare_text(other), strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_misspelt_word_shares_ngrams() -> None:
    right, wrong = (set(preparation.prepare_text(w)[1].tolist()) for w in ("trumpet", "trumpett"))
    other = set(preparation.prepare_text("violin")[1].tolist())
    assert len(right & wrong) > 3 * len(right & other)


def test_a_very_long_text_is_read_up_to_a_limit() -> None:
    assert len(preparation.prepare_text("bell " * 100_000)) == preparation.MOST_WORDS + 1
