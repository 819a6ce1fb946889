"""How well a set of encoders finds the right concept in each of nine directions.

    python benchmarks/nine_directions.py            measure, write benchmarks/results/*.json
    python benchmarks/nine_directions.py --table    print the Markdown table of that file

Queries and collection are generated anew from seeds that training never used, with combinations of
attributes (colour and number, pitch and pace) that it never drew or played, and sentence frames
that it never wrote.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import time
from dataclasses import dataclass
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from retrieval.encoders.mini.encoder import MiniEncoder
from retrieval.encoders.mini.world.concepts import CONCEPTS
from retrieval.encoders.mini.world.pictures import COLOURS, NUMBERS, Look, draw
from retrieval.encoders.mini.world.sentences import (
    COLOUR_WORDS,
    HELD_OUT_HEARD_FRAMES,
    HELD_OUT_SEEN_FRAMES,
    NUMBER_WORDS,
    PACE_WORDS,
    PITCH_WORDS,
    write_heard,
    write_seen,
)
from retrieval.encoders.mini.world.sounds import PACES, PITCHES, Ring, play
from retrieval.encoders.mini.world.splits import looks, rings
from retrieval.records import Modality

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrieval.encoders.encoder import Encoder
    from retrieval.media.content import Content
    from retrieval.vectors import Vectors

RESULTS = Path(__file__).parent / "results"
SEED = 20_000_001
"""Training uses small seeds; this one is far from them."""
PER_CONCEPT = 20
"""Contents of each modality per concept, in the collection and again as queries."""
ATTRIBUTE_TRIALS = 960


@dataclass(frozen=True)
class Corpus:
    """Vectors of one modality and the concept of each."""

    vectors: Vectors
    concepts: list[str]


def make_corpus(encoder: Encoder, modality: Modality, seed: int, per_concept: int) -> Corpus:
    """Generate and encode held-out contents of one modality."""
    rng = np.random.default_rng([seed, sorted(Modality).index(modality)])
    concepts = [name for name in CONCEPTS for _ in range(per_concept)]
    contents = [make_content(name, modality, rng) for name in concepts]
    return Corpus(encode(encoder, modality, contents), concepts)


def make_content(concept: str, modality: Modality, rng: np.random.Generator) -> Content:
    """Generate one held-out content of a concept."""
    unseen_looks, unseen_rings = looks(concept, held_out=True), rings(concept, held_out=True)
    look = unseen_looks[int(rng.integers(len(unseen_looks)))]
    every = unseen_rings or rings(concept, held_out=False)
    ring = every[int(rng.integers(len(every)))]
    if modality == Modality.IMAGE:
        width_px, height_px = (int(side) for side in rng.integers(128, 193, 2))
        return draw(look, rng, width_px=width_px, height_px=height_px).picture
    if modality == Modality.AUDIO:
        return play(ring, rng)
    seen = rng.random() < 0.5
    line = write_seen(look, rng, held_out=True) if seen else write_heard(ring, rng, held_out=True)
    return line.text


def encode(encoder: Encoder, modality: Modality, contents: list[Content]) -> Vectors:
    """Prepare and encode."""
    return encoder.encode(modality, [encoder.prepare(modality, content) for content in contents])


def precision_at_1(queries: Corpus, collection: Corpus) -> float:
    """Share of queries whose best match has the same concept."""
    best = (queries.vectors @ collection.vectors.T).argmax(axis=1)
    right = [collection.concepts[k] == c for k, c in zip(best, queries.concepts, strict=True)]
    return float(np.mean(right))


def mean_average_precision(queries: Corpus, collection: Corpus) -> float:
    """Mean over queries of the average precision by concept, over the whole ranking."""
    order = np.argsort(-(queries.vectors @ collection.vectors.T), axis=1, kind="stable")
    concepts = np.array(collection.concepts)
    averages = []
    for ranking, concept in zip(order, queries.concepts, strict=True):
        ranks = np.flatnonzero(concepts[ranking] == concept) + 1
        averages.append(float(np.mean(np.arange(1, len(ranks) + 1) / ranks)))
    return float(np.mean(averages))


def chance_average_precision(concepts: int, per_concept: int, rng: np.random.Generator) -> float:
    """Mean average precision of random rankings, from 2,000 of them."""
    relevant = np.zeros(concepts * per_concept, bool)
    relevant[:per_concept] = True
    found = np.arange(1, per_concept + 1)
    ranks = (np.flatnonzero(rng.permutation(relevant)) + 1 for _ in range(2000))
    return float(np.mean([np.mean(found / r) for r in ranks]))


def picture_attributes(encoder: Encoder, seed: int) -> dict[str, float]:
    """How often "two red bells" finds two red bells above bells of other colour and number.

    Chance is 0.5. `colour` and `number` change only the one attribute.
    """
    rng = np.random.default_rng([seed, 11])
    changes: dict[str, Callable[[Look], Look]] = {
        "both": lambda x: Look(x.concept, _other(COLOURS, x.colour, rng),
                               _other(NUMBERS, x.number, rng)),
        "colour": lambda x: Look(x.concept, _other(COLOURS, x.colour, rng), x.number),
        "number": lambda x: Look(x.concept, x.colour, _other(NUMBERS, x.number, rng)),
    }  # fmt: skip
    scores = {}
    for name, change in changes.items():
        texts: list[Content] = []
        pictures: list[Content] = []
        for k in range(ATTRIBUTE_TRIALS // 3):
            concept = list(CONCEPTS)[k % len(CONCEPTS)]
            options = looks(concept, held_out=True)
            look = options[int(rng.integers(len(options)))]
            thing = CONCEPTS[concept].things[0][look.number != 1]
            words = f"{NUMBER_WORDS[look.number][0]} {COLOUR_WORDS[look.colour][0]} {thing}"
            frame = HELD_OUT_SEEN_FRAMES[k % len(HELD_OUT_SEEN_FRAMES)] if k % 2 else "{}"
            texts.append(frame.format(words))
            pictures += [draw(look, rng).picture, draw(change(look), rng).picture]
        scores[name] = _preferred(encoder, Modality.IMAGE, texts, pictures)
    return scores


def sound_attributes(encoder: Encoder, seed: int) -> dict[str, float]:
    """How often "a high bell" finds a high bell above a low one, and fast above slow."""
    rng = np.random.default_rng([seed, 12])
    scores = {}
    for name, words in (("pitch", PITCH_WORDS), ("pace", PACE_WORDS)):
        texts: list[Content] = []
        sounds: list[Content] = []
        for k in range(ATTRIBUTE_TRIALS // 5):
            concept = list(CONCEPTS)[k % len(CONCEPTS)]
            told, other = rng.permutation(list(words)).tolist()
            phrase = f"{words[told][0]} {CONCEPTS[concept].things[0][0]}"
            frame = HELD_OUT_HEARD_FRAMES[k % len(HELD_OUT_HEARD_FRAMES)] if k % 2 else "{}"
            texts.append(frame.format(f"a {phrase}"))
            for value in (told, other):
                ring = (
                    Ring(concept, value, str(rng.choice(list(PACES))))
                    if name == "pitch"
                    else Ring(concept, str(rng.choice(list(PITCHES))), value)
                )
                sounds.append(play(ring, rng))
        scores[name] = _preferred(encoder, Modality.AUDIO, texts, sounds)
    return scores


def _preferred(
    encoder: Encoder, modality: Modality, texts: list[Content], pairs: list[Content]
) -> float:
    """Share of texts whose first candidate of two scores higher."""
    words = encode(encoder, Modality.TEXT, texts)
    candidates = encode(encoder, modality, pairs).reshape(len(texts), 2, -1)
    scores = np.einsum("nd,nkd->nk", words, candidates)
    return float(np.mean(scores[:, 0] > scores[:, 1]))


def _other(values: Any, one: Any, rng: np.random.Generator) -> Any:
    rest = [value for value in values if value != one]
    return rest[int(rng.integers(len(rest)))]


def measure(encoder: Encoder, seed: int = SEED, per_concept: int = PER_CONCEPT) -> dict[str, Any]:
    """Measure every direction between the modalities that the encoder has."""
    modalities = sorted(encoder.modalities)
    queries = {m: make_corpus(encoder, m, seed, per_concept) for m in modalities}
    collections = {m: make_corpus(encoder, m, seed + 1, per_concept) for m in modalities}
    directions = [
        {
            "query": a.value,
            "target": b.value,
            "precision_at_1": precision_at_1(queries[a], collections[b]),
            "mean_average_precision": mean_average_precision(queries[a], collections[b]),
        }
        for a, b in product(modalities, modalities)
    ]
    result: dict[str, Any] = {
        "name": encoder.name,
        "fingerprint": encoder.fingerprint,
        "concepts": len(CONCEPTS),
        "queries_per_direction": len(CONCEPTS) * per_concept,
        "collection_per_modality": len(CONCEPTS) * per_concept,
        "chance_precision_at_1": 1 / len(CONCEPTS),
        "chance_mean_average_precision": chance_average_precision(
            len(CONCEPTS), per_concept, np.random.default_rng(seed)
        ),
        "directions": directions,
    }
    if {Modality.TEXT, Modality.IMAGE} <= encoder.modalities:
        result["picture_attributes"] = picture_attributes(encoder, seed)
    if {Modality.TEXT, Modality.AUDIO} <= encoder.modalities:
        result["sound_attributes"] = sound_attributes(encoder, seed)
    return result


def encode_speed(encoder: Encoder) -> dict[str, dict[str, float]]:
    """Median milliseconds to prepare and to encode one content of each modality."""
    rng = np.random.default_rng(3)
    speeds = {}
    for modality in sorted(encoder.modalities):
        contents = [make_content(name, modality, rng) for name in list(CONCEPTS)[:30]]
        prepared, prepare_ms, encode_ms = None, [], []
        for content in contents:
            began = time.perf_counter()
            prepared = encoder.prepare(modality, content)
            between = time.perf_counter()
            encoder.encode(modality, [prepared])
            prepare_ms.append(1e3 * (between - began))
            encode_ms.append(1e3 * (time.perf_counter() - between))
        speeds[modality.value] = {
            "prepare_ms": float(np.median(prepare_ms)),
            "encode_ms": float(np.median(encode_ms)),
        }
    return speeds


def machine() -> dict[str, Any]:
    """Where and with what the figures were made."""
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("numpy", "pillow", "safetensors")},
        "commit": commit,
        "seed": SEED,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), "")


def table(result: dict[str, Any]) -> str:
    """The Markdown table of one raw result."""
    p_chance = result["chance_precision_at_1"]
    map_chance = result["chance_mean_average_precision"]
    rows = ["| query | target | precision@1 | chance | mAP | chance |", "|---|---|---|---|---|---|"]
    rows += [
        f"| {d['query']} | {d['target']} | {d['precision_at_1']:.3f} | {p_chance:.3f} "
        f"| {d['mean_average_precision']:.3f} | {map_chance:.3f} |"
        for d in result["directions"]
    ]
    attributes = {
        f"{kind}: {name}": value
        for kind in ("picture", "sound")
        for name, value in result.get(f"{kind}_attributes", {}).items()
    }
    if attributes:
        rows += ["", "| attribute changed in the wrong answer | right one first | chance |",
                 "|---|---|---|"]  # fmt: skip
        rows += [f"| {name} | {value:.3f} | 0.500 |" for name, value in attributes.items()]
    return "\n".join(rows)


def main() -> None:
    """Measure, or print the table of what was measured."""
    parser = argparse.ArgumentParser(description="Nine directions on held-out generated data.")
    parser.add_argument("--weights", type=Path, help="other weights than those of the package")
    parser.add_argument("--out", type=Path, default=RESULTS / "nine_directions.json")
    parser.add_argument("--table", action="store_true", help="only print the table of --out")
    chosen = parser.parse_args()
    if not chosen.table:
        encoder = MiniEncoder(chosen.weights) if chosen.weights else MiniEncoder()
        result = {**machine(), **measure(encoder), "speed": encode_speed(encoder)}
        chosen.out.parent.mkdir(parents=True, exist_ok=True)
        chosen.out.write_text(json.dumps(result, indent=2) + "\n")
    print(table(json.loads(chosen.out.read_text())))


if __name__ == "__main__":
    main()
