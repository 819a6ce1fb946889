"""The towers of an open_clip model where pictures do without open_clip, and words load it."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any

from retrieval.encoders.device import DTYPES, Batches, choose_device, choose_precision
from retrieval.encoders.image_tower import image_tower
from retrieval.encoders.open_clip import WEIGHTS
from retrieval.encoders.packed_linears import pack_for_onednn
from retrieval.records import Modality

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt
    import torch

    from retrieval.encoders.open_clip_towers import OpenClipTowers
    from retrieval.encoders.picture_form import PictureForm
    from retrieval.encoders.two_towers import Arrays
    from retrieval.media.content import Content


def picture_towers(
    folder: Path,
    model: Mapping[str, Any],
    form: PictureForm,
    device: str,
    precision: str,
    load_rest: Callable[[], OpenClipTowers],
) -> PictureTowers | None:
    """The towers of the model in a folder; None on another device than a CPU, or if not known.

    A GPU is where thousands of files are encoded, so that seconds at the start count for little.
    """
    where = choose_device(device)
    if where.type != "cpu":
        return None
    precision = choose_precision(where, precision)
    tower = image_tower(folder / WEIGHTS[0], model, DTYPES[precision])
    return None if tower is None else PictureTowers(tower, form, where, precision, load_rest)


class PictureTowers:
    """An image tower in torch alone, and open_clip's towers from the first text on."""

    def __init__(
        self,
        tower: torch.nn.Module,
        form: PictureForm,
        device: torch.device,
        precision: str,
        load_rest: Callable[[], OpenClipTowers],
    ) -> None:
        self.precision = precision
        self._model = tower
        self._form = form
        self._device = device
        self._pixels = Batches(self._image, device)
        self._load_rest = load_rest
        self._rest: OpenClipTowers | None = None
        self._loading = Lock()
        self._packed = False

    def prepare(self, modality: Modality, content: Content) -> Arrays:
        """Pixels `(3, height, width)` float32, or tokens `(context,)` int64."""
        if modality is Modality.IMAGE:
            return (self._form.pixels(content),)
        return self._words().prepare(modality, content)

    def run(self, modality: Modality, rows: Sequence[Arrays]) -> npt.NDArray[np.float32]:
        """Vectors `(n, dim)` of prepared rows."""
        if modality is Modality.IMAGE:
            return self._pixels(rows)
        return self._words().run(modality, rows)

    def pack(self) -> bool:
        """Lay the linear layers out for oneDNN, on a CPU in fp32; whether that was done."""
        self._packed = pack_for_onednn(self._model, self._device, self.precision)
        if self._packed and self._rest is not None:
            self._rest.pack()
        return self._packed

    def _image(self, pixels: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self._model(pixels.to(DTYPES[self.precision]))
        return made

    def _words(self) -> OpenClipTowers:
        with self._loading:
            if self._rest is None:
                self._rest = self._load_rest()
                self._rest.leave_pictures()
                if self._packed:
                    self._rest.pack()
            return self._rest
