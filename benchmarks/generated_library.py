"""Libraries of generated things whose concepts are known, made of vectors without any files.

What is generated is kept below the temporary folder, by the fingerprint of the encoders.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.nine_directions import make_content
from retrieval.catalog.filter import Filter
from retrieval.catalog.new_content import EncodedMoment, FileState, NewContent
from retrieval.encoders.mini.world.concepts import CONCEPTS
from retrieval.library import Library
from retrieval.records import Kind, Modality, Moment
from retrieval.search import Search
from retrieval.vectors import unit_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from retrieval.records import Hit
    from retrieval.space import Blocks, JointSpace
    from retrieval.vectors import Vectors

KEPT = Path(tempfile.gettempdir()) / "anyseek-benchmarks"


@dataclass(frozen=True)
class Things:
    """Generated contents of one modality, embedded."""

    modality: Modality
    rows: Mapping[str, Vectors]
    """Space to `(n, dim)`."""
    concepts: np.ndarray
    """`(n,)` names."""

    def __len__(self) -> int:
        return len(self.concepts)

    def take(self, which: np.ndarray) -> Things:
        """Some of them, by index or mask."""
        rows = {space: matrix[which] for space, matrix in self.rows.items()}
        return Things(self.modality, rows, self.concepts[which])

    def blocks(self, i: int) -> Blocks:
        """The vectors of one."""
        return {space: matrix[i] for space, matrix in self.rows.items()}


def make_things(space: JointSpace, modality: Modality, seed: int, per_concept: int) -> Things:
    """Generate and embed things of every concept, with attributes that training never saw."""
    concepts = np.repeat(np.array(list(CONCEPTS)), per_concept)
    kept = KEPT / f"{space.model_set.fingerprint[:16]}-{modality}-{seed}-{per_concept}.npz"
    if kept.exists():
        with np.load(kept) as arrays:
            return Things(modality, dict(arrays), concepts)
    rng = np.random.default_rng([seed, sorted(Modality).index(modality)])
    prepared = [
        space.prepare(modality, make_content(str(concept), modality, rng)) for concept in concepts
    ]
    rows = space.encode(modality, prepared)
    KEPT.mkdir(exist_ok=True)
    np.savez(kept, **rows)  # type: ignore[arg-type]
    return Things(modality, rows, concepts)


BANDWIDTH = 0.5
"""Of the noise in `resampled`, as a share of how things of one concept differ."""


def resampled(things: Things, count: int, rng: np.random.Generator) -> Things:
    """More things than were generated: a smoothed bootstrap of their vectors, concept by concept.

    A row is that of a generated thing, moved by half of the difference of two others of its
    concept and drawn back to the concept's middle so that the spread stays what it was (Silverman
    and Young, 1987). So the noise has the shape of how things of that concept differ, in all
    spaces at once.
    """
    base = rng.integers(len(things), size=count)
    order = np.argsort(things.concepts, kind="stable")
    names, first, size = np.unique(things.concepts[order], return_index=True, return_counts=True)
    which = np.searchsorted(names, things.concepts[base])
    one, other = (
        order[first[which] + (rng.random(count) * size[which]).astype(int)] for _ in range(2)
    )
    shrink = np.sqrt(1 + 2 * BANDWIDTH**2)
    rows = {}
    for space, matrix in things.rows.items():
        middles = np.stack([matrix[things.concepts == name].mean(axis=0) for name in names])[which]
        moved = matrix[base] - middles + BANDWIDTH * (matrix[one] - matrix[other])
        rows[space] = unit_rows(middles + moved / shrink)
    return Things(things.modality, rows, things.concepts[base])


def fill(folder: Path, space: JointSpace, things: Sequence[Things]) -> tuple[Library, Search]:
    """A library of these things; the path of each begins with its concept."""
    library = Library.open(folder, models=space.model_set)
    library.__dict__["space"] = space  # with its own calibration and bridges, as they are tried
    modalities = {m: Kind(m.value) for m in Modality}
    with library.catalog.transaction() as transaction:
        root = transaction.add_root("things", str(folder))
        for group in things:
            for i, concept in enumerate(group.concepts):
                name = f"{concept}/{group.modality}-{i}"
                encoded = EncodedMoment(Moment(group.modality), group.blocks(i))
                content = NewContent(name, modalities[group.modality], [encoded])
                transaction.add(root, name, FileState(1, 1), content)
    library.refresh()
    return library, Search(library.catalog, library.indexes, space)


def concept_of(hit: Hit) -> str:
    """The concept of a hit in such a library."""
    return hit.path.parent.name


EVERYTHING = Filter()
