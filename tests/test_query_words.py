"""Words without torch against the models' own packages, on the same weights."""

from __future__ import annotations

import html
import json
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import ftfy
import numpy as np
import open_clip
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.encoders.clap import clap_encoder
from retrieval.encoders.open_clip import open_clip_encoder
from retrieval.encoders.query_words import LEAST_COSINE, RESULT, passed, self_test
from retrieval.encoders.text_tokens import clip_tokens, collapsed
from retrieval.encoders.two_towers import TwoTowerEncoder
from retrieval.records import Modality
from tests.model_files import (
    SENTENCES,
    SMALL_CLIP,
    cosines,
    small_clap_config,
    write_clap,
    write_gemma_tokenizer,
    write_open_clip,
    write_small_clip,
)

TOKENIZER = open_clip.get_tokenizer("ViT-B-32")


def siglip(folder: Path) -> Path:
    """SigLIP 2's text tower in true width, with two layers; its picture tower small."""
    config = open_clip.get_model_config("ViT-B-32-SigLIP2-256")
    config["text_cfg"].update(layers=2, vocab_size=200)
    config["vision_cfg"] = deepcopy(SMALL_CLIP["vision_cfg"])
    write_open_clip(folder, config, {"size": 64, "mode": "RGB"})
    write_gemma_tokenizer(folder)
    return folder


@pytest.fixture(scope="module")
def encoders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, TwoTowerEncoder]:
    place = tmp_path_factory.mktemp("models")
    quick = deepcopy(SMALL_CLIP) | {"quick_gelu": True}
    write_open_clip(place / "quick", quick, {"size": 64, "mode": "RGB"})
    return {
        "clip": open_clip_encoder(write_small_clip(place / "clip"), precision="fp32"),
        "quick": open_clip_encoder(place / "quick", precision="fp32"),
        "siglip": open_clip_encoder(siglip(place / "siglip"), precision="fp32"),
        "clap": clap_encoder(write_clap(place / "clap", small_clap_config()), precision="fp32"),
    }


@pytest.mark.parametrize("kind", ["clip", "quick", "siglip", "clap"])
def test_words_have_the_vectors_that_torch_gives_them(
    encoders: dict[str, TwoTowerEncoder], kind: str
) -> None:
    encoder = encoders[kind]
    assert encoder.words is not None
    words = encoder.words()
    assert words is not None
    ours = np.concatenate([words([sentence]) for sentence in SENTENCES])
    theirs = encoder.encode(
        Modality.TEXT, [encoder.prepare(Modality.TEXT, sentence) for sentence in SENTENCES]
    )
    assert cosines(ours, theirs).min() > 0.999999
    np.testing.assert_allclose(words(SENTENCES), ours, atol=1e-5, err_msg="in company")
    assert ours.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(ours, axis=1), 1.0, atol=1e-6)
    assert cosines(ours[:1], ours[3:4])[0] < 0.9999, "or the test could not tell them apart"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_clip_s_tokens_are_those_of_open_clip(words: str) -> None:
    np.testing.assert_array_equal(clip_tokens(words, 77), TOKENIZER([words])[0].numpy())


@pytest.mark.parametrize("words", [*SENTENCES, "<end_of_text> it's 3 caf&eacute;s", "a_b  c\n"])
def test_clip_s_tokens_of_sentences(words: str) -> None:
    np.testing.assert_array_equal(clip_tokens(words, 77), TOKENIZER([words])[0].numpy())


def test_the_self_test_decides(encoders: dict[str, TwoTowerEncoder]) -> None:
    encoder = encoders["clap"]
    folder = encoder.folder
    assert folder is not None
    assert not passed(folder, encoder.fingerprint)
    cosine = self_test(encoder)
    assert cosine is not None
    assert cosine >= LEAST_COSINE
    assert passed(folder, encoder.fingerprint)
    assert not passed(folder, "of other weights")
    (folder / RESULT).write_text(json.dumps({"encoder": encoder.fingerprint, "cosine": 0.97}))
    assert not passed(folder, encoder.fingerprint)
    (folder / RESULT).write_text("no JSON")
    assert not passed(folder, encoder.fingerprint)


