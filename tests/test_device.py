"""Batches: a row depends on itself alone, and memory that runs out halves the batch."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.encoders.device import (
    DTYPES,
    Batches,
    _cpu_multiplies_bf16,
    choose_device,
    choose_precision,
)
from retrieval.encoders.two_towers import Arrays
from retrieval.errors import ModelError

CPU = torch.device("cpu")


def rows(count: int, width: int = 33, seed: int = 0) -> list[Arrays]:
    rng = np.random.default_rng(seed)
    return [(rng.standard_normal(width).astype(np.float32),) for _ in range(count)]


def tower(width: int = 33) -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Linear(width, 257), torch.nn.ReLU(), torch.nn.Linear(257, 31)
    )


@given(order=st.permutations(range(11)), cut=st.integers(0, 11))
@settings(max_examples=30)
def test_a_row_is_the_same_bit_for_bit_in_any_company(order: list[int], cut: int) -> None:
    batches = Batches(tower(), CPU)
    given_rows = rows(11)
    together = batches(given_rows)
    pieces = [order[:cut], order[cut:]]
    apart = np.concatenate([batches([given_rows[i] for i in p]) for p in pieces if p])
    np.testing.assert_array_equal(together[order], apart)


def test_a_batch_is_filled_up_and_the_filling_left_out() -> None:
    seen: list[int] = []

    def double(values: torch.Tensor) -> torch.Tensor:
        seen.append(len(values))
        return values * 2

    given_rows = rows(11)
    made = Batches(double, CPU, size=4)(given_rows)
    assert seen == [4, 4, 4]
    np.testing.assert_array_equal(made, np.stack([r[0] * 2 for r in given_rows]))


def test_rows_of_several_shapes_keep_their_places() -> None:
    def total(values: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        assert len(values) == 4
        return values.sum(dim=1, keepdim=True) * weight

    mixed: list[Arrays] = [
        (np.ones(n, np.float32), np.full(1, n, np.float32)) for n in (3, 5, 3, 2, 5, 3, 3, 3)
    ]
    made = Batches(total, CPU, size=4)(mixed)
    np.testing.assert_array_equal(made[:, 0], np.array([9, 25, 9, 4, 25, 9, 9, 9], np.float32))
    assert made.dtype == np.float32


def test_lower_precision_comes_back_as_float32() -> None:
    def half(values: torch.Tensor) -> torch.Tensor:
        return values.to(torch.bfloat16)

    assert Batches(half, CPU, size=2)(rows(3)).dtype == np.float32


class Crowded:
    """A tower for which only so many rows fit into memory."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.seen: list[int] = []

    def __call__(self, values: torch.Tensor) -> torch.Tensor:
        self.seen.append(len(values))
        if len(values) > self.room:
            raise torch.OutOfMemoryError("out of memory")
        return values * 2


def test_a_batch_that_does_not_fit_is_halved_for_good(caplog: pytest.LogCaptureFixture) -> None:
    crowded = Crowded(room=3)
    batches = Batches(crowded, CPU, size=16)
    given_rows = rows(9)
    made = batches(given_rows)
    np.testing.assert_array_equal(made, np.stack([r[0] * 2 for r in given_rows]))
    assert crowded.seen == [16, 8, 4, 2, 2, 2, 2, 2]
    assert batches.size == 2
    assert "batches of 2 from now on" in caplog.text


def test_a_model_that_does_not_fit_at_all_says_what_to_do() -> None:
    with pytest.raises(ModelError, match="does not fit into the memory of cpu; use --device cpu"):
        Batches(Crowded(room=0), CPU, size=4)(rows(1))


def test_gradients_are_not_kept() -> None:
    def check(values: torch.Tensor) -> torch.Tensor:
        assert torch.is_inference_mode_enabled()
        return values

    Batches(check, CPU, size=1)(rows(1))


def test_on_a_cpu_several_rows_run_at_once_each_in_one_thread() -> None:
    """And the number of threads that torch takes elsewhere stays what it was."""
    count = torch.get_num_threads()
    company = Barrier(count, timeout=60)
    seen: list[int] = []

    def wait_for_others(values: torch.Tensor) -> torch.Tensor:
        company.wait()
        seen.append(torch.get_num_threads())
        return values

    given_rows = rows(2 * count)
    made = Batches(wait_for_others, CPU)(given_rows)
    np.testing.assert_array_equal(made, np.stack([r[0] for r in given_rows]))
    assert seen == [1] * (2 * count)
    assert torch.get_num_threads() == count
    with ThreadPoolExecutor(1) as another:
        assert another.submit(torch.get_num_threads).result() == count


def test_what_goes_wrong_with_a_row_is_raised() -> None:
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        Batches(tower(), CPU)([*rows(2), *rows(1, width=7)])


def test_devices_by_name() -> None:
    assert choose_device("cpu") == CPU
    assert choose_device("auto").type in {"cpu", "cuda", "mps"}
    for name in ("abacus", "", "cuda:99"):
        with pytest.raises(ModelError, match="choose auto, cpu, cuda or mps"):
            choose_device(name)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_missing_gpu_is_said() -> None:
    with pytest.raises(ModelError, match="Device 'cuda' cannot be used here"):
        choose_device("cuda")


def test_precisions_by_name() -> None:
    for name in DTYPES:
        assert choose_precision(CPU, name) == name
    with pytest.raises(ModelError, match="no precision 'fp8'; choose auto, fp32, bf16, fp16"):
        choose_precision(CPU, "fp8")


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({}, "fp32"),
        ({"avx2": True, "avx512_f": True}, "fp32"),
        ({"avx512_bf16": True}, "bf16"),
        ({"amx_bf16": True}, "bf16"),
    ],
)
def test_bf16_where_the_processor_multiplies_it(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], expected: str
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert choose_precision(CPU) == expected
    assert choose_precision(torch.device("mps")) == "fp32"


def test_an_older_torch_cannot_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert not _cpu_multiplies_bf16()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_on_a_gpu_a_row_is_the_same_in_any_company() -> None:
    device = choose_device("cuda")
    batches = Batches(tower().to(device), device, size=8)
    given_rows = rows(21)
    together = batches(given_rows)
    alone = np.concatenate([batches([row]) for row in given_rows])
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_allclose(together, Batches(tower(), CPU, size=1)(given_rows), atol=1e-2)
