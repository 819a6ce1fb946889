"""Models on disk: what is there, what it says about itself, and what is said when it is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from platformdirs import user_data_path

from retrieval.encoders.model_store import (
    MANIFEST,
    StoredModel,
    StoredSet,
    damaged_files,
    info,
    list_model_sets,
    models_folder,
    path_of,
    read_manifest,
    write_manifest,
)
from retrieval.encoders.published import SETS
from retrieval.errors import ModelError


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ANYSEEK_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def write_set(folder: Path, name: str = "clip-clap") -> Path:
    """A folder with a manifest that is right about two files that are no models."""
    digest = "315f5bdb76d078c43b8ac0064e4a0164612b1fce77c869345bfc94c75894edd3"
    models = []
    for kind, model_id in (
        ("open_clip", "open_clip:ViT-B-32-SigLIP2-256/webli"),
        ("clap", "clap:laion/clap-htsat-unfused"),
    ):
        (folder / kind).mkdir(parents=True)
        (folder / kind / "w").write_text("Hello, world!")
        files = {"w": {"size": 13, "sha256": digest}}
        models.append(
            StoredModel(model_id, kind, kind, f"maker/{kind}", "f" * 40, None, "by it", files)
        )
    write_manifest(folder, StoredSet(name, "fp32", tuple(models)))
    return folder


def test_models_live_where_the_environment_says(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert models_folder() == store
    monkeypatch.delenv("ANYSEEK_MODELS")
    assert models_folder() == user_data_path("anyseek", appauthor=False) / "models"


def test_a_manifest_comes_back_as_it_was_written(store: Path) -> None:
    folder = write_set(store / "clip-clap")
    stored = read_manifest(folder)
    assert stored.size == 26
    assert stored.precision == "fp32"
    write_manifest(folder, stored)
    assert read_manifest(folder) == stored
    assert path_of("clip-clap") == folder
    assert {p.name for p in folder.iterdir()} == {MANIFEST, "open_clip", "clap"}


def test_what_is_not_there_is_said_at_once_with_every_way_out(store: Path) -> None:
    with pytest.raises(ModelError) as caught:
        path_of("clip-clap")
    assert str(caught.value) == (
        "The models of clip-clap are not on this machine. Get them with 'anyseek models pull "
        "clip-clap'; without a network here, run 'anyseek models pull clip-clap --to DIR' "
        "elsewhere, carry DIR over and use --models DIR. For a try without any download use "
        "--models mini."
    )


def test_every_published_set_is_listed_with_its_licences(store: Path) -> None:
    listed = {one.name: one for one in list_model_sets()}
    assert list(listed) == [*SETS, "mini"]
    assert [one.name for one in listed.values() if one.present] == ["mini"]
    default = listed["clip-clap"]
    assert default.size is None
    assert [m.licence for m in default.models] == ["Apache-2.0", "Apache-2.0"]
    assert default.models[0].url == "https://huggingface.co/timm/ViT-B-32-SigLIP2-256"
    assert default.models[0].parameters == 376_856_066


def test_what_is_there_is_listed_with_its_size(store: Path) -> None:
    write_set(store / "clip-clap")
    write_set(store / "own", name="open_clip:hf-hub:a/b+clap:c/d")
    listed = {one.name: one for one in list_model_sets()}
    assert set(listed) == {*SETS, "open_clip:hf-hub:a/b+clap:c/d", "mini"}
    there = listed["clip-clap"]
    assert there.present
    assert there.size == 26
    assert there.models[0].revision == "f" * 40
    # The card did not say; our own table does.
    assert there.models[0].licence == "Apache-2.0"
    assert there.models[0].notice == "by it"


def test_a_folder_is_described_by_its_path(store: Path, tmp_path: Path) -> None:
    folder = write_set(tmp_path / "stick", name="a set of long ago")
    described = info(str(folder))
    assert described.path == folder
    assert described.name == "a set of long ago"
    assert [m.url for m in described.models] == [
        "https://huggingface.co/maker/open_clip",
        "https://huggingface.co/maker/clap",
    ]
    with pytest.raises(ModelError, match="no model set 'nonsense'"):
        info("nonsense")


def test_a_half_set_is_never_used(store: Path) -> None:
    folder = write_set(store / "clip-clap")
    (folder / "clap" / "w").write_text("Hello, wor")
    with pytest.raises(ModelError, match=r"has another size than when it was .*Pull clip-"):
        path_of("clip-clap")
    (folder / "clap" / "w").unlink()
    with pytest.raises(ModelError, match="is missing or has another size"):
        path_of("clip-clap")
    (folder / MANIFEST).unlink()
    with pytest.raises(ModelError, match="are not on this machine"):
        path_of("clip-clap")


def test_a_flipped_bit_is_found_when_looked_for(store: Path) -> None:
    folder = write_set(store / "clip-clap")
    assert damaged_files(folder) == []
    (folder / "open_clip" / "w").write_text("Hello, World!")
    assert damaged_files(folder) == [folder / "open_clip" / "w"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', '{"format": 1, "models": [1]}'])
def test_a_damaged_manifest(tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(ModelError, match=r"is no folder of models: its model_set\.json is"):
        read_manifest(tmp_path)


def test_a_manifest_of_a_newer_anyseek(store: Path) -> None:
    folder = write_set(store / "clip-clap")
    held = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps({**held, "format": 2}))
    with pytest.raises(ModelError, match="made by a newer anyseek; upgrade this one"):
        read_manifest(folder)
