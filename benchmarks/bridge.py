"""Pictures and sounds across two separately trained spaces: which bridge finds the right thing.

    python benchmarks/bridge.py            measure, write benchmarks/results/bridge.json
    python benchmarks/bridge.py --fit      first fit the bridge of the pair models anew

Compared, on the same generated pictures and sounds: chance, the bridge as shipped (the relay, both
ways), ridge regression in four forms, orthogonal Procrustes, canonical correlation (CCA), two
learned projectors (Ex-MCR style), and `mini`, trained jointly. Two worlds are measured: the relay
was chosen on the first, the second was made after that and confirms it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from benchmarks.generated_library import Things, make_things
from benchmarks.generated_models import PAIR_MODELS, generated_space
from benchmarks.nine_directions import Corpus, mean_average_precision, precision_at_1
from benchmarks.record import record
from retrieval.bridge_building import build_bridges
from retrieval.caption_bank import caption_bank
from retrieval.hubness import embed_texts
from retrieval.records import Modality
from retrieval.vectors import Vectors, centred, unit_rows

if TYPE_CHECKING:
    from retrieval.space import JointSpace

SEEDS = {"chosen on": 37_000_001, "confirmed on": 47_000_001}
PER_CONCEPT = 8
CLIP, CLAP = "pair-clip", "pair-clap"
Maps: TypeAlias = tuple[Callable[[Vectors], Vectors], Callable[[Vectors], Vectors]]
"""What carries pictures and what carries sounds into the space where they meet."""


def procrustes(clip: Vectors, clap: Vectors) -> Maps:
    """The orthogonal map from one space to the other that fits the captions best."""
    u, _, vt = np.linalg.svd(clip.T.astype(float) @ clap, full_matrices=False)
    turn = u @ vt
    return lambda pictures: unit_rows(pictures @ turn), lambda sounds: sounds


def cca(clip: Vectors, clap: Vectors, dims: int = 64, ridge: float = 4e-3) -> Maps:
    """Canonical correlation: both spaces whitened and turned to agree on the captions."""

    def whitening(rows: Vectors) -> np.ndarray:
        values, vectors = np.linalg.eigh(rows.T.astype(float) @ rows / len(rows))
        return np.asarray(vectors / np.sqrt(np.maximum(values, 0) + ridge) @ vectors.T)

    white_clip, white_clap = whitening(clip), whitening(clap)
    cross = white_clip @ (clip.T.astype(float) @ clap / len(clip)) @ white_clap
    u, s, vt = np.linalg.svd(cross)
    a = white_clip @ u[:, :dims] * s[:dims]
    b = white_clap @ vt[:dims].T * s[:dims]
    return lambda pictures: unit_rows(pictures @ a), lambda sounds: unit_rows(sounds @ b)


def projectors(clip: Vectors, clap: Vectors, steps: int = 1500) -> Maps:
    """Two small networks into one space, trained by InfoNCE on captions with noise (Ex-MCR)."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    torch.set_num_threads(1)
    x, y = torch.from_numpy(clip), torch.from_numpy(clap)

    def network(dim: int) -> nn.Sequential:
        return nn.Sequential(nn.Linear(dim, 256), nn.ReLU(), nn.Linear(256, 128))

    first, second = network(x.shape[1]), network(y.shape[1])
    optimiser = torch.optim.AdamW([*first.parameters(), *second.parameters()], 1e-3)
    for _ in range(steps):
        some = torch.randint(len(x), (512,))
        a, b = (
            nn.functional.normalize(net(rows[some] + 0.004**0.5 * torch.randn(512, rows.shape[1])))
            for net, rows in ((first, x), (second, y))
        )
        logits = a @ b.T / 0.05
        same = torch.arange(512)
        loss = nn.functional.cross_entropy(logits, same) + nn.functional.cross_entropy(
            logits.T, same
        )
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()

    def through(network: nn.Sequential) -> Callable[[Vectors], Vectors]:
        def apply(rows: Vectors) -> Vectors:
            with torch.inference_mode():
                return unit_rows(network(torch.from_numpy(rows)).numpy())

        return apply

    return through(first), through(second)


def both_directions(pictures: Corpus, sounds: Corpus) -> dict[str, float]:
    """Precision@1 and mAP by concept, picture to sound and back."""
    found = {}
    for name, queries, targets in (
        ("image->audio", pictures, sounds),
        ("audio->image", sounds, pictures),
    ):
        found[f"{name} precision@1"] = precision_at_1(queries, targets)
        found[f"{name} mAP"] = mean_average_precision(queries, targets)
    return found


