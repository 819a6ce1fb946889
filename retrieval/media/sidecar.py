"""Sidecars: small files that say something about a file beside them, as XMP or as a caption."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from retrieval.errors import MediaError
from retrieval.media.plain_text import read_any_text
from retrieval.media.reasons import reasons
from retrieval.media.tags import clean
from retrieval.media.xmp import xmp_facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from retrieval.records import Fact

XMP, CAPTION = ".xmp", ".txt"
"""The suffixes of sidecars."""
MAX_CAPTION_BYTES = 4096
"""Largest text that is the caption of a picture; a longer one is a text of its own."""
MAX_XMP_BYTES = 8 << 20


def sidecar_facts(file: BinaryIO, name: str) -> dict[str, Fact]:
    """What a sidecar states.

    Args:
        file: The open sidecar.
        name: Its name, whose suffix says in which form it speaks.

    Returns:
        Facts as in `Media.metadata`; a caption is a description.

    Raises:
        MediaError: it cannot be understood.
    """
    with reasons("the sidecar"):
        if name.lower().endswith(XMP):
            data = file.read(MAX_XMP_BYTES + 1)
            if len(data) > MAX_XMP_BYTES:
                raise MediaError(f"the XMP is larger than {MAX_XMP_BYTES >> 20} MB")
            return xmp_facts(data)
        caption = clean(read_any_text(file), MAX_CAPTION_BYTES)
        return {"description": caption} if caption else {}


def joined_facts(stated: Iterable[Mapping[str, Fact]]) -> dict[str, Fact]:
    """What several sidecars of one file state together.

    A later one's word counts; but descriptions are all kept, since a caption and an XMP description
    may both be searched for.
    """
    joined: dict[str, Fact] = {}
    descriptions: list[str] = []
    for facts in stated:
        joined |= facts
        if description := str(facts.get("description", "")):
            descriptions = [description, *(d for d in descriptions if d not in description)]
    if descriptions:
        joined["description"] = "\n".join(descriptions)
    return joined
