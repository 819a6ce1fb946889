"""Short codes of rows, in inverted lists: FAISS finds candidates among them, which are re-scored.

Product quantisation to 4 bits in the fast-scan layout (André, Kermarrec, Le Scouarnec: "Quicker
ADC", 2019; https://github.com/facebookresearch/faiss/wiki/Fast-accumulation-of-PQ-and-AQ-codes).
"""

from __future__ import annotations

import os
import zlib
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from retrieval.vector_index.backend import faiss, threads
from retrieval.vector_index.damage import IndexDamaged
from retrieval.vector_index.packed_codes import BLOCK_ROWS, blocks, codes_at, pack
from retrieval.vector_index.plan import codes_ms, gathering_ms
from retrieval.vector_index.ranking import FEW_QUERIES

if TYPE_CHECKING:
    from pathlib import Path

    from retrieval.vector_index.packed_codes import Bytes
    from retrieval.vector_index.part import Mask
    from retrieval.vector_index.policy import Choice
    from retrieval.vector_index.ranking import Positions
    from retrieval.vectors import Vectors

ADD_ROWS = 32_768
"""Rows encoded at a time."""

TRAIN_ROWS = 20_000
ROWS_PER_LIST = 40
ITERATIONS = 10

MANY_LISTS = 1024
"""From here k-means over the centres of lists is shared between threads."""


