"""The towers of an open_clip model: the one module that imports open_clip."""

from __future__ import annotations

import logging
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

import open_clip
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from torch.utils._python_dispatch import TorchDispatchMode

from retrieval.encoders.device import DTYPES, Batches, choose_device, choose_precision
from retrieval.encoders.open_clip import WEIGHTS
from retrieval.encoders.packed_linears import pack_for_onednn
from retrieval.errors import ModelError
from retrieval.records import Modality

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from retrieval.encoders.two_towers import Arrays
    from retrieval.media.content import Content


class _Unfilled(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Leaves out the random first values of weights, which are overwritten at once anyway.

    They take as long as all the rest of the loading together. open_clip loads strictly: a weight
    that the file does not have is an error, never a value left to chance.
    """

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        aten = torch.ops.aten
        if func in (aten.normal_.default, aten.uniform_.default, aten.erfinv_.default):
            return args[0]
        return func(*args, **(kwargs or {}))


class OpenClipTowers:
    """A loaded open_clip model with its own preprocessing and tokenizer."""

    def __init__(self, folder: Path, device: str, precision: str) -> None:
        """Load the model in a folder.

        Raises:
            ModelError: open_clip cannot make a model of what the folder holds.
        """
        self.device = choose_device(device)
        self.precision = choose_precision(self.device, precision)
        source = f"local-dir:{folder}"
        weights = folder / WEIGHTS[0]
        maps = self.device.type == "cpu" and self.precision == "fp32" and weights.is_file()
        try:
            with _Unfilled():  # type: ignore[no-untyped-call]
                model = (
                    _mapped(source, weights)
                    if maps
                    else open_clip.create_model(
                        source,
                        precision=self.precision,
                        device=self.device,
                        require_pretrained=True,
                    )
                )
            self._tokenize = open_clip.get_tokenizer(source)
        except Exception as error:
            raise ModelError(f"open_clip cannot load {folder}: {error}") from error
        self._model = model.eval()
        self._look = image_transform_v2(PreprocessCfg(**model.visual.preprocess_cfg), False)
        self._tokenizing = Lock()
        self._batches = {
            Modality.IMAGE: Batches(self._image, self.device),
            Modality.TEXT: Batches(self._text, self.device),
        }
        if self.device.type == "cuda":
            self._model.visual.to(memory_format=torch.channels_last)

    def prepare(self, modality: Modality, content: Content) -> Arrays:
        """Pixels `(3, height, width)` float32, or tokens `(context,)` int64."""
        if modality is Modality.IMAGE:
            picture = Image.fromarray(cast("npt.NDArray[np.uint8]", content))
            return (self._look(picture).numpy(),)
        # A fast tokenizer of transformers must not be used by two threads at once.
        with self._tokenizing:
            return (self._tokenize([cast("str", content)])[0].numpy(),)

    def run(self, modality: Modality, rows: Sequence[Arrays]) -> npt.NDArray[np.float32]:
        """Vectors `(n, dim)` of prepared rows."""
        return self._batches[modality](rows)

    def leave_pictures(self) -> None:
        """Let go of the image tower, which is somewhere else already."""
        self._model.visual = torch.nn.Identity()
        del self._batches[Modality.IMAGE]

    def pack(self) -> bool:
        """Lay the linear layers out for oneDNN, on a CPU in fp32; whether that was done."""
        return pack_for_onednn(self._model, self.device, self.precision)

    def _image(self, pixels: torch.Tensor) -> torch.Tensor:
        pixels = pixels.to(DTYPES[self.precision])
        if self.device.type == "cuda":
            pixels = pixels.contiguous(memory_format=torch.channels_last)
        return cast("torch.Tensor", self._model.encode_image(pixels))

    def _text(self, tokens: torch.Tensor) -> torch.Tensor:
        return cast("torch.Tensor", self._model.encode_text(tokens))


def _mapped(source: str, weights: Path) -> Any:
    """A model whose weights are those of a safetensors file, memory-mapped where they lie.

    A copy would take as long as all the rest of the loading, and memory for both towers where
    mostly one is used.
    """
    root = logging.getLogger()
    root.addFilter(_says_more)
    try:
        model = open_clip.create_model(source, load_weights=False, pretrained_text=False)
    finally:
        root.removeFilter(_says_more)
    model.load_state_dict = partial(model.load_state_dict, assign=True)
    open_clip.load_checkpoint(model, str(weights))
    del model.load_state_dict
    return model.float()  # a file in half precision is copied after all


def _says_more(record: logging.LogRecord) -> bool:
    """Whether open_clip says anything but that it was asked for a model without its weights."""
    return "No pretrained weights loaded" not in record.getMessage()


def repository_of(source: str) -> str:
    """Where open_clip's table of published weights has a `NAME/TAG` on the Hugging Face hub.

    Raises:
        ModelError: the table does not have it, or only at another place.
    """
    facts = _published(source)
    owner, _, rest = str(facts.get("hf_hub", "")).partition("/")
    repository = rest.split("/")[0]
    if not repository:
        raise ModelError(
            f"The weights of {source} are not on the Hugging Face hub; take another tag, or name "
            "a repository as open_clip:hf-hub:OWNER/NAME."
        )
    return f"{owner}/{repository}"


def config_of(source: str) -> dict[str, Any]:
    """The `open_clip_config.json` of a `NAME/TAG`, for repositories that have none.

    Raises:
        ModelError: open_clip's table does not have it.
    """
    facts = _published(source)
    keys = ("mean", "std", "interpolation", "resize_mode")
    model = open_clip.get_model_config(source.split("/")[0])
    return {
        "model_cfg": {**model, "quick_gelu": True} if facts.get("quick_gelu") else model,
        "preprocess_cfg": {key: facts[key] for key in keys if key in facts},
    }


def _published(source: str) -> dict[str, Any]:
    name, _, tag = source.partition("/")
    facts = open_clip.get_pretrained_cfg(name, tag)
    if not facts:
        tags = ", ".join(open_clip.list_pretrained_tags_by_model(name)) or "none"
        raise ModelError(f"open_clip has no weights {source}. Tags of {name}: {tags}.")
    return dict(facts)
