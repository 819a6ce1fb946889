"""Whether the films of a library make its bridge better: true pairs taken in, or not.

    python benchmarks/films.py     write benchmarks/results/films.json

A pair is a frame and the sound of the same seconds; one film in five shows one thing and sounds
like another. Films come from a seed of their own, of all things or of every second one; what is
asked for and found is from none of them. The relay that they are taken into knows all things of
the caption bank, or only every so manyth: the fewer it knows, the more films could tell it.
Pairs are taken in as a library does it, by the rule of `adapt_bridge`, and regardless of that rule.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.bridge import CLAP, CLIP, PER_CONCEPT, SEEDS
from benchmarks.generated_library import Things, make_things
from benchmarks.generated_models import generated_space
from benchmarks.nine_directions import Corpus, mean_average_precision, precision_at_1
from benchmarks.record import record
from retrieval.bridge import Bridge, Pairs
from retrieval.records import Modality
from retrieval.true_pairs import adapt_bridge
from retrieval.vectors import centred, unit_rows

if TYPE_CHECKING:
    from retrieval.space import JointSpace

FILM_SEED = 49_000_001
FILMS = (200, 1000)
MUDDLED = 0.2
"""Share of films whose sound is of something else."""
BANKS = (1, 30)
"""The relay knows every so manyth thing of the bank."""


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


def thinned(bridge: Bridge, every: int) -> Bridge:
    """The bridge with a relay that knows every so manyth thing."""
    assert bridge.relay is not None
    things = {space: rows[::every] for space, rows in bridge.relay.things.items()}
    return replace(bridge, relay=replace(bridge.relay, things=things))


def measured(space: JointSpace, seed: int) -> list[dict[str, Any]]:
    """What films add in one world, to things that they show and to others."""
    image, audio = (
        make_things(space, m, seed, PER_CONCEPT) for m in (Modality.IMAGE, Modality.AUDIO)
    )
    (whole,) = space.bridges
    found = []
    for bank, n, every in product(BANKS, FILMS, (1, 2)):
        bridge = thinned(whole, bank)
        pairs, covered = film_world(space, n, every)
        oriented = pairs if bridge.spaces == (CLIP, CLAP) else pairs.turned()
        by_rule = adapt_bridge(bridge, oriented)
        ways = {
            "without": bridge,
            "regardless": adapt_bridge(bridge, oriented, regardless=True),
            "by the rule": by_rule or bridge,
        }
        for way, one in ways.items():
            assert one is not None
            for shown in (True, False) if every > 1 else (True,):
                those = [np.isin(t.concepts, list(covered)) == shown for t in (image, audio)]
                found.append(
                    {
                        "bank": bank,
                        "films": n,
                        "things": "all" if every == 1 else "shown in films" if shown else "others",
                        "way": way,
                        "taken_in": by_rule is not None,
                        "gain": by_rule.gain if by_rule is not None else None,
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


def table(rows: list[dict[str, Any]]) -> str:
    """The Markdown table: mAP, pictures to sounds and back, in each way."""
    lines = [
        "| the relay knows | films | asked for | without films | with films, regardless "
        "| taken in by the rule? |",
        "|---|---|---|---|---|---|",
    ]
    keys = ("bank", "films", "things")
    for case in dict.fromkeys(tuple(r[k] for k in keys) for r in rows):
        some = {r["way"]: r for r in rows if tuple(r[k] for k in keys) == case}
        without, regardless = (
            " / ".join(f"{some[way][f'{d} mAP']:.3f}" for d in ("image->audio", "audio->image"))
            for way in ("without", "regardless")
        )
        bank = "all things" if case[0] == 1 else f"every {case[0]}th thing"
        taken = "yes" if some["by the rule"]["taken_in"] else "no"
        lines.append(f"| {bank} | {case[1]} | {case[2]} | {without} | {regardless} | {taken} |")
    return "\n".join(lines)


def main() -> None:
    """Measure both worlds of the bridge's own benchmark."""
    space = generated_space("pairs")
    worlds = {name: measured(space, seed) for name, seed in SEEDS.items()}
    record("films", {"worlds": worlds}, seed=FILM_SEED)
    for name, rows in worlds.items():
        print(name, table(rows), sep="\n\n")


if __name__ == "__main__":
    main()
