"""Archives: read in memory, never too much."""

from __future__ import annotations

import io
import zipfile

import pytest

from retrieval.errors import MediaError, UnknownMedia
from retrieval.media import archive
from retrieval.media.archive import Archive


def packed(members: dict[str, bytes]) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as written:
        for name, data in members.items():
            written.writestr(name, data)
    file.seek(0)
    return file


def test_members() -> None:
    opened = Archive(packed({"a/b.txt": b"words", "../c": b"up"}))
    assert "a/b.txt" in opened
    assert "x" not in opened
    assert opened.read("a/b.txt") == b"words"
    assert opened.read("../c") == b"up"


def test_a_bomb() -> None:
    file = packed({"bomb": bytes(archive.MAX_MEMBER_BYTES + 10)})
    assert len(file.getvalue()) < 100_000
    with pytest.raises(MediaError, match="bomb in the archive unpacks to more than 64 MB"):
        Archive(file).read("bomb")


def test_many_that_are_too_much_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_BYTES", 2_500_000)
    opened = Archive(packed({str(i): bytes(1_000_000) for i in range(5)}))
    opened.read("0")
    opened.read("1")
    with pytest.raises(MediaError, match="unpacks to more than"):
        opened.read("2")


def test_a_size_that_lies() -> None:
    content = packed({"a": bytes(5_000)}).getvalue()
    honest, lie = (5_000).to_bytes(4, "little"), (10).to_bytes(4, "little")
    with pytest.raises(MediaError):
        Archive(io.BytesIO(content.replace(honest, lie))).read("a")


@pytest.mark.parametrize("change", [slice(0, 40), slice(30, 45)])
def test_damage(change: slice) -> None:
    content = bytearray(packed({"name": b"words " * 100}).getvalue())
    if change.start == 0:
        content = content[:40]
    else:
        content[change] = bytes(15)
    with pytest.raises(MediaError):
        Archive(io.BytesIO(bytes(content))).read("name")


def test_missing() -> None:
    with pytest.raises(MediaError, match="the archive lacks b"):
        Archive(packed({"a": b""})).read("b")


@pytest.mark.parametrize("content", [b"", b"PK", b"words", b"\x1f\x8b"])
def test_what_is_none(content: bytes) -> None:
    with pytest.raises(UnknownMedia):
        Archive(io.BytesIO(content))
