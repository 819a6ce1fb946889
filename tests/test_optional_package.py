"""Packages that only some formats need."""

from __future__ import annotations

import io
import sys

import pytest

from retrieval.errors import MediaError
from retrieval.media.media import open_media
from retrieval.media.optional_package import optional_package
from retrieval.media.windows import Windows


def test_one_that_is_there() -> None:
    assert optional_package("json", "JSON files").loads("1") == 1


@pytest.mark.parametrize(
    ("module", "content", "what"),
    [
        ("pypdfium2", b"%PDF-1.7\n", "PDF files"),
        ("resvg_py", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG drawings"),
        ("pillow_heif", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC pictures"),
        ("rawpy", b"FUJIFILMCCD-RAW 0201FF383501", "RAW files of cameras"),
        ("pylibjxl", b"\xff\x0a" + bytes(20), "JPEG XL pictures"),
        ("striprtf.striprtf", b"{\\rtf1 words}", "RTF files"),
    ],
)
def test_one_that_is_missing_is_named_with_its_pip_line(
    monkeypatch: pytest.MonkeyPatch, module: str, content: bytes, what: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MediaError) as caught:
        open_media(io.BytesIO(content), Windows())
    assert str(caught.value) == f"{what} need the package {module}: pip install 'anyseek[formats]'"


def test_none_is_imported_before_a_file_needs_it() -> None:
    import subprocess

    code = (
        "import io, sys; from retrieval.media.media import open_media;"
        "from retrieval.media.windows import Windows;"
        "list(open_media(io.BytesIO(b'only words'), Windows()).pieces);"
        "heavy = {'pypdfium2', 'resvg_py', 'pillow_heif', 'rawpy', 'pylibjxl', 'av', 'torch'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
