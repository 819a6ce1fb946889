"""Sounds that libsndfile decodes: WAV, FLAC, Ogg, MP3 and their older relatives, streamed."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import soundfile

from retrieval.errors import MediaError, UnknownMedia
from retrieval.media.media import Media
from retrieval.media.reasons import reasons
from retrieval.media.sound_windows import cut, mono, resampled
from retrieval.media.tags import tag_facts
from retrieval.records import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrieval.media.content import Content, Sound
    from retrieval.media.windows import Windows
    from retrieval.records import Moment

BLOCK = 1 << 16
"""Samples per channel that are decoded at a time."""
UNSTATED_S = 1e6
"""A claimed duration of this many seconds (11 days) or more states nothing."""


class Stream(soundfile.SoundFile):  # type: ignore[misc]
    """A sound that is read from start to end.

    Told that it cannot seek, soundfile leaves out the seek after each read, which fails on a FLAC
    that states no total and costs an MP3 its exact place.
    """

    def seekable(self) -> bool:
        """False."""
        return False


def open_sound(file: BinaryIO, windows: Windows) -> Media:
    """Open a sound.

    Raises:
        UnknownMedia: libsndfile does not take it for a sound.
    """
    try:
        sound = Stream(file)
    except (soundfile.SoundFileError, RuntimeError, TypeError) as error:
        raise UnknownMedia(str(error)) from error
    if sound.format == "MP3" and not _begins_like_mp3(file):
        raise UnknownMedia("the file does not begin like an MP3")
    if sound.samplerate <= 0 or sound.channels <= 0:
        raise MediaError("the sound states no sample rate or no channels")
    facts = _tags(sound)
    if 0 < (duration_s := sound.frames / sound.samplerate) < UNSTATED_S:
        facts["duration_s"] = round(duration_s, 3)
    return Media(Kind.AUDIO, _pieces(sound, file, windows), facts)


def _tags(sound: Stream) -> dict[str, str | int | float]:
    try:
        return tag_facts(sound.copy_metadata())
    except Exception:
        return {}


def _begins_like_mp3(file: BinaryIO) -> bool:
    """Whether a tag or a frame stands at the start.

    The decoder itself searches further, and in enough bytes finds something like a frame.
    """
    place = file.tell()
    file.seek(0)
    head = file.read(4096).lstrip(b"\0")
    file.seek(place)
    return head.startswith(b"ID3") or (len(head) > 1 and head[0] == 0xFF and head[1] >= 0xE0)


def _pieces(sound: Stream, file: BinaryIO, windows: Windows) -> Iterator[tuple[Moment, Content]]:
    """Moments by libsndfile and, from where it fails, by PyAV, which bears more damage."""
    last_s = -1.0
    try:
        with sound, reasons(f"the {sound.format} sound"):
            for moment, content in cut(resampled(_blocks(sound), windows.sample_rate_hz), windows):
                last_s = moment.start_s or 0.0
                yield moment, content
    except MediaError as damage:
        yield from _second_opinion(file, windows, last_s, damage)


def _second_opinion(
    file: BinaryIO, windows: Windows, last_s: float, damage: MediaError
) -> Iterator[tuple[Moment, Content]]:
    """PyAV's moments after `last_s`; if it fails too, the damage stands."""
    from retrieval.media.soundtrack import sound_pieces

    try:
        for moment, content in sound_pieces(file, windows):
            if moment.start_s is not None and moment.start_s > last_s:
                yield moment, content
    except MediaError:
        raise damage from None


def _blocks(sound: Stream) -> Iterator[tuple[int, Sound]]:
    """Decode until nothing comes: the number of samples that a header claims may be nonsense."""
    heard = False
    buffer = np.empty((BLOCK, sound.channels), np.float32)
    while len(block := sound.read(out=buffer)):
        heard = True
        yield sound.samplerate, mono(block)
    if not heard:
        raise MediaError("the sound holds no samples")
