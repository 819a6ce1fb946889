"""How each concept is drawn: one function a concept, on a sheet of 100 by 100 units."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrieval.encoders.mini.world.drawings.animals import ANIMALS
from retrieval.encoders.mini.world.drawings.instruments import INSTRUMENTS
from retrieval.encoders.mini.world.drawings.nature import NATURE
from retrieval.encoders.mini.world.drawings.things import THINGS
from retrieval.encoders.mini.world.drawings.vehicles import VEHICLES

if TYPE_CHECKING:
    from retrieval.encoders.mini.world.drawings.pen import Drawing

DRAWINGS: dict[str, Drawing] = {**ANIMALS, **INSTRUMENTS, **VEHICLES, **NATURE, **THINGS}
"""Concept name to the function that draws it."""
