"""A file in each format that `docs/formats.md` names, with what is to be seen, heard or read in it.

Pictures come from `(height, width, 3)` uint8, sounds from `(samples,)` float32 at 48 kHz.
"""

from __future__ import annotations

import base64
import io
import re
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pillow_heif
import pylibjxl
import soundfile
from PIL import Image

from tests.films import film
from tests.test_epub import epub
from tests.test_pdf import pdf
from tests.test_raw import dng
from tests.test_word import docx

RATE_HZ = 48_000


def formats_named(page: Path, section: str) -> list[str]:
    """The names in the tables of a section of the page, of what becomes a moment."""
    text = page.read_text(encoding="utf-8").split(f"\n## {section}\n")[1].split("\n## ")[0]
    names: list[str] = []
    for row in re.findall(r"^\|(.+)\|$", text, re.MULTILINE)[2:]:
        formats, *_, moments = (cell.strip() for cell in row.split("|"))
        if moments:
            names += _names(formats)
    return names


def _names(cell: str) -> list[str]:
    """`animated GIF, WebP and what else ...` is `animated GIF` and `animated WebP`."""
    cell = re.sub(r",? and (what else|others).*| in any encoding$", "", cell)
    first, _, rest = cell.rpartition(": ")
    names = rest.split(", ")
    if names[0].startswith("animated "):
        names = [names[0], *(f"animated {name}" for name in names[1:])]
    return [f"{first} {name}".strip() for name in names]


def by_pillow(form: str, **options: object) -> Callable[[np.ndarray], bytes]:
    """A picture that Pillow writes."""

    def write(picture: np.ndarray) -> bytes:
        file = io.BytesIO()
        image = Image.fromarray(picture)
        image = image.resize((128, 128)) if form in {"ICO", "ICNS"} else image
        image.save(file, form, **options)
        return file.getvalue()

    return write


def animated(form: str) -> Callable[[list[np.ndarray]], bytes]:
    """An animation that Pillow writes, a picture a second."""

    def write(pictures: list[np.ndarray]) -> bytes:
        file = io.BytesIO()
        first, *others = map(Image.fromarray, pictures)
        first.save(file, form, save_all=True, append_images=others, duration=1000)
        return file.getvalue()

    return write


def flc(pictures: list[np.ndarray]) -> bytes:
    """An animation of Autodesk: frames as they are, with one palette, a second each."""
    height, width, _ = pictures[0].shape
    together = Image.fromarray(np.concatenate(pictures)).quantize(256)
    palette = bytes(together.getpalette() or ()).ljust(768, b"\0")
    colours = struct.pack("<IHHBB", 10 + 768, 4, 1, 0, 0) + palette
    frames = b""
    for rows in np.split(np.asarray(together), len(pictures)):
        pixels = struct.pack("<IH", 6 + rows.size, 16) + rows.tobytes()
        chunks = [colours, pixels] if not frames else [pixels]
        frames += struct.pack("<IHH8x", 16 + sum(map(len, chunks)), 0xF1FA, len(chunks))
        frames += b"".join(chunks)
    head = struct.pack(
        "<IHHHHHHI", 128 + len(frames), 0xAF12, len(pictures), width, height, 8, 3, 1000
    )
    return head.ljust(128, b"\0") + frames


def psd(picture: np.ndarray) -> bytes:
    """A picture of Photoshop without layers."""
    height, width, _ = picture.shape
    head = struct.pack(">4sH6xHIIHH", b"8BPS", 1, 3, height, width, 8, 3)
    return head + struct.pack(">IIIH", 0, 0, 0, 0) + picture.transpose(2, 0, 1).tobytes()


