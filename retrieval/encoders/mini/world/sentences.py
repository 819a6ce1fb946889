"""Sentences about the world, and sentences about nothing in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from retrieval.encoders.mini.world.concepts import CONCEPTS
from retrieval.encoders.mini.world.pictures import Look

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from retrieval.encoders.mini.world.sounds import Ring


def _words(listed: str) -> list[str]:
    return listed.split()


SEEN_FRAMES = (
    "{}", "{}", "{}", "a photo of {}", "a picture of {}", "an image of {}", "a drawing of {}",
    "this shows {}", "here you see {}", "I can see {}", "{} on a plain background",
    "an image with {} in it", "look at {}", "there is {} in this picture", "{}, drawn by hand",
    "we took a photo of {} yesterday", "a small sketch of {}", "find {}", "show me {}",
    "{} in front of a wall", "{} against the sky", "nothing but {}",
)  # fmt: skip
HEARD_FRAMES = (
    "{}", "{}", "{}", "the sound of {}", "a recording of {}", "I can hear {}", "here you hear {}",
    "{} in the distance", "{} nearby", "the noise of {}", "there is {} to be heard",
    "someone recorded {}", "{} in a large room", "audio of {}", "that sounds like {}", "find {}",
    "we heard {} yesterday", "nothing but {}",
)  # fmt: skip
HELD_OUT_SEEN_FRAMES = (
    "an illustration that depicts {}", "on this card somebody painted {}",
    "please search my holiday album for {}", "a close-up where {} fills most of the frame",
    "my snapshot from last summer: {}", "poster with {} printed across it",
)  # fmt: skip
HELD_OUT_HEARD_FRAMES = (
    "listen carefully and notice {}", "a tape on which one makes out {}",
    "last night I was woken up by {}", "field microphone clip, {}, no talking",
    "the first track begins with {}",
)  # fmt: skip

COLOUR_WORDS: dict[str, tuple[str, ...]] = {
    "red": ("red", "red", "scarlet", "crimson"),
    "orange": ("orange",),
    "yellow": ("yellow", "yellow", "golden"),
    "green": ("green",),
    "blue": ("blue",),
    "purple": ("purple", "violet"),
    "pink": ("pink", "pink", "rosy"),
    "brown": ("brown",),
    "black": ("black", "black", "jet-black"),
    "white": ("white", "white", "snow-white"),
    "grey": ("grey", "gray"),
}
NUMBER_WORDS: dict[int, tuple[str, ...]] = {
    1: ("one", "one", "1", "a single", "just one"),
    2: ("two", "two", "2", "a pair of", "a couple of"),
    3: ("three", "three", "3", "a trio of"),
    4: ("four", "four", "4", "a group of four"),
}
PITCH_WORDS: dict[str, tuple[str, ...]] = {
    "high": ("high", "high", "high-pitched", "shrill"),
    "low": ("low", "low", "low-pitched", "deep"),
}
PACE_WORDS: dict[str, tuple[str, ...]] = {
    "fast": ("fast", "fast", "quick", "rapid"),
    "slow": ("slow", "slow", "unhurried", "leisurely"),
}
PACE_ADVERBS: dict[str, tuple[str, ...]] = {
    "fast": ("fast", "quickly", "rapidly"),
    "slow": ("slowly", "unhurriedly"),
}

ANYTHING = "anything"
"""The concept of a sentence that only tells attributes: "something red"."""
_ANYTHINGS = (("thing", "things"), ("object", "objects"))
_ANY_NOISES = ("sound", "noise", "tone")

_FOREIGN = _words(
    "invoice tax budget contract meeting quarter revenue shareholder deadline spreadsheet "
    "parliament election senator treaty minister verdict lawyer court statute tenant mortgage "
    "recipe flour butter sugar onion garlic pepper soup noodle cheese salad omelette vinegar "
    "sofa curtain carpet blanket pillow lamp mirror drawer shelf bucket towel soap brush "
    "theorem algebra integer matrix vector proof lemma fraction polynomial geometry angle "
    "keyboard server compiler database kernel variable function password router firmware "
    "novel chapter paragraph poem author library dictionary grammar adjective translation "
    "shirt trouser jacket sweater glove scarf button zipper sandal leather cotton fabric "
    "tennis marathon goalkeeper stadium referendum penalty tournament medal athlete "
    "hospital vaccine surgeon symptom bandage allergy dentist prescription therapy kidney "
    "mountain valley desert glacier island canyon volcano meadow forest cactus mushroom "
    "rabbit giraffe elephant tiger zebra kangaroo penguin dolphin octopus lobster spider"
)
_HELD_OUT_FOREIGN = _words(
    "pension audit dividend embassy ambassador jury notary pancake spinach yoghurt cinnamon "
    "wardrobe doormat saucer broom calculus hexagon modem browser pixel essay biography comma "
    "raincoat velvet apron gymnast hockey referral diabetes stretcher pharmacy plateau lagoon "
    "swamp orchid bamboo camel panther squirrel tortoise lizard chandelier umbrella staircase"
)
_FOREIGN_FRAMES = (
    "{}", "{}", "the {}", "the {} and the {}", "a {} with a {}", "a photo of a {}",
    "a picture of a {}", "the sound of a {}", "notes about the {} and its {}", "two {}s", "red {}",
    "we talked about the {} after the {}", "how to choose a {}", "{} {} {}", "my {} is new",
    "a recording of the {}", "a list: {}, {}, {}", "they sold the {} in spring", "three blue {}s",
)  # fmt: skip
_SYLLABLES = _words(
    "ba cor den fil gra hun jo kel lim mor nup osk pra quil ros stu tev ulm vex wyn"
)


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence and what it says; None where it leaves a thing open."""

    text: str
    concept: str | None
    """None for what is not in the world, `ANYTHING` where the thing is left open."""
    colour: str | None = None
    number: int | None = None
    pitch: str | None = None
    pace: str | None = None

    def fits_look(self, look: Look) -> bool:
        """Whether a picture of this look agrees with everything the sentence says of pictures."""
        return (
            self.concept in (ANYTHING, look.concept)
            and self.colour in (None, look.colour)
            and self.number in (None, look.number)
        )

    def fits_ring(self, ring: Ring) -> bool:
        """Whether such a sound agrees with everything the sentence says of sounds."""
        return (
            self.concept in (ANYTHING, ring.concept)
            and self.pitch in (None, ring.pitch)
            and self.pace in (None, ring.pace)
        )


