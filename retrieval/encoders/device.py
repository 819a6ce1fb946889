"""Where a model runs, in which precision, and in batches of which size."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Barrier
from typing import TYPE_CHECKING

import numpy as np
import torch

from retrieval.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from retrieval.encoders.two_towers import Arrays

logger = logging.getLogger(__name__)

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
"""Precisions by the name that stands in a fingerprint."""

GPU_BATCH = 64
"""Rows of a batch on a GPU, before it is halved for want of memory."""


def choose_device(name: str = "auto") -> torch.device:
    """The device named `auto`, `cpu`, `cuda` (or `cuda:1`) or `mps`.

    Raises:
        ModelError: this machine or this build of torch has no such device.
    """
    if name == "auto":
        if torch.cuda.is_available():
            name = "cuda"
        else:
            name = "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ModelError(
            f"Device {name!r} cannot be used here; choose auto, cpu, cuda or mps."
        ) from error
    return device


def choose_precision(device: torch.device, name: str = "auto") -> str:
    """The precision named `auto`, `fp32`, `bf16` or `fp16`.

    `auto` means bf16 where the processor multiplies it natively (there it is about three times as
    fast as fp32 and within a cosine of 0.9999 of it), fp16 on older CUDA cards, and fp32
    elsewhere: a CPU without AVX512-BF16 or AMX is eight times slower in bf16 than in fp32.

    Raises:
        ModelError: there is no precision of this name.
    """
    if name in DTYPES:
        return name
    if name != "auto":
        raise ModelError(f"There is no precision {name!r}; choose auto, {', '.join(DTYPES)}.")
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    return "bf16" if device.type == "cpu" and _cpu_multiplies_bf16() else "fp32"


def _cpu_multiplies_bf16() -> bool:
    # Older torch cannot say; then fp32 is the safe answer.
    capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


class Batches:
    """Runs a tower over rows so that a row's vector depends on the row alone, bit for bit.

    On a CPU that takes batches of one: the kernels of a matrix product add in another order for
    another number of rows, and for odd sizes even for another place in the batch. Each is run by
    one thread, several at a time: threads that share a product wait for each other hundreds of
    times in a pass, the longer the busier the machine is. A GPU needs large batches; there every
    place of a batch goes through the same kernel, so it is enough that all batches have the same
    number of rows: the last one is filled up with copies. A batch is halved for good when it does
    not fit into the memory of the device; vectors made after that may differ from those made before
    in their last bits.
    """

    def __init__(
        self, tower: Callable[..., torch.Tensor], device: torch.device, size: int | None = None
    ) -> None:
        """Take a tower: tensors `(size, ...)`, one per array of a row, to `(size, dim)`."""
        self.tower = tower
        self.device = device
        self.size = size or (1 if device.type == "cpu" else GPU_BATCH)

    def __call__(self, rows: Sequence[Arrays]) -> npt.NDArray[np.float32]:
        """Vectors `(n, dim)` float32 of rows, which are tuples of arrays.

        Raises:
            ModelError: the device's memory does not even hold a batch of one.
        """
        if self.device.type == "cpu" and self.size == 1:
            return np.concatenate(list(_threads().map(lambda row: self._run([row]), rows)))
        by_shape: dict[tuple[tuple[int, ...], ...], list[int]] = {}
        for i, row in enumerate(rows):
            by_shape.setdefault(tuple(a.shape for a in row), []).append(i)
        vectors: list[npt.NDArray[np.float32] | None] = [None] * len(rows)
        for members in by_shape.values():
            start = 0
            while start < len(members):
                batch = members[start : start + self.size]
                made = self._try([rows[i] for i in batch])
                if made is None:
                    continue
                for i, vector in zip(batch, made, strict=True):
                    vectors[i] = vector
                start += len(batch)
        return np.stack([v for v in vectors if v is not None])

    def _try(self, rows: Sequence[Arrays]) -> npt.NDArray[np.float32] | None:
        try:
            return self._run([*rows, *[rows[-1]] * (self.size - len(rows))])[: len(rows)]
        except torch.OutOfMemoryError as error:
            if self.size == 1:
                raise ModelError(
                    f"The model does not fit into the memory of {self.device}; use --device cpu."
                ) from error
        self.size //= 2
        logger.warning("Out of memory on %s: batches of %d from now on", self.device, self.size)
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        return None

    def _run(self, rows: Sequence[Arrays]) -> npt.NDArray[np.float32]:
        with torch.inference_mode():
            vectors = self.tower(*(self._to_device(a) for a in zip(*rows, strict=True)))
            made: npt.NDArray[np.float32] = vectors.float().cpu().numpy()
            return made

    def _to_device(self, arrays: Sequence[npt.NDArray[np.generic]]) -> torch.Tensor:
        tensor = torch.from_numpy(np.stack(arrays))
        if self.device.type != "cuda":
            return tensor.to(self.device)
        return tensor.pin_memory().to(self.device, non_blocking=True)


@cache
def _threads() -> ThreadPoolExecutor:
    """As many threads as torch uses by itself, in each of which it keeps to that one."""
    count = torch.get_num_threads()
    threads = ThreadPoolExecutor(count, "encode")
    all_there = Barrier(count)

    def keep_to_one(_: int) -> None:
        all_there.wait()
        torch.set_num_threads(1)
        torch.get_num_threads()  # from here on it stands, whatever is set elsewhere

    list(threads.map(keep_to_one, range(count)))
    torch.set_num_threads(count)  # what was set last holds for all threads that are yet to come
    return threads
