"""The joint space: which encoder embeds what, and how a query meets a moment.

A model set has one or more vector spaces. A modality lives natively in every space that has an
encoder for it: text in both spaces of a CLIP and CLAP pair, a picture in one, a sound in the other.
A query and a moment are compared in the spaces they share, by the mean of their cosines. Where they
share none, a bridge carries each over to the other's space, and the two cosines are averaged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from retrieval.bridge import Bridge
from retrieval.calibration import FILE, Calibration
from retrieval.encoders.two_towers import TwoTowerEncoder
from retrieval.errors import ModelError
from retrieval.records import Modality
from retrieval.vectors import Vector, centred, mean, unit_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from retrieval.encoders.encoder import Encoder
    from retrieval.encoders.model_set import ModelSet
    from retrieval.media.content import Content
    from retrieval.vectors import Vectors

Floats = npt.NDArray[np.float64]
Blocks: TypeAlias = Mapping[str, Vector]
"""One thing's native vectors: space to `(dim,)`."""
Means: TypeAlias = Callable[[str, Modality], Vector | None]
"""The mean vector of a modality in a space, `(dim,)` and not of length 1; None if not known."""

SHIPPED_COUNTS = 2000
"""How many of a library's moments the mean that comes with a model set is worth."""

UNKNOWN_COUNTS = 20
"""Where no mean comes with the model set, a library's own counts in full above about this many."""


