"""The towers of a CLAP model: the one module that imports transformers."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from transformers import AutoTokenizer, ClapFeatureExtractor, ClapModel
from transformers.utils import logging

from retrieval.encoders.clap import CONTEXT
from retrieval.encoders.device import DTYPES, Batches, choose_device, choose_precision
from retrieval.encoders.log_mel import LogMel
from retrieval.encoders.packed_linears import pack_for_onednn
from retrieval.errors import ModelError
from retrieval.records import Modality

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from retrieval.encoders.two_towers import Arrays
    from retrieval.media.content import Content

LENGTHS = (16, 32, CONTEXT)
"""Tokens to which a text is filled up: the next of these, so that a short query costs little.
The length follows from the text alone, as every vector must."""


class ClapTowers:
    """A loaded CLAP model with its own tokenizer and the front end it was trained with."""

    def __init__(self, folder: Path, device: str, precision: str) -> None:
        """Load the model in a folder.

        Raises:
            ModelError: transformers cannot make a model of what the folder holds.
        """
        self.device = choose_device(device)
        self.precision = choose_precision(self.device, precision)
        try:
            # Pickles are not run: weights_only is the default for what is no safetensors file.
            with _silence():
                model = ClapModel.from_pretrained(folder, local_files_only=True, weights_only=True)
            self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            listening = ClapFeatureExtractor.from_pretrained(folder, local_files_only=True)
        except Exception as error:
            raise ModelError(f"transformers cannot load {folder}: {error}") from error
        self._model = _in_precision(model, DTYPES[self.precision]).to(self.device)
        self._samples = int(listening.nb_max_samples)
        # Unfused models were trained on the mel scale of librosa, that is Slaney's.
        self._log_mel = LogMel(
            np.asarray(listening.mel_filters_slaney, dtype=np.float64),
            int(listening.fft_window_size),
            int(listening.hop_length),
        )
        self._tokenizing = Lock()
        self._batches = {
            Modality.AUDIO: Batches(self._audio, self.device),
            Modality.TEXT: Batches(self._text, self.device),
        }

    def prepare(self, modality: Modality, content: Content) -> Arrays:
        """Spectrogram `(1, frames, bands)` float32, or tokens and mask, both `(length,)` int64.

        Raises:
            ValueError: a sound is empty or longer than the model listens: cutting it is the task
                of the windows, since the library's own front end would cut it at random.
        """
        if modality is Modality.AUDIO:
            return (self._log_mel(self._filled(cast("npt.NDArray[np.float32]", content)))[None],)
        # A fast tokenizer must not be used by two threads at once.
        with self._tokenizing:
            ids = self._tokenizer(cast("str", content), truncation=True, max_length=CONTEXT)
        tokens = np.asarray(ids["input_ids"], dtype=np.int64)
        length = next(n for n in LENGTHS if n >= len(tokens))
        mask = np.zeros(length, dtype=np.int64)
        mask[: len(tokens)] = 1
        filled = np.full(length, self._tokenizer.pad_token_id, dtype=np.int64)
        filled[: len(tokens)] = tokens
        return filled, mask

    def run(self, modality: Modality, rows: Sequence[Arrays]) -> npt.NDArray[np.float32]:
        """Vectors `(n, dim)` of prepared rows."""
        return self._batches[modality](rows)

    def pack(self) -> bool:
        """Lay the linear layers out for oneDNN, on a CPU in fp32; whether that was done."""
        return pack_for_onednn(self._model, self.device, self.precision)

    def _filled(self, sound: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The sound at full length: whole repeats of it, then silence, as in training."""
        if not 0 < len(sound) <= self._samples:
            raise ValueError(f"expected 1 to {self._samples} samples of one window: {len(sound)}")
        repeated = np.tile(sound, self._samples // len(sound))
        return np.pad(repeated, (0, self._samples - len(repeated)))

    def _audio(self, spectrograms: torch.Tensor) -> torch.Tensor:
        made = self._model.get_audio_features(input_features=spectrograms)
        return cast("torch.Tensor", made.pooler_output)

    def _text(self, tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        made = self._model.get_text_features(input_ids=tokens, attention_mask=mask)
        return cast("torch.Tensor", made.pooler_output)


@contextmanager
def _silence() -> Iterator[None]:
    """No progress bar of transformers: showing things is the command line's task."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def _in_precision(model: Any, dtype: torch.dtype) -> Any:
    """Convert the weights, except the normalisation of the spectrogram.

    Decibels run from -100 to some 50; in bf16 they would be rounded to a quarter or half.
    """
    if dtype is torch.float32:
        return model
    model = model.to(dtype)
    listening = model.audio_model.audio_encoder
    listening.batch_norm.float()
    listening.patch_embed.register_forward_pre_hook(
        lambda _, inputs: (inputs[0].to(dtype), *inputs[1:])
    )
    return model
