"""Train two separate pair models, as if by two laboratories that never met.

    python benchmarks/train_pairs.py [--only clip|clap] [--data FOLDER]

One knows pictures and words, the other sounds and words; their text towers, seeds and spaces are
their own. With them a bridge between two spaces can be measured against the jointly trained space.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import torch

from retrieval.encoders.mini.encoder import MiniEncoder
from retrieval.encoders.mini.train import save, train
from retrieval.encoders.mini.training_data import make_pictures, make_sounds
from retrieval.records import Modality

FOLDER = Path(__file__).parent / "pair_models"
PAIRS = {
    "clip": (21, frozenset({Modality.TEXT, Modality.IMAGE}), 1000),
    "clap": (22, frozenset({Modality.TEXT, Modality.AUDIO}), 600),
}
"""Name to seed, modalities and steps."""
DATA_SEED = 1
"""Pictures and sounds are those of the joint model; a pair sees only one kind of them."""


def pair_encoder(name: str) -> MiniEncoder:
    """The pair model `clip` or `clap`; its space is `pair-clip` or `pair-clap`."""
    return MiniEncoder(FOLDER / f"{name}.safetensors")


def main() -> None:
    """Train one or both and write their weights."""
    parser = argparse.ArgumentParser(description="Train two separate pair models.")
    parser.add_argument("--only", choices=list(PAIRS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--data", type=Path, help="folder to keep the generated data in")
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(chosen.threads)
    pictures = make_pictures(DATA_SEED, workers=chosen.threads, keep=chosen.data)
    sounds = make_sounds(DATA_SEED, workers=chosen.threads, keep=chosen.data)
    FOLDER.mkdir(exist_ok=True)
    for name, (seed, modalities, steps) in PAIRS.items():
        if chosen.only in (None, name):
            towers = train(modalities, pictures, sounds, seed=seed, steps=steps)
            facts = {"space": f"pair-{name}", "name": f"mini:pair-{name}", "seed": str(seed)}
            save(towers, FOLDER / f"{name}.safetensors", facts)


if __name__ == "__main__":
    main()
