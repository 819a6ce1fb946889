"""Frames of a video: a few pictures, spread evenly over its time, each unlike the one before."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, BinaryIO, cast

import numpy as np
from av.error import FFmpegError
from av.video.reformatter import Interpolation

from retrieval.errors import MediaError
from retrieval.media.container import (
    MOVING,
    decoded,
    duration_s,
    open_container,
    picture_stream,
    start_s,
)
from retrieval.media.near_repeats import NearRepeats
from retrieval.media.reasons import reasons
from retrieval.records import Modality, Moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    from retrieval.media.content import Content, Picture
    from retrieval.media.windows import Windows

SEEK_STEP_S = 4.0
"""From this many seconds between two frames on, seeking beats decoding everything between them:
cameras and encoders place a key frame every 0.5 to 10 s."""


def frame_pieces(
    file: BinaryIO, windows: Windows, formats: str = MOVING
) -> Iterator[tuple[Moment, Content]]:
    """Decode frames at `windows.frames_per_s`, at most `max_frames`, without near repeats.

    Raises:
        UnknownMedia: PyAV does not open the file.
        MediaError: no frame can be decoded.
    """
    length_s = _length_s(file, formats)
    step_s = max(1 / windows.frames_per_s, length_s / windows.max_frames)
    sample = _sought if step_s >= SEEK_STEP_S else _in_order
    with open_container(file, formats) as container, reasons("the video"):
        stream = picture_stream(container)
        if stream is None:
            raise MediaError("the file has no video")
        stream.codec_context.thread_count = 1
        came = False
        repeats = NearRepeats()
        sampled = sample(container, stream, length_s, step_s)
        for time_s, frame in islice(sampled, windows.max_frames):
            came = True
            picture = _picture(frame, 2 * windows.picture_px)
            if repeats.is_new(picture):
                yield Moment(Modality.IMAGE, time_s, time_s), picture
        if not came:
            raise MediaError("the video holds no frame that can be decoded")


def _length_s(file: BinaryIO, formats: str) -> float:
    """Seconds that the file claims, or the time of its last packet if it claims nothing."""
    with open_container(file, formats) as container, reasons("the video"):
        claimed_s = duration_s(container)
        if claimed_s is not None:
            return claimed_s
        last_s = begin_s = start_s(container)
        for packet in container.demux(picture_stream(container)):
            if packet.pts is not None and packet.time_base is not None:
                end = packet.pts + (packet.duration or 0)
                last_s = max(last_s, float(end * packet.time_base))
        return last_s - begin_s


def _in_order(
    container: InputContainer, stream: VideoStream, length_s: float, step_s: float
) -> Iterator[tuple[float, VideoFrame]]:
    """The first frame in or after the middle of every step; of a shorter video, its middle one."""
    wanted_s = min(step_s, length_s) / 2
    frame, time_s, given = None, 0.0, False
    for time_s, frame in _timed(container, stream):
        if time_s >= wanted_s:
            given = True
            yield time_s, frame
            wanted_s += step_s * max(1, np.ceil((time_s - wanted_s) / step_s))
    if not given and frame is not None:
        yield time_s, frame


def _sought(
    container: InputContainer, stream: VideoStream, length_s: float, step_s: float
) -> Iterator[tuple[float, VideoFrame]]:
    """The key frame at or before the middle of every step, or the frame itself where they lack."""
    last_s, wanted_s = -1.0, step_s / 2
    while wanted_s < length_s:
        try:
            _rewind(container, wanted_s + start_s(container))
            time_s, frame = next(
                (t, f) for t, f in _timed(container, stream) if f.key_frame or t >= wanted_s
            )
            if time_s <= last_s:
                time_s, frame = next((t, f) for t, f in _timed(container, stream) if t >= wanted_s)
        except (StopIteration, FFmpegError, MediaError):
            break
        if time_s > last_s:
            yield time_s, frame
            last_s = time_s
        wanted_s += step_s
    if last_s < 0:
        _rewind(container)
        yield from _in_order(container, stream, length_s, step_s)


def _rewind(container: InputContainer, to_s: float = 0.0) -> None:
    container.seek(max(0, round(to_s * 1_000_000)), backward=True)


def _timed(container: InputContainer, stream: VideoStream) -> Iterator[tuple[float, VideoFrame]]:
    """Frames with their seconds from the start; one without a time follows the one before."""
    begin_s = start_s(container)
    rate = stream.average_rate or stream.guessed_rate
    tick_s = 1 / float(rate) if rate else 0.04
    time_s = -tick_s
    for frame in cast("Iterator[VideoFrame]", decoded(container, stream, "video")):
        time_s = frame.time - begin_s if frame.time is not None else time_s + tick_s
        yield round(max(0.0, time_s), 6), frame


def _picture(frame: VideoFrame, least_side_px: int) -> Picture:
    """A frame as upright `(h, w, 3)` RGB, averaged down while its short side stays large enough."""
    factor = max(1, min(frame.width, frame.height) // least_side_px)
    rgb = frame.reformat(
        width=frame.width // factor,
        height=frame.height // factor,
        format="rgb24",
        interpolation=Interpolation.AREA,
    ).to_ndarray()
    turned: Picture = np.ascontiguousarray(np.rot90(rgb, round(frame.rotation / 90)))
    return turned
