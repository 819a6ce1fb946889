"""Pictures and sounds across two separately trained spaces: which bridge finds the right thing.

    python benchmarks/bridge.py            measure, write benchmarks/results/bridge.json
    python benchmarks/bridge.py --fit      first fit the bridge of the pair models anew

Compared, on the same generated pictures and sounds: chance, the bridge as shipped (the relay, both
ways), ridge regression in four forms, orthogonal Procrustes, canonical correlation (CCA), two
learned projectors (Ex-MCR style), and `mini`, trained jointly. Two worlds are measured: the relay
was chosen on the first, the second was made after that and confirms it.

True pairs are taken in as a library takes them in from its films: one frame and the sound of the
same seconds, one film in five showing one thing and sounding like another. They come from a third
seed, of all things or of every second one; what is kept for measuring is from none of these films.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from benchmarks.generated_library import Things, make_things
from benchmarks.generated_models import PAIR_MODELS, generated_space
from benchmarks.nine_directions import Corpus, mean_average_precision, precision_at_1
from benchmarks.record import record
from retrieval.bridge import Bridge, NormalEquations, Pairs
from retrieval.bridge_building import build_bridges
from retrieval.caption_bank import caption_bank
from retrieval.hubness import embed_texts
from retrieval.records import Modality
from retrieval.true_pairs import adapt_bridge
from retrieval.vectors import Vectors, centred, unit_rows

if TYPE_CHECKING:
    from retrieval.space import JointSpace

SEEDS = {"chosen on": 37_000_001, "confirmed on": 47_000_001}
FILM_SEED = 49_000_001
FILMS = (200, 1000)
MUDDLED = 0.2
"""Share of films whose sound is of something else."""
RIDGE_WEIGHTS = (10.0, 100.0)
"""How many captions a true pair counts for in ridge regression."""
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


def film_world(space: JointSpace, n: int, every: int) -> tuple[Pairs, set[str]]:
    """Pairs of n films of every so manyth thing, and which things those are."""
    rng = np.random.default_rng([FILM_SEED, n, every])
    shown, heard = (make_things(space, m, FILM_SEED, 20) for m in (Modality.IMAGE, Modality.AUDIO))
    names = np.unique(shown.concepts)
    covered = names[::every]
    pictures = rng.choice(np.flatnonzero(np.isin(shown.concepts, covered)), n)
    sounds = []
    for i in pictures:
        name = rng.choice(names) if rng.random() < MUDDLED else shown.concepts[i]
        sounds.append(int(rng.choice(np.flatnonzero(heard.concepts == name))))
    return Pairs(shown.rows[CLIP][pictures], heard.rows[CLAP][sounds], range(n)), set(covered)


def with_films(image: Things, audio: Things, space: JointSpace) -> list[dict[str, Any]]:
    """What true pairs of a library's films add, to things that they show and to others."""
    (bridge,) = space.bridges
    texts = embed_texts(space, [caption.text for caption in caption_bank()])
    captions = [centred(texts[s], texts[s].mean(axis=0)) for s in (CLIP, CLAP)]
    found = []
    for n, every in product(FILMS, (1, 2)):
        pairs, covered = film_world(space, n, every)
        oriented = pairs if bridge.spaces == (CLIP, CLAP) else pairs.turned()
        adapted = adapt_bridge(bridge, oriented)
        ways = {"relay without films": bridge, "relay with films": adapted or bridge}
        true = [centred(rows, rows.mean(axis=0)) for rows in (pairs.first, pairs.second)]
        for weight in RIDGE_WEIGHTS:
            sums = NormalEquations(captions[0].shape[1], captions[1].shape[1])
            sums.add(captions[0], captions[1])
            sums.add(true[0], true[1], weight)
            maps = {
                CLIP: sums.forth(bridge.lambdas[CLIP]).astype(np.float32),
                CLAP: sums.back(bridge.lambdas[CLAP]).astype(np.float32),
            }
            ways[f"ridge with films, weight {weight:g}"] = replace(bridge, relay=None, maps=maps)
        for way, one in ways.items():
            for shown in (True, False) if every > 1 else (True,):
                those = [np.isin(t.concepts, list(covered)) == shown for t in (image, audio)]
                found.append(
                    {
                        "films": n,
                        "things": "all" if every == 1 else "shown in films" if shown else "others",
                        "way": way,
                        "accepted": adapted is not None if way == "relay with films" else None,
                        **across(one, image, audio, those[0], those[1]),
                    }
                )
    return found


def across(
    bridge: Bridge,
    image: Things,
    audio: Things,
    asked_images: np.ndarray,
    asked_sounds: np.ndarray,
) -> dict[str, float]:
    """Precision@1 and mAP of some pictures and sounds as queries, among all of the other kind."""
    pictures, sounds = (
        centred(t.rows[s], t.rows[s].mean(axis=0)) for t, s in ((image, CLIP), (audio, CLAP))
    )
    a = Corpus(
        unit_rows(np.hstack([bridge.apply(pictures, CLIP), pictures])), image.concepts.tolist()
    )
    b = Corpus(unit_rows(np.hstack([sounds, bridge.apply(sounds, CLAP)])), audio.concepts.tolist())

    def some(corpus: Corpus, which: np.ndarray) -> Corpus:
        return Corpus(corpus.vectors[which], np.array(corpus.concepts)[which].tolist())

    return {
        "image->audio precision@1": precision_at_1(some(a, asked_images), b),
        "image->audio mAP": mean_average_precision(some(a, asked_images), b),
        "audio->image precision@1": precision_at_1(some(b, asked_sounds), a),
        "audio->image mAP": mean_average_precision(some(b, asked_sounds), a),
    }


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


def films_table(rows: list[dict[str, Any]]) -> str:
    """The Markdown table of what films add."""
    columns = [key for key in rows[0] if "->" in key]
    lines = [
        f"| films | asked for | way | {' | '.join(columns)} |",
        "|---|---|---|" + "---|" * len(columns),
    ]
    for row in rows:
        taken = " (not taken in)" if row["accepted"] is False else ""
        cells = " | ".join(f"{row[c]:.3f}" for c in columns)
        lines.append(f"| {row['films']} | {row['things']} | {row['way']}{taken} | {cells} |")
    return "\n".join(lines)


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
        "with_films": with_films(image, audio, space),
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
        print(name, table(world["ways"]), films_table(world["with_films"]), sep="\n\n")


if __name__ == "__main__":
    main()
