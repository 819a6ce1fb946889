"""The copy on a GPU: what it needs is found out first, and without a GPU the CPU goes on."""

from __future__ import annotations

import types

import numpy as np
import pytest

from retrieval.vector_index import faiss, gpu
from retrieval.vectors import unit_rows

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
