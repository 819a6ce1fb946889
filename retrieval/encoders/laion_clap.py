"""Checkpoints of the laion-clap package (`.pt`), turned into folders that `clap_encoder` reads.

Several of LAION's models exist only in this form. The package itself is not needed: it asks for
NumPy 1, reaches for a network when it is imported and runs the pickles it loads. The architecture
is the one that transformers has as `ClapModel`, so a checkpoint only has to be renamed:

    laion-clap                                  transformers
    audio_branch.bn0                            audio_model.audio_encoder.batch_norm
    audio_branch.*.attn.qkv (rows q, k, v)      ...attention.self.query, .key, .value
    audio_branch.*.attn.relative_position_*     ...attention.self.relative_position_*
    audio_branch.*.attn.proj                    ...attention.output.dense
    audio_branch.*.mlp.fc1, mlp.fc2             ...intermediate.dense, output.dense
    audio_branch.*.norm1, norm2                 ...layernorm_before, layernorm_after
    text_branch                                 text_model
    text_projection.0, .2                       text_projection.linear1, linear2

Left out, because no vector depends on them: the spectrogram's constant tables, attention masks,
the tagging head (`tscam_conv`, `head`) and the transforms of the training loss.
"""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Any

import torch
from transformers import ClapConfig, ClapFeatureExtractor, ClapModel

from retrieval.encoders.open_clip import TOKENIZER
from retrieval.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

LEFT_OUT = re.compile(
    r"(audio_branch\.(spectrogram_extractor|logmel_extractor|tscam_conv|head)\."
    r"|.*\.attn_mask$|(audio|text)_transform\.|text_branch\.embeddings\.position_ids$)"
)
RENAMED = (
    (r"^audio_branch\.bn0\.", "audio_branch.batch_norm."),
    (r"\.attn\.proj\.", ".attention.output.dense."),
    (r"\.attn\.", ".attention.self."),
    (r"\.mlp\.fc1\.", ".intermediate.dense."),
    (r"\.mlp\.fc2\.", ".output.dense."),
    (r"\.norm1\.", ".layernorm_before."),
    (r"\.norm2\.", ".layernorm_after."),
    (r"^audio_branch\.", "audio_model.audio_encoder."),
    (r"^text_branch\.", "text_model."),
    (r"^(audio|text)_projection\.0\.", r"\1_projection.linear1."),
    (r"^(audio|text)_projection\.2\.", r"\1_projection.linear2."),
)
"""Pattern and replacement, applied to a key in this order."""
STATIC = {"text_model.embeddings.position_ids", "text_model.embeddings.token_type_ids"}
"""Counters that `ClapModel` keeps among its weights and makes by itself."""
LOWEST_HZ, HIGHEST_HZ = 50, 14_000
"""The mel scale that LAION trained on (`fmin` and `fmax` of the package's model configurations);
the models published for transformers say 0 to 14,000."""


def convert_laion_clap(checkpoint: Path, tokenizer: Path, folder: Path) -> None:
    """Write the model of a laion-clap checkpoint as a folder for `clap_encoder`.

    Args:
        checkpoint: A `.pt` file of an unfused HTSAT and RoBERTa model. No code in it is run.
        tokenizer: Folder with the tokenizer of `roberta-base`, as every CLAP model of LAION has
            it.
        folder: Is made; holds `config.json`, `preprocessor_config.json`, `model.safetensors` and
            the tokenizer afterwards.

    Raises:
        ModelError: the file is no such checkpoint, or one of a fused model.
    """
    weights = renamed(read_checkpoint(checkpoint))
    model = ClapModel(infer_config(weights, checkpoint.name))
    missing, unknown = model.load_state_dict(weights, strict=False)
    if unknown or set(missing) - STATIC:
        wrong = sorted({*unknown, *(set(missing) - STATIC)})
        raise ModelError(
            f"{checkpoint} is no CLAP checkpoint of LAION that is known here: "
            f"{len(wrong)} weights do not fit, the first of them {wrong[0]}."
        )
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    listening = ClapFeatureExtractor(
        frequency_min=LOWEST_HZ,
        frequency_max=HIGHEST_HZ,
        truncation="rand_trunc",
        padding="repeatpad",
    )
    listening.save_pretrained(folder)
    for name in TOKENIZER:
        if tokenizer != folder and (tokenizer / name).is_file():
            shutil.copyfile(tokenizer / name, folder / name)


