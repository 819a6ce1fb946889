"""The indexes that are measured side by side, each behind the same three methods."""

# ruff: noqa: D101, D102 - the names say which library it is, `Peer` what the methods do

from __future__ import annotations

from abc import ABC, abstractmethod
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from retrieval.vector_index import IndexFile, VectorIndex
from retrieval.vectors import Ids, Vectors

THREADS = 2
HNSW_LINKS = 32
HNSW_BUILD = 200


class Peer(ABC):
    """An index that lies on disk and is opened by another process than the one that made it."""

    efforts: ClassVar[tuple[int, ...]] = (0,)
    """Search efforts to try, the least first; the first that reaches the recall is reported."""
    exact: ClassVar[bool] = False

    def __init__(self, folder: Path, others: Path | None = None) -> None:
        """Take the folder of the index, and a file of queries that may be known beforehand."""
        self.folder = folder
        self.others = others

    @abstractmethod
    def build(self, rows: Vectors) -> None:
        """Make the index of rows `(n, dim)`, numbered from 0, and write it to the folder."""

    @abstractmethod
    def open(self, dim: int) -> None:
        """Open what was written."""

    @abstractmethod
    def search(self, queries: Vectors, k: int, effort: int) -> list[Ids]:
        """For each query the numbers of the k nearest rows."""


class Anyseek(Peer):
    def build(self, rows: Vectors) -> None:
        dim = rows.shape[1]
        texts = np.load(self.others) if self.others else np.empty((0, dim), np.float32)
        file = IndexFile(self.folder, "index", dim, queries=lambda n: texts[:n])
        pieces = (
            (np.arange(i, min(i + 10_000, len(rows))), rows[i : i + 10_000])
            for i in range(0, len(rows), 10_000)
        )
        file.write(np.empty(0, np.int64), pieces, 1)

    def open(self, dim: int) -> None:
        self.index = VectorIndex(dim, IndexFile(self.folder, "index", dim).load())

    def search(self, queries: Vectors, k: int, effort: int) -> list[Ids]:
        return [ids for ids, _ in self.index.search(queries, k)]


class NumPy(Peer):
    exact = True

    def build(self, rows: Vectors) -> None:
        np.save(self.folder / "rows.npy", rows)

    def open(self, dim: int) -> None:
        self.rows = np.load(self.folder / "rows.npy")

    def search(self, queries: Vectors, k: int, effort: int) -> list[Ids]:
        scores = queries @ self.rows.T
        # Row by row: the numbers of all rows for a batch would take gigabytes.
        best = [np.argpartition(row, -k)[-k:] for row in scores]
        return [row[np.argsort(-s[row])] for row, s in zip(best, scores, strict=True)]


class Torch(NumPy):
    def open(self, dim: int) -> None:
        torch = import_module("torch")

        torch.set_num_threads(THREADS)
        self.torch = torch
        self.tensor = torch.from_numpy(np.load(self.folder / "rows.npy"))

    def search(self, queries: Vectors, k: int, effort: int) -> list[Ids]:
        scores = self.torch.from_numpy(queries) @ self.tensor.T
        return list(self.torch.topk(scores, k, dim=1).indices.numpy())


class FaissIndex(Peer):
    factory: ClassVar[str]

    def build(self, rows: Vectors) -> None:
        faiss = import_module("faiss")

        faiss.omp_set_num_threads(THREADS)
        index = faiss.index_factory(rows.shape[1], self.factory, faiss.METRIC_INNER_PRODUCT)
        if "HNSW" in self.factory:
            index.hnsw.efConstruction = HNSW_BUILD
        index.train(rows)
        index.add(rows)
        faiss.write_index(index, str(self.folder / "index.faiss"))

    def open(self, dim: int) -> None:
        faiss = import_module("faiss")

        faiss.omp_set_num_threads(THREADS)
        self.index = faiss.read_index(str(self.folder / "index.faiss"))

    def search(self, queries: Vectors, k: int, effort: int) -> list[Ids]:
        if effort:
            self.index.hnsw.efSearch = effort
        return list(self.index.search(queries, k)[1])


class FaissFlat(FaissIndex):
    factory = "Flat"
    exact = True


class FaissHalf(FaissIndex):
    factory = "SQfp16"
    exact = True


class FaissHnsw(FaissIndex):
    factory = f"HNSW{HNSW_LINKS},Flat"
    efforts = (16, 32, 64, 128, 256, 512, 1024)


