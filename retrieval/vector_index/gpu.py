"""Searching on a GPU: a copy of the rows in its memory; what lies on disk stays as it is.

Two kinds, by what fits: all rows in half precision, or IVF-PQ codes in so many bytes a row. Either
gives candidates, which are re-scored from the true rows as everywhere. With a FAISS that was built
with cuVS the half-precision rows of large indexes get a CAGRA graph.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from retrieval.vector_index.backend import faiss

if TYPE_CHECKING:
    from retrieval.vector_index.ranking import Positions
    from retrieval.vectors import Vectors

log = logging.getLogger(__name__)

ADD_ROWS = 131_072
"""Rows copied to the GPU at a time."""

SHARE = 0.8
"""Share of the GPU's free memory that an index may take; the rest is for encoders and scratch."""

GRAPH_ROWS = 1_000_000
"""From here a graph is faster than looking at every row, where FAISS can make one."""

CODE_BYTES = 64
LISTS_PER_ROOT = 4
"""Inverted lists: so many times the square root of the number of rows."""

SCRATCH_BYTES = 256 * 2**20


def gpus() -> int:
    """How many GPUs FAISS can use; 0 for a FAISS without GPU support."""
    count = getattr(faiss(), "get_num_gpus", None)
    return int(count()) if count else 0


class GpuRows:
    """Rows `(n, dim)` on one or all GPUs, searched for candidates."""

    def __init__(self, index: Any, kind: str, resources: list[Any]) -> None:
        """Use `copied`."""
        self.kind = kind
        """half, codes or graph."""
        self._index = index
        self._resources = resources  # the index does not keep them alive

    @classmethod
    def copied(cls, rows: Vectors, device: int | None = None) -> Self | None:
        """A copy of rows on a GPU (all GPUs if `device` is None).

        Returns:
            None, with a warning, where there is no GPU or its memory does not suffice: then the
            index is searched on the CPU.
        """
        if not gpus():
            log.warning("no GPU that FAISS can use: searching on the CPU")
            return None
        devices = list(range(gpus())) if device is None else [device]
        for kind in _kinds(len(rows), rows.shape[1], _free_bytes(devices)):
            try:
                return cls._made(rows, kind, devices)
            except RuntimeError as error:  # how FAISS says that the memory does not suffice
                log.warning("the GPU could not hold %s: %s", kind, str(error).splitlines()[0])
        log.warning("searching on the CPU")
        return None

    @classmethod
    def _made(cls, rows: Vectors, kind: str, devices: list[int]) -> Self:
        resources = [faiss().StandardGpuResources() for _ in devices]
        for each in resources:
            each.setTempMemory(SCRATCH_BYTES)
        if kind == "graph":
            index = _graph(resources[0], devices[0], rows)
        else:
            options = faiss().GpuMultipleClonerOptions()
            options.useFloat16 = True
            options.shard = len(devices) > 1
            vector = faiss().GpuResourcesVector()
            places = faiss().Int32Vector()
            for each, device in zip(resources, devices, strict=True):
                vector.push_back(each)
                places.push_back(device)
            empty = _empty(rows, kind)
            index = faiss().index_cpu_to_gpu_multiple(vector, places, empty, options)
            for start in range(0, len(rows), ADD_ROWS):
                index.add(np.ascontiguousarray(rows[start : start + ADD_ROWS]))
        return cls(index, kind, resources)

    def nearest(self, queries: Vectors, look: int) -> list[Positions]:
        """For each query `(q, dim)` at most `look` row numbers, the nearest first."""
        _, found = self._index.search(np.ascontiguousarray(queries, dtype=np.float32), look)
        return [row[row >= 0] for row in found]


def _kinds(rows: int, dim: int, free: float) -> list[str]:
    """What fits, the best first."""
    room = SHARE * free - SCRATCH_BYTES
    kinds = []
    if rows >= GRAPH_ROWS and hasattr(faiss(), "GpuIndexCagra") and rows * dim * 6 <= room:
        kinds.append("graph")
    if rows * dim * 2 <= room:
        kinds.append("half")
    if rows * (CODE_BYTES + 8) <= room:
        kinds.append("codes")
    return kinds


def _free_bytes(devices: list[int]) -> float:
    """Free memory of all these GPUs together."""
    import torch

    return float(sum(torch.cuda.mem_get_info(device)[0] for device in devices))


def _empty(rows: Vectors, kind: str) -> Any:
    """An index on the CPU without rows, trained if it must be, to be copied."""
    dim = rows.shape[1]
    if kind == "half":
        return faiss().IndexFlatIP(dim)
    lists = max(1, int(LISTS_PER_ROOT * len(rows) ** 0.5))
    quantizer = faiss().IndexFlatIP(dim)
    index = faiss().IndexIVFPQ(quantizer, dim, lists, CODE_BYTES, 8, faiss().METRIC_INNER_PRODUCT)
    index.nprobe = max(1, lists // 16)
    at = np.random.default_rng(0).choice(len(rows), min(len(rows), 64 * lists), replace=False)
    index.train(np.ascontiguousarray(rows[np.sort(at)]))
    return index


def _graph(resources: Any, device: int, rows: Vectors) -> Any:
    config = faiss().GpuIndexCagraConfig()
    config.device = device
    index = faiss().GpuIndexCagra(resources, rows.shape[1], faiss().METRIC_INNER_PRODUCT, config)
    index.train(np.ascontiguousarray(rows))
    return index
