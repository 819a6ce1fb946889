"""The nine-direction benchmark: its metrics by hand, its data unseen, its table from its file."""

from __future__ import annotations

import importlib.util
import json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from retrieval.encoders.mini import training_data
from retrieval.encoders.mini.encoder import MiniEncoder
from retrieval.encoders.mini.world import sentences
from retrieval.encoders.mini.world.concepts import CONCEPTS
from retrieval.encoders.mini.world.pictures import Look
from retrieval.encoders.mini.world.sounds import Ring
from retrieval.encoders.mini.world.splits import is_held_out
from retrieval.records import Modality

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "nine_directions.json"
CARD = ROOT / "retrieval" / "encoders" / "mini" / "README.md"


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


bench = _load("nine_directions")


def _corpus(rows: list[list[float]], concepts: list[str]) -> Any:
    return bench.Corpus(np.asarray(rows, np.float32), concepts)


def test_precision_at_1_by_hand() -> None:
    collection = _corpus([[1, 0], [0, 1]], ["dog", "cat"])
    queries = _corpus([[1, 0.1], [0.9, 0.2], [0.1, 1], [1, 0]], ["dog", "cat", "cat", "dog"])
    assert bench.precision_at_1(queries, collection) == pytest.approx(3 / 4)


def test_mean_average_precision_by_hand() -> None:
    """Relevant at ranks 1 and 3: (1/1 + 2/3) / 2; at ranks 2 and 4: (1/2 + 2/4) / 2."""
    collection = _corpus([[4.0], [3.0], [2.0], [1.0]], ["dog", "cat", "dog", "cat"])
    assert bench.mean_average_precision(_corpus([[1.0]], ["dog"]), collection) == pytest.approx(
        (1 + 2 / 3) / 2
    )
    assert bench.mean_average_precision(_corpus([[1.0]], ["cat"]), collection) == pytest.approx(0.5)


def test_chance_is_what_random_vectors_get() -> None:
    rng = np.random.default_rng(0)
    concepts = [f"c{k}" for k in range(20) for _ in range(5)]
    scores = [
        bench.mean_average_precision(
            _corpus(rng.standard_normal((100, 16)).tolist(), concepts),
            _corpus(rng.standard_normal((100, 16)).tolist(), concepts),
        )
        for _ in range(4)
    ]
    chance = bench.chance_average_precision(20, 5, rng)
    assert chance == pytest.approx(np.mean(scores), abs=0.015)


def test_a_blind_encoder_stays_at_chance() -> None:
    """The benchmark gives nothing away: vectors that ignore the content score like chance."""

    class Blind:
        rng = np.random.default_rng(1)

        def prepare(self, modality: Modality, content: object) -> object:
            return content

        def encode(self, modality: Modality, prepared: list[object]) -> Any:
            rows = self.rng.standard_normal((len(prepared), 16))
            return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    queries = bench.make_corpus(Blind(), Modality.TEXT, 1, 6)
    collection = bench.make_corpus(Blind(), Modality.TEXT, 2, 6)
    assert bench.precision_at_1(queries, collection) < 0.1


def test_contents_are_held_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every look and ring that the benchmark generates lies on the far side of the split."""
    scenes: list[Look | Ring] = []
    held_out: list[bool] = []

    def note_scene(scene: Look | Ring, rng: object, **sizes: int) -> _Drawn:
        scenes.append(scene)
        return _Drawn()

    def note_frame(scene: object, rng: object, **told: bool) -> _Drawn:
        held_out.append(told["held_out"])
        return _Drawn()

    for name in ("draw", "play"):
        monkeypatch.setattr(bench, name, note_scene)
    for name in ("write_seen", "write_heard"):
        monkeypatch.setattr(bench, name, note_frame)
    rng = np.random.default_rng(0)
    for concept in CONCEPTS:
        for modality in Modality:
            for _ in range(4):
                bench.make_content(concept, modality, rng)
    assert len(scenes) == 2 * 4 * len(CONCEPTS)
    assert all(is_held_out(scene) for scene in scenes)
    assert held_out == [True] * 4 * len(CONCEPTS)


class _Drawn:
    picture = None
    text = ""


def test_training_stays_on_its_side_of_the_split(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []

    def record(make: object, wanted: list[object], *rest: object) -> Any:
        made.extend(wanted)
        return np.zeros(len(wanted))

    monkeypatch.setattr(training_data, "_in_processes", record)
    training_data.make_pictures(1)
    training_data.make_sounds(1)
    scenes = [scene for scene in made if isinstance(scene, Look | Ring)]
    assert len({s.concept for s in scenes}) == len(CONCEPTS)
    assert len(scenes) > 20_000
    assert not any(is_held_out(scene) for scene in set(scenes))


def test_training_never_writes_a_held_out_frame() -> None:
    rng = np.random.default_rng(0)
    look, ring = Look("dog", "red", 2), Ring("dog", "high", "fast")
    unseen = [
        frame.replace("{}", "").split(",")[0].strip()
        for frame in (*sentences.HELD_OUT_SEEN_FRAMES, *sentences.HELD_OUT_HEARD_FRAMES)
    ]
    for k in range(1500):
        text = training_data.write_line(look, ring, rng, seen=bool(k % 2)).text
        assert not any(part and part in text for part in unseen), text


def test_training_lines_are_true() -> None:
    rng = np.random.default_rng(1)
    look, ring = Look("bell", "blue", 3), Ring("bell", "low", "middle")
    for k in range(500):
        line = training_data.write_line(look, ring, rng, seen=bool(k % 2))
        assert line.fits_look(look)
        assert line.fits_ring(ring)


def test_kept_data_is_taken_from_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = [Look("dog", "red", 1), None]
    make = partial(training_data._picture, 7)
    kept = tmp_path / "new" / "pictures-7.npy"
    first = training_data._in_processes(make, wanted, 1, kept)
    assert first.shape == (2, 64, 64, 3)
    monkeypatch.setattr(training_data, "ProcessPoolExecutor", None)
    np.testing.assert_array_equal(training_data._in_processes(make, wanted, 1, kept), first)
    np.testing.assert_array_equal(make((0, wanted[0])), first[0])


def test_the_result_file_meets_its_levels() -> None:
    """The figures that the package promises, from the raw file and for the shipped weights."""
    result = json.loads(RESULT.read_text())
    assert result["fingerprint"] == MiniEncoder().fingerprint, "measure again: other weights"
    assert len(result["directions"]) == 9
    for direction in result["directions"]:
        assert direction["precision_at_1"] >= 0.95, direction
    assert result["picture_attributes"]["both"] >= 0.85
    assert result["chance_precision_at_1"] == pytest.approx(1 / len(CONCEPTS))


def test_the_shipped_weights_give_the_figures_of_the_file() -> None:
    """A smaller run of the same benchmark agrees with the file."""
    result = json.loads(RESULT.read_text())
    encoder = MiniEncoder()
    told = {(d["query"], d["target"]): d["precision_at_1"] for d in result["directions"]}
    queries = bench.make_corpus(encoder, Modality.IMAGE, 5_000, 2)
    collection = bench.make_corpus(encoder, Modality.TEXT, 5_001, 4)
    assert bench.precision_at_1(queries, collection) > told["image", "text"] - 0.1


def test_the_card_shows_the_table_of_the_file() -> None:
    table = bench.table(json.loads(RESULT.read_text()))
    card = CARD.read_text()
    shown = card.split("<!-- table -->")[1].split("<!-- end of table -->")[0].strip()
    assert shown == table
    assert table.count("\n| ") >= 13
