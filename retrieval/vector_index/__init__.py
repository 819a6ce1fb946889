"""Nearest neighbours among vectors, at every size."""

from retrieval.vector_index.backend import faiss, require_faiss
from retrieval.vector_index.damage import IndexDamaged
from retrieval.vector_index.index_file import IndexFile
from retrieval.vector_index.index_status import IndexStatus
from retrieval.vector_index.policy import DEFAULT_WISH, Wish
from retrieval.vector_index.vector_index import VectorIndex

__all__ = [
    "DEFAULT_WISH",
    "IndexDamaged",
    "IndexFile",
    "IndexStatus",
    "VectorIndex",
    "Wish",
    "faiss",
    "require_faiss",
]
