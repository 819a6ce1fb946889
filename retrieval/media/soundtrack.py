"""Sounds through PyAV: the sound track of a video, and what libsndfile does not read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from retrieval.errors import MediaError, UnknownMedia
from retrieval.media.container import MOVING, decoded, open_container, sound_stream, start_s
from retrieval.media.reasons import reasons
from retrieval.media.sound_windows import cut, mono, resampled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer

    from retrieval.media.content import Content, Sound
    from retrieval.media.windows import Windows
    from retrieval.records import Moment

FULL_SCALE = {"u1": 2.0**7, "i2": 2.0**15, "i4": 2.0**31, "f4": 1.0, "f8": 1.0}
"""What stands for 1.0, by NumPy type."""
SAMPLES = 1 << 16
"""Fewest samples that are gathered before they are passed on; frames hold about a thousand."""


def sound_pieces(file: BinaryIO, windows: Windows) -> Iterator[tuple[Moment, Content]]:
    """Decode the sound track of a file and cut it into moments.

    Raises:
        UnknownMedia: PyAV does not open the file, or it has no sound.
        MediaError: nothing of the sound can be decoded.
    """
    with open_container(file, MOVING) as container, reasons("the sound"):
        stream = sound_stream(container)
        if stream is None:
            raise UnknownMedia("the file has no sound")
        stream.codec_context.thread_count = 1
        late_s, blocks = _blocks(container, stream)
        yield from cut(resampled(blocks, windows.sample_rate_hz), windows, late_s)


def _blocks(
    container: InputContainer, stream: AudioStream
) -> tuple[float, Iterator[tuple[int, Sound]]]:
    """Seconds by which the sound begins after the file does, and the blocks of samples."""
    frames = cast("Iterator[AudioFrame]", decoded(container, stream, "sound"))
    first = next(frames, None)
    if first is None:
        raise MediaError("the sound holds no samples")
    late_s = max(0.0, first.time - start_s(container)) if first.time is not None else 0.0
    return late_s, _gathered(first, frames)


def _gathered(first: AudioFrame, others: Iterator[AudioFrame]) -> Iterator[tuple[int, Sound]]:
    """Frames joined into larger blocks, each of one sample rate and one form of samples."""
    held, count, form = [first.to_ndarray()], first.samples, _form(first)
    for frame in others:
        if count >= SAMPLES or _form(frame) != form:
            yield form.rate, _mono(held, form)
            held, count, form = [], 0, _form(frame)
        held.append(frame.to_ndarray())
        count += frame.samples
    yield form.rate, _mono(held, form)


class Form(NamedTuple):
    """How the samples of a frame lie in memory."""

    rate: int
    channels: int
    name: str
    planar: bool


def _form(frame: AudioFrame) -> Form:
    form = frame.format
    return Form(frame.sample_rate, len(frame.layout.channels), form.name, form.is_planar)


def _mono(arrays: list[npt.NDArray[Any]], form: Form) -> Sound:
    """Frames of one form as mono float32 in -1..1."""
    values = np.concatenate(arrays, axis=1)
    full = FULL_SCALE[values.dtype.str[1:]]
    scaled = values.astype(np.float32) / np.float32(full)
    if full == FULL_SCALE["u1"]:
        scaled -= 1.0
    return mono(scaled.T if form.planar else scaled.reshape(-1, form.channels))