def read_checkpoint(path: Path) -> dict[str, torch.Tensor]:
    """The weights in a checkpoint by the package's own names, without running its pickles.

    Raises:
        ModelError: the file is no checkpoint, or holds more than weights and plain values.
    """
    try:
        held: Any = torch.load(path, map_location="cpu", weights_only=True)
        state = held.get("state_dict", held)
        return {
            name.removeprefix("module."): weight
            for name, weight in state.items()
            if isinstance(weight, torch.Tensor)
        }
    except Exception as error:
        raise ModelError(
            f"{path} cannot be read as a checkpoint without running code in it: {error}"
        ) from error


def renamed(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The weights by the names of transformers; the packed q, k, v in three."""
    weights: dict[str, torch.Tensor] = {}
    for key, weight in state.items():
        if LEFT_OUT.match(key):
            continue
        name = key
        for pattern, replacement in RENAMED:
            name = re.sub(pattern, replacement, name)
        if ".qkv." in name:
            for part, piece in zip(("query", "key", "value"), weight.chunk(3), strict=True):
                weights[name.replace("qkv", part)] = piece.clone()
        else:
            weights[name] = weight
    return weights


def infer_config(weights: dict[str, torch.Tensor], name: str = "the checkpoint") -> ClapConfig:
    """The sizes of both towers, read from the shapes of their weights.

    Raises:
        ModelError: the weights are not those of an unfused HTSAT and RoBERTa model.
    """
    if any("fusion_model" in key or "mel_conv2d" in key for key in weights):
        raise ModelError(
            f"{name} fuses random parts of long sounds, so its vectors change from run to run: "
            "use an unfused checkpoint such as 630k-audioset-best.pt."
        )
    audio, text = "audio_model.audio_encoder.", "text_model."
    try:
        width = weights[audio + "patch_embed.proj.weight"].shape[0]
        depths = [_count(weights, rf"{audio}layers\.{i}\.blocks\.(\d+)\.") for i in range(4)]
        tables = [
            weights[f"{audio}layers.{i}.blocks.0.attention.self.relative_position_bias_table"]
            for i in range(4)
        ]
        words = weights[text + "embeddings.word_embeddings.weight"]
        positions = weights[text + "embeddings.position_embeddings.weight"]
        inner = weights[text + "encoder.layer.0.intermediate.dense.weight"]
        projection = weights["text_projection.linear2.weight"]
    except KeyError as error:
        raise ModelError(
            f"{name} is no CLAP checkpoint of LAION with HTSAT and RoBERTa: it lacks {error}."
        ) from error
    return ClapConfig(
        projection_dim=projection.shape[0],
        audio_config={
            "patch_embeds_hidden_size": width,
            "hidden_size": width * 8,
            "depths": depths,
            "num_attention_heads": [table.shape[1] for table in tables],
        },
        text_config={
            "vocab_size": words.shape[0],
            "hidden_size": words.shape[1],
            "num_hidden_layers": _count(weights, rf"{text}encoder\.layer\.(\d+)\."),
            "num_attention_heads": words.shape[1] // 64,
            "intermediate_size": inner.shape[0],
            "max_position_embeddings": positions.shape[0],
            # RoBERTa's own; the default of ClapConfig is another one.
            "layer_norm_eps": 1e-5,
        },
    )


def _count(weights: dict[str, torch.Tensor], pattern: str) -> int:
    found = (re.match(pattern, key) for key in weights)
    return 1 + max((int(match[1]) for match in found if match), default=-1)
