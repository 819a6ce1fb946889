"""One program that searches pictures by vectors, in a process of its own; for `search_peers`.

    python benchmarks/search_peer.py build|ask|cold PEER FOLDER

Run by the Python of the peer's own environment, so nothing but NumPy is imported before the peer
is chosen. Every program gets the same rows as if they were pictures that it had indexed itself, in
its own form and by its own functions, and is asked by a vector where its encoder's would stand.
"""

# ruff: noqa: D101, D102 - the names say which program it is, `Peer` what the methods do

from __future__ import annotations

import importlib.util
import json
import sys
import time
from abc import ABC, abstractmethod
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

K = 10
EVERYTHING = "everything"
FOLDER = "one folder"
QUERIES = 200
MOST_S = 15.0
"""A slow program is asked fewer queries, but never fewer than these."""
LEAST_QUERIES = 10
BATCH = 2_000


class Peer(ABC):
    """A program over its own store in a folder, with the pictures as it would know them."""

    package: ClassVar[str]
    ways: ClassVar[tuple[str, ...]] = (EVERYTHING, FOLDER)
    """Without a filter, and the ways it has to keep to one folder."""

    def __init__(self, folder: Path) -> None:
        self.store = folder
        self.pictures = folder.parent / "pictures"

    def path(self, number: int, chosen: bool) -> Path:
        """Where a picture would lie."""
        return self.pictures / ("chosen" if chosen else "others") / f"{number:07}.jpg"

    @abstractmethod
    def load(self) -> None:
        """Import what is needed."""

    @abstractmethod
    def build(self, rows: Floats, chosen: npt.NDArray[np.bool_]) -> None:
        """Put rows `(n, dim)` into the store; `chosen` are those of one folder."""

    @abstractmethod
    def open(self) -> None:
        """Open the store."""

    @abstractmethod
    def search(self, query: Floats, way: str) -> list[int]:
        """The numbers of the best K pictures for a query `(dim,)`, best first."""


class Anyseek(Peer):
    package = "anyseek"

    def load(self) -> None:
        from benchmarks.search_models import made_models
        from retrieval.library import Library

        self.library_type, self.models = Library, made_models

    def build(self, rows: Floats, chosen: npt.NDArray[np.bool_]) -> None:
        from retrieval.catalog.new_content import EncodedMoment, FileState, NewContent
        from retrieval.records import Kind, Modality, Moment

        models = self.models(rows.shape[1])
        with self.library_type.open(self.store / "library", models=models) as library:
            with library.catalog.transaction() as transaction:
                root = transaction.add_root("pictures", str(self.pictures))
            for start in range(0, len(rows), BATCH):
                with library.catalog.transaction() as transaction:
                    for i in range(start, min(start + BATCH, len(rows))):
                        blocks = {models.encoders[0].space: np.asarray(rows[i])}
                        moment = EncodedMoment(Moment(Modality.IMAGE), blocks)
                        content = NewContent(f"picture-{i}", Kind.IMAGE, [moment])
                        name = str(self.path(i, bool(chosen[i])).relative_to(self.pictures))
                        transaction.add(root, name, FileState(100_000, i), content)
            library.refresh()
        (self.store / "dim").write_text(str(rows.shape[1]))

    def open(self) -> None:
        models = self.models(int((self.store / "dim").read_text()))
        self.library = self.library_type.open(self.store / "library", models=models)

    def search(self, query: Floats, way: str) -> list[int]:
        under = self.pictures / "chosen" if way == FOLDER else None
        return [int(hit.path.stem) for hit in self.library.search(query, k=K, under=under)]


class Rclip(Peer):
    package = "rclip"

    def load(self) -> None:
        db, main, model = (import_module(f"rclip.{name}") for name in ("db", "main", "model"))

        class Given(model.Model):  # type: ignore[misc, name-defined]
            """Its own model, but for the tower: a query's vector is given beforehand."""

            query: Floats

            def compute_text_features(self, text: list[str]) -> Floats:
                rows: Floats = np.repeat(self.query[None], len(text), axis=0)
                return rows[: len(text)] if len(text) else rows[:0]

        self.db, self.main, self.model = db, main, Given()

    def build(self, rows: Floats, chosen: npt.NDArray[np.bool_]) -> None:
        database = self.db.DB(self.store / "db.sqlite3")
        for i, row in enumerate(rows):
            image = self.db.NewImage(
                filepath=str(self.path(i, bool(chosen[i]))),
                modified_at=float(i),
                size=100_000,
                vector=row.tobytes(),
                hash=f"picture-{i}",
            )
            database.upsert_image(image, commit=False)
        database.close()

    def open(self) -> None:
        database = self.db.DB(self.store / "db.sqlite3")
        self.rclip = self.main.RClip(self.model, database, 8, None)

    def search(self, query: Floats, way: str) -> list[int]:
        self.model.query = query
        folder = self.pictures / "chosen" if way == FOLDER else self.pictures
        return [int(Path(r.filepath).stem) for r in self.rclip.search("query", str(folder), K)]


