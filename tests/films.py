"""Films made for the tests: every second has its own colour, and its own tone."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import av
import numpy as np

COLOURS = [(220, 30, 30), (30, 200, 30), (40, 40, 230), (230, 220, 40), (200, 40, 200)]
"""Second number n shows colour n modulo 5."""
TONES_HZ = [440.0, 880.0, 1760.0]
"""Second number n sounds tone n modulo 3."""


def scene(second: int, width: int, height: int) -> np.ndarray:
    """One colour with a white field at the left of the upper edge, so that turns show."""
    picture = np.full((height, width, 3), COLOURS[second % 5], np.uint8)
    picture[: height // 4, : width // 4] = 255
    return picture


def tune(seconds: float, rate: int) -> np.ndarray:
    """`(samples,)` float32: each second its tone."""
    t = np.arange(round(seconds * rate)) / rate
    tones = np.array(TONES_HZ)[t.astype(int) % len(TONES_HZ)]
    wave: np.ndarray = (0.5 * np.sin(2 * np.pi * tones * t)).astype(np.float32)
    return wave


def film(
    form: str = "mp4",
    video: str | None = "libx264",
    sound: str | None = "aac",
    *,
    seconds: float = 3,
    size: tuple[int, int] = (96, 64),
    fps: int = 10,
    gop: int = 10,
    rotation: float = 0,
    sounds: int = 1,
    rate: int = 48_000,
    seekable: bool = True,
    scenes: Sequence[int] | None = None,
    tags: dict[str, str] | None = None,
    shows: Sequence[np.ndarray] | None = None,
    plays: np.ndarray | None = None,
) -> bytes:
    """Encode a film of `seconds`; `scenes` lists the colour of each second.

    Or one that shows given pictures `(height, width, 3)`, one a second, and plays given samples.
    """
    if shows:
        size = (shows[0].shape[1], shows[0].shape[0])
    file = io.BytesIO() if seekable else Unseekable()
    with av.open(file, "w", format=form) as container:
        container.metadata.update(tags or {})
        pictures: Any = None
        if video:
            pictures = container.add_stream(video, rate=fps)
            pictures.width, pictures.height = size
            pictures.pix_fmt = "yuvj420p" if video == "mjpeg" else "yuv420p"
            pictures.codec_context.gop_size = gop
            if rotation:
                pictures.set_display_rotation(rotation)
        tracks: list[Any] = [
            container.add_stream(sound, rate=rate) for _ in range(sounds) if sound is not None
        ]
        for track in tracks:
            track.layout, track.bit_rate = "mono", 64_000
        if pictures is not None:
            for number in range(round(seconds * fps)):
                second = number // fps
                colour = scenes[second % len(scenes)] if scenes else second
                picture = shows[second] if shows else scene(colour, *size)
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts = number
                container.mux(pictures.encode(frame))
            container.mux(pictures.encode(None))
        for track in tracks:
            wave = tune(seconds, rate) if plays is None else plays
            encode_sound(container, track, wave, rate)
    return file.getvalue()


def encode_sound(container: Any, track: Any, samples: np.ndarray, rate: int) -> None:
    """Encode mono float32 samples into a track, in frames of 1,024."""
    resampler = av.AudioResampler(track.format, "mono", rate, frame_size=track.frame_size or 1024)
    frame = av.AudioFrame.from_ndarray(samples[None, :], format="flt", layout="mono")
    frame.sample_rate, frame.pts = rate, 0
    for part in (*resampler.resample(frame), *resampler.resample(None)):
        container.mux(track.encode(part))
    container.mux(track.encode(None))


class Unseekable(io.BytesIO):
    """A pipe: what is written cannot be corrected, so the header states no duration."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: Any) -> int:
        raise io.UnsupportedOperation


def loudest_hz(samples: np.ndarray, rate: int = 48_000) -> float:
    """The strongest frequency in a sound."""
    return float(np.abs(np.fft.rfft(samples)).argmax() * rate / len(samples))


def second_of(picture: np.ndarray) -> int:
    """Which colour a decoded scene shows, by its lower right part."""
    height, width, _ = picture.shape
    mean = picture[height // 2 :, width // 2 :].reshape(-1, 3).mean(axis=0)
    return int(np.abs(np.array(COLOURS) - mean).sum(axis=1).argmin())
