"""Video: frames as image moments, then the sound track as audio moments, of one file."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from retrieval.errors import MediaError, UnknownMedia
from retrieval.media.container import (
    MOVING,
    STILL,
    duration_s,
    open_container,
    picture_stream,
    sound_stream,
)
from retrieval.media.frames import frame_pieces
from retrieval.media.media import Media
from retrieval.media.soundtrack import sound_pieces
from retrieval.media.tags import tag_facts
from retrieval.records import Kind, Modality, Moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.container import InputContainer

    from retrieval.media.content import Content
    from retrieval.media.windows import Windows


def open_video(file: BinaryIO, windows: Windows) -> Media:
    """Open a file that PyAV reads: a video, or a sound if it has no pictures that move.

    Raises:
        UnknownMedia: PyAV does not take it for either.
        MediaError: it is a container without any stream that can be decoded.
    """
    with open_container(file, MOVING) as container:
        pictures, sound = picture_stream(container), sound_stream(container)
        facts = tag_facts(_tags(container))
        if (length_s := duration_s(container)) is not None:
            facts["duration_s"] = round(length_s, 3)
        if pictures is not None:
            facts |= {"width": pictures.width, "height": pictures.height}
    if pictures is None and sound is None:
        raise MediaError("the file is a container of sound or video but holds neither")
    if pictures is None:
        return Media(Kind.AUDIO, sound_pieces(file, windows), facts)
    return Media(Kind.VIDEO, _pieces(file, windows, sound is not None), facts)


def _tags(container: InputContainer) -> dict[str, str]:
    """Tags of the streams and, before them, of the file; Ogg has only the former."""
    tags: dict[str, str] = {}
    for stream in container.streams:
        tags |= stream.metadata
    return tags | container.metadata


def open_rare_picture(file: BinaryIO, windows: Windows) -> Media:
    """Open a picture in a format that PyAV reads and Pillow does not.

    Raises:
        UnknownMedia: PyAV does not take it for a picture, or cannot decode it.
    """
    try:
        _, content = next(frame_pieces(file, windows, STILL))
    except (MediaError, StopIteration) as error:
        raise UnknownMedia("the file is no picture") from error
    return Media(Kind.IMAGE, iter([(Moment(Modality.IMAGE), content)]))


def _pieces(file: BinaryIO, windows: Windows, has_sound: bool) -> Iterator[tuple[Moment, Content]]:
    """Frames, then sound: each is read in its own pass, so that neither waits in memory.

    A track that cannot be decoded does not cost the other one.
    """
    came = False
    damage: MediaError | None = None
    for track in (frame_pieces, sound_pieces)[: 1 + has_sound]:
        try:
            for piece in track(file, windows):
                came = True
                yield piece
        except MediaError as error:
            damage = damage or error
    if damage is not None and not came:
        raise damage
