"""What training may see: some combinations of attributes are kept for measuring only."""

from __future__ import annotations

from itertools import product
from zlib import crc32

from retrieval.encoders.mini.world.concepts import CONCEPTS
from retrieval.encoders.mini.world.pictures import COLOURS, NUMBERS, Look
from retrieval.encoders.mini.world.sounds import PACES, PITCHES, Ring


def is_held_out(scene: Look | Ring) -> bool:
    """Whether this combination is never drawn, played or written about in training."""
    match scene:
        case Look(concept, colour, number):
            return crc32(f"{concept} {colour} {number}".encode()) % 8 == 0
        case Ring(concept, pitch, pace):
            every = list(product(PITCHES, PACES))
            first = crc32(concept.encode()) % len(every)
            return (pitch, pace) in (every[first], every[first - 4])


def looks(concept: str, *, held_out: bool) -> list[Look]:
    """Every look of a concept on one side of the split."""
    every = (Look(concept, colour, number) for colour, number in product(COLOURS, NUMBERS))
    return [look for look in every if is_held_out(look) == held_out]


def rings(concept: str, *, held_out: bool) -> list[Ring]:
    """Every way a concept sounds on one side of the split."""
    every = (Ring(concept, pitch, pace) for pitch, pace in product(PITCHES, PACES))
    return [ring for ring in every if is_held_out(ring) == held_out]


def concept_names() -> list[str]:
    """The names of all concepts, in order."""
    return list(CONCEPTS)
