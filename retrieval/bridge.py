"""The bridge: a fitted map between two spaces that share nothing but text.

A picture has a vector in one space, a sound in another; both spaces embed text. Over a bank of
captions, embedded by both text towers, two ways across are fitted:

- The *relay*, which is used: a picture is described by how near it is to the things of the bank,
  and arrives at the same mixture of things in the other space. True pairs are further things.
- *Ridge regression* (the regulariser does what Gaussian noise on the captions does in C-MCR, arXiv
  2305.14381), which is used where there is no relay.

Both work on vectors that are centred by modality, which takes away what all pictures, all sounds or
all texts have in common (the modality gap), so that what holds for texts holds for pictures too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from retrieval.errors import ModelError
from retrieval.records import Modality
from retrieval.relay import Relay, mixture
from retrieval.vectors import centred, unit_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from retrieval.vectors import Vector, Vectors

Matrix = npt.NDArray[np.float64]

LAMBDAS = (3e-4, 1e-3, 4e-3, 1e-2, 3e-2)
"""Regularisers that are tried on held-out captions."""

TEMPERATURES = (0.1, 0.2, 0.3, 0.5, 0.8)
"""Of the relay's softmax, in standard deviations of its cosines; tried on held-out things."""

CHUNK = 4096
"""Rows taken into the normal equations at a time: bounds the float64 copies."""


class NormalEquations:
    """The sums that ridge regression needs, both ways; pairs are added in any number of pieces."""

    def __init__(self, dim_x: int, dim_y: int) -> None:
        self.xx: Matrix = np.zeros((dim_x, dim_x))
        self.xy: Matrix = np.zeros((dim_x, dim_y))
        self.yy: Matrix = np.zeros((dim_y, dim_y))
        self.weight = 0.0

    def add(self, x: Vectors, y: Vectors, weight: float = 1.0) -> None:
        """Add pairs: centred rows `(n, dim_x)` and `(n, dim_y)`, each counted `weight` times."""
        for start in range(0, len(x), CHUNK):
            xs = x[start : start + CHUNK].astype(np.float64)
            ys = y[start : start + CHUNK].astype(np.float64)
            self.xx += weight * (xs.T @ xs)
            self.xy += weight * (xs.T @ ys)
            self.yy += weight * (ys.T @ ys)
        self.weight += weight * len(x)

    def forth(self, lam: float) -> Matrix:
        """The map from x to y, `(dim_x, dim_y)`: `(X'X + lam N I)^-1 X'Y`."""
        ridge = lam * self.weight * np.eye(len(self.xx))
        return np.asarray(np.linalg.solve(self.xx + ridge, self.xy), dtype=np.float64)

    def back(self, lam: float) -> Matrix:
        """The map from y to x, `(dim_y, dim_x)`: `(Y'Y + lam N I)^-1 Y'X`."""
        ridge = lam * self.weight * np.eye(len(self.yy))
        return np.asarray(np.linalg.solve(self.yy + ridge, self.xy.T), dtype=np.float64)


@dataclass(frozen=True)
class Bridge:
    """Maps between two spaces, both ways."""

    spaces: tuple[str, str]
    maps: Mapping[str, Vectors]
    """Source space to its map `(dim of source, dim of the other)`."""
    means: Mapping[tuple[str, Modality], Vector]
    """Mean vector of a modality in a space; at least of text in both."""
    lambdas: Mapping[str, float] = field(default_factory=dict)
    """Source space to the regulariser that was chosen."""
    bank: str = ""
    """Hash of the captions and encoders that it was fitted with."""
    relay: Relay | None = None
    """The way across that is used; without it the maps are."""
    gain: tuple[float, float] | None = None
    """If it has true pairs: the mean reciprocal rank of held-out pairs without and with them."""

    def apply(self, rows: Vectors, source: str) -> Vectors:
        """Carry centred rows `(n, dim)` of one space over: unit rows in the other, centred."""
        if self.relay is not None:
            means = {space: self.means[space, Modality.TEXT] for space in self.spaces}
            return self.relay.carry(rows, source, self.other(source), means)
        return unit_rows(rows.astype(np.float64) @ self.maps[source])

    def other(self, space: str) -> str:
        """The space at the other end."""
        first, second = self.spaces
        return second if space == first else first

    def save(self, path: Path) -> None:
        """Write as safetensors."""
        tensors = {f"map/{source}": rows.astype(np.float32) for source, rows in self.maps.items()}
        tensors |= {f"mean/{m}/{space}": row for (space, m), row in self.means.items()}
        about = {"first": self.spaces[0], "second": self.spaces[1], "bank": self.bank}
        if self.relay is not None:
            tensors |= {f"things/{space}": rows for space, rows in self.relay.things.items()}
            tensors |= {f"pairs/{space}": rows for space, rows in self.relay.pairs.items()}
            about["temperature"] = repr(self.relay.temperature)
            about["handicap"] = repr(self.relay.handicap)
        if self.gain is not None:
            about["gain"] = " ".join(map(repr, self.gain))
        about |= {f"lambda/{source}": repr(value) for source, value in self.lambdas.items()}
        save_file(tensors, path, metadata=about)

    @classmethod
    def load(cls, path: Path) -> Bridge:
        """Read what `save` wrote.

        Raises:
            ModelError: the file cannot be read as such.
        """
        maps: dict[str, Vectors] = {}
        means: dict[tuple[str, Modality], Vector] = {}
        things: dict[str, Vectors] = {}
        pairs: dict[str, Vectors] = {}
        try:
            with safe_open(path, "numpy") as file:
                about = file.metadata() or {}
                for name in file.keys():  # noqa: SIM118 - no mapping, only has keys()
                    what, _, rest = name.partition("/")
                    if what == "map":
                        maps[rest] = file.get_tensor(name)
                    elif what == "things":
                        things[rest] = file.get_tensor(name)
                    elif what == "pairs":
                        pairs[rest] = file.get_tensor(name)
                    else:
                        modality, _, space = rest.partition("/")
                        means[space, Modality(modality)] = file.get_tensor(name)
            lambdas = {
                name.removeprefix("lambda/"): float(value)
                for name, value in about.items()
                if name.startswith("lambda/")
            }
            spaces = (about["first"], about["second"])
            handicap = float(about.get("handicap", "0"))
            relay = Relay(things, float(about["temperature"]), pairs, handicap) if things else None
            before, after = map(float, about["gain"].split()) if "gain" in about else (0.0, 0.0)
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise ModelError(
                f"{path} is damaged ({error}). Make it anew with: anyseek models fit-bridge"
            ) from error
        gain = (before, after) if "gain" in about else None
        return cls(spaces, maps, means, lambdas, about.get("bank", ""), relay, gain)


