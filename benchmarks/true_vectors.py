"""Vectors that a trained pair of towers makes of generated pictures, with its texts as queries.

    python -m benchmarks.true_vectors FILE.npz [--pictures 20000] [--texts 2400]

For `benchmarks.index_kinds --vectors FILE.npz`: nothing published can be had without a network, but
the towers in `benchmarks/pair_models` were trained as CLIP is, so that the texts lie off the
pictures as a real model's do. Pictures and texts are of concepts with attributes that training
never saw.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from benchmarks.generated_models import PAIR_MODELS
from benchmarks.nine_directions import make_content
from retrieval.encoders.mini.encoder import MiniEncoder
from retrieval.encoders.mini.world.concepts import CONCEPTS
from retrieval.records import Modality
from retrieval.vectors import Vectors

SEED = 71_000_001
BATCH = 500


def vectors(encoder: MiniEncoder, modality: Modality, count: int) -> Vectors:
    """Unit rows `(count, dim)` of contents of all concepts in turn."""
    rng = np.random.default_rng([SEED, sorted(Modality).index(modality)])
    names = list(CONCEPTS)
    made = []
    for start in range(0, count, BATCH):
        contents = [
            make_content(names[i % len(names)], modality, rng)
            for i in range(start, min(start + BATCH, count))
        ]
        made.append(encoder.encode(modality, [encoder.prepare(modality, c) for c in contents]))
    return np.concatenate(made)


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--pictures", type=int, default=20_000)
    parser.add_argument("--texts", type=int, default=2_400)
    chosen = parser.parse_args()
    encoder = MiniEncoder(PAIR_MODELS / "clip.safetensors")
    rows = vectors(encoder, Modality.IMAGE, chosen.pictures)
    np.savez(chosen.file, rows=rows, queries=vectors(encoder, Modality.TEXT, chosen.texts))
    print(f"{chosen.file}: {len(rows):,} pictures of {rows.shape[1]} dimensions")


if __name__ == "__main__":
    main()
