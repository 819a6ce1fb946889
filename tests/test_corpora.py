"""Real files, odd and broken: none crashes or hangs, and what peers decode we decode."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.corpora import decode_all, table, what_peers_decode, without_numbers
from retrieval.media.decoder_pool import DecoderPool

CUT_OFF = "truncated"
"""What a peer fills with grey we refuse."""


def test_no_file_crashes_hangs_or_is_lost() -> None:
    folder = os.environ.get("ANYSEEK_CORPORA")
    if not folder:
        pytest.skip("ANYSEEK_CORPORA is not set")
    paths = [path for path in sorted(Path(folder).rglob("*")) if path.is_file()]
    chosen = [path for number, path in enumerate(paths) if number % 4 == 0 or odd(path)]
    with DecoderPool(2) as pool:
        ours = decode_all(pool, chosen)
    assert [path for path, found in ours.items() if found.get("gone")] == []
    for found in ours.values():
        assert found.get("kind") in ("text", "image", "audio", "video") or found["reason"]
    unread = [path for path, found in ours.items() if "reason" in found]
    for path, peers in what_peers_decode(unread).items():
        reason = ours[path]["reason"]
        assert not peers or CUT_OFF in reason or "PDF" in reason, (path, peers, reason)


def odd(path: Path) -> bool:
    """Files that were made to crash, hang or bloat a decoder."""
    return any(word in path.name for word in ("crash", "timeout", "oom", "bomb")) or (
        "flac" in path.parts or "small" in path.parts
    )


def test_reasons_are_counted_without_their_numbers() -> None:
    assert without_numbers("4 bytes at -12.5") == without_numbers("5 bytes at 1")


def test_peers_say_what_they_decode(tmp_path: Path) -> None:
    from tests.films import film

    (tmp_path / "film.mp4").write_bytes(film(seconds=1))
    (tmp_path / "words.bin").write_bytes(bytes(range(256)))
    (tmp_path / "sound.flac").write_bytes(film("flac", None, "flac", seconds=1))
    found = {
        path.name: peers for path, peers in what_peers_decode(sorted(tmp_path.iterdir())).items()
    }
    assert found == {"film.mp4": ["PyAV"], "sound.flac": ["soundfile", "PyAV"], "words.bin": []}


def test_the_table_tells_everything() -> None:
    result = {
        "files": 2,
        "seconds": 1.5,
        "crashed_or_hung": [],
        "kinds": {"image": 1},
        "reasons": {"a|b": 1},
        "decoded_by_a_peer_and_not_by_us": {"x.png": {"peers": ["Pillow"], "reason": "a|b"}},
    }
    assert table(result).splitlines() == [
        "2 files in 1.5 s; crashed or hung: 0 ",
        "",
        "| kind or reason | files |",
        "|---|---|",
        "| image | 1 |",
        "| a/b | 1 |",
        "",
        "Decoded by a peer and not by us:",
        "- x.png (Pillow): a|b",
    ]
