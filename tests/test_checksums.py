"""Checksums of model files: right, remembered, and never remembered wrongly."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.encoders import checksums
from retrieval.encoders.checksums import MEMORY, cached_sha256, git_sha1_of, sha256_of


@given(content=st.binary(max_size=200))
@settings(max_examples=20)
def test_both_sums_are_the_known_ones(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("sums") / "file"
    path.write_bytes(content)
    assert sha256_of(path) == hashlib.sha256(content).hexdigest()
    header = b"blob " + str(len(content)).encode() + b"\0"
    assert git_sha1_of(path) == hashlib.sha1(header + content).hexdigest()


def test_git_agrees(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"what git would store\n" * 1000)
    told = subprocess.run(["git", "hash-object", str(path)], capture_output=True, text=True)
    if told.returncode:
        pytest.skip("no git")
    assert git_sha1_of(path) == told.stdout.strip()


def test_a_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "weights"
    path.write_bytes(b"1" * 100)
    first = cached_sha256(path)
    monkeypatch.setattr(checksums, "sha256_of", lambda _: pytest.fail("read again"))
    assert cached_sha256(path) == first == hashlib.sha256(b"1" * 100).hexdigest()


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(b"1" * 100)
    before = path.stat()
    cached_sha256(path)
    path.write_bytes(b"2" * 100)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert cached_sha256(path) == hashlib.sha256(b"2" * 100).hexdigest()
    path.write_bytes(b"2" * 101)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert cached_sha256(path) == hashlib.sha256(b"2" * 101).hexdigest()


def test_the_files_of_a_folder_share_one_memory(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
        cached_sha256(tmp_path / name)
    assert set(json.loads((tmp_path / MEMORY).read_text())) == {"a", "b"}
    assert {p.name for p in tmp_path.iterdir()} == {"a", "b", MEMORY}


@pytest.mark.parametrize("memory", ["not json", "[1]", '{"weights": {}}'])
def test_a_damaged_memory_is_made_anew(tmp_path: Path, memory: str) -> None:
    (tmp_path / "weights").write_bytes(b"3")
    (tmp_path / MEMORY).write_text(memory)
    assert cached_sha256(tmp_path / "weights") == hashlib.sha256(b"3").hexdigest()
    assert "weights" in json.loads((tmp_path / MEMORY).read_text())


def test_a_folder_that_cannot_be_written_costs_only_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "weights"
    path.write_bytes(b"4")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("read-only")

    monkeypatch.setattr(Path, "write_text", refuse)
    assert cached_sha256(path) == hashlib.sha256(b"4").hexdigest()
    assert not (tmp_path / MEMORY).exists()
