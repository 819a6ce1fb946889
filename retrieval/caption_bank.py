"""The caption bank: many short descriptions of what can be seen and heard, written for anyseek.

Two vocabularies, of things seen and of things heard, each put into its templates. A bridge is
fitted on all of it; the hub bank is a small part of it, spread over everything.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SEEN_TEMPLATES = (
    "{}",
    "a photo of {}",
    "a picture of {}",
    "an image of {}",
    "a close-up of {}",
    "a drawing of {}",
    "a painting of {}",
    "a black and white photo of {}",
    "a blurry photo of {}",
    "a bright photo of {}",
    "a dark photo of {}",
    "an old photograph of {}",
    "a good view of {}",
    "a picture showing {} in the middle",
    "there is {} in the picture",
    "you can see {}",
    "{} in front of a plain background",
    "{} on a sunny day",
    "{} at night",
    "{} seen from above",
    "{} seen from far away",
    "a colourful illustration of {}",
)

HEARD_TEMPLATES = (
    "{}",
    "the sound of {}",
    "a recording of {}",
    "an audio clip of {}",
    "this is the sound of {}",
    "{} can be heard",
    "you can hear {}",
    "someone recorded {}",
    "{} nearby",
    "{} in the distance",
    "{} outdoors",
    "{} indoors",
    "{} in a large room",
    "{} with an echo",
    "{} followed by silence",
    "{} again and again",
    "{} with people talking in the background",
    "{} with wind in the background",
    "{} with music in the background",
    "the loud sound of {}",
    "the quiet sound of {}",
    "a noisy recording of {}",
    "a clear recording of {}",
    "a short sound of {}",
    "a long recording of {}",
    "suddenly {}",
    "{} heard through a wall",
    "a sound effect of {}",
)


@dataclass(frozen=True, slots=True)
class Caption:
    """One line of the bank."""

    text: str
    thing: str
    """What it is about; captions of one thing are held out together."""
    heard: bool
    """Whether it describes a sound; otherwise a picture."""


@cache
def caption_bank() -> tuple[Caption, ...]:
    """Every caption, in a fixed order; no text appears twice."""
    bank: dict[str, Caption] = {}
    for heard, templates in ((False, SEEN_TEMPLATES), (True, HEARD_TEMPLATES)):
        for thing, template in product(_things(heard), templates):
            text = template.format(thing)
            bank.setdefault(text, Caption(text, thing, heard))
    return tuple(bank.values())


def spread(bank: Sequence[Caption], n: int) -> list[Caption]:
    """Take n captions of a bank, evenly spread over its order."""
    n = min(n, len(bank))
    return [bank[i * len(bank) // n] for i in range(n)]


def bank_hash(bank: Sequence[Caption]) -> str:
    """Hex hash of all texts in order."""
    return hashlib.sha256("\n".join(caption.text for caption in bank).encode()).hexdigest()


def _things(heard: bool) -> list[str]:
    name = "heard.txt" if heard else "seen.txt"
    text = (files("retrieval") / "vocabulary" / name).read_text(encoding="utf-8")
    return list(dict.fromkeys(t.strip() for line in text.splitlines() for t in line.split(",")))
