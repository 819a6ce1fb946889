"""Getting a model set: whole or not at all, continued, verified, linked; then used offline."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub.constants
import numpy as np
import pytest
from filelock import FileLock

from retrieval.encoders import model_store
from retrieval.encoders.clap import clap_encoder
from retrieval.encoders.model_set import load_model_set
from retrieval.encoders.model_store import MANIFEST, damaged_files, read_manifest
from retrieval.encoders.pull import Progress, pull
from retrieval.errors import ModelError
from retrieval.records import Modality
from tests.hub_server import Hub, serve
from tests.model_files import SENTENCES, write_laion_checkpoint, write_small_set

CLIP_REPOSITORY = "timm/ViT-B-32-SigLIP2-256"
CLAP_REPOSITORY = "laion/clap-htsat-unfused"


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_set(tmp_path_factory.mktemp("originals") / "set")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    monkeypatch.setenv("ANYSEEK_MODELS", str(folder))
    return folder


@pytest.fixture
def hub(originals: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    def contents(kind: str) -> dict[str, bytes]:
        files = {p.name: p.read_bytes() for p in sorted((originals / kind).iterdir())}
        return {**files, "README.md": b"not needed", "onnx/model.onnx": b"not needed either"}

    repositories = {CLIP_REPOSITORY: contents("open_clip"), CLAP_REPOSITORY: contents("clap")}
    with serve(Hub(repositories=repositories)) as served:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", served.url)
        yield served


def names_below(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_a_pulled_set_is_whole_and_says_what_it_is(hub: Hub, store: Path, originals: Path) -> None:
    seen: list[Progress] = []
    folder = pull("clip-clap", progress=seen.append, precision="fp32")
    assert folder == store / "clip-clap"
    for kind in ("open_clip", "clap"):
        for original in (originals / kind).iterdir():
            assert (folder / kind / original.name).read_bytes() == original.read_bytes()
    assert not any("README" in n or "onnx" in n for n in names_below(folder))
    stored = read_manifest(folder)
    assert stored.name == "clip-clap"
    assert stored.precision == "fp32"
    assert [m.id for m in stored.models] == [
        "open_clip:ViT-B-32-SigLIP2-256/webli",
        "clap:laion/clap-htsat-unfused",
    ]
    assert {m.licence for m in stored.models} == {"mit"}
    assert damaged_files(folder) == []
    assert seen[-1].done == seen[-1].total == stored.size
    assert [p.done for p in seen] == sorted(p.done for p in seen)
    assert "clap/model.safetensors" in {p.file for p in seen}
    assert {p.name for p in store.iterdir()} <= {"clip-clap", ".clip-clap.lock"}


def test_models_of_this_machine_make_a_set_without_any_network(
    store: Path, originals: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a network call")

    monkeypatch.setattr("socket.socket.connect", refuse)
    mine = Path(shutil.copytree(originals, tmp_path / "mine"))
    name = f"open_clip:local-dir:{mine / 'open_clip'}+clap:local-dir:{mine / 'clap'}"
    folder = pull(name, precision="fp32")
    assert folder.parent == store
    assert [m.id for m in read_manifest(folder).models] == [
        "open_clip:local-dir:open_clip",
        "clap:local-dir:clap",
    ]
    assert damaged_files(folder) == []
    told = model_store.info(name)
    assert told.present
    assert [(model.url, model.size is None) for model in told.models] == [(None, False)] * 2
    fingerprint = load_model_set(name, device="cpu").fingerprint
    # What was there is left as it was, and what is written into it later changes no set.
    file = mine / "clap" / "config.json"
    assert file.read_bytes() == (folder / "clap" / "config.json").read_bytes()
    file.write_bytes(file.read_bytes() + b"\n")
    assert damaged_files(folder) == []
    pull(name, precision="fp32")
    assert load_model_set(name, device="cpu").fingerprint != fingerprint
    with pytest.raises(ModelError, match="nowhere has no open_clip_model"):
        pull(f"open_clip:local-dir:{tmp_path / 'nowhere'}+clap:local-dir:{mine / 'clap'}")


def test_the_precision_is_settled_once_for_the_folder(hub: Hub, store: Path) -> None:
    assert read_manifest(pull("clip-clap")).precision in {"fp32", "bf16", "fp16"}


def test_a_pull_that_is_cut_off_leaves_no_set_and_goes_on_later(hub: Hub, store: Path) -> None:
    hub.break_after["model.safetensors"] = [200_000] + [0] * 9
    with pytest.raises(ModelError, match="what has come so far is kept"):
        pull("clip-clap")
    assert not (store / "clip-clap").exists()
    assert not model_store.info("clip-clap").present
    with pytest.raises(ModelError, match="are not on this machine"):
        model_store.path_of("clip-clap")
    hub.break_after.clear()
    hub.requests.clear()
    pull("clip-clap")
    assert [name for name, _ in hub.requests if "open_clip" in name] == []
    (again,) = [asked for name, asked in hub.requests if name == "model.safetensors"]
    assert again is not None
    assert model_store.info("clip-clap").present


def test_a_wrong_checksum_makes_no_set(hub: Hub, store: Path) -> None:
    content = hub.repositories[CLAP_REPOSITORY]["model.safetensors"]
    hub.falsified["model.safetensors"] = content[:-4] + b"evil"
    with pytest.raises(ModelError, match="another checksum"):
        pull("clip-clap")
    assert not (store / "clip-clap").exists()


def test_pulling_again_fetches_nothing_until_there_is_a_new_revision(hub: Hub, store: Path) -> None:
    folder = pull("clip-clap")
    (folder / "bridge.safetensors").write_bytes(b"fitted")
    hub.requests.clear()
    assert pull("clip-clap") == folder
    assert hub.requests == []
    hub.revision = "b" * 40
    hub.repositories[CLAP_REPOSITORY]["config.json"] += b"\n"
    pull("clip-clap")
    # What did not change is linked from the old folder; a bridge fitted on it is not.
    assert all("safetensors" not in name for name, _ in hub.requests)
    assert {m.revision for m in read_manifest(folder).models} == {"b" * 40}
    assert not (folder / "bridge.safetensors").exists()
    assert damaged_files(folder) == []


def test_another_set_takes_what_it_shares_from_this_machine(hub: Hub, store: Path) -> None:
    pull("clip-clap")
    hub.requests.clear()
    composed = f"open_clip:hf-hub:{CLIP_REPOSITORY}+clap:{CLAP_REPOSITORY}"
    folder = pull(composed)
    assert folder.parent == store
    assert all("safetensors" not in name for name, _ in hub.requests)
    first = (store / "clip-clap" / "clap" / "model.safetensors").stat()
    assert (folder / "clap" / "model.safetensors").stat().st_ino == first.st_ino
    assert [i.name for i in model_store.list_model_sets() if i.present] == [
        "clip-clap",
        composed,
        "mini",
    ]


def test_a_damaged_neighbour_is_not_taken_over(hub: Hub, store: Path) -> None:
    weights = pull("clip-clap") / "clap" / "model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    folder = pull(f"open_clip:hf-hub:{CLIP_REPOSITORY}+clap:{CLAP_REPOSITORY}")
    assert damaged_files(folder) == []
    assert damaged_files(store / "clip-clap") == [weights]


def test_a_folder_for_another_machine(hub: Hub, store: Path, tmp_path: Path) -> None:
    (tmp_path / "stick").mkdir()
    folder = pull("clip-clap", to=tmp_path / "stick")
    assert folder == tmp_path / "stick"
    assert not model_store.info("clip-clap").present
    there = model_store.info(str(folder))
    assert there.present
    assert there.name == "clip-clap"
    assert there.size == read_manifest(folder).size


def test_a_folder_with_other_files_is_left_alone(hub: Hub, store: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ModelError, match="holds other files"):
        pull("clip-clap", to=tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_two_pulls_at_once(hub: Hub, store: Path) -> None:
    store.mkdir()
    with (
        FileLock(store / ".clip-clap.lock"),
        pytest.raises(ModelError, match="Another process is pulling clip-clap"),
    ):
        pull("clip-clap")


def test_weights_in_the_older_form_are_taken_where_there_are_no_others(
    hub: Hub, store: Path
) -> None:
    files = hub.repositories[CLAP_REPOSITORY]
    files["pytorch_model.bin"] = random.Random(2).randbytes(5_000)
    pull("clip-clap")
    assert not (store / "clip-clap" / "clap" / "pytorch_model.bin").exists()
    del files["model.safetensors"]
    hub.revision = "c" * 40
    pull("clip-clap")
    assert (store / "clip-clap" / "clap" / "pytorch_model.bin").exists()


def test_a_repository_without_weights(hub: Hub, store: Path) -> None:
    del hub.repositories[CLAP_REPOSITORY]["model.safetensors"]
    with pytest.raises(ModelError, match=r"has no model\.safetensors or pytorch_model\.bin"):
        pull("clip-clap")


def test_the_tokenizer_of_another_model_is_fetched_too(
    hub: Hub, store: Path, originals: Path
) -> None:
    files = hub.repositories[CLIP_REPOSITORY]
    config = json.loads(files["open_clip_config.json"])
    config["model_cfg"]["text_cfg"]["hf_tokenizer_name"] = "someone/words"
    files["open_clip_config.json"] = json.dumps(config).encode()
    hub.repositories["someone/words"] = {"tokenizer.json": b"{}", "model.safetensors": b"-"}
    folder = pull("clip-clap")
    assert (folder / "open_clip" / "tokenizer.json").read_bytes() == b"{}"
    assert not (folder / "open_clip" / "model.safetensors").exists()
    facts = read_manifest(folder).models[0].files
    assert "tokenizer.json" in facts


def test_a_tag_whose_repository_has_no_configuration(hub: Hub, store: Path) -> None:
    source = "laion/CLIP-ViT-B-32-laion2B-s34B-b79K"
    hub.repositories[source] = {"open_clip_pytorch_model.bin": b"x" * 10}
    folder = pull("clip-clap-light")
    config = json.loads((folder / "open_clip" / "open_clip_config.json").read_text())
    assert config["model_cfg"]["embed_dim"] == 512
    assert config["preprocess_cfg"]["resize_mode"] == "shortest"
    assert config["preprocess_cfg"]["interpolation"] == "bicubic"


def test_open_clips_own_table_is_asked_for_other_tags(hub: Hub, store: Path) -> None:
    hub.repositories["timm/PE-Core-T-16-384"] = hub.repositories[CLIP_REPOSITORY]
    folder = pull(f"open_clip:PE-Core-T-16-384/meta+clap:{CLAP_REPOSITORY}")
    assert read_manifest(folder).models[0].repository == "timm/PE-Core-T-16-384"
    with pytest.raises(ModelError, match=r"no weights ViT-B-32/nothing\. Tags of ViT-B-32: openai"):
        pull(f"open_clip:ViT-B-32/nothing+clap:{CLAP_REPOSITORY}")


def test_a_checkpoint_of_laion_is_converted(
    hub: Hub, store: Path, originals: Path, tmp_path: Path
) -> None:
    checkpoint = write_laion_checkpoint(tmp_path / "630k-best.pt", originals / "clap")
    hub.repositories["lukewys/laion_clap"] = {"630k-best.pt": checkpoint.read_bytes()}
    folder = pull(f"open_clip:hf-hub:{CLIP_REPOSITORY}+laion_clap:630k-best.pt")
    assert not (folder / "clap" / "630k-best.pt").exists()
    assert read_manifest(folder).models[1].kind == "clap"
    ours, original = clap_encoder(folder / "clap"), clap_encoder(originals / "clap")
    prepared = [ours.prepare(Modality.TEXT, s) for s in SENTENCES]
    np.testing.assert_allclose(
        ours.encode(Modality.TEXT, prepared),
        original.encode(Modality.TEXT, prepared),
        atol=1e-5,
    )


def test_a_refused_model_is_not_even_downloaded(hub: Hub, store: Path) -> None:
    with pytest.raises(ModelError, match="text tower has collapsed"):
        pull(f"open_clip:hf-hub:{CLIP_REPOSITORY}+clap:laion/larger_clap_music")
    assert hub.requests == []


def test_a_set_can_be_thrown_away_by_hand(hub: Hub, store: Path) -> None:
    shutil.rmtree(pull("clip-clap"))
    assert not model_store.info("clip-clap").present
    assert (pull("clip-clap") / MANIFEST).is_file()
