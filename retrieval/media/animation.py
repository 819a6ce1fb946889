"""Animations: the frames of a GIF, WebP, APNG, AVIF or FLI as pictures with their seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrieval.errors import MediaError
from retrieval.media.near_repeats import NearRepeats
from retrieval.media.pixels import to_pixels
from retrieval.media.reasons import reasons
from retrieval.records import Modality, Moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.ImageFile import ImageFile

    from retrieval.media.content import Content, Picture
    from retrieval.media.windows import Windows


def frames_of(
    image: ImageFile, first: Picture, windows: Windows
) -> Iterator[tuple[Moment, Content]]:
    """Frames of an animation, at most `frames_per_s` and `max_frames`, without near repeats.

    An animation that breaks off ends with its last whole frame.

    Args:
        image: The animation, its first frame loaded.
        first: The first frame.
        windows: How many frames, and how large.
    """
    count = int(getattr(image, "n_frames", 1))
    stride = -(-count // windows.max_frames)
    repeats = NearRepeats()
    repeats.is_new(first)
    yield Moment(Modality.IMAGE, 0.0, 0.0), first
    time_s, next_s = 0.0, 1 / windows.frames_per_s
    for number in range(1, count):
        time_s = round(time_s + float(image.info.get("duration") or 0) / 1000, 6)
        try:
            with reasons("the frame"):
                image.seek(number)
                if number % stride or time_s < next_s:
                    continue
                image.load()
                picture = to_pixels(image, 1, 2 * windows.picture_px)
        except MediaError:
            return
        next_s = round(time_s + 1 / windows.frames_per_s, 6)
        if repeats.is_new(picture):
            yield Moment(Modality.IMAGE, time_s, time_s), picture
