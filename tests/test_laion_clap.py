"""LAION's own checkpoints: renamed rightly, no code run, equal to the package's own vectors."""

from __future__ import annotations

import importlib.util
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import ClapModel

from retrieval.encoders.clap import clap_encoder
from retrieval.encoders.laion_clap import (
    convert_laion_clap,
    infer_config,
    read_checkpoint,
    renamed,
)
from retrieval.errors import ModelError
from retrieval.records import Modality
from tests.model_files import (
    SENTENCES,
    clap_config,
    cosines,
    laion_state,
    small_clap_config,
    sounds,
    write_clap,
    write_laion_checkpoint,
)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = small_clap_config()
    config.text_config.layer_norm_eps = 1e-5
    return write_clap(tmp_path_factory.mktemp("original") / "clap", config)


@pytest.fixture(scope="module")
def checkpoint(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_laion_checkpoint(tmp_path_factory.mktemp("pt") / "best.pt", original)


def test_a_converted_checkpoint_gives_the_vectors_of_the_model_it_was_made_of(
    original: Path, checkpoint: Path, tmp_path: Path
) -> None:
    convert_laion_clap(checkpoint, original, tmp_path / "clap")
    ours, theirs = clap_encoder(tmp_path / "clap"), clap_encoder(original)
    prepared = [ours.prepare(Modality.TEXT, s) for s in SENTENCES]
    # Queries, keys and values packed in another order would show here.
    np.testing.assert_array_equal(
        ours.encode(Modality.TEXT, prepared), theirs.encode(Modality.TEXT, prepared)
    )
    # The same spectrogram for both: the converted one listens from 50 Hz up, as LAION does.
    heard = [theirs.prepare(Modality.AUDIO, s) for s in sounds()]
    np.testing.assert_array_equal(
        ours.encode(Modality.AUDIO, heard), theirs.encode(Modality.AUDIO, heard)
    )


def test_the_mel_scale_is_that_of_the_package(
    original: Path, checkpoint: Path, tmp_path: Path
) -> None:
    convert_laion_clap(checkpoint, original, tmp_path / "clap")
    ours, theirs = clap_encoder(tmp_path / "clap"), clap_encoder(original)
    rumble = sounds()[0] * 0 + np.sin(2 * np.pi * 20 * np.arange(480_000) / 48_000)
    low = ours.prepare(Modality.AUDIO, rumble.astype(np.float32))[0]
    lower = theirs.prepare(Modality.AUDIO, rumble.astype(np.float32))[0]
    assert low.max() < lower.max() - 3.0


@pytest.mark.parametrize("base", [False, True])
def test_sizes_are_read_from_the_weights(base: bool) -> None:
    config = clap_config(base=base, text_layers=3)
    if base:
        config.audio_config.depths = [1, 1, 3, 1]
    with torch.device("meta"):
        state = laion_state(ClapModel(config))
    inferred: Any = infer_config(renamed(state))
    expected, got = config.audio_config, inferred.audio_config
    assert list(got.depths) == list(expected.depths)
    assert list(got.num_attention_heads) == list(expected.num_attention_heads)
    assert got.patch_embeds_hidden_size == expected.patch_embeds_hidden_size
    assert got.hidden_size == expected.hidden_size
    assert inferred.text_config.num_hidden_layers == 3
    assert inferred.text_config.vocab_size == 500
    assert inferred.text_config.num_attention_heads == 12
    assert inferred.projection_dim == 512


def test_a_bare_state_without_prefix_is_read_too(original: Path, tmp_path: Path) -> None:
    state = laion_state(ClapModel.from_pretrained(original))
    torch.save(state, tmp_path / "bare.pt")
    assert set(read_checkpoint(tmp_path / "bare.pt")) == set(state)


class Evil:
    """Runs code when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.write_text, (self.mark, "code was run")


def test_code_in_a_checkpoint_is_not_run(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    torch.save({"state_dict": {"module.a": torch.zeros(1)}, "x": Evil(mark)}, tmp_path / "e.pt")
    with pytest.raises(ModelError, match="cannot be read as a checkpoint without running code"):
        convert_laion_clap(tmp_path / "e.pt", tmp_path, tmp_path / "clap")
    assert not mark.exists()
    with (tmp_path / "control.pkl").open("wb") as file:
        pickle.dump(Evil(mark), file)
    with (tmp_path / "control.pkl").open("rb") as file:
        pickle.load(file)  # The trap does go off where pickles are run.
    assert mark.read_text() == "code was run"


def test_a_fused_checkpoint_is_refused(original: Path, tmp_path: Path) -> None:
    state = laion_state(ClapModel.from_pretrained(original))
    state["audio_branch.patch_embed.mel_conv2d.weight"] = torch.zeros(1)
    torch.save(state, tmp_path / "fused.pt")
    with pytest.raises(ModelError, match=r"fused\.pt fuses random parts .* unfused checkpoint"):
        convert_laion_clap(tmp_path / "fused.pt", original, tmp_path / "clap")


def test_other_checkpoints_are_refused(original: Path, tmp_path: Path) -> None:
    torch.save({"visual.proj": torch.zeros(2)}, tmp_path / "clip.pt")
    with pytest.raises(ModelError, match=r"clip\.pt is no CLAP checkpoint of LAION .* it lacks"):
        convert_laion_clap(tmp_path / "clip.pt", original, tmp_path / "clap")
    state = laion_state(ClapModel.from_pretrained(original))
    del state["text_projection.0.bias"]
    torch.save(state, tmp_path / "torn.pt")
    with pytest.raises(ModelError, match=r"1 weights do not fit.*text_projection\.linear1\.bias"):
        convert_laion_clap(tmp_path / "torn.pt", original, tmp_path / "clap")
    (tmp_path / "text.pt").write_text("no checkpoint at all")
    with pytest.raises(ModelError, match="cannot be read as a checkpoint"):
        convert_laion_clap(tmp_path / "text.pt", original, tmp_path / "clap")


@pytest.mark.skipif(
    importlib.util.find_spec("laion_clap") is None, reason="laion-clap is not installed"
)
@pytest.mark.parametrize("audio_model", ["HTSAT-tiny", "HTSAT-base"])
def test_the_package_itself_gives_the_same_vectors(
    audio_model: str, original: Path, tmp_path: Path
) -> None:
    script = Path(__file__).parent / "laion_reference.py"
    arguments = [sys.executable, str(script), audio_model, str(original), str(tmp_path)]
    subprocess.run(arguments, check=True, capture_output=True)
    convert_laion_clap(tmp_path / "reference.pt", original, tmp_path / "clap")
    ours = clap_encoder(tmp_path / "clap", precision="fp32")
    theirs = np.load(tmp_path / "reference.npz")
    heard = ours.encode(Modality.AUDIO, [ours.prepare(Modality.AUDIO, s) for s in sounds()])
    read = ours.encode(Modality.TEXT, [ours.prepare(Modality.TEXT, s) for s in SENTENCES])
    assert cosines(heard, theirs["audio"]).min() >= 0.9999
    # Given NumPy arrays the package rounds sounds to 16 bits first; quiet ones show it.
    assert cosines(heard, theirs["audio_16_bit"]).min() >= 0.999
    assert cosines(read, theirs["text"]).min() >= 0.9999