@dataclass(frozen=True)
class Pairs:
    """The same things in two spaces: rows `(n, dim)` each, and which of them belong together."""

    first: Vectors
    second: Vectors
    groups: Sequence[int]
    """Rows of one group (captions about one thing) are held out together or not at all."""

    def turned(self) -> Pairs:
        """The same pairs, the second space first."""
        return Pairs(self.second, self.first, self.groups)


def fit_bridge(
    spaces: tuple[str, str],
    captions: Pairs,
    *,
    means: Mapping[tuple[str, Modality], Vector] | None = None,
    bank: str = "",
) -> Bridge:
    """Fit a bridge on captions embedded by both text towers.

    Args:
        spaces: Names of the two spaces.
        captions: The text vectors, row by row of the same caption.
        means: Means of pictures and sounds, if known.
        bank: Hash of what it was fitted with; only stored.

    Raises:
        ValueError: there are fewer than ten groups, too few to hold some out.
    """
    groups = np.asarray(captions.groups)
    names, group_of = np.unique(groups, return_inverse=True)
    if len(names) < 10:
        raise ValueError(f"{len(names)} groups of captions are too few for a bridge")
    held_out = group_of % 10 == 9
    text_means = [
        rows.mean(axis=0, dtype=np.float64).astype(np.float32)
        for rows in (captions.first, captions.second)
    ]
    x, y = (
        centred(rows, mean)
        for rows, mean in zip((captions.first, captions.second), text_means, strict=True)
    )
    kept = NormalEquations(x.shape[1], y.shape[1])
    kept.add(x[~held_out], y[~held_out])
    forth = max(LAMBDAS, key=lambda lam: _agreement(kept.forth(lam), x[held_out], y[held_out]))
    back = max(LAMBDAS, key=lambda lam: _agreement(kept.back(lam), y[held_out], x[held_out]))
    kept.add(x[held_out], y[held_out])
    first, second = spaces
    rows = {
        space: unit_rows(_means_by(matrix, group_of))
        for space, matrix in ((first, captions.first), (second, captions.second))
    }
    return Bridge(
        spaces,
        {
            first: kept.forth(forth).astype(np.float32),
            second: kept.back(back).astype(np.float32),
        },
        {(s, Modality.TEXT): m for s, m in zip(spaces, text_means, strict=True)}
        | dict(means or {}),
        {first: forth, second: back},
        bank,
        Relay(rows, _best_temperature(*rows.values(), *text_means)),
    )


def _means_by(rows: Vectors, group_of: npt.NDArray[np.int64]) -> Matrix:
    """The mean row of each group."""
    sums = np.zeros((int(group_of.max()) + 1, rows.shape[1]))
    np.add.at(sums, group_of, rows)
    return sums / np.bincount(group_of)[:, None]


def _best_temperature(first: Vectors, second: Vectors, *means: Vector) -> float:
    """The temperature by which held-out things find themselves best, both ways."""
    held_out = np.arange(len(first)) % 10 == 9

    def found(temperature: float) -> float:
        ranks = []
        for (x, mean_x), (y, mean_y) in (
            ((first, means[0]), (second, means[1])),
            ((second, means[1]), (first, means[0])),
        ):
            cosines = centred(x[held_out], mean_x) @ x[~held_out].T
            carried = mixture(cosines, centred(y[~held_out], mean_y), temperature)
            nearness = carried @ centred(y[held_out], mean_y).T
            ranks.append((nearness > np.diag(nearness)[:, None]).sum(axis=1) + 1)
        return float(np.mean(1 / np.concatenate(ranks)))

    return max(TEMPERATURES, key=found)


def _agreement(mapping: Matrix, x: Vectors, y: Vectors) -> float:
    """Mean cosine of mapped rows and where they should be."""
    return float(np.einsum("ij,ij->i", unit_rows(x @ mapping), y).mean())
