"""The model sets that live in the generated world: `mini`, and the two pair models."""

from __future__ import annotations

from pathlib import Path

from retrieval.encoders.mini import WINDOWS, model_set
from retrieval.encoders.mini.encoder import WEIGHTS, MiniEncoder
from retrieval.encoders.model_set import ModelSet
from retrieval.space import JointSpace

PAIR_MODELS = Path(__file__).parent / "pair_models"


def generated_space(name: str) -> JointSpace:
    """The joint space of `mini` or `pairs`, with what was fitted for it so far."""
    if name == "mini":
        mini = model_set()
        return JointSpace(ModelSet("mini", mini.encoders, mini.windows, WEIGHTS.parent))
    encoders = tuple(MiniEncoder(PAIR_MODELS / f"{pair}.safetensors") for pair in ("clip", "clap"))
    return JointSpace(ModelSet("pairs", encoders, WINDOWS, PAIR_MODELS))