class ClipRetrieval(Peer):
    package = "clip-retrieval"
    ways = (EVERYTHING, f"{FOLDER}, of its first {K}", f"{FOLDER}, of its first {20 * K}")
    """It has no filter: whoever asks it filters what comes back by its metadata."""

    def load(self) -> None:
        # Its package imports its encoders, which are not asked; its back end does not.
        spec = importlib.util.find_spec("clip_retrieval")
        assert spec
        package = ModuleType("clip_retrieval")
        package.__path__ = list(spec.submodule_search_locations or ())
        sys.modules["clip_retrieval"] = package
        self.back = import_module("clip_retrieval.clip_back")

    def build(self, rows: Floats, chosen: npt.NDArray[np.bool_]) -> None:
        made = self.store / "embeddings"
        for name in ("img_emb", "metadata"):
            (made / name).mkdir(parents=True)
        np.save(made / "img_emb" / "img_emb_0.npy", rows)
        paths = [str(self.path(i, bool(held))) for i, held in enumerate(chosen)]
        frame = import_module("pandas").DataFrame({"image_path": paths})
        frame.to_parquet(made / "metadata" / "metadata_0.parquet")
        index = import_module("clip_retrieval.clip_index")
        index.clip_index(str(made), str(self.store / "index"), nb_cores=2)

    def open(self) -> None:
        folder, columns = str(self.store / "index"), ["image_path"]
        index = self.back.load_index(f"{folder}/image.index", False)
        provider, _ = self.back.load_metadata_provider(folder, False, False, index, columns, False)
        resource = self.back.ClipResource(
            device="cpu",
            model=None,
            preprocess=None,
            tokenizer=None,
            model_txt_mclip=None,
            safety_model=None,
            violence_detector=None,
            metadata_provider=provider,
            image_index=index,
            text_index=None,
            ivf_old_to_new_mapping=None,
            columns_to_return=columns,
            metadata_is_ordered_by_ivf=False,
            aesthetic_embeddings=None,
        )
        self.service = self.back.KnnService(clip_resources={"pictures": resource})

    def search(self, query: Floats, way: str) -> list[int]:
        count = 20 * K if way == self.ways[2] else K
        found = self.service.query(
            embedding_input=query.tolist(), num_images=count, num_result_ids=count,
            deduplicate=False,
        )  # fmt: skip
        paths = [Path(one["image_path"]) for one in found]
        if way != EVERYTHING:
            paths = [path for path in paths if path.parent.name == "chosen"]
        return [int(path.stem) for path in paths[:K]]


class Txtai(Peer):
    package = "txtai"
    ways = (EVERYTHING, f"{FOLDER}, as it comes", f"{FOLDER}, of 1,000 candidates")
    """Its SQL is asked about the best candidates only, ten times as many as hits by itself."""

    def load(self) -> None:
        self.embeddings_type = import_module("txtai").Embeddings

    def build(self, rows: Floats, chosen: npt.NDArray[np.bool_]) -> None:
        def transform(names: list[str]) -> Floats:
            return np.stack([rows[int(name)] for name in names])

        config = {"method": "external", "transform": transform, "content": True}
        embeddings = self.embeddings_type(config)
        embeddings.index(
            (i, {"text": str(i), "folder": "chosen" if held else "others"}, None)
            for i, held in enumerate(chosen)
        )
        del embeddings.config["transform"]  # a function cannot be saved; queries are vectors
        embeddings.save(str(self.store / "embeddings"))

    def open(self) -> None:
        self.embeddings = self.embeddings_type()
        self.embeddings.load(str(self.store / "embeddings"))

    def search(self, query: Floats, way: str) -> list[int]:
        asked = "select id, text, score from txtai where similar(:query)"
        if way != EVERYTHING:
            asked += " and folder = 'chosen'"
        if way == self.ways[2]:
            asked = asked.replace(":query", ":query, 1000")
        found = self.embeddings.search(asked, K, parameters={"query": query})
        return [int(one["id"]) for one in found]