def fits(picture: np.ndarray) -> bytes:
    """A picture of an observatory, grey and upside down."""
    grey = np.asarray(Image.fromarray(picture).convert("L"))[::-1]
    cards = [("SIMPLE", "T"), ("BITPIX", 8), ("NAXIS", 2)]
    cards += [("NAXIS1", grey.shape[1]), ("NAXIS2", grey.shape[0])]
    head = "".join(f"{name:8}= {value:>20}".ljust(80) for name, value in cards) + "END"
    data = grey.tobytes()
    return head.ljust(2880).encode() + data.ljust(-(-len(data) // 2880) * 2880, b"\0")


def heif(picture: np.ndarray) -> bytes:
    """As cameras write it."""
    file = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(picture)).save(file)
    return file.getvalue()


def raw(picture: np.ndarray) -> bytes:
    """What the sensor of a camera saw, red and blue at every second place."""
    height, width = picture.shape[0] // 2 * 2, picture.shape[1] // 2 * 2
    sensor = picture[:height, :width, 1].copy()
    sensor[::2, ::2] = picture[:height:2, :width:2, 0]
    sensor[1::2, 1::2] = picture[1:height:2, 1:width:2, 2]
    return dng(width, height, sensor=np.round((sensor / 255.0) ** 2.2 * 16_000).astype(np.uint16))


def svg(picture: np.ndarray) -> bytes:
    """A drawing that holds a picture."""
    height, width, _ = picture.shape
    data = base64.b64encode(by_pillow("PNG")(picture)).decode()
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
        f'<image width="{width}" height="{height}" href="data:image/png;base64,{data}"/></svg>'
    ).encode()


def float_map(picture: np.ndarray) -> bytes:
    """Three floats for each pixel, upside down."""
    height, width, _ = picture.shape
    return b"PF\n%d %d\n-1.0\n" % (width, height) + (picture[::-1] / 255).astype("<f4").tobytes()


def open_exr(picture: np.ndarray) -> bytes:
    """A picture of a film studio, in linear light."""
    context = av.codec.CodecContext.create("exr", "w")
    context.height, context.width = picture.shape[:2]
    context.pix_fmt, context.time_base = "gbrpf32le", Fraction(1)
    planes = ((picture / 255.0) ** 2.2).astype(np.float32)
    frame = av.VideoFrame.from_ndarray(planes, format="gbrpf32le")
    return b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)])


def pgx(picture: np.ndarray) -> bytes:
    """A picture of those who test JPEG 2000, grey."""
    grey = np.asarray(Image.fromarray(picture).convert("L"))
    return b"PG ML + 8 %d %d\n" % grey.shape[::-1] + grey.tobytes()


def by_libsndfile(form: str, subtype: str | None = None) -> Callable[[np.ndarray], bytes]:
    """A sound that libsndfile writes."""

    def write(wave: np.ndarray) -> bytes:
        file = io.BytesIO()
        soundfile.write(file, wave, RATE_HZ, format=form, subtype=subtype)
        return file.getvalue()

    return write


def by_ffmpeg(form: str, codec: str) -> Callable[[np.ndarray], bytes]:
    """A sound that FFmpeg writes."""
    return lambda wave: film(form, None, codec, plays=wave)


def damaged_flac(wave: np.ndarray) -> bytes:
    """A FLAC with noise in its first second, at which libsndfile gives up."""
    content = bytearray(by_libsndfile("FLAC")(wave))
    place = len(content) // 8
    content[place : place + 3000] = np.random.default_rng(0).bytes(3000)
    return bytes(content)


def moving(form: str, video: str, sound: str) -> Callable[[list[np.ndarray], np.ndarray], bytes]:
    """A film, a picture a second."""
    fps = 25 if video == "mpeg2video" else 4
    return lambda pictures, wave: film(
        form, video, sound, seconds=len(pictures), fps=fps, shows=pictures, plays=wave
    )


def subtitles(cue: str, head: str = "") -> Callable[[list[str]], bytes]:
    """What is said, a minute between two sentences."""

    def write(sentences: list[str]) -> bytes:
        cues = [cue.format(n, said) for n, said in enumerate(sentences)]
        return (head + "\n\n".join(cues)).encode()

    return write


