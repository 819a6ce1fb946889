"""Libraries drawn from a world of generated things: which concepts they hold, and how many of each.

Where more is wanted of a concept than was generated, vectors are resampled
(`generated_library.resampled`), and the library says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.generated_library import Things, resampled
from retrieval.records import Modality

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.generated_world import World

    Counts = Mapping[Modality, Mapping[str, int]]

ASKED = 16
"""Concepts that a large library with few of some is asked for."""
RELEVANT = (4, 12)
"""How many things of each of them it holds, from and to."""
RARE_MOMENTS, RARE_FROM = 3, 300
"""In libraries of this size and more, a third of the concepts that are there have three moments."""


@dataclass(frozen=True)
class Drawn:
    """What a library holds."""

    things: Sequence[Things]
    """One group a modality, at most."""
    counts: Mapping[str, int]
    """How many things of the concepts that queries are to be about."""
    resampled: bool

    def __len__(self) -> int:
        return sum(len(group) for group in self.things)


def half_of_concepts(
    world: World, size: int, rng: np.random.Generator, *, from_few: int | None = None
) -> Drawn:
    """Things of half of the concepts, a third of them rare, spread evenly over the modalities.

    Args:
        world: What there is.
        size: Moments of the library.
        rng: Draws.
        from_few: Resample all moments from this many of each concept, to see what resampling does.
    """
    names = world.concepts
    held = [str(name) for name in rng.choice(names, len(names) // 2, replace=False)]
    rare = held[::3] if size >= RARE_FROM else []
    counts = _spread_by_chance({name: RARE_MOMENTS if name in rare else 0 for name in held}, rng)
    cells = [(m, name) for m in Modality for name in held if name not in rare]
    each, more = divmod(size - RARE_MOMENTS * len(rare), len(cells))
    extra = set(rng.permutation(len(cells))[:more].tolist())
    for k, (m, name) in enumerate(cells):
        counts[m][name] += each + (k in extra)
    if from_few is None:
        things, made = drawn(world, counts, rng)
    else:
        few, _ = drawn(world, {m: dict.fromkeys(held, from_few) for m in Modality}, rng)
        groups = [group.take(group.concepts == name) for group in few for name in held]
        wanted = [counts[group.modality][str(group.concepts[0])] for group in groups]
        things = _merged([resampled(g, n, rng) for g, n in zip(groups, wanted, strict=True) if n])
        made = True
    there = np.unique(np.concatenate([group.concepts for group in things]), return_counts=True)
    return Drawn(things, {str(name): int(n) for name, n in zip(*there, strict=True)}, made)


def few_of_some(world: World, size: int, rng: np.random.Generator) -> Drawn:
    """4 to 12 things of the concepts that are asked for, spread over the modalities by chance.

    Other concepts fill up a large library; a small one holds nothing else.
    """
    names = world.concepts
    low, high = RELEVANT
    usual = (low + high) // 2
    small = size <= usual * len(names) + len(names)
    n_asked = min(-(-size // usual), len(names)) if small else ASKED
    asked = [str(name) for name in rng.choice(names, n_asked, replace=False)]
    if small:
        counts = dict.fromkeys(asked, low)
        while sum(counts.values()) < size:
            counts[str(rng.choice([name for name in asked if counts[name] < high]))] += 1
    else:
        counts = {name: int(rng.integers(low, high + 1)) for name in asked}
    wanted = dict(counts)
    others = [name for name in names if name not in counts] if not small else []
    if others:
        each, more = divmod(size - sum(counts.values()), len(others))
        counts |= {name: each + (k < more) for k, name in enumerate(others)}
    things, made = drawn(world, _spread_by_chance(counts, rng), rng)
    return Drawn(things, wanted, made)


def drawn(world: World, counts: Counts, rng: np.random.Generator) -> tuple[list[Things], bool]:
    """So many things of each concept, one group a modality; whether any had to be resampled."""
    found, made = [], False
    for modality, wanted in counts.items():
        things = world.moments[modality]
        for name, count in wanted.items():
            pool = np.flatnonzero(things.concepts == name)
            if count > len(pool):
                made = True
                found.append(resampled(things.take(pool), count, rng))
            elif count:
                found.append(things.take(rng.choice(pool, count, replace=False)))
    return _merged(found), made


def _merged(things: Sequence[Things]) -> list[Things]:
    groups = []
    for modality in Modality:
        some = [group for group in things if group.modality is modality]
        if some:
            rows = {s: np.concatenate([g.rows[s] for g in some]) for s in some[0].rows}
            groups.append(Things(modality, rows, np.concatenate([g.concepts for g in some])))
    return groups


def _spread_by_chance(
    counts: Mapping[str, int], rng: np.random.Generator
) -> dict[Modality, dict[str, int]]:
    """How many things of each concept fall to each modality."""
    shares = {name: rng.multinomial(count, [1 / 3] * 3) for name, count in counts.items()}
    return {m: {name: int(shares[name][i]) for name in counts} for i, m in enumerate(Modality)}
