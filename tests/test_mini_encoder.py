"""The encoder of `mini`: the protocol, the same bits always, and what it can tell apart."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from retrieval.encoders.encoder import Encoder
from retrieval.encoders.mini import WINDOWS, model_set
from retrieval.encoders.mini import encoder as encoder_module
from retrieval.encoders.mini.encoder import WEIGHTS, MiniEncoder
from retrieval.encoders.mini.world.concepts import CONCEPTS
from retrieval.encoders.mini.world.pictures import Look, draw, scribble
from retrieval.encoders.mini.world.sentences import write_foreign
from retrieval.encoders.mini.world.sounds import Ring, hubbub, play
from retrieval.encoders.model_set import load_model_set
from retrieval.errors import ModelError
from retrieval.records import Modality

if TYPE_CHECKING:
    from retrieval.media.content import Content
    from retrieval.vectors import Vectors

MINI = MiniEncoder()


def _contents(modality: Modality, count: int = 6) -> list[Content]:
    rng = np.random.default_rng(2)
    names = list(CONCEPTS)[:: len(CONCEPTS) // count][:count]
    if modality is Modality.TEXT:
        return [f"one yellow {CONCEPTS[name].things[0][0]}" for name in names]
    if modality is Modality.IMAGE:
        return [draw(Look(name, "yellow", 1), rng).picture for name in names]
    return [play(Ring(name, "middle", "middle"), rng) for name in names]


def test_it_is_an_encoder() -> None:
    assert isinstance(MINI, Encoder)
    assert MINI.name == "mini:joint"
    assert MINI.space == "mini"
    assert MINI.modalities == frozenset(Modality)
    assert len(MINI.fingerprint) == 64
    assert int(MINI.fingerprint, 16) > 0


def test_the_model_set_is_found_by_name() -> None:
    loaded = load_model_set("mini")
    assert loaded.name == "mini"
    assert loaded.windows == WINDOWS
    assert loaded.fingerprint == model_set().fingerprint
    assert loaded.windows.sample_rate_hz * loaded.windows.window_s == 64_000


@pytest.mark.parametrize("modality", list(Modality))
def test_vectors_are_unit_rows(modality: Modality) -> None:
    contents = _contents(modality)
    vectors = MINI.encode(modality, [MINI.prepare(modality, c) for c in contents])
    assert vectors.shape == (len(contents), MINI.dim)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("modality", list(Modality))
def test_no_contents_no_rows(modality: Modality) -> None:
    assert MINI.encode(modality, []).shape == (0, MINI.dim)


@pytest.mark.parametrize("modality", list(Modality))
def test_a_row_depends_on_its_own_content_alone(modality: Modality) -> None:
    prepared = [MINI.prepare(modality, c) for c in _contents(modality)]
    together = MINI.encode(modality, prepared)
    alone = np.concatenate([MINI.encode(modality, [one]) for one in prepared])
    backwards = MINI.encode(modality, prepared[::-1])[::-1]
    assert together.tobytes() == alone.tobytes()
    assert together.tobytes() == np.ascontiguousarray(backwards).tobytes()


@pytest.mark.parametrize("modality", list(Modality))
def test_threads_change_no_bit(modality: Modality) -> None:
    contents = _contents(modality) * 3
    expected = MINI.encode(modality, [MINI.prepare(modality, c) for c in contents])
    with ThreadPoolExecutor(4) as pool:
        rows = list(
            pool.map(lambda c: MINI.encode(modality, [MINI.prepare(modality, c)]), contents)
        )
    assert np.concatenate(rows).tobytes() == expected.tobytes()


def test_processes_with_other_numbers_of_blas_threads_give_the_same_bits() -> None:
    code = (
        "import hashlib, numpy as np\n"
        "from retrieval.encoders.mini.encoder import MiniEncoder\n"
        "from retrieval.encoders.mini.world.pictures import Look, draw\n"
        "from retrieval.encoders.mini.world.sounds import Ring, play\n"
        "rng, mini, h = np.random.default_rng(6), MiniEncoder(), hashlib.sha256()\n"
        "for name in ('dog', 'sea', 'piano', 'owl'):\n"
        "    for m, c in (('image', draw(Look(name, 'red', 2), rng).picture),\n"
        "                 ('audio', play(Ring(name, 'low', 'fast'), rng)),\n"
        "                 ('text', f'two red things like a {name} ' * 40)):\n"
        "        h.update(mini.encode(m, [mini.prepare(m, c)]).tobytes())\n"
        "print(h.hexdigest())"
    )
    digests = set()
    for threads in ("1", "2", "4"):
        limits = dict.fromkeys(
            ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), threads
        )
        ran = subprocess.run(
            [sys.executable, "-c", code], env=os.environ | limits, capture_output=True, text=True,
            check=True, cwd=Path(__file__).parents[1],
        )  # fmt: skip
        digests.add(ran.stdout)
    assert len(digests) == 1


@settings(max_examples=60)
@given(st.text(max_size=400))
def test_any_text_has_a_vector(text: str) -> None:
    vector = MINI.encode(Modality.TEXT, [MINI.prepare(Modality.TEXT, text)])[0]
    assert np.isfinite(vector).all()
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (700, 2), (64, 64), (480, 640)])
def test_any_picture_has_a_vector(shape: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    vector = MINI.encode(Modality.IMAGE, [MINI.prepare(Modality.IMAGE, picture)])[0]
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_silence_has_a_vector() -> None:
    silence = np.zeros(64_000, np.float32)
    vector = MINI.encode(Modality.AUDIO, [MINI.prepare(Modality.AUDIO, silence)])[0]
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("modality", list(Modality))
def test_preparing_leaves_the_content_alone(modality: Modality) -> None:
    content = _contents(modality)[0]
    before = hashlib.sha256(np.asarray(content).tobytes()).digest()
    MINI.encode(modality, [MINI.prepare(modality, content)])
    assert hashlib.sha256(np.asarray(content).tobytes()).digest() == before


def test_the_fingerprint_follows_the_weights_and_the_preparation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = load_file(WEIGHTS)
    weights["text.head.bias"] = weights["text.head.bias"] + np.float16(0.5)
    path = tmp_path / "changed.safetensors"
    save_file(weights, path, {"name": "x", "space": "y"})
    assert MiniEncoder(path).fingerprint != MINI.fingerprint
    monkeypatch.setattr(encoder_module, "PREPARATION_VERSION", 10**6)
    assert MiniEncoder().fingerprint != MINI.fingerprint


def test_a_missing_weights_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"cannot be read .* Install anyseek again"):
        _ = MiniEncoder(tmp_path / "none.safetensors").space


def test_a_damaged_weights_file_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "cut.safetensors"
    path.write_bytes(WEIGHTS.read_bytes()[:1000])
    with pytest.raises(ModelError, match="cannot be read"):
        _ = MiniEncoder(path).name


def test_a_file_of_other_tensors_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"a": np.zeros(3, np.float32)}, path)
    with pytest.raises(ModelError, match="holds no weights of mini"):
        _ = MiniEncoder(path).name


def test_a_modality_without_a_tower_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "deaf.safetensors"
    kept = {n: w for n, w in load_file(WEIGHTS).items() if not n.startswith("sound")}
    save_file(kept, path, {"name": "deaf", "space": "s"})
    deaf = MiniEncoder(path)
    assert deaf.modalities == {Modality.TEXT, Modality.IMAGE}
    with pytest.raises(ModelError, match=r"deaf cannot encode audio.*image, text"):
        deaf.encode(Modality.AUDIO, [])


def test_the_weights_are_small_and_no_pickle() -> None:
    assert WEIGHTS.suffix == ".safetensors"
    assert WEIGHTS.stat().st_size <= 8_000_000
    assert {w.dtype for w in load_file(WEIGHTS).values()} == {np.dtype(np.float16)}


def test_importing_loads_neither_torch_nor_the_weights() -> None:
    code = (
        "import sys, retrieval.encoders.mini as m\n"
        "s = m.model_set()\n"
        "print('torch' in sys.modules, '_file' in vars(s.encoders[0]))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        cwd=Path(__file__).parents[1],
    )  # fmt: skip
    assert told.stdout.split() == ["False", "False"]


def test_encoding_is_quick() -> None:
    """A loose bound: seconds here would mean that something is badly wrong."""
    prepared = [MINI.prepare(Modality.IMAGE, c) for c in _contents(Modality.IMAGE)]
    began = time.process_time()
    MINI.encode(Modality.IMAGE, prepared)
    assert (time.process_time() - began) / len(prepared) < 0.2


# --- what it knows --------------------------------------------------------------------------------


def _vectors(modality: Modality, contents: list[Content]) -> Vectors:
    return MINI.encode(modality, [MINI.prepare(modality, c) for c in contents])


@pytest.fixture(scope="module")
def held_out() -> dict[Modality, Vectors]:
    """One content per concept and modality, from a seed that training never saw."""
    rng = np.random.default_rng(77_000)
    return {
        Modality.TEXT: _vectors(
            Modality.TEXT, [f"please get me {c.things[0][1]}" for c in CONCEPTS.values()]
        ),
        Modality.IMAGE: _vectors(
            Modality.IMAGE, [draw(Look(n, "green", 1), rng).picture for n in CONCEPTS]
        ),
        Modality.AUDIO: _vectors(
            Modality.AUDIO, [play(Ring(n, "middle", "middle"), rng) for n in CONCEPTS]
        ),
    }


@pytest.mark.parametrize("target", list(Modality))
@pytest.mark.parametrize("source", list(Modality))
def test_the_same_concept_is_nearest_across_modalities(
    source: Modality,
    target: Modality,
    held_out: dict[Modality, Vectors],
) -> None:
    if source is target:
        pytest.skip("one content per concept and modality: a content would find itself")
    best = (held_out[source] @ held_out[target].T).argmax(axis=1)
    assert (best == np.arange(len(CONCEPTS))).mean() >= 0.9


def test_colour_and_number_are_understood() -> None:
    rng = np.random.default_rng(88_000)
    names = list(CONCEPTS)[::3]
    texts = _vectors(Modality.TEXT, [f"two red {CONCEPTS[n].things[0][1]}" for n in names])
    right = _vectors(Modality.IMAGE, [draw(Look(n, "red", 2), rng).picture for n in names])
    wrong = _vectors(Modality.IMAGE, [draw(Look(n, "blue", 1), rng).picture for n in names])
    assert ((texts * right).sum(axis=1) > (texts * wrong).sum(axis=1)).mean() >= 0.85


def test_misspelt_words_are_still_understood(held_out: dict[Modality, Vectors]) -> None:
    names = list(CONCEPTS)
    wrong = {"trumpet": "trumpett", "helicopter": "helicoptre", "telephone": "telefone",
             "typewriter": "typewritter", "guitar": "guittar", "violin": "vioolin"}  # fmt: skip
    texts = _vectors(Modality.TEXT, list(wrong.values()))
    best = (texts @ held_out[Modality.IMAGE].T).argmax(axis=1)
    assert np.mean([names[k] == name for k, name in zip(best, wrong, strict=True)]) >= 0.8


def test_what_is_not_in_the_world_scores_lower(held_out: dict[Modality, Vectors]) -> None:
    """The best cosine of a foreign query mostly lies below that of a query of the world.

    Words are the weak side: letter groups of a foreign word may recall a known one.
    """
    rng = np.random.default_rng(5)
    foreign: dict[Modality, list[Content]] = {
        Modality.TEXT: [write_foreign(rng, held_out=True).text for _ in range(40)],
        Modality.IMAGE: [scribble(rng) for _ in range(40)],
        Modality.AUDIO: [hubbub(rng) for _ in range(40)],
    }
    for modality, contents in foreign.items():
        target = Modality.IMAGE if modality is not Modality.IMAGE else Modality.TEXT
        known = (held_out[modality] @ held_out[target].T).max(axis=1)
        unknown = (_vectors(modality, contents) @ held_out[target].T).max(axis=1)
        least = 0.8 if modality is Modality.TEXT else 0.9
        assert np.mean(unknown[:, None] < known[None, :]) > least, modality
