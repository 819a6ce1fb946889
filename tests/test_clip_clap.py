"""Model sets of two pairs, from a folder: what they consist of, and a first use without models."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from retrieval.encoders.clip_clap import from_folder
from retrieval.encoders.model_set import load_model_set
from retrieval.encoders.model_store import MANIFEST
from retrieval.errors import ModelError
from retrieval.records import Modality
from retrieval.space import JointSpace
from tests.model_files import pictures, sounds, write_small_set


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_set(tmp_path_factory.mktemp("set") / "set")


def test_two_encoders_cover_text_image_and_audio(folder: Path) -> None:
    made = from_folder(folder)
    assert made.name == "clip-clap"
    assert made.folder == folder
    space = JointSpace(made)
    assert space.dims == {"open_clip:small": 64, "clap:small": 64}
    assert space.spaces_of(Modality.TEXT) == ("clap:small", "open_clip:small")
    assert space.shared(Modality.IMAGE, Modality.AUDIO) == ()
    for modality, content in (
        (Modality.TEXT, "a dog"),
        (Modality.IMAGE, pictures()[0]),
        (Modality.AUDIO, sounds()[0]),
    ):
        for encoder in made.encoders:
            if modality in encoder.modalities:
                vectors = encoder.encode(modality, [encoder.prepare(modality, content)])
                assert vectors.shape == (1, 64)
                np.testing.assert_allclose(np.linalg.norm(vectors), 1.0, atol=1e-6)


def test_windows_follow_from_the_models(folder: Path, tmp_path: Path) -> None:
    windows = from_folder(folder).windows
    assert windows.sample_rate_hz == 48_000
    assert windows.window_s == 10.0
    assert windows.picture_px == 64
    assert windows.passage_chars == 280
    short = Path(shutil.copytree(folder, tmp_path / "short"))
    path = short / "open_clip" / "open_clip_config.json"
    config = json.loads(path.read_text())
    config["model_cfg"]["text_cfg"]["context_length"] = 32
    config["model_cfg"]["vision_cfg"]["image_size"] = [336, 224]
    path.write_text(json.dumps(config))
    manifest = json.loads((short / MANIFEST).read_text())
    manifest["models"][0]["files"][path.name]["size"] = path.stat().st_size
    (short / MANIFEST).write_text(json.dumps(manifest))
    changed = from_folder(short)
    assert changed.windows.passage_chars == 120
    assert changed.windows.picture_px == 336
    assert changed.fingerprint != from_folder(folder).fingerprint


def test_a_folder_that_was_carried_elsewhere_is_the_same_set(folder: Path, tmp_path: Path) -> None:
    carried = Path(shutil.copytree(folder, tmp_path / "carried"))
    assert from_folder(carried).fingerprint == from_folder(folder).fingerprint


def test_the_precision_is_that_of_the_folder_unless_asked_otherwise(folder: Path) -> None:
    own, lower = from_folder(folder), from_folder(folder, precision="bf16")
    assert own.fingerprint == from_folder(folder, precision="fp32", device="cpu").fingerprint
    assert own.fingerprint != lower.fingerprint


def test_a_set_is_found_by_name_by_folder_and_by_its_parts(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANYSEEK_MODELS", str(tmp_path))
    shutil.copytree(folder, tmp_path / "clip-clap")
    parts = "open_clip:hf-hub:a/b+clap:c/d"
    shutil.copytree(folder, tmp_path / "open_clip-hf-hub-a-b+clap-c-d")
    fingerprint = from_folder(folder).fingerprint
    for name in ("clip-clap", parts, str(folder)):
        assert load_model_set(name, device="cpu").fingerprint == fingerprint
    with pytest.raises(ModelError, match=r"clip-clap-light are not on this machine"):
        load_model_set("clip-clap-light")
    with pytest.raises(ModelError, match=r"clap:x/y are not on this machine"):
        load_model_set("open_clip:hf-hub:a/b+clap:x/y")
    with pytest.raises(ModelError, match="is no folder of models"):
        load_model_set(str(tmp_path))


def test_a_kind_of_a_later_time(folder: Path, tmp_path: Path) -> None:
    later = Path(shutil.copytree(folder, tmp_path / "later"))
    text = (later / MANIFEST).read_text().replace('"kind": "clap"', '"kind": "pe_av"')
    (later / MANIFEST).write_text(text)
    with pytest.raises(ModelError, match="a model of an unknown kind: 'pe_av'"):
        from_folder(later)


def test_first_use_without_models_and_network_is_quick_and_clear(tmp_path: Path) -> None:
    code = """
import socket, sys, time
def refuse(*_, **__): sys.exit("a network call")
socket.socket.connect = socket.getaddrinfo = refuse
from retrieval.encoders.model_set import load_model_set
from retrieval.errors import ModelError
try:
    load_model_set("clip-clap")
except ModelError as error:
    print(error)
heavy = {"torch", "open_clip", "transformers", "huggingface_hub"}
print(sorted(heavy & set(sys.modules)))
print(time.process_time())
"""
    environment = {**os.environ, "ANYSEEK_MODELS": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    message, modules, seconds = done.stdout.strip().splitlines()
    assert "anyseek models pull clip-clap" in message
    assert "--models mini" in message
    assert modules == "[]"
    # Time of the processor: the clock on the wall also counts what else the machine is doing.
    assert float(seconds) < 5.0


def test_knowing_a_set_loads_no_model_and_nothing_heavy(folder: Path) -> None:
    code = (
        "import sys\n"
        "from retrieval.encoders.model_set import load_model_set\n"
        f"print(load_model_set({str(folder)!r}).fingerprint)\n"
        "print(sorted({'torch', 'open_clip', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    fingerprint, modules = done.stdout.split(maxsplit=1)
    assert fingerprint == from_folder(folder).fingerprint
    assert modules.strip() == "[]"
