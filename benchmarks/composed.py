"""Queries of several terms: which way to put them together finds what has all of them.

    python benchmarks/composed.py mini|pairs

A library holds pictures of 24 things in six colours each and sounds of them at each pitch. A query
names the thing by a picture, a sound or words, in another colour or pitch, and asks for the colour
or pitch in words; or it names the thing and says which colour or pitch is not wanted. Each way to
put terms together ranks all pictures or sounds. Two worlds from different seeds are measured: what
is shipped was chosen on the first.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.generated_library import Things, fill
from benchmarks.generated_models import generated_space
from benchmarks.record import record
from retrieval.cohort import lowest_scrambled
from retrieval.encoders.mini.world.concepts import CONCEPTS
from retrieval.encoders.mini.world.pictures import Look, draw
from retrieval.encoders.mini.world.sounds import Ring, play
from retrieval.records import Modality
from retrieval.scoring import together, without
from retrieval.terms import EmbeddedTerm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt

    from retrieval.media.content import Content
    from retrieval.scoring import Scored
    from retrieval.space import JointSpace

    Floats = npt.NDArray[np.float64]

SEEDS = {"chosen on": 41_000_001, "confirmed on": 43_000_001}
COLOURS = ("red", "yellow", "green", "blue", "black", "white")
PITCHES = ("low", "high")
COPIES = 2
THINGS = tuple(CONCEPTS)[::2]

WANTED: dict[str, Callable[[Scored, Scored], Floats]] = {
    "product of scores (shipped)": lambda a, b: together([(1.0, a), (1.0, b)]).evidence,
    "product of evidence above the least": lambda a, b: (
        (a.evidence - a.evidence.min()) * (b.evidence - b.evidence.min())
    ),
    "sum of evidence": lambda a, b: a.evidence + b.evidence,
    "the lesser evidence": lambda a, b: np.minimum(a.evidence, b.evidence),
    "sum of vectors": lambda a, b: a.cosines + b.cosines,
    "the first term alone": lambda a, _: a.evidence,
}
"""Evidence is the standardised cosine on the scale of a log-likelihood ratio."""

UNWANTED: dict[str, Callable[[Scored, Scored], Floats]] = {
    "three quarters of the evidence against, where there is any (shipped)": lambda a, b: (
        without(a, [(1.0, b)]).evidence
    ),
    "half of the evidence against, where there is any": lambda a, b: (
        a.evidence - 0.5 * np.maximum(b.evidence, 0)
    ),
    "all of the evidence against, where there is any": lambda a, b: (
        a.evidence - np.maximum(b.evidence, 0)
    ),
    "half of the evidence against, also below zero": lambda a, b: a.evidence - 0.5 * b.evidence,
    "half of the vector subtracted": lambda a, b: a.cosines - 0.5 * b.cosines,
    "all of the vector subtracted": lambda a, b: a.cosines - b.cosines,
    "the unwanted term ignored": lambda a, _: a.evidence,
}


@dataclass(frozen=True)
class Shown:
    """A picture or a sound, what it is of, and its colour or pitch."""

    content: Content
    concept: str
    attribute: str


def pictures(rng: np.random.Generator, copies: int) -> list[Shown]:
    """Pictures of every thing in every colour."""
    return [
        Shown(draw(Look(concept, colour, 1), rng).picture, concept, colour)
        for concept, colour in product(THINGS, COLOURS)
        for _ in range(copies)
    ]


def sounds(rng: np.random.Generator, copies: int) -> list[Shown]:
    """Sounds of every thing at every pitch."""
    return [
        Shown(play(Ring(concept, pitch, "middle"), rng), concept, pitch)
        for concept, pitch in product(THINGS, PITCHES)
        for _ in range(copies)
    ]


def things(space: JointSpace, modality: Modality, shown: Sequence[Shown]) -> Things:
    """Embedded."""
    rows = space.embed(modality, [one.content for one in shown])
    return Things(modality, rows, np.array([f"{s.concept} {s.attribute}" for s in shown]))


class World:
    """A library of pictures and sounds, and terms to ask it with."""

    def __init__(self, space: JointSpace, seed: int, folder: Path) -> None:
        rng = np.random.default_rng(seed)
        self.space = space
        self.rng = rng
        self.held = {Modality.IMAGE: pictures(rng, 2 * COPIES), Modality.AUDIO: sounds(rng, 4)}
        asked = {Modality.IMAGE: pictures(rng, 1), Modality.AUDIO: sounds(rng, 1)}
        self.asked = {m: (shown, things(space, m, shown)) for m, shown in asked.items()}
        library, search = fill(folder, space, [things(space, m, s) for m, s in self.held.items()])
        self.library, self.scoring = library, search.scoring
        self.moments = {
            m: library.indexes.moments.get(
                lowest_scrambled(library.indexes.get(space.spaces_of(m)[0], m).ids, 10 * len(shown))
            )
            for m, shown in self.held.items()
        }

    def words(self, text: str, target: Modality) -> Scored:
        """How well words are met by everything of a modality."""
        blocks = {s: rows[0] for s, rows in self.space.embed(Modality.TEXT, [text]).items()}
        return self._score(Modality.TEXT, blocks, target)

    def shown(self, modality: Modality, concept: str, but: str, target: Modality) -> Scored:
        """The same for a picture or sound of a concept with another attribute than one."""
        shown, rows = self.asked[modality]
        options = [i for i, s in enumerate(shown) if s.concept == concept and s.attribute != but]
        return self._score(modality, rows.blocks(int(self.rng.choice(options))), target)

    def _score(self, modality: Modality, blocks: Any, target: Modality) -> Scored:
        term = EmbeddedTerm(1.0, {modality: blocks})
        return self.scoring.score([term], target, self.moments[target])


def attribute_words(target: Modality, attribute: str) -> str:
    """Words for a colour or a pitch and nothing else."""
    return f"something {attribute}" if target is Modality.IMAGE else f"a {attribute} sound"


def judged(ranking: Floats, right: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Precision@1 and average precision of scores `(n,)`."""
    ranks = np.flatnonzero(right[np.argsort(-ranking, kind="stable")]) + 1
    found = np.arange(1, len(ranks) + 1)
    return {
        "precision@1": float(ranks[0] == 1),
        "mAP": float(np.mean(found / ranks)),
    }