class JointSpace:
    """The spaces of a model set, seen as one."""

    def __init__(
        self,
        model_set: ModelSet,
        *,
        bridges: Iterable[Bridge] | None = None,
        calibration: Calibration | None = None,
    ) -> None:
        """Check that the set covers every modality, once in each space.

        Args:
            model_set: Its encoders, and the folder of its fitted parts.
            bridges: Instead of those in the folder.
            calibration: Instead of the one in the folder.

        Raises:
            ModelError: a modality has no encoder, or two in one space; or a fitted part is damaged.
        """
        self.model_set = model_set
        self._encoders: dict[Modality, dict[str, Encoder]] = {m: {} for m in Modality}
        for encoder in model_set.encoders:
            for modality in encoder.modalities:
                if encoder.space in self._encoders[modality]:
                    raise ModelError(
                        f"Model set {model_set.name} has two encoders for {modality} "
                        f"in space {encoder.space}."
                    )
                self._encoders[modality][encoder.space] = encoder
        for modality, encoders in self._encoders.items():
            if not encoders:
                raise ModelError(f"Model set {model_set.name} has no encoder for {modality}.")
        self._spaces_of = {m: tuple(sorted(held)) for m, held in self._encoders.items()}
        self._shared = {
            (query, target): tuple(s for s in spaces if s in self._encoders[target])
            for query, spaces in self._spaces_of.items()
            for target in Modality
        }
        folder = model_set.folder
        if bridges is None and folder is not None:
            bridges = [Bridge.load(path) for path in sorted(folder.glob("*.bridge.safetensors"))]
        self._bridges = {frozenset(bridge.spaces): bridge for bridge in bridges or ()}
        if calibration is None:
            known = folder is not None and (folder / FILE).exists()
            calibration = Calibration.load(folder / FILE) if folder and known else Calibration()
        self.calibration = calibration

    @property
    def dims(self) -> dict[str, int]:
        """Name and dimension of every space."""
        return {e.space: e.dim for e in self.model_set.encoders}

    @property
    def bridges(self) -> tuple[Bridge, ...]:
        """The bridges between its spaces."""
        return tuple(self._bridges.values())

    def with_bridges(self, bridges: Iterable[Bridge]) -> JointSpace:
        """The same encoders and calibration with other bridges."""
        return JointSpace(self.model_set, bridges=bridges, calibration=self.calibration)

    def spaces_of(self, modality: Modality) -> tuple[str, ...]:
        """The spaces in which a modality has native vectors."""
        return self._spaces_of[modality]

    def shared(self, query: Modality, target: Modality) -> tuple[str, ...]:
        """The spaces in which a query and a moment of these modalities both have vectors."""
        return self._shared[query, target]

    def meets(self, query: Modality, target: Modality) -> bool:
        """Whether things of these modalities can be compared, natively or over a bridge."""
        return bool(self.shared(query, target) or self._crossings(query, target))

    def prepare(self, modality: Modality, content: Content) -> dict[str, Any]:
        """One content in the form each space's encoder takes; safe in several threads."""
        return {s: e.prepare(modality, content) for s, e in self._encoders[modality].items()}

    def encode(
        self, modality: Modality, prepared: Sequence[Mapping[str, Any]]
    ) -> dict[str, Vectors]:
        """For each space of the modality the unit vectors `(n, dim)` of prepared contents."""
        return {
            space: encoder.encode(modality, [p[space] for p in prepared])
            for space, encoder in self._encoders[modality].items()
        }

    def embed(self, modality: Modality, contents: Sequence[Content]) -> dict[str, Vectors]:
        """For each space of the modality the unit vectors `(n, dim)` of contents."""
        return self.encode(modality, [self.prepare(modality, content) for content in contents])

    def embed_query(self, words: str) -> dict[str, Vectors]:
        """For each space of text the unit row `(1, dim)` of words that are searched for.

        An encoder may have a quicker way to it than `embed`, with a cosine of 0.9999 or more.
        A byte that a terminal could not decode is a surrogate in Python, and means nothing.
        """
        words = words.encode(errors="replace").decode()
        found = {}
        for space, encoder in self._encoders[Modality.TEXT].items():
            if isinstance(encoder, TwoTowerEncoder):
                found[space] = encoder.encode_query(words)
            else:
                found[space] = encoder.encode(
                    Modality.TEXT, [encoder.prepare(Modality.TEXT, words)]
                )
        return found

    def joint(self, modality: Modality, contents: Sequence[Content]) -> Vectors:
        """Contents as one array `(n, sum of dims)` of unit rows, spaces by name.

        Raises:
            ModelError: a block is missing and there is no bridge to make it with.
        """
        return self.joined(modality, self.embed(modality, contents))

    def joined(
        self, modality: Modality, rows: Mapping[str, Vectors], means: Means | None = None
    ) -> Vectors:
        """Native rows, space to `(n, dim)`, with the missing blocks bridged, side by side.

        Args:
            modality: What the rows are.
            rows: Native vectors in every space of the modality.
            means: The library's means; None for those of the model set.

        Raises:
            ModelError: a block is missing and there is no bridge to make it with.
        """
        centre = means or self.shipped_mean
        blocks = []
        for space in sorted(self.dims):
            if space in rows:
                blocks.append(rows[space])
                continue
            carried = [
                self._carry(modality, rows[source], source, space, centre)
                for source in self.spaces_of(modality)
                if frozenset((source, space)) in self._bridges
            ]
            if not carried:
                raise ModelError(
                    f"Model set {self.model_set.name} has no bridge to {space} for {modality}. "
                    "Make it with: anyseek models fit-bridge"
                )
            blocks.append(unit_rows(np.sum(carried, axis=0)))
        return unit_rows(np.hstack(blocks))

    def routes(
        self, query: Modality, blocks: Blocks, target: Modality, means: Means
    ) -> list[tuple[str, Vector]]:
        """Where to look for moments of a modality: spaces, each with a vector to look with."""
        shared = self.shared(query, target)
        if shared:
            return [(space, blocks[space]) for space in shared]
        return [
            (there, self._carry(query, blocks[here][None, :], here, there, means)[0])
            for here, there in self._crossings(query, target)
        ]

    def cosines(
        self,
        query: Modality,
        blocks: Blocks,
        target: Modality,
        rows: Mapping[str, Vectors],
        means: Means,
    ) -> Floats:
        """How near a query is to moments, `(n,)` in -1..1.

        Args:
            query: Modality of the query.
            blocks: Its vectors in every space of that modality.
            target: Modality of the moments.
            rows: Their vectors in every space of that modality, `(n, dim)` each.
            means: What the modalities have in common; used by bridges only.

        Raises:
            ModelError: the two share no space and there is no bridge.
        """
        shared = self.shared(query, target)
        if shared:
            native = [rows[s].astype(np.float64) @ blocks[s].astype(np.float64) for s in shared]
            return mean(native)
        both_ways = []
        for here, there in self._crossings(query, target):
            row = blocks[here][None, :]
            forth = self._carry(query, row, here, there, means)[0]
            both_ways.append(centred(rows[there], means(there, target)) @ forth)
            back = self._carry(target, rows[there], there, here, means)
            both_ways.append(back @ centred(row, means(here, query))[0])
        if not both_ways:
            raise ModelError(
                f"Model set {self.model_set.name} has no bridge from {query} to {target}. "
                "Make it with: anyseek models fit-bridge"
            )
        return mean(both_ways)

    def shipped_mean(self, space: str, modality: Modality) -> Vector | None:
        """The mean that comes with the model set's bridges."""
        for bridge in self._bridges.values():
            if (space, modality) in bridge.means:
                return bridge.means[space, modality]
        return None

    def adapted_mean(
        self, space: str, modality: Modality, own: Vector | None, count: int
    ) -> Vector | None:
        """The model set's mean and a library's own of `count` moments, weighed together."""
        shipped = self.shipped_mean(space, modality)
        if own is None:
            return shipped
        if shipped is None:
            return (own * (count / (count + UNKNOWN_COUNTS))).astype(np.float32)
        both = (count * own + SHIPPED_COUNTS * shipped) / (count + SHIPPED_COUNTS)
        return both.astype(np.float32)

    def _crossings(self, query: Modality, target: Modality) -> list[tuple[str, str]]:
        """Pairs of spaces, of the query and of the target, that a bridge connects."""
        return [
            (here, there)
            for here in self.spaces_of(query)
            for there in self.spaces_of(target)
            if frozenset((here, there)) in self._bridges
        ]

    def _carry(
        self, modality: Modality, rows: Vectors, source: str, to: str, means: Means
    ) -> Vectors:
        bridge = self._bridges[frozenset((source, to))]
        return bridge.apply(centred(rows, means(source, modality)), source)
