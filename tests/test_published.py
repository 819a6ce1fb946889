"""What the published sets consist of, and how others are put together."""

from __future__ import annotations

from pathlib import Path

import open_clip
import pytest
import torch
from transformers import ClapModel

from retrieval.encoders.model_set import BUILT_IN
from retrieval.encoders.open_clip_towers import repository_of
from retrieval.encoders.published import (
    CLAP,
    CLAP_GENERAL,
    CLIP,
    PE_CORE,
    SETS,
    SIGLIP2,
    PublishedModel,
    is_composed,
    published_set,
)
from retrieval.errors import ModelError
from tests.model_files import clap_config


@pytest.mark.parametrize("model", [SIGLIP2, CLIP, PE_CORE], ids=lambda m: m.id)
def test_open_clip_knows_these_models_by_the_same_names(model: PublishedModel) -> None:
    assert repository_of(model.source) == model.repository
    with torch.device("meta"):
        made = open_clip.create_model(
            model.source.split("/")[0], load_weights=False, device=torch.device("meta")
        )
    assert sum(p.numel() for p in made.parameters()) == model.parameters


@pytest.mark.parametrize(("model", "base"), [(CLAP, False), (CLAP_GENERAL, True)])
def test_the_clap_models_have_as_many_parameters(model: PublishedModel, base: bool) -> None:
    config = clap_config(base=base, text_layers=12)
    config.text_config.vocab_size = 50_265
    with torch.device("meta"):
        made = ClapModel(config)
    assert sum(p.numel() for p in made.parameters()) == model.parameters


def test_every_published_set_can_be_loaded_by_its_name() -> None:
    assert set(SETS) == set(BUILT_IN) - {"mini"}
    for one in SETS.values():
        assert {m.kind for m in one.models} == {"open_clip", "clap"}
        assert all(m.licence and m.notice and m.repository for m in one.models)
        assert published_set(one.name) is one
        assert one.folder_name == one.name


def test_a_set_can_be_put_together() -> None:
    made = published_set("open_clip:hf-hub:someone/clip+v2+laion_clap:630k-audioset-best.pt")
    assert [m.id for m in made.models] == [
        "open_clip:hf-hub:someone/clip+v2",
        "laion_clap:630k-audioset-best.pt",
    ]
    assert [m.repository for m in made.models] == ["someone/clip+v2", "lukewys/laion_clap"]
    assert made.models[1].wanted == (("630k-audioset-best.pt",),)
    assert "/" not in made.folder_name
    assert ":" not in made.folder_name


def test_a_known_model_keeps_its_facts_in_another_set() -> None:
    made = published_set(f"{PE_CORE.id}+{CLAP.id}")
    assert made.models == (PE_CORE, CLAP)
    assert published_set("open_clip:ViT-B-16/openai").models[0].repository is None


def test_a_folder_of_this_machine_is_known_by_its_name(tmp_path: Path) -> None:
    place = tmp_path / "my clip"
    (model,) = published_set(f"open_clip:local-dir:{place}").models
    assert (model.id, model.place, model.repository) == ("open_clip:local-dir:my clip", place, None)


@pytest.mark.parametrize(
    "place", ["local-dir:/models/clap", "local-file:my.pt", "/models/my.pt", r"C:\models\my.pt"]
)
def test_a_checkpoint_of_this_machine_says_how_it_becomes_a_folder(place: str) -> None:
    with pytest.raises(ModelError, match=r"convert_laion_clap.*clap:local-dir:FOLDER"):
        published_set(f"open_clip:ViT-B-16/openai+laion_clap:{place}")


def test_names_that_mean_nothing() -> None:
    with pytest.raises(ModelError, match="mini ships inside anyseek"):
        published_set("mini")
    with pytest.raises(ModelError, match="names no model"):
        published_set("clap:laion/clap-htsat-unfused+wav2clip:x")
    with pytest.raises(ModelError, match="names no model"):
        published_set("open_clip:")
    with pytest.raises(ModelError, match="names no model"):
        published_set("open_clip:local-dir:")
    assert not is_composed("C:/models")
    assert not is_composed("clip-clap")


def test_the_collapsed_model_is_refused_with_its_reason() -> None:
    for name in ("clap:laion/larger_clap_music", "clap:hf-hub:laion/larger_clap_music"):
        with pytest.raises(ModelError, match="searching by words is at chance level"):
            published_set(name)
    published_set("clap:laion/larger_clap_music_and_speech")