QUESTIONS = {
    "picture + words for a colour": (Modality.IMAGE, Modality.IMAGE, False),
    "words + words for a colour": (Modality.TEXT, Modality.IMAGE, False),
    "sound + words for a colour": (Modality.AUDIO, Modality.IMAGE, False),
    "sound + words for a pitch": (Modality.AUDIO, Modality.AUDIO, False),
    "words - words for a colour": (Modality.TEXT, Modality.IMAGE, True),
    "picture - words for a colour": (Modality.IMAGE, Modality.IMAGE, True),
    "sound - words for a pitch": (Modality.AUDIO, Modality.AUDIO, True),
}
"""Question to how the thing is named, what is looked for, and whether the attribute is unwanted."""


def questions(world: World) -> Iterator[tuple[str, Scored, Scored, npt.NDArray[np.bool_]]]:
    """Every question about every thing and attribute: its name, both terms, the right answers."""
    for question, (by, target, unwanted) in QUESTIONS.items():
        attributes = COLOURS if target is Modality.IMAGE else PITCHES
        of_attribute = {a: world.words(attribute_words(target, a), target) for a in attributes}
        for concept, attribute in product(THINGS, attributes):
            thing = (
                world.words(f"a {CONCEPTS[concept].things[0][0]}", target)
                if by is Modality.TEXT
                else world.shown(by, concept, attribute, target)
            )
            right = [
                s.concept == concept and (s.attribute == attribute) is not unwanted
                for s in world.held[target]
            ]
            yield question, thing, of_attribute[attribute], np.array(right)


def measure(world: World) -> list[dict[str, Any]]:
    """Every question answered in every way."""
    rows: dict[tuple[str, str], list[dict[str, float]]] = {}
    for question, thing, attribute, right in questions(world):
        for way, combine in (UNWANTED if QUESTIONS[question][2] else WANTED).items():
            rows.setdefault((question, way), []).append(judged(combine(thing, attribute), right))
    return [
        {
            "question": question,
            "way": way,
            "queries": len(some),
            **{key: float(np.mean([r[key] for r in some])) for key in some[0]},
        }
        for (question, way), some in rows.items()
    ]


def main() -> None:
    """Measure both worlds."""
    parser = argparse.ArgumentParser(description="Queries of several terms.")
    parser.add_argument("models", choices=["mini", "pairs"])
    chosen = parser.parse_args()
    space = generated_space(chosen.models)
    worlds = {}
    for name, seed in SEEDS.items():
        with tempfile.TemporaryDirectory() as folder:
            world = World(space, seed, Path(folder) / "library")
            worlds[name] = measure(world)
            world.library.close()
        for row in worlds[name]:
            print(name, row)
    result = {"models": chosen.models, "seeds": SEEDS, "things": len(THINGS), "worlds": worlds}
    record(f"composed_{chosen.models}", result, seed=SEEDS["confirmed on"])


if __name__ == "__main__":
    main()