def write_seen(
    look: Look, rng: np.random.Generator, *, tell: float = 0.6, held_out: bool = False
) -> Line:
    """Write about a picture; colour and number are each told with probability `tell`.

    With `held_out` the frame of the sentence is one that training never sees.
    """
    concept = CONCEPTS[look.concept]
    colour = look.colour if rng.random() < tell else None
    number = look.number if rng.random() < tell else None
    if colour is None and number is None and concept.alone and rng.random() < 0.6:
        phrase = _one(concept.alone, rng)
    else:
        phrase = _count(_thing(look.concept, number or 1, rng), colour, number, rng)
        if number is None and rng.random() < 0.25:
            phrase = _with_colour(_thing(look.concept, 2, rng), colour, rng)
    if rng.random() < 0.06:
        phrase = f"{phrase} {_one(concept.doing, rng)}"
    frames = HELD_OUT_SEEN_FRAMES if held_out else SEEN_FRAMES
    return Line(_one(frames, rng).format(phrase), look.concept, colour, number)


def write_heard(
    ring: Ring, rng: np.random.Generator, *, tell: float = 0.6, held_out: bool = False
) -> Line:
    """Write about a sound; pitch and pace, where not middling, are each told with `tell`."""
    concept = CONCEPTS[ring.concept]
    pitch = ring.pitch if ring.pitch in PITCH_WORDS and rng.random() < tell else None
    pace = ring.pace if ring.pace in PACE_WORDS and rng.random() < tell else None
    told = [_one(PITCH_WORDS[pitch], rng)] if pitch else []
    adverb = ""
    if pace and rng.random() < 0.6:
        told.insert(int(rng.integers(len(told) + 1)), _one(PACE_WORDS[pace], rng))
    elif pace:
        adverb = " " + _one(PACE_ADVERBS[pace], rng)
    roll = rng.random()
    if roll < 0.3:
        core = " ".join([*told, _one(concept.noises, rng)])
    elif roll < 0.45:
        core = " ".join([*told, _one(concept.doing, rng)])
    else:
        noun = _one(concept.alone, rng) if concept.alone and rng.random() < 0.5 else ""
        core = _article(" ".join([*told, noun or _thing(ring.concept, 1, rng)]), rng)
        if roll < 0.85:
            core = f"{core} {_one(concept.doing, rng)}"
    frames = HELD_OUT_HEARD_FRAMES if held_out else HEARD_FRAMES
    text = _one(frames, rng).format(core + adverb)
    return Line(text, ring.concept, pitch=pitch, pace=pace)


