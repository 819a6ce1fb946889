"""Archives: read in memory, never too much."""

from __future__ import annotations

import contextlib
import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


def test_a_member_may_be_exactly_as_large_as_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_MEMBER_BYTES", 1 << 20)
    assert len(Archive(packed({"a": bytes(1 << 20)})).read("a")) == 1 << 20
    with pytest.raises(MediaError, match="a in the archive unpacks to more than 1 MB"):
        Archive(packed({"a": bytes((1 << 20) + 1)})).read("a")


def test_all_members_together_may_be_exactly_as_large_as_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(archive, "MAX_BYTES", 3000)
    opened = Archive(packed({"a": bytes(1000), "b": bytes(2000), "c": b"x", "empty": b""}))
    assert len(opened.read("a")) == 1000
    assert len(opened.read("b")) == 2000
    assert opened.read("empty") == b""
    with pytest.raises(MediaError, match="c in the archive unpacks to more"):
        opened.read("c")


def test_what_was_too_much_does_not_count_and_reading_again_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(archive, "MAX_BYTES", 2500)
    opened = Archive(packed({"a": bytes(1000), "large": bytes(9000)}))
    with pytest.raises(MediaError, match="large in the archive"):
        opened.read("large")
    assert len(opened.read("a")) == len(opened.read("a")) == 1000
    with pytest.raises(MediaError, match="a in the archive"):
        opened.read("a")


def test_no_more_is_unpacked_than_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a member that is too large one byte more than allowed, whatever it claims to hold."""
    asked: list[int] = []
    original = zipfile.ZipExtFile.read

    def read(self: zipfile.ZipExtFile, n: int | None = -1) -> bytes:
        asked.append(-1 if n is None else n)
        return original(self, n)

    monkeypatch.setattr(archive, "MAX_MEMBER_BYTES", 100)
    monkeypatch.setattr(zipfile.ZipExtFile, "read", read)
    with pytest.raises(MediaError):
        Archive(packed({"a": bytes(5000)})).read("a")
    assert asked == [101]


def test_an_encrypted_member() -> None:
    content = bytearray(packed({"a": b"words"}).getvalue())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + flags] |= 1
    with pytest.raises(MediaError, match=r"a in the archive.*(encrypted|password)"):
        Archive(io.BytesIO(bytes(content))).read("a")


@given(st.binary(max_size=3000), st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
@settings(max_examples=40)
def test_what_was_packed_comes_out(data: bytes, compression: int) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as written:
        written.writestr("ü/a b.txt", data)
        written.writestr("other", b"beside")
    file.seek(0)
    opened = Archive(file)
    assert opened.read("ü/a b.txt") == data
    assert opened.read("other") == b"beside"


@given(st.data())
@settings(max_examples=60)
def test_one_wrong_byte_is_told_or_does_no_harm(data: st.DataObject) -> None:
    content = bytearray(packed({"name": b"words and more words " * 5}).getvalue())
    content[data.draw(st.integers(4, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(MediaError):
        assert Archive(io.BytesIO(bytes(content))).read("name") == b"words and more words " * 5
