"""Files that mean harm, each beside a good one and through the whole indexer.

Here a file costs itself and its reason is listed. Where one of these is shown in other tests:

    pipes, devices, links that leave the root     test_trust, test_scan
    a path that becomes a link, a folder that does, a pipe, while it is read     test_run
    a crash, an endless loop, too much memory     test_decoder_pool
    names with escape sequences     test_cli_bad_input, test_cli_hits, test_cli_progress; below
"""

from __future__ import annotations

import io
import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from indexer import index
from retrieval import Library
from retrieval.encoders.model_set import BUILT_IN
from tests.command_line import anyseek
from tests.media_files import write_picture
from tests.test_picture import png_header


def flac(total: int) -> bytes:
    """One second of noise that claims this many samples; none is what libsndfile calls 2^63 - 1."""
    file = io.BytesIO()
    noise = np.random.default_rng(0).normal(0, 0.2, 16_000)
    soundfile.write(file, noise, 16_000, format="FLAC")
    content = bytearray(file.getvalue())
    content[21] = content[21] & 0xF0 | total >> 32
    content[22:26] = struct.pack(">I", total & 0xFFFFFFFF)
    return bytes(content)


def pdf(*objects: bytes) -> bytes:
    content = b"%PDF-1.4\n"
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(content))
        content += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    return content + (
        b"xref\n0 %d\n0000000000 65535 f \n%btrailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n"
        b"%%%%EOF\n" % (size, table, size, len(content))
    )


def deep_pdf() -> bytes:
    nodes = [b"<< /Type /Pages /Count 1 /Kids [%d 0 R] >>" % (n + 3) for n in range(3000)]
    page = b"<< /Type /Page /MediaBox [0 0 9 9] >>"
    return pdf(b"<< /Type /Catalog /Pages 2 0 R >>", *nodes, page)


def circular_pdf() -> bytes:
    tree = b"<< /Type /Pages /Count 9 /Kids [2 0 R 2 0 R] >>"
    return pdf(b"<< /Type /Catalog /Pages 2 0 R >>", tree)


def claiming_pdf() -> bytes:
    tree = b"<< /Type /Pages /Count 2000000000 /Kids [] >>"
    return pdf(b"<< /Type /Catalog /Pages 2 0 R >>", tree)


def unpacking_pdf() -> bytes:
    stream = zlib.compress(b" " * 100_000_000, 1)
    head = b"<< /Filter /FlateDecode /Length %d >>" % len(stream)
    return pdf(
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] /Contents 4 0 R >>",
        head + b"\nstream\n" + stream + b"\nendstream",
    )


def zip_bomb(*members: str, mimetype: str = "") -> bytes:
    """An archive whose last member unpacks to 100 MB."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        if mimetype:
            archive.writestr("mimetype", mimetype, zipfile.ZIP_STORED)
        for name in members[:-1]:
            archive.writestr(name, "<x/>")
        archive.writestr(members[-1], b" " * 100_000_000)
    return file.getvalue()


def jpeg_header() -> bytes:
    """A JPEG that claims to be as large as one can be."""
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG")
    content = bytearray(file.getvalue())
    place = content.index(b"\xff\xc0") + 5
    content[place : place + 4] = b"\xff\xff\xff\xff"
    return bytes(content)


def svg_entity() -> bytes:
    return (
        b'<!DOCTYPE svg [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
        b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text>&e;</text></svg>'
    )


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "deep.pdf": (deep_pdf, "page 1 of the PDF cannot be decoded"),
    "circular.pdf": (circular_pdf, "page 1 of the PDF cannot be decoded"),
    "claiming.pdf": (claiming_pdf, "the PDF cannot be decoded"),
    "unpacking.pdf": (unpacking_pdf, "the PDF holds neither words nor pictures"),
    "bomb.docx": (
        lambda: zip_bomb("[Content_Types].xml", "word/document.xml"),
        "word/document.xml in the archive unpacks to more than 64 MB",
    ),
    "bomb.epub": (
        lambda: zip_bomb("META-INF/container.xml", mimetype="application/epub+zip"),
        "META-INF/container.xml in the archive unpacks to more than 64 MB",
    ),
    "header.png": (lambda: png_header(65536, 65536).getvalue(), "claims 65536 x 65536 pixels"),
    "header.jpg": (jpeg_header, "claims 65535 x 65535 pixels"),
    "entity.svg": (svg_entity, "the SVG drawing defines entities, which is not allowed"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_it_costs_itself_alone(library: Library, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    made, reason = HOSTILE[name]
    (folder / name).write_bytes(made())
    write_picture(folder / "good.png", (255, 0, 0))
    summary = index(library, folder)
    assert (summary.added, summary.failed) == (1, 1)
    (failed,) = [file for file in library.files() if file.failure]
    assert failed.path == folder / name
    assert reason in (failed.failure or "")
    assert library.search("red", kinds=["image"])[0].path.name == "good.png"
    assert index(library, folder).unchanged == 2
    assert library.verify(sample=100) == []


@pytest.mark.parametrize("total", [0, 2**36 - 1])
def test_a_flac_with_a_false_total_is_read_to_its_end(
    library: Library, tmp_path: Path, total: int
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "a.flac").write_bytes(flac(total))
    assert index(library, folder).added == 1
    (file,) = library.files()
    assert file.moments == 1


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such names")
def test_no_command_lets_a_name_reach_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BUILT_IN, "fake", "retrieval.encoders.fake:fake_model_set")
    folder = tmp_path / "fi\x1b[31mles"
    folder.mkdir()
    monkeypatch.setenv("ANYSEEK_LIBRARY", str(tmp_path / "library"))
    for name, red in (("a", 255), ("b", 255), ("c", 240)):
        write_picture(folder / f"{name}\x1b]0;x\x07.png", (red, 0, 0))
    (folder / "broken\x1b[2J.png").write_bytes(b"\x89PNG\r\n\x1a\nno")
    picture = folder / "a\x1b]0;x\x07.png"
    monkeypatch.chdir(tmp_path)
    lost = write_picture(folder / "lost\x1b[2J.png", (250, 0, 0))
    for arguments in (
        ("index", folder, "--models", "fake"),
        ("index", lost),
        ("search", "red"),
        ("search", "red", "--under", folder / "no\x1b[31mwhere"),
        ("explain", "red", picture),
        ("label", picture, "--as", "red\x1b[31m", "--as", "blue"),
        ("export", tmp_path / "all\x1b[31m.npz"),
        ("export", tmp_path / "all\x1b[31m.npz"),
        ("backup", tmp_path / "all\x1b[31m.backup"),
        ("prune", "--older-than", "0h", "--yes"),
        ("verify",),
        ("failures",),
        ("status",),
        ("roots",),
        ("duplicates",),
        ("similar", picture),
        ("forget", folder / "b\x1b]0;x\x07.png"),
        ("forget", folder),
    ):
        if arguments[0] == "prune":
            anyseek("index")
        if arguments == ("index", lost):
            lost.unlink()
        result = anyseek(*arguments)
        assert "\x1b" not in result.output, arguments
        assert "\x07" not in result.output
        if arguments[0] not in {"index", "status", "verify"}:
            assert r"\x1b" in result.output, arguments
