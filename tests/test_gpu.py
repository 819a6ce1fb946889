"""The copy on a GPU: what it needs is found out first, and without a GPU the CPU goes on."""

from __future__ import annotations

import types
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retrieval.catalog.catalog import Catalog
from retrieval.catalog.new_content import EncodedMoment, FileState, NewContent
from retrieval.encoders.fake import fake_model_set
from retrieval.index_cache import IndexCache
from retrieval.library import Library
from retrieval.records import Kind, Modality, Moment
from retrieval.vector_index import faiss, gpu, gpu_part, index_file
from retrieval.vector_index import faiss as real_faiss
from retrieval.vector_index.plan import Way
from retrieval.vectors import Vectors, unit_rows
from tests.nearest import assert_nearest

GB = 2**30


def test_without_a_gpu_the_cpu_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(gpu, "gpus", lambda: 0)
    assert gpu.GpuRows.copied(np.zeros((3, 4), np.float32)) is None
    assert "searching on the CPU" in caplog.text


def test_a_faiss_without_gpu_support_has_no_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "faiss", lambda: types.SimpleNamespace())
    assert gpu.gpus() == 0


def test_too_little_memory_falls_back_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tried = []

    def made(rows: object, kind: str, devices: list[int]) -> None:
        tried.append(kind)
        raise RuntimeError("Error: 'err == cudaSuccess' failed: out of memory\nat x.cpp")

    monkeypatch.setattr(gpu, "gpus", lambda: 1)
    monkeypatch.setattr(gpu, "_free_bytes", lambda devices: 10.0 * GB)
    monkeypatch.setattr(gpu.GpuRows, "_made", made)
    assert gpu.GpuRows.copied(np.zeros((3, 4), np.float32)) is None
    assert tried == ["half", "codes"]
    assert caplog.text.count("out of memory") == 2
    assert "searching on the CPU" in caplog.text


