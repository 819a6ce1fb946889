"""The packed layout of codes against FAISS's own packing and unpacking."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.vector_index.backend import faiss, threads
from retrieval.vector_index.packed_codes import blocks, codes_at, pack


@cache
def trained(codes: int) -> Any:
    """An index of one list with 4-bit codes, one for each dimension."""
    with threads(1):
        index = faiss().IndexIVFPQFastScan(faiss().IndexFlatIP(codes), codes, 1, codes, 4)
        index.pq.cp.min_points_per_centroid = 1
        index.train(np.random.default_rng(0).normal(size=(64, codes)).astype(np.float32))
    return index


def filled(rows: int, codes: int, seed: int) -> Any:
    """The same with so many rows."""
    index = faiss().clone_index(trained(codes))
    with threads(1):
        index.add(np.random.default_rng(seed).normal(size=(rows, codes)).astype(np.float32))
    return index


def packed(index: Any) -> np.ndarray:
    lists = faiss().downcast_InvertedLists(index.invlists)
    rows = lists.list_size(0)
    size = -(-rows // lists.n_per_block) * lists.block_size
    return blocks(faiss().rev_swig_ptr(lists.get_codes(0), size), rows)


def unpacked(index: Any) -> np.ndarray:
    """Codes `(n, codes)` as FAISS unpacks them, two in a byte, the first one low."""
    lists = faiss().downcast_InvertedLists(index.invlists)
    flat = packed(index).reshape(-1, lists.block_size)
    pairs = np.stack([lists.packer.unpack_1(flat, i) for i in range(lists.list_size(0))])
    both = np.stack([pairs & 15, pairs >> 4], axis=2).reshape(len(pairs), -1)
    return both[:, : packed(index).shape[1]]


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 130), st.integers(2, 9), st.integers(0, 99), st.data())
def test_codes_are_where_faiss_has_them(
    rows: int, codes: int, seed: int, data: st.DataObject
) -> None:
    index = filled(rows, codes, seed)
    true = unpacked(index)
    np.testing.assert_array_equal(codes_at(packed(index), np.arange(rows)), true)
    some = np.array(data.draw(st.lists(st.integers(0, rows - 1), min_size=1)), np.int64)
    np.testing.assert_array_equal(codes_at(packed(index), some), true[some])


@pytest.mark.parametrize("codes", [2, 5, 8])
@pytest.mark.parametrize("rows", [1, 16, 17, 32, 33, 100])
def test_packing_makes_the_very_bytes_that_faiss_makes(rows: int, codes: int) -> None:
    index = filled(rows, codes, 0)
    expected = packed(index)
    made = np.full_like(expected, 0xFF)
    pack(unpacked(index), made)
    np.testing.assert_array_equal(made, expected)
    assert rows == 1 or len(np.unique(unpacked(index))) > 1
