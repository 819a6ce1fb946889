"""The oracle of every change: what a new library of the same folders would know."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from indexer import index
from retrieval import Library, Moment
from retrieval.media.decoder_pool import DecoderPool
from retrieval.records import File, Said

TYPED = ("red", "blue", "green", "beach", "lake", "png", "IMG_1", '"something red"', "sub", "copy")
"""Words that stand in names, folders, sidecars and texts of the tests."""


class Held(NamedTuple):
    """What a library holds of a content."""

    hash: str | None
    moments: tuple[Moment, ...]
    """Without their ids, which say in what order files came."""
    vectors: tuple[bytes, ...]


def held(library: Library, file: File) -> Held:
    """The content of a file with its moments and their vectors, bit for bit."""
    digest = library.catalog.files.entry(file.id).content_hash
    moments = library.catalog.moments.of(digest) if digest else []
    ids = [moment.id or 0 for moment in moments]
    rows = [
        (space, row.tobytes())
        for space in sorted(library.catalog.spaces())
        for row in library.catalog.vectors.get(space, ids)[1]
    ]
    return Held(
        digest,
        tuple(
            Moment(m.modality, m.start_s, m.end_s, m.start_char, m.end_char, m.text)
            for m in moments
        ),
        tuple(row for _, row in rows),
    )


def known_of(library: Library) -> dict[Path, object]:
    """What a library knows of each file that it does not call missing."""
    return {
        file.path: (
            file.kind,
            file.size,
            file.modified,
            file.failure,
            file.not_media,
            file.facts,
            file.sidecars,
            file.twin,
            file.moments,
            held(library, file),
        )
        for file in library.files()
        if file.missing_since is None
    }


def said_in(library: Library) -> dict[str, set[object]]:
    """For each of the words where it stands.

    A folder is told below the name of its root, which was given once, whatever is made of it.
    """
    return {
        typed: {
            (hit.path, hit.twins, hit.said and (hit.said.place, *_below_root(hit.said)))
            for hit in library.search(typed, words="only", k=100)
        }
        for typed in TYPED
    }


def _below_root(said: Said) -> list[str]:
    return said.text.split("/")[said.place == "folder" :]


def as_fresh(
    library: Library,
    *folders: Path,
    missing: Collection[Path] = (),
    decoders: DecoderPool | None = None,
) -> None:
    """What a library knows of folders is what a new library of them would know.

    Args:
        library: After whatever happened.
        folders: All that it was made of.
        missing: The difference that is meant: files that cannot be seen are kept and marked.
        decoders: A pool that stays open, for who calls often.
    """
    assert {file.path for file in library.files() if file.missing_since} == set(missing)
    place = library.path.with_name("fresh")
    with Library.open(place, models=library.space.model_set) as fresh:
        index(fresh, *folders, decoders=decoders)
        assert known_of(library) == known_of(fresh)
        assert said_in(library) == said_in(fresh)
        if not missing:
            assert library.stats().counts == fresh.stats().counts
    shutil.rmtree(place)
