"""Run by a test: the laion-clap package with random weights, its checkpoint and its vectors.

The package asks for three tokenizers and a text model from the network when it is imported; here
it gets local ones of the right shape.
"""

from __future__ import annotations

import importlib.util
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from transformers import RobertaConfig, RobertaModel, RobertaTokenizer


def load(path: Path) -> Any:
    """A module by its file: the package brings folders of common names into the path."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(audio_model: str, tokenizer_folder: str, out: str) -> None:
    """Write `reference.pt` and `reference.npz`."""
    sys.path.append(str(Path(__file__).parent.parent))
    files = load(Path(__file__).parent / "model_files.py")
    tokenizer = RobertaTokenizer.from_pretrained(tokenizer_folder)
    for name in ("BertTokenizer", "BartTokenizer", "RobertaTokenizer"):
        offline = classmethod(lambda cls, *_, **__: tokenizer)
        setattr(getattr(transformers, name), "from_pretrained", offline)  # noqa: B010
    text = RobertaConfig(
        vocab_size=500,
        num_hidden_layers=3,
        max_position_embeddings=514,
        layer_norm_eps=1e-5,
        type_vocab_size=1,
    )
    offline = classmethod(lambda cls, *_, **__: RobertaModel(text))
    setattr(RobertaModel, "from_pretrained", offline)  # noqa: B010
    # Only used to download weights.
    sys.modules.setdefault("wget", types.ModuleType("wget"))
    import laion_clap

    torch.manual_seed(3)
    module = laion_clap.CLAP_Module(enable_fusion=False, device="cpu", amodel=audio_model)
    model = module.model.eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            fixed = "projection" in name or "extractor" in name
            if name.endswith("weight") and weight.ndim >= 2 and not fixed:
                weight.mul_(2.0)
        norm = model.audio_branch.bn0
        norm.running_mean.uniform_(-40.0, -20.0)
        norm.running_var.uniform_(200.0, 400.0)
    state = {f"module.{name}": weight for name, weight in model.state_dict().items()}
    positions = torch.arange(514).expand(1, -1)
    state.setdefault("module.text_branch.embeddings.position_ids", positions)
    torch.save({"epoch": 1, "state_dict": state}, Path(out) / "reference.pt")
    tensors = [torch.from_numpy(sound) for sound in files.sounds()]
    with torch.no_grad():
        np.savez(
            Path(out) / "reference.npz",
            audio=module.get_audio_embedding_from_data(tensors, use_tensor=True).numpy(),
            audio_16_bit=module.get_audio_embedding_from_data(files.sounds()),
            text=module.get_text_embedding(files.SENTENCES),
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