def test_a_tower_that_differs_is_not_used(tmp_path: Path) -> None:
    encoder = open_clip_encoder(write_small_clip(tmp_path / "clip"), precision="fp32")
    encoder.words = lambda: lambda texts: np.eye(len(texts), 64, dtype=np.float32)
    cosine = self_test(encoder)
    assert cosine is not None
    assert cosine < LEAST_COSINE
    again = open_clip_encoder(tmp_path / "clip", precision="fp32")
    words = "a dog at the sea"
    theirs = again.encode(Modality.TEXT, [again.prepare(Modality.TEXT, words)])
    np.testing.assert_array_equal(again.encode_query(words), theirs)


@pytest.mark.parametrize("kind", ["clip", "clap"])
def test_a_short_query_is_the_mean_of_the_models_templates(
    encoders: dict[str, TwoTowerEncoder], kind: str
) -> None:
    encoder = encoders[kind]
    lines = {
        "clip": ["a dog", "a photo of a dog", "a picture of a dog"],
        "clap": ["a dog", "the sound of a dog", "this is a sound of a dog"],
    }[kind]
    rows = encoder.encode(Modality.TEXT, [encoder.prepare(Modality.TEXT, line) for line in lines])
    found = encoder.encode_query("a dog")
    assert cosines(found, rows.mean(axis=0, keepdims=True))[0] > 0.99999
    assert cosines(found, rows[:1])[0] < 0.99999, "or nothing was averaged"
    np.testing.assert_allclose(np.linalg.norm(found), 1.0, atol=1e-6)


@pytest.mark.parametrize("words", ["a dog at the sea", "夜の海", "{} and {0} of {x} now"])
def test_sentences_and_other_scripts_stay_as_they_are(
    encoders: dict[str, TwoTowerEncoder], words: str
) -> None:
    encoder = encoders["clip"]
    alone = encoder.encode(Modality.TEXT, [encoder.prepare(Modality.TEXT, words)])
    assert cosines(encoder.encode_query(words), alone)[0] > 0.999999


def test_braces_in_a_query_are_only_braces(encoders: dict[str, TwoTowerEncoder]) -> None:
    assert encoders["clip"].encode_query("{0} {x}").shape == (1, 64)


def test_a_form_that_is_not_known_goes_through_torch(tmp_path: Path) -> None:
    config = deepcopy(SMALL_CLIP)
    config["text_cfg"]["ls_init_value"] = 0.1
    write_open_clip(tmp_path / "clip", config, {"size": 64, "mode": "RGB"})
    encoder = open_clip_encoder(tmp_path / "clip", precision="fp32")
    assert self_test(encoder) is None
    assert encoder.encode_query("a dog").shape == (1, 64)


QUERY = """
import sys
from pathlib import Path
from retrieval.encoders.clap import clap_encoder
from retrieval.encoders.open_clip import open_clip_encoder
make = {"clip": open_clip_encoder, "clap": clap_encoder}[sys.argv[2]]
print(make(Path(sys.argv[1]), precision="fp32").encode_query("a dog").shape[1])
print(*sys.modules)
"""


@pytest.mark.parametrize("kind", ["clip", "clap"])
def test_words_load_neither_torch_nor_transformers_nor_open_clip(
    encoders: dict[str, TwoTowerEncoder], kind: str
) -> None:
    encoder = encoders[kind]
    self_test(encoder)
    done = subprocess.run(
        [sys.executable, "-c", QUERY, str(encoder.folder), kind],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    dim, modules = done.stdout.splitlines()
    assert int(dim) == encoder.dim
    assert not {"torch", "transformers", "open_clip"} & set(modules.split())


@given(st.text(st.characters(codec="ascii")))
def test_plain_words_need_no_mending(words: str) -> None:
    """What is left out of a quick start is what ftfy would have done nothing to."""
    mended = html.unescape(html.unescape(ftfy.fix_text(words)))
    assert collapsed(words) == " ".join(mended.split())
