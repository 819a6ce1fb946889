"""Two towers that are loaded late: once, for the first that needs them, and told by their files."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from retrieval.encoders.encoder import Encoder
from retrieval.encoders.two_towers import Arrays, TwoTowerEncoder
from retrieval.errors import ModelError
from retrieval.media.content import Content
from retrieval.records import Modality

BOTH = frozenset({Modality.TEXT, Modality.IMAGE})


class Counting:
    """Towers whose vectors are known: how long a text is, and what a picture's pixels sum to."""

    precision = "bf16"

    def __init__(self) -> None:
        self.ran: list[tuple[Modality, int]] = []

    def prepare(self, modality: Modality, content: Content) -> Arrays:
        value = len(content) if isinstance(content, str) else float(np.sum(content))
        return (np.array([value, 1.0], np.float32),)

    def run(self, modality: Modality, rows: Sequence[Arrays]) -> npt.NDArray[np.float32]:
        self.ran.append((modality, len(rows)))
        return np.stack([row[0] for row in rows])


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    for name in ("weights.bin", "config.json"):
        (tmp_path / name).write_text(f"the {name}")
    return sorted(tmp_path.iterdir())


def made(files: list[Path], loads: list[Counting] | None = None, **changed: Any) -> TwoTowerEncoder:
    def load() -> Counting:
        towers = Counting()
        if loads is not None:
            loads.append(towers)
        return towers

    facts: dict[str, Any] = {
        "name": "a model",
        "dim": 2,
        "modalities": BOTH,
        "files": files,
        "settings": {"windows": 3, "crop": "squash"},
        "precision": "fp32",
        "load": load,
    }
    return TwoTowerEncoder(**(facts | changed))


def test_it_is_an_encoder(files: list[Path]) -> None:
    encoder: Encoder = made(files)
    assert isinstance(encoder, Encoder)
    assert (encoder.name, encoder.space, encoder.dim) == ("a model", "a model", 2)
    assert encoder.modalities == BOTH


def test_what_it_is_can_be_told_without_loading_it(files: list[Path]) -> None:
    loads: list[Counting] = []
    encoder = made(files, loads)
    assert encoder.fingerprint
    assert encoder.precision == "fp32"
    assert encoder.encode(Modality.TEXT, []).shape == (0, 2)
    with pytest.raises(ValueError, match="a model does not encode audio"):
        encoder.prepare(Modality.AUDIO, np.zeros(3, np.float32))
    with pytest.raises(ValueError, match="a model does not encode audio"):
        encoder.encode(Modality.AUDIO, [])
    assert loads == []


def test_a_precision_that_the_machine_chooses_needs_the_towers(files: list[Path]) -> None:
    loads: list[Counting] = []
    encoder = made(files, loads, precision="auto")
    assert encoder.precision == "bf16"
    assert len(loads) == 1
    assert encoder.fingerprint == made(files, precision="bf16").fingerprint


def test_it_is_loaded_once_for_all_threads(files: list[Path]) -> None:
    loads: list[Counting] = []
    encoder = made(files, loads)
    together = threading.Barrier(8)
    wrong: list[Exception] = []

    def use() -> None:
        try:
            together.wait(60)
            assert encoder.prepare(Modality.TEXT, "four")[0].tolist() == [4.0, 1.0]
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(loads) == 1


def test_loading_that_fails_may_be_tried_again(files: list[Path]) -> None:
    """The models were not there; they have been pulled since, and the program still runs."""
    attempts = []

    def load() -> Counting:
        attempts.append(1)
        if len(attempts) == 1:
            raise ModelError("not here yet")
        return Counting()

    encoder = made(files, load=load)
    with pytest.raises(ModelError):
        encoder.prepare(Modality.TEXT, "words")
    assert encoder.prepare(Modality.TEXT, "words")[0].tolist() == [5.0, 1.0]


def test_rows_come_back_in_their_order_at_length_1(files: list[Path]) -> None:
    loads: list[Counting] = []
    encoder = made(files, loads)
    texts = ["a", "bb", "ccc", ""]
    rows = encoder.encode(Modality.TEXT, [encoder.prepare(Modality.TEXT, t) for t in texts])
    expected = np.array([[len(t), 1.0] for t in texts])
    np.testing.assert_allclose(rows, expected / np.linalg.norm(expected, axis=1, keepdims=True))
    assert rows.dtype == np.float32
    assert loads[0].ran == [(Modality.TEXT, 4)]


def test_the_fingerprint_changes_with_all_that_shapes_a_vector(
    files: list[Path], tmp_path: Path
) -> None:
    before = made(files).fingerprint
    assert made(files).fingerprint == before
    assert len(before) == 64
    changed = [
        made(files, name="another").fingerprint,
        made(files, settings={"windows": 4, "crop": "squash"}).fingerprint,
        made(files, settings={}).fingerprint,
        made(files, precision="fp16").fingerprint,
        made(files[:1]).fingerprint,
    ]
    (tmp_path / "weights.bin").write_text("the Weights.bin")
    changed.append(made(files).fingerprint)
    assert len({before, *changed}) == len(changed) + 1


def test_the_fingerprint_does_not_depend_on_order_or_place(
    files: list[Path], tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    copies = []
    for file in reversed(files):
        copies.append(elsewhere / file.name)
        copies[-1].write_bytes(file.read_bytes())
    settings = {"crop": "squash", "windows": 3}
    assert made(copies, settings=settings).fingerprint == made(files).fingerprint


def test_settings_are_taken_as_they_were(files: list[Path]) -> None:
    settings: dict[str, object] = {"windows": 3, "crop": "squash"}
    encoder = made(files, settings=settings)
    settings["windows"] = 99
    assert encoder.fingerprint == made(files).fingerprint