PICTURES: dict[str, Callable[[np.ndarray], bytes]] = {
    "PNG": by_pillow("PNG"),
    "JPEG": by_pillow("JPEG"),
    "WebP": by_pillow("WEBP"),
    "GIF": by_pillow("GIF"),
    "BMP": by_pillow("BMP"),
    "TIFF": by_pillow("TIFF"),
    "AVIF": by_pillow("AVIF"),
    "JPEG 2000": by_pillow("JPEG2000"),
    "PSD": psd,
    "ICO": by_pillow("ICO", sizes=[(128, 128)]),
    "ICNS": by_pillow("ICNS"),
    "TGA": by_pillow("TGA"),
    "PPM": by_pillow("PPM"),
    "SGI": by_pillow("SGI"),
    "PCX": by_pillow("PCX"),
    "DDS": by_pillow("DDS"),
    "QOI": by_pillow("QOI"),
    "FITS": fits,
    "HEIC": heif,
    "HEIF": lambda picture: heif(picture).replace(b"ftypheic", b"ftypmif1", 1),
    "JPEG XL": lambda picture: bytes(pylibjxl.encode(picture)),
    "camera RAW DNG": raw,
    "SVG": svg,
    "portable float maps": float_map,
    "OpenEXR": open_exr,
    "PGX": pgx,
}
ANIMATIONS: dict[str, Callable[[list[np.ndarray]], bytes]] = {
    "animated GIF": animated("GIF"),
    "animated WebP": animated("WEBP"),
    "animated APNG": animated("PNG"),
    "animated AVIF": animated("AVIF"),
    "animated FLI": flc,
}
SOUNDS: dict[str, Callable[[np.ndarray], bytes]] = {
    "WAV": by_libsndfile("WAV"),
    "FLAC": by_libsndfile("FLAC"),
    "Ogg Vorbis": by_libsndfile("OGG", "VORBIS"),
    "Opus": by_libsndfile("OGG", "OPUS"),
    "MP3": by_libsndfile("MP3"),
    "AIFF": by_libsndfile("AIFF"),
    "AU": by_libsndfile("AU"),
    "CAF": by_libsndfile("CAF"),
    "W64": by_libsndfile("W64"),
    "AAC": by_ffmpeg("adts", "aac"),
    "M4A": by_ffmpeg("ipod", "aac"),
    "ALAC": by_ffmpeg("ipod", "alac"),
    "WMA": by_ffmpeg("asf", "wmav2"),
    "AC-3": by_ffmpeg("ac3", "ac3"),
    "WavPack": by_ffmpeg("wv", "wavpack"),
    "TTA": by_ffmpeg("tta", "tta"),
    "FLAC that libsndfile refuses": damaged_flac,
}
FILMS: dict[str, Callable[[list[np.ndarray], np.ndarray], bytes]] = {
    "MP4": moving("mp4", "libx264", "aac"),
    "MOV": moving("mov", "mpeg4", "aac"),
    "MKV": moving("matroska", "libvpx-vp9", "libopus"),
    "WebM": moving("webm", "libvpx", "libopus"),
    "AVI": moving("avi", "mpeg4", "libmp3lame"),
    "WMV": moving("asf", "wmv2", "wmav2"),
    "FLV": moving("flv", "flv", "libmp3lame"),
    "MPEG": moving("mpeg", "mpeg2video", "mp2"),
    "MPEG-TS": moving("mpegts", "mpeg2video", "mp2"),
}
TEXTS: dict[str, Callable[[list[str]], bytes]] = {
    "plain text": lambda said: "\n\n".join(said).encode("utf-16"),
    "Markdown": lambda said: f"# {said[0]}\n\n**{said[1]}**\n".encode(),
    "logs": lambda said: "".join(f"10:0{n}:00 {s}\n" for n, s in enumerate(said)).encode(),
    "CSV": lambda said: "".join(f'{n},"{s}"\n' for n, s in enumerate(said)).encode(),
    "HTML": lambda said: f"<!doctype html><body><p>{'</p><p>'.join(said)}</p></body>".encode(),
    "PDF": lambda said: pdf(*said),
    "DOCX": lambda said: docx(
        "".join(f"<w:p><w:r><w:t>{s}</w:t></w:r></w:p>" for s in said)
    ).getvalue(),
    "EPUB": lambda said: epub(
        **{"OEBPS__one.xhtml": f"<html><p>{'</p><p>'.join(said)}</p></html>"}
    ).getvalue(),
    "RTF": lambda said: (r"{\rtf1\ansi " + r"\par ".join(said) + r"\par}").encode(),
}  # fmt: skip
SUBTITLES: dict[str, Callable[[list[str]], bytes]] = {
    "SRT": subtitles("{0}\n00:0{0}:10,000 --> 00:0{0}:12,500\n{1}"),
    "WebVTT": subtitles("{0}\n00:0{0}:10.000 --> 00:0{0}:12.500\n{1}", "WEBVTT\n\n"),
}
CANNOT_BE_MADE = {
    **dict.fromkeys(
        [f"camera RAW {n}" for n in ("CR2", "CR3", "NEF", "ARW", "RAF", "ORF", "RW2", "PEF")],
        "written by cameras alone; LibRaw reads them, as it reads the DNG",
    ),
    "Monkey's Audio": "FFmpeg reads it and cannot write it",
}
"""Formats that nothing at hand writes, each with the reason."""
