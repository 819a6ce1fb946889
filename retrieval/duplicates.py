"""Duplicates: the same file twice, the same thing in another form, and things that are near."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from retrieval.catalog.filter import Filter
from retrieval.errors import MediaError
from retrieval.likeness import PICTURE_DIFFERENCE, SOUND_DIFFERENCE, difference, marks_of
from retrieval.records import Kind, Modality

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from retrieval.library import Library
    from retrieval.likeness import Marks
    from retrieval.vectors import Ids

log = logging.getLogger(__name__)

NEAR = 0.95
"""Cosine above which two things count as near unless another level is given."""

CANDIDATE = 0.8
"""Cosine above which two things may be one thing in two forms; the marks decide."""

NEIGHBOURS = 50
"""Most neighbours of each moment that are looked at."""

BATCH = 1000


class Likeness(StrEnum):
    """How two files are alike."""

    CONTENT = "content"
    """The same bytes."""
    FORM = "form"
    """One picture or sound in another size, format, quality or loudness."""
    NEAR = "near"
    """Other pictures or sounds with nearly the same vector."""


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Files that are alike."""

    likeness: Likeness
    kind: Kind
    paths: tuple[Path, ...]
    """At least two, by path."""
    cosine: float
    """Of the two that are least alike among those that were compared; 1 for the same bytes."""


def duplicates(
    library: Library, *, near: float = NEAR, kinds: Iterable[Kind | str] = (Kind.IMAGE, Kind.AUDIO)
) -> list[Duplicates]:
    """Groups of files that are alike, the same bytes first.

    Files with the same bytes are one for the other two kinds of groups, and forms of one thing are
    one for near ones. Whether two are forms of one thing is decided by looking at the files; what
    cannot be read is passed over.

    Args:
        library: Where to look.
        near: Least cosine of near things.
        kinds: Kinds of files to compare.
    """
    wanted = frozenset(Kind(kind) for kind in kinds)
    owners = _owners(library, wanted)
    found = [
        Duplicates(Likeness.CONTENT, kind, tuple(sorted(paths)), 1.0)
        for kind, paths in owners.values()
        if len(paths) > 1
    ]
    for modality in sorted({Modality(kind.value) for kind in wanted & {Kind.IMAGE, Kind.AUDIO}}):
        pairs = list(_pairs(library, modality, min(near, CANDIDATE), set(owners)))
        found += _groups(library, modality, pairs, owners, near)
    return sorted(found, key=lambda d: (list(Likeness).index(d.likeness), -d.cosine, d.paths))


def _owners(library: Library, kinds: frozenset[Kind]) -> dict[int, tuple[Kind, list[Path]]]:
    """Content id to kind and paths of the files that have it."""
    wanted = Filter(kinds=kinds)
    ids = library.catalog.files.content_ids(wanted)
    return {
        content_id: (files[0].kind, [f.path for f in files])
        for content_id, files in library.catalog.files.owners(ids, wanted).items()
    }


def _pairs(
    library: Library, modality: Modality, least: float, contents: set[int]
) -> Iterator[tuple[int, int, float]]:
    """Pairs of contents with their cosine: that of their first moments, which must be near.

    A sound of many windows is one content; that two share a later window does not make them one.
    """
    space = library.space.spaces_of(modality)[0]
    firsts = library.catalog.moments.first(contents)[modality]
    content_of = dict(zip(firsts.values(), firsts.keys(), strict=True))
    ids: Ids = np.array(sorted(content_of), dtype=np.int64)
    index = library.indexes.get(space, modality)
    for start in range(0, len(ids), BATCH):
        some, rows = library.catalog.vectors.get(space, ids[start : start + BATCH])
        for moment_id, (others, cosines) in zip(
            some.tolist(), index.search(rows, NEIGHBOURS, ids), strict=True
        ):
            for other, cosine in zip(others.tolist(), cosines.tolist(), strict=True):
                if other > moment_id and cosine >= least:
                    yield content_of[moment_id], content_of[other], float(cosine)


def _groups(
    library: Library,
    modality: Modality,
    pairs: list[tuple[int, int, float]],
    owners: dict[int, tuple[Kind, list[Path]]],
    near: float,
) -> list[Duplicates]:
    """Forms of one thing, and near things."""

    @cache
    def marks(content_id: int) -> Marks | None:
        path = owners[content_id][1][0]
        try:
            return marks_of(path, library.space.model_set.windows).get(modality)
        except (OSError, MediaError) as error:
            log.warning("passing over %s: %s", path, error)
            return None

    most = PICTURE_DIFFERENCE if modality is Modality.IMAGE else SOUND_DIFFERENCE

    def is_form(a: int, b: int) -> bool:
        one, other = marks(a), marks(b)
        return one is not None and other is not None and difference(one, other) <= most

    forms = [pair for pair in pairs if is_form(pair[0], pair[1])]
    one_thing = _connected(forms)
    close = [
        (one_thing.get(a, a), one_thing.get(b, b), cosine)
        for a, b, cosine in pairs
        if cosine >= near and one_thing.get(a, a) != one_thing.get(b, b)
    ]
    return [
        *_named(Likeness.FORM, forms, owners),
        *_named(Likeness.NEAR, close, owners),
    ]


def _named(
    likeness: Likeness,
    pairs: list[tuple[int, int, float]],
    owners: dict[int, tuple[Kind, list[Path]]],
) -> list[Duplicates]:
    members: dict[int, set[int]] = {}
    least: dict[int, float] = {}
    leader = _connected(pairs)
    for content_id, first in leader.items():
        members.setdefault(first, set()).add(content_id)
    for a, _, cosine in pairs:
        least[leader[a]] = min(least.get(leader[a], 1.0), cosine)
    return [
        Duplicates(
            likeness,
            owners[first][0],
            tuple(sorted(owners[content_id][1][0] for content_id in group)),
            min(least[first], 1.0),
        )
        for first, group in members.items()
    ]


def _connected(pairs: Iterable[tuple[int, int, float]]) -> dict[int, int]:
    """Everything that is in a pair, to the lowest of all that it is connected with."""
    leader: dict[int, int] = {}

    def find(one: int) -> int:
        while leader.setdefault(one, one) != one:
            leader[one] = leader[leader[one]]
            one = leader[one]
        return one

    for a, b, _ in pairs:
        low, high = sorted((find(a), find(b)))
        leader[high] = low
    return {one: find(one) for one in list(leader)}
