"""A library's own bridges: those of its model set, improved with true pairs from its films.

They are kept beside the indexes and are a cache as those are: made from the catalog, and thrown
away when the model set's own bridge is another one.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from retrieval.bridge import Bridge
from retrieval.bridge_building import bridge_file
from retrieval.errors import ModelError
from retrieval.records import Modality
from retrieval.space import JointSpace
from retrieval.true_pairs import adapt_bridge, film_pairs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from retrieval.library import Library

log = logging.getLogger(__name__)

FOLDER = "bridges"
"""Below the folder of a library."""


@dataclass(frozen=True, slots=True)
class OwnBridge:
    """A bridge that a library's own films made better."""

    spaces: tuple[str, str]
    pairs: int
    before: float
    """Mean reciprocal rank of held-out pairs across the bridge of the model set."""
    after: float
    """Across the improved one."""


def own_bridges(folder: Path, shipped: Sequence[Bridge]) -> list[Bridge]:
    """The bridges of a model set, each replaced by a library's own if it has one.

    Args:
        folder: Of the library.
        shipped: Those of the model set.
    """
    return [_own(folder, bridge) or bridge for bridge in shipped]


def improve_bridges(library: Library) -> list[OwnBridge]:
    """Make a library's own bridges anew from its films; the caller holds the writer's lock.

    One that films do not make better is removed.

    Raises:
        OSError: they cannot be written.
    """
    shipped = JointSpace(library.space.model_set).bridges
    improved = []
    for bridge in shipped:
        path = library.path / FOLDER / bridge_file(bridge)
        own = _improved(library, bridge)
        if own is None or own.relay is None or own.gain is None:
            path.unlink(missing_ok=True)
            continue
        path.parent.mkdir(exist_ok=True)
        fresh = path.with_suffix(".new")
        own.save(fresh)
        fresh.replace(path)
        pairs = len(own.relay.pairs[own.spaces[0]])
        improved.append(OwnBridge(own.spaces, pairs, *own.gain))
    return improved


def described(folder: Path) -> Iterator[OwnBridge]:
    """What own bridges lie in the folder of a library; needs no models."""
    for path in sorted((folder / FOLDER).glob("*.bridge.safetensors")):
        bridge = _read(path)
        if bridge is not None and bridge.relay is not None and bridge.gain is not None:
            pairs = len(bridge.relay.pairs[bridge.spaces[0]])
            yield OwnBridge(bridge.spaces, pairs, *bridge.gain)


def _improved(library: Library, bridge: Bridge) -> Bridge | None:
    space = library.space
    natives = {m: space.spaces_of(m) for m in (Modality.IMAGE, Modality.AUDIO)}
    first, second = bridge.spaces
    for a, b in ((Modality.IMAGE, Modality.AUDIO), (Modality.AUDIO, Modality.IMAGE)):
        if first in natives[a] and second in natives[b]:
            seen, heard = (first, second) if a is Modality.IMAGE else (second, first)
            pairs = film_pairs(library, seen, heard)
            return adapt_bridge(bridge, pairs if a is Modality.IMAGE else pairs.turned())
    return None


def _own(folder: Path, shipped: Bridge) -> Bridge | None:
    path = folder / FOLDER / bridge_file(shipped)
    own = _read(path) if path.exists() else None
    return own if own is not None and own.bank == shipped.bank else None


def _read(path: Path) -> Bridge | None:
    try:
        return Bridge.load(path)
    except ModelError as error:
        log.warning("passing over %s: %s", path, error)
        return None
