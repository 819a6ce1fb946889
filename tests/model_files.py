"""Models with random weights and true architectures, written as their publishers write them."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import open_clip
import torch
from safetensors.torch import save_file
from tokenizers import ByteLevelBPETokenizer
from transformers import (
    ClapConfig,
    ClapFeatureExtractor,
    ClapModel,
    GemmaTokenizer,
    RobertaTokenizer,
)
from transformers.utils import logging

from retrieval.encoders.checksums import sha256_of
from retrieval.encoders.model_store import StoredModel, StoredSet, write_manifest

logging.disable_progress_bar()  # type: ignore[no-untyped-call]

SAMPLE_RATE_HZ = 48_000
QKV = ("query", "key", "value")
SENTENCES = [
    "a dog barking at the sea",
    "the sound of rain on a roof",
    "two red bells, ringing",
    "a photo of a cat",
    "thunder",
    "Ein Zug fährt über die Brücke",
    "a long story about a piano that nobody had tuned since the war, " * 6,
]


def shrink_text(config: dict[str, Any], *, vocabulary: int | None = None) -> dict[str, Any]:
    """The same text tower with two thin layers."""
    text = config["text_cfg"]
    text.update(layers=2)
    if vocabulary:
        text.update(vocab_size=vocabulary)
    return config


def write_open_clip(
    folder: Path, config: dict[str, Any], preprocess: dict[str, Any], *, seed: int = 0
) -> Any:
    """Write a folder as `open_clip.push_to_hf_hub` uploads it; returns the model in it."""
    folder.mkdir(parents=True)
    known = {"model_cfg": config, "preprocess_cfg": preprocess}
    (folder / "open_clip_config.json").write_text(json.dumps(known))
    torch.manual_seed(seed)
    model = open_clip.create_model(f"local-dir:{folder}", load_weights=False)
    with torch.no_grad():
        # At its first random values a tower gives every input nearly the same vector, and a test
        # would not see one picture taken for another.
        for name, weights in model.named_parameters():
            if weights.ndim >= 2 and "embed" not in name:
                weights.mul_(1.5)
    weights = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(weights, folder / "open_clip_model.safetensors")
    return model


def write_gemma_tokenizer(folder: Path) -> None:
    """A tokenizer of the kind of SigLIP 2 (Gemma: padded with 0, ended with 1), for letters."""
    letters = [chr(c) for c in range(33, 127)] + list("äöüß")
    tokens = ["<pad>", "<eos>", "<bos>", "<unk>", "▁", *letters]
    tokenizer = GemmaTokenizer(
        vocab={t: i for i, t in enumerate(tokens)},
        merges=[],
        padding_side="right",
        add_bos_token=False,
        add_eos_token=True,
    )
    tokenizer.save_pretrained(folder)


def roberta_tokenizer(folder: Path) -> RobertaTokenizer:
    """A tokenizer of the kind of RoBERTa, trained on a few sentences."""
    folder.mkdir(parents=True, exist_ok=True)
    trained = ByteLevelBPETokenizer()
    trained.train_from_iterator(
        SENTENCES,
        vocab_size=400,
        min_frequency=1,
        show_progress=False,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
    )
    state = json.loads(trained.to_str())["model"]
    merges = [tuple(m) for m in state["merges"]]
    return RobertaTokenizer(vocab=state["vocab"], merges=merges)  # type: ignore[arg-type]


def clap_config(*, base: bool = False, text_layers: int = 2) -> Any:
    """HTSAT-tiny (or HTSAT-base with fewer blocks) and a text tower of true width."""
    audio: dict[str, Any] = {"depths": [2, 2, 6, 2]}
    if base:
        audio = {"depths": [2, 2, 12, 2], "patch_embeds_hidden_size": 128, "hidden_size": 1024}
    text = {"num_hidden_layers": text_layers, "vocab_size": 500}
    return ClapConfig(audio_config=audio, text_config=text)


def write_clap(folder: Path, config: ClapConfig | None = None, *, seed: int = 0) -> Path:
    """A folder as `ClapModel` and its processor save themselves."""
    torch.manual_seed(seed)
    model = ClapModel(config or clap_config()).train(False)
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            if name.endswith("weight") and tensor.ndim >= 2 and "projection" not in name:
                tensor.mul_(2.0)
        norm = model.audio_model.audio_encoder.batch_norm
        norm.running_mean.uniform_(-40.0, -20.0)
        norm.running_var.uniform_(200.0, 400.0)
    model.save_pretrained(folder)
    ClapFeatureExtractor(truncation="rand_trunc", padding="repeatpad").save_pretrained(folder)
    roberta_tokenizer(folder).save_pretrained(folder)
    return folder


def laion_state(model: ClapModel) -> dict[str, torch.Tensor]:
    """The weights of a model by the names that the laion-clap package gives them."""
    state: dict[str, torch.Tensor] = {}
    for name, weight in model.state_dict().items():
        key = name.replace("audio_model.audio_encoder.", "audio_branch.")
        key = key.replace("text_model.", "text_branch.").replace("batch_norm", "bn0")
        key = key.replace("projection.linear1", "projection.0")
        key = key.replace("projection.linear2", "projection.2")
        if key.endswith("token_type_ids"):
            continue
        if key.startswith("audio_branch.layers"):
            key = key.replace("layernorm_before", "norm1").replace("layernorm_after", "norm2")
            key = key.replace("attention.output.dense", "attn.proj")
            key = key.replace("intermediate.dense", "mlp.fc1").replace("output.dense", "mlp.fc2")
            key = key.replace("attention.self.", "attn.")
            if ".attn.query." in key:
                parts = [model.state_dict()[name.replace("query", p)] for p in QKV]
                state[key.replace("query", "qkv")] = torch.cat(parts)
                continue
            if ".attn.key." in key or ".attn.value." in key:
                continue
        state[key] = weight
    state["audio_branch.spectrogram_extractor.stft.conv_real.weight"] = torch.zeros(2)
    state["audio_branch.logmel_extractor.melW"] = torch.zeros(2)
    state["audio_branch.layers.0.blocks.1.attn_mask"] = torch.zeros(2)
    state["audio_branch.tscam_conv.weight"] = torch.zeros(2)
    state["audio_branch.head.weight"] = torch.zeros(2)
    state["audio_transform.sequential.0.weight"] = torch.zeros(2)
    state["text_transform.sequential.3.bias"] = torch.zeros(2)
    return state


def write_laion_checkpoint(path: Path, model: Path) -> Path:
    """A `.pt` file as LAION's training writes it, with the weights of a folder of `write_clap`."""
    state = laion_state(ClapModel.from_pretrained(model))
    assert "text_branch.embeddings.position_ids" in state
    wrapped = {f"module.{name}": weight for name, weight in state.items()}
    torch.save({"epoch": 15, "name": "a run", "state_dict": wrapped}, path)
    return path