@pytest.mark.parametrize(
    ("rows", "free_gb", "cuvs", "kinds"),
    [
        (10_000, 8, True, ["half", "codes"]),
        (2_000_000, 16, True, ["graph", "half", "codes"]),
        (2_000_000, 16, False, ["half", "codes"]),
        (2_000_000, 4, True, ["half", "codes"]),
        (20_000_000, 8, True, ["codes"]),
        (200_000_000, 8, True, []),
    ],
)
def test_what_fits(
    rows: int, free_gb: int, cuvs: bool, kinds: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = types.SimpleNamespace(**({"GpuIndexCagra": object} if cuvs else {}))
    monkeypatch.setattr(gpu, "faiss", lambda: module)
    assert gpu._kinds(rows, 512, free_gb * GB) == kinds


class FakeGpu:
    """FAISS as its GPU build looks from outside, with indexes that stay on the CPU."""

    def __init__(self) -> None:
        self.copied = 0
        self.broken = False
        self.full = False

    def __getattr__(self, name: str) -> Any:
        return getattr(real_faiss(), name)

    def get_num_gpus(self) -> int:
        return 1

    def StandardGpuResources(self) -> Any:
        return types.SimpleNamespace(setTempMemory=lambda n_bytes: None)

    def GpuMultipleClonerOptions(self) -> Any:
        return types.SimpleNamespace()

    def GpuResourcesVector(self) -> Any:
        return types.SimpleNamespace(push_back=lambda resource: None)

    def index_cpu_to_gpu_multiple(
        self, resources: Any, places: Any, index: Any, options: Any
    ) -> Any:
        assert options.useFloat16
        if self.full:
            raise RuntimeError("Error: 'err == cudaSuccess' failed: out of memory\nat x.cpp")
        self.copied += 1
        return types.SimpleNamespace(add=index.add, search=partial(self.search, index))

    def search(self, index: Any, queries: Vectors, look: int) -> Any:
        if self.broken:
            raise RuntimeError("Error: 'err == cudaSuccess' failed: out of memory\nat y.cpp")
        return index.search(queries, look)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeGpu:
    made = FakeGpu()
    monkeypatch.setattr(gpu, "faiss", lambda: made)
    monkeypatch.setattr(gpu, "_free_bytes", lambda devices: 10.0 * GB)
    monkeypatch.setattr(gpu_part, "LEAST_ROWS", 100)
    monkeypatch.setattr(index_file, "TAIL_ROWS", 20)
    return made


class Pictures:
    """A library with pictures, whose index is asked for on a GPU."""

    def __init__(self, folder: Path, device: str = "cuda") -> None:
        self.rng = np.random.default_rng(0)
        self.catalog = Catalog.create(
            folder / "catalog.db", space_dims={"clip": 8}, model_set="test"
        )
        self.folder = folder
        self.files: list[int] = []
        with self.catalog.transaction() as transaction:
            self.root = transaction.add_root("root", "/disk")
        self.add(300)
        self.writer = IndexCache(folder / "vectors", self.catalog)
        self.writer.refresh()
        self.reader = IndexCache(folder / "vectors", self.catalog, device)

    def add(self, n: int) -> None:
        with self.catalog.transaction() as transaction:
            for row in unit_rows(self.rng.normal(size=(n, 8))):
                name = str(len(self.files))
                content = NewContent(
                    name, Kind.IMAGE, [EncodedMoment(Moment(Modality.IMAGE), {"clip": row})]
                )
                self.files.append(transaction.add(self.root, name, FileState(1, 1), content))

    def check(self, k: int = 5) -> list[Way]:
        """Brute force over the catalog finds the same; the ways that ran."""
        with self.catalog.vectors.changes_since(0, "clip", Modality.IMAGE) as changes:
            ids, rows = (np.concatenate(x) for x in zip(*changes.added, strict=True))
        index = self.reader.get("clip", Modality.IMAGE)
        queries = unit_rows(self.rng.normal(size=(3, 8)))
        answers, plans = index.search_planned(queries, k)
        for answer, query in zip(answers, queries, strict=True):
            assert_nearest(answer, ids, rows, query, k)
        allowed = ids[::3]
        filtered, ran = index.search_planned(queries, k, allowed)
        for answer, query in zip(filtered, queries, strict=True):
            assert_nearest(answer, allowed, rows[::3], query, k)
        assert Way.GPU not in [plan.way for plan in ran], "filters are the CPU's"
        return [plan.way for plan in plans]


def test_an_index_is_searched_on_the_gpu_that_was_asked_for(tmp_path: Path, fake: FakeGpu) -> None:
    pictures = Pictures(tmp_path)
    assert pictures.check() == [Way.GPU]
    assert pictures.check(k=40) == [Way.GPU]
    assert fake.copied == 1, "one copy serves every query"


def test_the_copy_follows_the_library(tmp_path: Path, fake: FakeGpu) -> None:
    pictures = Pictures(tmp_path)
    pictures.check()
    with pictures.catalog.transaction() as transaction:
        transaction.forget(pictures.files[:30])
    pictures.add(7)
    assert pictures.check() == [Way.GPU, Way.SCAN], "removed ones are skipped, new ones scanned"
    assert fake.copied == 1
    pictures.writer.refresh()
    assert pictures.check() == [Way.GPU, Way.SCAN]
    assert fake.copied == 1, "the sealed rows are the same"
    pictures.add(60)
    pictures.writer.refresh()
    assert pictures.check()[0] is Way.GPU
    assert fake.copied == 2


def test_when_most_of_the_nearest_are_gone_the_cpu_answers(tmp_path: Path, fake: FakeGpu) -> None:
    pictures = Pictures(tmp_path)
    pictures.check()
    with pictures.catalog.transaction() as transaction:
        transaction.forget(pictures.files[:250])
    assert set(pictures.check(k=60)) <= {Way.SCAN, Way.GPU}
    fake.broken = True
    assert pictures.check() == [Way.SCAN]


@pytest.mark.parametrize("trouble", ["full", "broken"])
def test_a_gpu_that_cannot_leaves_it_to_the_cpu(
    trouble: str, tmp_path: Path, fake: FakeGpu, caplog: pytest.LogCaptureFixture
) -> None:
    pictures = Pictures(tmp_path)
    setattr(fake, trouble, True)
    assert pictures.check() == [Way.SCAN]
    assert "out of memory" in caplog.text
    assert "searching on the CPU" in caplog.text


@pytest.mark.parametrize("device", ["auto", "cpu", "mps"])
def test_no_gpu_is_used_unasked(device: str, tmp_path: Path, fake: FakeGpu) -> None:
    assert Pictures(tmp_path, device).check() == [Way.SCAN]
    assert fake.copied == 0


def test_many_results_are_beyond_a_gpu(
    tmp_path: Path, fake: FakeGpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu_part, "MOST_LOOKS", 70)
    pictures = Pictures(tmp_path)
    assert pictures.check(k=5) == [Way.GPU]
    assert pictures.check(k=20) == [Way.SCAN]


def test_which_gpu_is_meant() -> None:
    assert gpu_part.gpu_number("cuda") is None
    assert gpu_part.gpu_number("cuda:1") == 1
    with pytest.raises(ValueError, match="no GPU"):
        gpu_part.gpu_number("cpu")


def test_a_library_hands_its_device_on(tmp_path: Path) -> None:
    with Library.open(tmp_path / "library", models=fake_model_set(), device="cuda:1") as library:
        assert library.indexes._device == "cuda:1"


@pytest.mark.gpu
@pytest.mark.parametrize("kind", ["half", "codes", "graph"])
def test_candidates_hold_the_nearest(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if not gpu.gpus():
        pytest.skip("no GPU")
    if kind == "graph" and not hasattr(faiss(), "GpuIndexCagra"):
        pytest.skip("this FAISS has no cuVS")
    monkeypatch.setattr(gpu, "_kinds", lambda *_: [kind])
    rng = np.random.default_rng(0)
    rows = unit_rows(rng.normal(size=(20_000, 128)))
    queries = unit_rows(rng.normal(size=(50, 128)))
    copy = gpu.GpuRows.copied(rows)
    assert copy
    truth = np.argsort(-(queries @ rows.T), axis=1)[:, :10]
    found = copy.nearest(queries, 400)
    hits = sum(np.isin(t, f).sum() for t, f in zip(truth, found, strict=True))
    assert hits / truth.size > {"half": 0.999, "codes": 0.8, "graph": 0.9}[kind]