class Hnswlib(Peer):
    efforts = (16, 32, 64, 128, 256, 512, 1024)

    def build(self, rows: Vectors) -> None:
        hnswlib = import_module("hnswlib")

        index = hnswlib.Index(space="ip", dim=rows.shape[1])
        index.init_index(len(rows), M=HNSW_LINKS // 2, ef_construction=HNSW_BUILD)
        index.set_num_threads(THREADS)
        index.add_items(rows)
        index.save_index(str(self.folder / "index.hnsw"))

    def open(self, dim: int) -> None:
        hnswlib = import_module("hnswlib")

        self.index = hnswlib.Index(space="ip", dim=dim)
        self.index.load_index(str(self.folder / "index.hnsw"))
        self.index.set_num_threads(THREADS)

    def search(self, queries: Vectors, k: int, effort: int) -> list[Ids]:
        self.index.set_ef(max(effort, k))
        return list(self.index.knn_query(queries, k)[0])


class Usearch(Peer):
    efforts = (16, 32, 64, 128, 256, 512, 1024)

    def build(self, rows: Vectors) -> None:
        usearch = import_module("usearch.index")

        index = usearch.Index(ndim=rows.shape[1], metric="ip", dtype="f16")
        index.add(np.arange(len(rows)), rows, threads=THREADS)
        index.save(str(self.folder / "index.usearch"))

    def open(self, dim: int) -> None:
        usearch = import_module("usearch.index")

        self.index = usearch.Index.restore(str(self.folder / "index.usearch"))

    def search(self, queries: Vectors, k: int, effort: int) -> list[Ids]:
        self.index.expansion_search = effort
        found = self.index.search(queries, k, threads=THREADS)
        return list(np.asarray(found.keys).reshape(len(queries), -1).astype(np.int64))


class Voyager(Peer):
    efforts = (16, 32, 64, 128, 256, 512, 1024)

    def build(self, rows: Vectors) -> None:
        voyager = import_module("voyager")

        index = voyager.Index(
            voyager.Space.InnerProduct, rows.shape[1], M=16, ef_construction=HNSW_BUILD
        )
        index.add_items(np.array(rows), num_threads=THREADS)  # it refuses what only reads
        index.save(str(self.folder / "index.voyager"))

    def open(self, dim: int) -> None:
        voyager = import_module("voyager")

        self.index = voyager.Index.load(str(self.folder / "index.voyager"))

    def search(self, queries: Vectors, k: int, effort: int) -> list[Ids]:
        found, _ = self.index.query(queries, k, num_threads=THREADS, query_ef=max(effort, k))
        return list(found.astype(np.int64))


class SqliteVec(Peer):
    exact = True

    def _connect(self) -> Any:
        apsw = import_module("apsw")
        sqlite_vec = import_module("sqlite_vec")

        # Not `sqlite3`: many builds of Python cannot load an extension into it.
        connection = apsw.Connection(str(self.folder / "vec.db"))
        connection.enable_load_extension(True)
        connection.load_extension(sqlite_vec.loadable_path())
        return connection

    def build(self, rows: Vectors) -> None:
        connection = self._connect()
        with connection:
            connection.execute(
                f"CREATE VIRTUAL TABLE v USING vec0(e float[{rows.shape[1]}] "
                "distance_metric=cosine)"
            )
            connection.executemany(
                "INSERT INTO v (rowid, e) VALUES (?, ?)",
                ((i, row.tobytes()) for i, row in enumerate(rows)),
            )
        connection.close()

    def open(self, dim: int) -> None:
        self.connection = self._connect()

    def search(self, queries: Vectors, k: int, effort: int) -> list[Ids]:
        sql = "SELECT rowid FROM v WHERE e MATCH ? AND k = ? ORDER BY distance"
        return [
            np.array([r[0] for r in self.connection.execute(sql, (q.tobytes(), k))], np.int64)
            for q in queries
        ]


class Lance(Peer):
    efforts = (8, 32, 128, 512)

    def build(self, rows: Vectors) -> None:
        lancedb = import_module("lancedb")
        pa = import_module("pyarrow")

        flat = pa.array(rows.ravel())
        table = pa.table(
            {
                "id": pa.array(np.arange(len(rows))),
                "vector": pa.FixedSizeListArray.from_arrays(flat, rows.shape[1]),
            }
        )
        made = lancedb.connect(self.folder).create_table("v", table)
        if len(rows) >= 50_000:
            made.create_index(metric="dot", vector_column_name="vector")

    def open(self, dim: int) -> None:
        lancedb = import_module("lancedb")

        self.table = lancedb.connect(self.folder).open_table("v")

    def search(self, queries: Vectors, k: int, effort: int) -> list[Ids]:
        found = []
        for query in queries:
            wanted = self.table.search(query).distance_type("dot").nprobes(effort)
            rows = wanted.refine_factor(10).limit(k).select(["id"]).to_arrow()
            found.append(rows["id"].to_numpy())
        return found


class Milvus(Peer):
    exact = True

    def build(self, rows: Vectors) -> None:
        client = self._client()
        client.create_collection("v", dimension=rows.shape[1], metric_type="IP")
        for start in range(0, len(rows), 1000):
            client.insert(
                "v",
                [
                    {"id": start + i, "vector": row}
                    for i, row in enumerate(rows[start : start + 1000])
                ],
            )
        client.close()

    def open(self, dim: int) -> None:
        self.client = self._client()
        self.client.load_collection("v")

    def search(self, queries: Vectors, k: int, effort: int) -> list[Ids]:
        found = self.client.search("v", data=list(queries), limit=k)
        return [np.array([hit["id"] for hit in hits], np.int64) for hits in found]

    def _client(self) -> Any:
        return import_module("pymilvus").MilvusClient(str(self.folder / "milvus.db"))


PEERS: dict[str, type[Peer]] = {
    "anyseek": Anyseek,
    "NumPy": NumPy,
    "torch": Torch,
    "FAISS flat": FaissFlat,
    "FAISS fp16": FaissHalf,
    "FAISS HNSW32": FaissHnsw,
    "hnswlib": Hnswlib,
    "usearch f16": Usearch,
    "voyager": Voyager,
    "sqlite-vec": SqliteVec,
    "LanceDB": Lance,
    "milvus-lite": Milvus,
}
PACKAGES = {
    "torch": "torch",
    "hnswlib": "hnswlib",
    "usearch f16": "usearch",
    "voyager": "voyager",
    "sqlite-vec": "sqlite-vec",
    "LanceDB": "lancedb",
    "milvus-lite": "milvus-lite",
}
"""What has to be installed for a peer; the others need only anyseek."""