SMALL_CLIP: dict[str, Any] = {
    "embed_dim": 64,
    "vision_cfg": {
        "image_size": 64,
        "layers": 2,
        "width": 64,
        "patch_size": 16,
        "head_width": 32,
    },
    "text_cfg": {
        "context_length": 77,
        "vocab_size": 49_408,
        "width": 64,
        "heads": 2,
        "layers": 2,
    },
}
"""A CLIP of the architecture of ViT-B-32, small in every direction."""


def small_clap_config() -> Any:
    """A CLAP of true architecture, small in every direction."""
    audio = {
        "depths": [2, 2, 2, 2],
        "patch_embeds_hidden_size": 32,
        "hidden_size": 256,
        "num_attention_heads": [2, 4, 8, 16],
    }
    text = {
        "num_hidden_layers": 2,
        "vocab_size": 500,
        "hidden_size": 64,
        "num_attention_heads": 1,
        "intermediate_size": 128,
        "layer_norm_eps": 1e-5,  # RoBERTa's, so that a checkpoint of LAION can hold the same model
    }
    return ClapConfig(projection_dim=64, audio_config=audio, text_config=text)


def write_small_clip(folder: Path) -> Path:
    """The folder of a small CLIP with the preprocessing of OpenAI's."""
    write_open_clip(folder, deepcopy(SMALL_CLIP), {"size": 64, "mode": "RGB"})
    return folder


def write_small_set(folder: Path, *, name: str = "clip-clap", precision: str = "fp32") -> Path:
    """A folder of models as `pull` leaves it, with small models in it."""
    write_small_clip(folder / "open_clip")
    write_clap(folder / "clap", small_clap_config())
    models = []
    for kind in ("open_clip", "clap"):
        files = {
            path.name: {"size": path.stat().st_size, "sha256": sha256_of(path)}
            for path in sorted((folder / kind).iterdir())
        }
        models.append(
            StoredModel(f"{kind}:small", kind, kind, f"nobody/{kind}", "0" * 40, "MIT", "", files)
        )
    write_manifest(folder, StoredSet(name, precision, tuple(models)))
    return folder


def pictures() -> list[npt.NDArray[np.uint8]]:
    """Pictures of several shapes, some with fine detail, some flat."""
    rng = np.random.default_rng(1)
    shapes = [(300, 400), (97, 61), (224, 224), (640, 200), (33, 512)]
    made = [rng.integers(0, 256, (h, w, 3), dtype=np.uint8) for h, w in shapes]
    y, x = np.mgrid[0:260, 0:380]
    made.append(np.stack([y % 256, x % 256, (x + y) % 256], axis=2).astype(np.uint8))
    return made


def sounds() -> list[npt.NDArray[np.float32]]:
    """Sounds of 10 s and shorter: tones, clicks, noise, and one that fades into silence."""
    rng = np.random.default_rng(2)
    t = np.arange(10 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    tone = 0.5 * np.sin(2 * np.pi * 440.0 * t)
    made = [
        tone,
        0.1 * rng.standard_normal(len(t)),
        np.sin(2 * np.pi * 200.0 * t**2) * np.exp(-t),
        np.where(np.arange(len(t)) % 12_000 < 40, 0.9, 0.0),
        tone[: 3 * SAMPLE_RATE_HZ + 17],
        rng.standard_normal(777) * 0.2,
    ]
    return [sound.astype(np.float32) for sound in made]


def cosines(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Cosine of every row of `a` to the same row of `b`."""
    x, y = a.astype(np.float64), b.astype(np.float64)
    lengths = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
    cosine: npt.NDArray[np.float64] = (x * y).sum(axis=1) / lengths
    return cosine
