"""One file, read and encoded here and now; what reads many at a time is `indexer.read_ahead`."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from retrieval.catalog.new_content import EncodedMoment, NewContent
from retrieval.media.content_hash import content_hash
from retrieval.media.media import open_media

if TYPE_CHECKING:
    from retrieval.media.decoder_pool import DecoderPool
    from retrieval.space import JointSpace


def encoded_file(
    space: JointSpace, file: BinaryIO, name: str, decoders: DecoderPool | None = None
) -> NewContent:
    """What an open file holds, as `Library.add` stores it; with decoders, decoded by one of them.

    Raises:
        MediaError: it cannot be read.
    """
    digest = content_hash(file)
    opened = decoders.open if decoders else open_media
    media = opened(file, space.model_set.windows, name=name)
    moments = list(media.pieces)
    vectors = [space.embed(m.modality, [content]) for m, content in moments]
    return NewContent(
        hash=digest,
        kind=media.kind,
        moments=[
            EncodedMoment(moment, {name: rows[0] for name, rows in blocks.items()})
            for (moment, _), blocks in zip(moments, vectors, strict=True)
        ],
        metadata=media.metadata,
    )