PEERS: dict[str, type[Peer]] = {
    "anyseek": Anyseek,
    "rclip": Rclip,
    "clip-retrieval": ClipRetrieval,
    "txtai": Txtai,
}


def build(peer: Peer, data: Path) -> dict[str, Any]:
    """Fill a program's store."""
    rows = np.asarray(np.load(data / "rows.npy", mmap_mode="r"))
    rows.max()  # the disk is not to be measured
    peer.load()
    begun = time.perf_counter()
    peer.build(rows, np.load(data / "chosen.npy"))
    took_s = time.perf_counter() - begun
    size = sum(path.stat().st_size for path in peer.store.rglob("*") if path.is_file())
    return {"build_s": round(took_s, 2), "disk_mb": round(size / 2**20, 1)}


def ask(peer: Peer, data: Path) -> dict[str, Any]:
    """Time queries in each way, count their answers, and see what the process holds."""
    queries, chosen = np.load(data / "queries.npy"), np.load(data / "chosen.npy")
    peer.load()
    before = memory()
    begun = time.perf_counter()
    peer.open()
    open_ms = 1e3 * (time.perf_counter() - begun)
    ways = {}
    for way in peer.ways:
        truth = np.load(data / ("truth.npy" if way == EVERYTHING else "truth_chosen.npy"))
        ways[way] = asked(peer, queries, truth, chosen, way)
    after = memory()
    return {
        "open_ms": round(open_ms, 1),
        "ways": ways,
        "process_mb": round(after[0], 1),
        "process_own_mb": round(after[1], 1),
        "over_imports_mb": round(after[0] - before[0], 1),
        "over_imports_own_mb": round(after[1] - before[1], 1),
    }


def asked(
    peer: Peer, queries: Floats, truth: Any, chosen: npt.NDArray[np.bool_], way: str
) -> dict[str, Any]:
    """One way: times of single queries, the share of the true nearest and how many came."""
    for query in queries[-3:]:
        peer.search(query, way)
    taken: list[float] = []
    shares: list[float] = []
    counts: list[int] = []
    for query, true in zip(queries[:QUERIES], truth, strict=False):
        if len(taken) >= LEAST_QUERIES and sum(taken) > MOST_S:
            break
        begun = time.perf_counter()
        found = peer.search(query, way)
        taken.append(time.perf_counter() - begun)
        if way != EVERYTHING and not chosen[found].all():
            raise AssertionError(f"{way}: a picture of another folder came back")
        shares.append(len(set(found) & set(true.tolist())) / K)
        counts.append(len(found))
    p50, p95 = np.percentile(taken, (50, 95)) * 1e3
    return {
        "queries": len(taken),
        "p50_ms": round(float(p50), 3),
        "p95_ms": round(float(p95), 3),
        "recall": round(float(np.mean(shares)), 4),
        "hits": round(float(np.mean(counts)), 2),
    }


def cold(peer: Peer, data: Path) -> dict[str, Any]:
    """One query without a filter, from nothing."""
    queries = np.load(data / "queries.npy", mmap_mode="r")
    begun = time.perf_counter()
    peer.load()
    loaded = time.perf_counter()
    peer.open()
    found = peer.search(np.asarray(queries[0]), EVERYTHING)
    done = time.perf_counter()
    assert len(found) == K
    return {"import_s": round(loaded - begun, 3), "answer_s": round(done - loaded, 3)}


def memory() -> tuple[float, float]:
    """Resident and anonymous megabytes of this process; zeros where Linux does not tell."""
    try:
        lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0, 0.0
    fields = {line.split(":")[0]: line.split()[1] for line in lines[1:]}
    return int(fields["Rss"]) / 1024, int(fields["Anonymous"]) / 1024


def main() -> None:
    """Do one step and print what it found as JSON, in the last line."""
    step, name, folder = sys.argv[1:]
    store = Path(folder) / name
    store.mkdir(exist_ok=True)
    steps = {"build": build, "ask": ask, "cold": cold}
    print(json.dumps(steps[step](PEERS[name](store), Path(folder) / "data")))


if __name__ == "__main__":
    main()
