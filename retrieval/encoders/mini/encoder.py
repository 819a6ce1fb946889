"""The encoder of `mini`, in NumPy alone."""

from __future__ import annotations

import hashlib
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from safetensors import SafetensorError, safe_open
from threadpoolctl import ThreadpoolController

from retrieval.encoders.mini import preparation, towers
from retrieval.errors import ModelError
from retrieval.records import Modality
from retrieval.stopwatch import Stage, timed
from retrieval.vectors import unit_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from retrieval.encoders.mini.towers import Array
    from retrieval.media.content import Content, Picture, Sound
    from retrieval.vectors import Vectors

WEIGHTS = Path(__file__).with_name("weights.safetensors")
PREPARATION_VERSION = 1
"""Raised whenever `preparation.py` or `towers.py` give other numbers for the same input."""

_TOWERS: dict[Modality, tuple[str, Callable[..., Array]]] = {
    Modality.TEXT: ("text", towers.encode_text),
    Modality.IMAGE: ("picture", towers.encode_picture),
    Modality.AUDIO: ("sound", towers.encode_sound),
}


class MiniEncoder:
    """Towers trained by `train.py`, read from a safetensors file when first needed.

    The file's header says which space they belong to; the file's tensors say which modalities
    there are.
    """

    def __init__(self, weights: Path = WEIGHTS) -> None:
        """Name the weights file; it is opened when something of it is first asked for.

        Args:
            weights: A file that `train.py` wrote.
        """
        self._path = weights

    @property
    def name(self) -> str:
        """Which weights these are."""
        return self._header["name"]

    @property
    def space(self) -> str:
        """The vector space that the towers were trained into."""
        return self._header["space"]

    @property
    def dim(self) -> int:
        """Length of its vectors."""
        return towers.DIM

    @property
    def modalities(self) -> frozenset[Modality]:
        """The modalities it has a tower for."""
        present = {name.split(".")[0] for name in self._weights}
        return frozenset(m for m, (tower, _) in _TOWERS.items() if tower in present)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the weights file and of the version of the preparation."""
        content = self._path.read_bytes() if self._weights else b""
        return hashlib.sha256(content + f"mini {PREPARATION_VERSION}".encode()).hexdigest()

    def prepare(self, modality: Modality, content: Content) -> Any:
        """Resize a picture, take the spectrum of a sound, cut a text into n-grams."""
        _use_one_blas_thread()
        match modality:
            case Modality.TEXT:
                return preparation.prepare_text(cast("str", content))
            case Modality.IMAGE:
                return preparation.prepare_picture(cast("Picture", content))
            case Modality.AUDIO:
                return preparation.prepare_sound(cast("Sound", content))

    def encode(self, modality: Modality, prepared: Sequence[Any]) -> Vectors:
        """Encode a batch, one by one: `(n, DIM)` float32 unit rows.

        Raises:
            ModelError: there is no tower for this modality.
        """
        if modality not in self.modalities:
            known = ", ".join(sorted(self.modalities))
            raise ModelError(f"{self.name} cannot encode {modality}. It has towers for: {known}.")
        _use_one_blas_thread()
        encode_one = _TOWERS[modality][1]
        rows = np.zeros((len(prepared), towers.DIM), np.float32)
        for row, content in zip(rows, prepared, strict=True):
            row[:] = encode_one(self._weights, content)
        return unit_rows(rows)

    def picture_regions(self, prepared: Any) -> Array:
        """What each region of a prepared picture adds to its vector, `(rows, columns, DIM)`."""
        return towers.picture_regions(self._weights, prepared)

    @property
    def _header(self) -> dict[str, str]:
        return self._file[0]

    @property
    def _weights(self) -> dict[str, Array]:
        return self._file[1]

    @cached_property
    def _file(self) -> tuple[dict[str, str], dict[str, Array]]:
        with timed(Stage.LOAD):
            return self._read()

    def _read(self) -> tuple[dict[str, str], dict[str, Array]]:
        try:
            with safe_open(self._path, framework="numpy") as file:
                header = file.metadata() or {}
                weights = {name: file.get_tensor(name).astype(np.float32) for name in file.keys()}  # noqa: SIM118 - safe_open is no mapping
        except (OSError, SafetensorError) as error:
            raise ModelError(
                f"The weights {self._path} cannot be read ({error}). Install anyseek again."
            ) from error
        if "space" not in header or "name" not in header:
            raise ModelError(f"{self._path} holds no weights of mini. Install anyseek again.")
        return header, weights


@cache
def _use_one_blas_thread() -> None:
    """Let NumPy multiply in one thread, for good.

    Its threads share products this small by waiting for each other: on a busy machine that takes
    a hundred times as long. And how many there are decides in which order they add, and so the
    last bits of a vector. A limit that is lifted again would be lifted for other threads as well.
    """
    controller = ThreadpoolController()
    own = [lib["filepath"] for lib in controller.info() if "numpy" in lib["filepath"]]
    controller.select(filepath=own).limit(limits=1)
