"""A spool gives back what it was given, from disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from indexer import spool as module
from indexer.spool import Spool
from retrieval import Modality, Moment
from retrieval.catalog.new_content import EncodedMoment
from retrieval.errors import LibraryError


def encoded(number: int) -> EncodedMoment:
    rows = np.random.default_rng(number).normal(size=(2, 5)).astype(np.float32)
    moment = Moment(Modality.TEXT, start_char=number, end_char=number + 3, text=f"é\ud800 {number}")
    return EncodedMoment(moment, {"clip": rows[0], "clap": rows[1][:3]})


def assert_equal(a: EncodedMoment, b: EncodedMoment) -> None:
    assert a.moment == b.moment
    assert list(a.vectors) == list(b.vectors)
    for one, other in zip(a.vectors.values(), b.vectors.values(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 4)


@pytest.mark.usefixtures("small_blocks")
def test_what_was_put_in_comes_out_bit_for_bit(tmp_path: Path) -> None:
    given = [encoded(number) for number in range(11)]
    spool = Spool(tmp_path)
    for start in range(0, len(given), 4):
        spool.append(given[start : start + 4])
    assert len(spool) == 11
    for a, b in zip(spool, given, strict=True):
        assert_equal(a, b)
    for a, b in zip(spool[3:9], given[3:9], strict=True):
        assert_equal(a, b)
    assert_equal(spool[-1], given[-1])
    with pytest.raises(IndexError):
        spool[11]
    with pytest.raises(ValueError, match="the last block"):
        spool.append(given[:1])


def test_moments_without_vectors_are_kept_too(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append([EncodedMoment(Moment(Modality.AUDIO, start_s=0.1, end_s=1 / 3), {})])
    assert spool[0] == EncodedMoment(Moment(Modality.AUDIO, start_s=0.1, end_s=1 / 3), {})


def test_nothing_is_left_on_disk(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append([encoded(1)])
    del spool
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="cannot be kept in"):
        Spool(tmp_path / "gone")
