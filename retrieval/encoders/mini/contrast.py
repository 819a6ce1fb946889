"""The loss: symmetric InfoNCE in which a row may have several right answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from retrieval.encoders.mini.world.concepts import CONCEPTS
from retrieval.encoders.mini.world.pictures import COLOURS, NUMBERS, Look
from retrieval.encoders.mini.world.sentences import Line
from retrieval.encoders.mini.world.sounds import PACES, PITCHES, Ring

if TYPE_CHECKING:
    from collections.abc import Sequence

_CODES: tuple[dict[object, int], ...] = tuple(
    {word: k for k, word in enumerate(words)}
    for words in (CONCEPTS, COLOURS, NUMBERS, PITCHES, PACES)
)
_OPEN = -1
_NOTHING = -9


@dataclass(frozen=True)
class Facts:
    """What the contents of a batch are said to be: `(n, 5)` codes, `_OPEN` where nothing is said.

    The columns are concept, colour, number, pitch, pace. "Something red" leaves the concept open.
    Contents about nothing carry `_NOTHING`
    as their concept and agree with no other.
    """

    codes: Tensor

    @classmethod
    def of(cls, contents: Sequence[Look | Ring | Line | None]) -> Facts:
        """Code what pictures, sounds or sentences say."""
        return cls(torch.tensor([_row(content) for content in contents]))

    def agree(self, other: Facts) -> Tensor:
        """`(n, m)` bool: same concept, and no attribute that both tell differs.

        Where a concept is left open, some attribute must be told by both.
        """
        a, b = self.codes[:, None, :], other.codes[None, :, :]
        same = (a == b) | (a == _OPEN) | (b == _OPEN)
        shared = (a == b) & (a >= 0)
        return same.all(dim=2) & shared.any(dim=2)

    def same_concept(self, other: Facts) -> Tensor:
        """`(n, m)` bool."""
        a, b = self.codes[:, None, 0], other.codes[None, :, 0]
        return (a == b) & (a >= 0)


def contrast(similarity: Tensor, right: Tensor, *, without_self: bool = False) -> Tensor:
    """Symmetric InfoNCE with several positives, averaged outside the logarithm.

    Supervised Contrastive Learning (Khosla et al., 2020, arXiv 2004.11362), equation 2. Rows and
    columns without a right answer only serve as negatives.

    Args:
        similarity: `(n, m)` scaled cosines.
        right: `(n, m)` bool, the right answers.
        without_self: Leave out the diagonal, when rows and columns are the same contents.
    """
    if without_self:
        itself = torch.eye(len(similarity), dtype=torch.bool)
        similarity = similarity.masked_fill(itself, -1e9)
        right = right & ~itself
    return 0.5 * (_one_way(similarity, right) + _one_way(similarity.T, right.T))


def _one_way(similarity: Tensor, right: Tensor) -> Tensor:
    answers = right.sum(dim=1)
    chances = similarity.log_softmax(dim=1)
    told = torch.where(right, chances, 0.0).sum(dim=1)[answers > 0] / answers[answers > 0]
    return -told.mean()


def _row(content: Look | Ring | Line | None) -> list[int]:
    concepts, colours, numbers, pitches, paces = _CODES
    match content:
        case Look(concept, colour, number):
            return [concepts[concept], colours[colour], numbers[number], _OPEN, _OPEN]
        case Ring(concept, pitch, pace):
            return [concepts[concept], _OPEN, _OPEN, pitches[pitch], paces[pace]]
        case Line(concept=str(concept)):
            return [
                concepts.get(concept, _OPEN),
                colours.get(content.colour, _OPEN),
                numbers.get(content.number, _OPEN),
                pitches.get(content.pitch, _OPEN),
                paces.get(content.pace, _OPEN),
            ]
        case _:
            return [_NOTHING] * 5