def compared(image: Things, audio: Things, space: JointSpace) -> dict[str, dict[str, float]]:
    """Every way to carry pictures and sounds across."""
    texts = embed_texts(space, [caption.text for caption in caption_bank()])
    means = {(s, Modality.TEXT): rows.mean(axis=0) for s, rows in texts.items()}
    clip, clap = (centred(texts[s], means[s, Modality.TEXT]) for s in (CLIP, CLAP))
    seen, heard = image.rows[CLIP], audio.rows[CLAP]
    pictures, sounds = (centred(rows, rows.mean(axis=0)) for rows in (seen, heard))
    (bridge,) = space.bridges

    def corpora(a: Vectors, b: Vectors) -> tuple[Corpus, Corpus]:
        return Corpus(a, image.concepts.tolist()), Corpus(b, audio.concepts.tolist())

    results = {}
    # The mean of both cosines is one inner product of what lies side by side.
    there, back = bridge.apply(pictures, CLIP), bridge.apply(sounds, CLAP)
    for name, a, b in (
        ("relay, both ways (shipped)", [there, pictures], [sounds, back]),
        ("relay, into the sounds' space", [there], [sounds]),
        ("relay, into the pictures' space", [pictures], [back]),
    ):
        results[name] = both_directions(*corpora(unit_rows(np.hstack(a)), unit_rows(np.hstack(b))))
    bridge = replace(bridge, relay=None)
    there, back = bridge.apply(pictures, CLIP), bridge.apply(sounds, CLAP)
    results |= {
        "ridge, centred, both ways": both_directions(
            *corpora(unit_rows(np.hstack([there, pictures])), unit_rows(np.hstack([sounds, back])))
        ),
        "ridge, centred, into the sounds' space": both_directions(*corpora(there, sounds)),
        "ridge, centred, into the pictures' space": both_directions(*corpora(pictures, back)),
        "ridge, not centred": both_directions(
            *corpora(
                unit_rows(np.hstack([bridge.apply(seen, CLIP), seen])),
                unit_rows(np.hstack([heard, bridge.apply(heard, CLAP)])),
            )
        ),
    }
    for name, make in (
        ("orthogonal Procrustes, centred", procrustes),
        ("CCA, centred", cca),
        ("learned projectors, centred", projectors),
    ):
        first, second = make(clip, clap)
        results[name] = both_directions(*corpora(first(pictures), second(sounds)))
    return results


def native_is_unchanged(image: Things, audio: Things, text: Things, space: JointSpace) -> bool:
    """Whether text<->picture and text<->sound rank as the pair models alone rank, to the last."""
    for things, name in ((image, CLIP), (audio, CLAP)):
        for i in range(0, len(text), 7):
            joint = space.cosines(
                Modality.TEXT, text.blocks(i), things.modality, things.rows, space.shipped_mean
            )
            alone = things.rows[name].astype(float) @ text.rows[name][i].astype(float)
            if not np.array_equal(np.argsort(-joint), np.argsort(-alone)):
                return False
    return True


def table(ways: dict[str, dict[str, float]]) -> str:
    """The Markdown table of one world."""
    columns = list(next(iter(ways.values())))
    rows = [f"| way | {' | '.join(columns)} |", "|---|" + "---|" * len(columns)]
    rows += [
        f"| {way} | {' | '.join(f'{found[c]:.3f}' for c in columns)} |"
        for way, found in ways.items()
    ]
    return "\n".join(rows)


def measured(seed: int, space: JointSpace, mini: JointSpace) -> dict[str, Any]:
    """One world: every way across, and whether what is native stays as it is."""
    image, audio, text = (
        make_things(space, m, seed, PER_CONCEPT)
        for m in (Modality.IMAGE, Modality.AUDIO, Modality.TEXT)
    )
    rng = np.random.default_rng(seed)
    chance = [
        both_directions(
            Corpus(unit_rows(rng.standard_normal((len(image), 32))), image.concepts.tolist()),
            Corpus(unit_rows(rng.standard_normal((len(audio), 32))), audio.concepts.tolist()),
        )
        for _ in range(5)
    ]
    ways = {
        "chance (random vectors)": {k: float(np.mean([c[k] for c in chance])) for k in chance[0]}
    }
    ways |= compared(image, audio, space)
    (name,) = mini.dims
    ways["mini, trained jointly"] = both_directions(
        *(
            Corpus(things.rows[name], things.concepts.tolist())
            for things in (
                make_things(mini, m, seed, PER_CONCEPT) for m in (Modality.IMAGE, Modality.AUDIO)
            )
        )
    )
    return {
        "seed": seed,
        "concepts": len(set(image.concepts)),
        "native_rankings_unchanged": native_is_unchanged(image, audio, text, space),
        "ways": ways,
    }


def main() -> None:
    """Fit if asked, measure, write."""
    parser = argparse.ArgumentParser(description="Bridges between two pair models.")
    parser.add_argument("--fit", action="store_true")
    chosen = parser.parse_args()
    if chosen.fit:
        build_bridges(generated_space("pairs"), PAIR_MODELS)
    space, mini = generated_space("pairs"), generated_space("mini")
    (bridge,) = space.bridges
    worlds = {name: measured(seed, space, mini) for name, seed in SEEDS.items()}
    result = {
        "per_concept": PER_CONCEPT,
        "captions": len(caption_bank()),
        "lambdas": dict(bridge.lambdas),
        "temperature": None if bridge.relay is None else bridge.relay.temperature,
        "worlds": worlds,
    }
    record("bridge", result, seed=SEEDS["confirmed on"], packages=("numpy", "torch"))
    for name, world in worlds.items():
        print(name, table(world["ways"]), sep="\n\n")


if __name__ == "__main__":
    main()
