"""How each concept sounds: one function a concept, given a pitch factor and a pace factor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrieval.encoders.mini.world.voices.animals import ANIMALS
from retrieval.encoders.mini.world.voices.instruments import INSTRUMENTS
from retrieval.encoders.mini.world.voices.nature import NATURE
from retrieval.encoders.mini.world.voices.things import THINGS
from retrieval.encoders.mini.world.voices.vehicles import VEHICLES

if TYPE_CHECKING:
    from retrieval.encoders.mini.world.voices.synth import Voice

VOICES: dict[str, Voice] = {**ANIMALS, **INSTRUMENTS, **VEHICLES, **NATURE, **THINGS}
"""Concept name to the function that makes its sound."""