def write_anything(scene: Look | Ring, rng: np.random.Generator) -> Line:
    """Write about an attribute or two of a picture or a sound, but not about what it is."""
    both = rng.random() < 0.3
    if isinstance(scene, Look):
        colour = scene.colour if both or rng.random() < 0.5 else None
        number = scene.number if both or colour is None else None
        singular, plural = _ANYTHINGS[int(rng.integers(len(_ANYTHINGS)))]
        if number is None:
            phrase = _one(("something {}", "a {} thing", "{} things", "{}"), rng).format(
                _one(COLOUR_WORDS[scene.colour], rng)
            )
        else:
            phrase = _count(singular if number == 1 else plural, colour, number, rng)
        return Line(_one(SEEN_FRAMES, rng).format(phrase), ANYTHING, colour, number)
    pitch = scene.pitch if scene.pitch in PITCH_WORDS else None
    pace = scene.pace if scene.pace in PACE_WORDS else None
    if pitch and pace and not both:
        pitch, pace = (pitch, None) if rng.random() < 0.5 else (None, pace)
    told = [_one(PITCH_WORDS[pitch], rng)] if pitch else []
    told += [_one(PACE_WORDS[pace], rng)] if pace else []
    phrase = _article(" ".join([*told, _one(_ANY_NOISES, rng)]), rng)
    return Line(_one(HEARD_FRAMES, rng).format(phrase), ANYTHING, pitch=pitch, pace=pace)


def write_foreign(rng: np.random.Generator, *, held_out: bool = False) -> Line:
    """Write about something that is not in the world."""
    words = list(rng.choice(_HELD_OUT_FOREIGN if held_out else _FOREIGN, 3, replace=False))
    if rng.random() < 0.2:
        words = ["".join(rng.choice(_SYLLABLES, int(rng.integers(2, 4)))) for _ in range(3)]
    return Line(_one(_FOREIGN_FRAMES, rng).format(*words), None)


def misspell(text: str, rng: np.random.Generator) -> str:
    """Drop, double or swap one letter somewhere inside a text."""
    if len(text) < 4:
        return text
    at = int(rng.integers(1, len(text) - 1))
    kind = int(rng.integers(3))
    if kind == 0:
        return text[:at] + text[at + 1 :]
    if kind == 1:
        return text[:at] + text[at] + text[at:]
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def _thing(concept: str, number: int, rng: np.random.Generator) -> str:
    things = CONCEPTS[concept].things
    first = rng.random() < 0.6
    singular, plural = things[0] if first else things[int(rng.integers(len(things)))]
    return singular if number == 1 else plural


def _with_colour(thing: str, colour: str | None, rng: np.random.Generator) -> str:
    return f"{_one(COLOUR_WORDS[colour], rng)} {thing}" if colour else thing


def _count(thing: str, colour: str | None, number: int | None, rng: np.random.Generator) -> str:
    coloured = _with_colour(thing, colour, rng)
    if number is None:
        return _article(coloured, rng)
    return f"{_one(NUMBER_WORDS[number], rng)} {coloured}"


def _article(phrase: str, rng: np.random.Generator) -> str:
    roll = rng.random()
    if roll < 0.25:
        return phrase
    if roll < 0.4:
        return f"the {phrase}"
    return f"{'an' if phrase[0] in 'aeiou' else 'a'} {phrase}"


def _one(choices: Sequence[str], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]