class Codes:
    """Codes of the first `count` rows of an index, by row number; never changed once made."""

    def __init__(self, index: Any = None, *, path: Path | None = None, crc: int = 0) -> None:
        """Codes in memory, or on disk until they are first needed."""
        self._index = index
        self._path = path
        self._crc = crc
        self._lock = Lock()
        self._list_of: npt.NDArray[np.int32] | None = None

    @classmethod
    def trained(cls, rows: Vectors, choice: Choice, centres: Vectors | None = None) -> Self:
        """Empty codes, trained on a sample of rows `(n, dim)`.

        Args:
            rows: All of them.
            choice: The kind of codes.
            centres: Of as many lists `(lists, dim)`, if they were found for these rows before.
        """
        dim = rows.shape[1]
        lists = choice.lists
        quantizer = faiss().IndexFlatIP(dim)
        index = faiss().IndexIVFPQFastScan(
            quantizer, dim, lists, dim // choice.sub_dim, 4, faiss().METRIC_INNER_PRODUCT
        )
        index.pq.cp.niter = ITERATIONS
        wanted = min(len(rows), max(TRAIN_ROWS, ROWS_PER_LIST * lists))
        at = np.sort(np.random.default_rng(0).choice(len(rows), wanted, replace=False))
        sample = np.ascontiguousarray(rows[at])
        # Hundreds of tiny k-means runs: sharing each between threads takes ten times as long.
        with threads(None if lists >= MANY_LISTS else 1):
            quantizer.add(_centres(sample, lists) if centres is None else centres)
        with threads(1):
            index.train(sample)
        return cls(index)

    @property
    def index(self) -> Any:
        """The FAISS index, read when it is first needed.

        Raises:
            IndexDamaged: its file is not what was written.
        """
        with self._lock:
            if self._index is None:
                self._index = self._read()
            return self._index

    @cached_property
    def lists(self) -> int:
        """How many lists there are."""
        return int(self.index.nlist)

    @property
    def centres(self) -> Vectors:
        """Those of the lists, `(lists, dim)`."""
        found: Vectors = self.index.quantizer.reconstruct_n(0, self.lists)
        return found

    @cached_property
    def dim(self) -> int:
        """Dimensions of the rows."""
        return int(self.index.d)

    @cached_property
    def sub_dim(self) -> int:
        """Dimensions that share a code."""
        return self.dim // int(self.index.pq.M)

    @property
    def count(self) -> int:
        """How many rows have codes."""
        return int(self.index.ntotal)

    @property
    def list_of(self) -> npt.NDArray[np.int32]:
        """The list `(count,)` that each row lies in."""
        if self._list_of is None:
            found = np.empty(self.count, np.int32)
            inverted = self.index.invlists
            for i in range(self.lists):
                found[_list_ids(inverted, i)] = i
            self._list_of = found
        return self._list_of

    def extended(self, rows: Vectors) -> Self:
        """These codes and those of the rows behind them; `rows` are all of them.

        A copy: threads may be searching in the codes meanwhile.
        """
        copy = self if self.count == 0 else type(self)(faiss().clone_index(self.index))
        for start in range(copy.count, len(rows), ADD_ROWS):
            copy.index.add(np.ascontiguousarray(rows[start : start + ADD_ROWS]))
        return copy

    @cached_property
    def is_packed_as_known(self) -> bool:
        """Whether codes lie as `packed_codes` takes them to, tried on one block.

        Another build of FAISS may pack them for other registers; `among` would gather noise.
        """
        lists = faiss().downcast_InvertedLists(self.index.invlists)
        i = int(np.argmax([lists.list_size(i) for i in range(self.lists)]))
        rows = min(lists.list_size(i), BLOCK_ROWS)
        if lists.n_per_block != BLOCK_ROWS or not rows:
            return False
        first = _list_codes(lists, i)[:1]
        flat = first.reshape(1, -1)
        pairs = np.stack([lists.packer.unpack_1(flat, row) for row in range(rows)])
        known = np.stack([pairs & 15, pairs >> 4], axis=2).reshape(rows, -1)
        ours = codes_at(first, np.arange(rows))
        return np.array_equal(ours, known[:, : ours.shape[1]])

    def among(self, allowed: Mask) -> Self:
        """The codes of some rows alone, under the same row numbers, in lists of the same centres.

        Args:
            allowed: `(count,)`, True for these rows.
        """
        old, dim = self.index, self.dim
        made = faiss().IndexIVFPQFastScan(
            old.quantizer, dim, self.lists, dim // self.sub_dim, 4, old.metric_type
        )
        made.pq, made.by_residual, made.is_trained = old.pq, old.by_residual, True
        made.referenced_objects = [old]  # the centres of lists are its own
        source, target = (faiss().downcast_InvertedLists(i.invlists) for i in (old, made))
        for i in range(self.lists):
            held = _list_ids(source, i)
            at = np.flatnonzero(allowed[held])
            if len(at):
                target.resize(i, len(at))
                _list_ids(target, i)[:] = held[at]
                pack(codes_at(_list_codes(source, i), at), _list_codes(target, i))
        made.ntotal = target.compute_ntotal()
        return type(self)(made)

    def gathering_ms(self, rows: int) -> float:
        """What `among` should take for so many rows, by the cost model."""
        return gathering_ms(rows, self.dim, self.sub_dim, self.lists)

    def cost_ms(
        self, probes: int, look: int, share: float = 1.0, *, selected: bool = False
    ) -> float:
        """What a search should take, by the cost model, if there were only a share of the codes.

        With `selected` each row that looks good is asked whether it is allowed.
        """
        return codes_ms(
            round(share * self.count),
            self.dim,
            self.sub_dim,
            share=probes / self.lists,
            probes=probes,
            look=look,
            selected=selected,
        )

    def nearest(
        self, queries: Vectors, look: int, probes: int, allowed: Mask | None
    ) -> list[Positions]:
        """For each query at most `look` row numbers, the nearest by their codes first.

        Args:
            queries: `(q, dim)`.
            look: Candidates for each query.
            probes: Lists looked into.
            allowed: `(count,)`, True for the rows that may be found; None for all.
        """
        bits = None if allowed is None else np.packbits(allowed, bitorder="little")
        selector = None if bits is None else faiss().IDSelectorBitmap(bits)
        parameters = faiss().SearchParametersIVF(nprobe=probes, sel=selector)
        index = self.index
        with threads(1 if len(queries) < FEW_QUERIES else None):
            _, found = index.search(queries, look, params=parameters)
        return [row[row >= 0] for row in found]

    def lists_near(self, query: Vectors) -> npt.NDArray[np.int64]:
        """All lists, those nearest to a query `(1, dim)` first."""
        quantizer = faiss().downcast_index(self.index.quantizer)
        flat = faiss().rev_swig_ptr(quantizer.get_xb(), self.lists * int(quantizer.d))
        return np.argsort(-np.vecdot(flat.reshape(self.lists, -1), query[0]))

    def write(self, path: Path) -> int:
        """Write to a file; returns its checksum."""
        data: npt.NDArray[np.uint8] = faiss().serialize_index(self.index)
        with path.open("wb") as file:
            file.write(data.data)
            file.flush()
            os.fsync(file.fileno())
        return zlib.crc32(data.data)

    def _read(self) -> Any:
        if self._path is None:
            raise IndexDamaged("codes without a file")
        try:
            data = np.fromfile(self._path, dtype=np.uint8)
            if zlib.crc32(data.data) != self._crc:
                raise IndexDamaged(f"{self._path.name} is not what was written")
            return faiss().deserialize_index(data)
        except (OSError, RuntimeError) as error:
            raise IndexDamaged(f"{self._path.name}: {error}") from error


def _centres(sample: Vectors, lists: int) -> Vectors:
    """Centres `(lists, dim)` of the lists, by k-means over a sample of rows `(n, dim)`."""
    dim = sample.shape[1]
    clustering = faiss().Clustering(dim, lists)
    clustering.niter = ITERATIONS
    clustering.min_points_per_centroid = 1
    # Rows lie in a cone, so that long centres would draw most rows to a few lists.
    clustering.spherical = True
    clustering.train(sample, faiss().IndexFlatIP(dim))
    centres: Vectors = faiss().vector_to_array(clustering.centroids).reshape(lists, dim)
    return centres


def _list_ids(lists: Any, i: int) -> Positions:
    """The row numbers `(m,)` in one of FAISS's lists, where they lie."""
    rows: Positions = faiss().rev_swig_ptr(lists.get_ids(i), lists.list_size(i))
    return rows


def _list_codes(lists: Any, i: int) -> Bytes:
    """The codes in one of FAISS's lists, where they lie, as `packed_codes.blocks`."""
    rows = lists.list_size(i)
    size = -(-rows // BLOCK_ROWS) * lists.block_size
    return blocks(faiss().rev_swig_ptr(lists.get_codes(i), size), rows)
