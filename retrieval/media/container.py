"""Containers: files that PyAV opens, with nothing followed outside the file itself."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO, Literal, cast

import av
from av.error import FFmpegError

from retrieval.errors import MediaError, UnknownMedia
from retrieval.media.pixels import MAX_PIXELS
from retrieval.media.reasons import reasons

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

MOVING = (
    "3dostr 4xm aac ac3 ac4 aiff amr amrnb amrwb amv ape asf au av1 avi avr bink caf"
    " cavsvideo dirac dnxhd dsf dts dtshd dv eac3 evc film_cpk flac flv gxf h261 h263 h264"
    " hevc hca ircam ivf loas lvf m4v matroska mlp mlv mov mp3 mpc mpc8 mpeg mpegts mpegvideo"
    " mtaf mv mxf nistsphere nsv nut nuv obu ogg oma osq paf pva qcp qoa r3d rm roq rpl rso"
    " sbc shn smjpeg smk sol sox spdif svag tak thp truehd tta ty usm vc1 vividas vivo voc"
    " vqf vvc w64 wav wc3movie wsaud wsvqa wtv wv wve xa xmv xwma yop yuv4mpegpipe"
)
"""Formats of sound and video. Left out is what names other files or addresses (playlists such as
HLS, DASH and concat), what draws text, and capture devices."""
STILL = (
    "alias_pix apng apv avif bmp_pipe brender_pix cri_pipe dds_pipe dpx_pipe exr_pipe fits"
    " flic gem_pipe gif hdr_pipe ico iff j2k_pipe jpeg_pipe jpegls_pipe jpegxl_anim"
    " jpegxl_pipe jpegxs_pipe jv pam_pipe pbm_pipe pcx_pipe pfm_pipe pgm_pipe pgmyuv_pipe"
    " pgx_pipe phm_pipe photocd_pipe pictor_pipe png_pipe ppm_pipe psd_pipe qdraw_pipe"
    " qoi_pipe sgi_pipe sunrast_pipe tiff_pipe vbn_pipe webp_pipe xbm_pipe xpm_pipe xwd_pipe"
)
"""Formats of pictures."""
MAX_DAMAGED_PACKETS = 1000
"""After this many packets in a row that cannot be decoded a stream is given up."""


class Nameless:
    """A file without its name, so that nothing but its bytes decides what it is."""

    def __init__(self, file: BinaryIO) -> None:
        self.read, self.seek, self.tell = file.read, file.seek, file.tell


def open_container(file: BinaryIO, formats: str) -> InputContainer:
    """Open a file as one of the formats named; it must stay open, and be read by nobody else.

    Raises:
        UnknownMedia: FFmpeg takes it for none of them.
    """
    file.seek(0, os.SEEK_SET)
    try:
        return av.open(
            Nameless(file),
            "r",
            container_options={"format_whitelist": formats.replace(" ", ",")},
            metadata_errors="replace",
            buffer_size=1 << 16,
            io_open=_refuse,
        )
    except (FFmpegError, ValueError, RuntimeError) as error:
        raise UnknownMedia("the file is no sound or video") from error


def sound_stream(container: InputContainer) -> AudioStream | None:
    """The sound track a player would choose, if there is one that can be decoded."""
    best = container.streams.best("audio")
    return cast("AudioStream", best) if best is not None and best.codec_context else None


def picture_stream(container: InputContainer) -> VideoStream | None:
    """The video track a player would choose; a cover picture of an album is none.

    Raises:
        MediaError: its frames are too large.
    """
    streams = [
        stream
        for stream in container.streams.video
        if stream.codec_context and not stream.disposition & stream.disposition.attached_pic
    ]
    best = container.streams.best("video")
    chosen = next((s for s in streams if best is not None and s.index == best.index), None)
    chosen = chosen or next(iter(streams), None)
    if chosen is not None and chosen.width * chosen.height > MAX_PIXELS:
        raise MediaError(
            f"the video claims {chosen.width} x {chosen.height} pixels, more than the limit of "
            f"{MAX_PIXELS // 1_000_000} million"
        )
    return chosen


def start_s(container: InputContainer) -> float:
    """What the container calls the time of its start; times of moments begin there."""
    start = container.start_time
    return start / av.time_base if start is not None else 0.0


def duration_s(container: InputContainer) -> float | None:
    """Seconds that the container or its longest stream claims; None if they claim nothing."""
    claims = [
        float(stream.duration * stream.time_base)
        for stream in (*container.streams.video, *container.streams.audio)
        if stream.duration and stream.time_base
    ]
    if container.duration:
        claims.insert(0, container.duration / av.time_base)
    return claims[0] if claims and claims[0] > 0 else None


def decoded(
    container: InputContainer, stream: AudioStream | VideoStream, subject: Literal["sound", "video"]
) -> Iterator[AudioFrame | VideoFrame]:
    """Decode a stream from where the container stands, leaving out damaged packets as players do.

    Raises:
        MediaError: nothing of the stream can be decoded, or it turns to nothing but damage.
    """
    came, damaged = False, 0
    damage: FFmpegError | None = None
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.error.EOFError:
            break
        except FFmpegError as error:
            damage, damaged = error, damaged + 1
            if damaged > MAX_DAMAGED_PACKETS:
                break
            continue
        damaged = 0
        for frame in frames:
            came = True
            yield cast("AudioFrame | VideoFrame", frame)
    if damage is not None and not came:
        with reasons(f"the {stream.codec_context.name} {subject}"):
            raise damage


def _refuse(url: str, *_: object) -> None:
    raise PermissionError(f"the file names another file, which is not followed: {url[:100]}")
