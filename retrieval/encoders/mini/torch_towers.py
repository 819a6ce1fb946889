"""The same three towers in torch, for training. `towers.py` must give the same vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from retrieval.encoders.mini.preparation import BUCKETS, MELS
from retrieval.encoders.mini.towers import DIM, PICTURE_LAYERS, SOUND_LAYERS
from retrieval.records import Modality

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from retrieval.encoders.mini.preparation import Grams
    from retrieval.encoders.mini.towers import Array, Weights

PICTURE_WIDTHS = (3, 24, 40, 40, 80, 80, 80, 160)
SOUND_WIDTHS = (MELS, 64, 96, 96, 128, 128)
WORD_DIM = 64
HEADS = 4
HIDDEN = 256


class Layer(nn.Module):
    """Convolution, batch norm, ReLU; over pictures (2 dimensions) or time (1)."""

    def __init__(
        self, dimensions: int, before: int, after: int, taps: int, stride: int, residual: bool
    ) -> None:
        super().__init__()
        convolution = nn.Conv2d if dimensions == 2 else nn.Conv1d
        norm = nn.BatchNorm2d if dimensions == 2 else nn.BatchNorm1d
        self.conv = convolution(before, after, taps, stride, taps // 2, bias=False)
        self.norm = norm(after)
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        """Keep `(batch, channels, ...)`."""
        y = functional.relu(self.norm(self.conv(x)))
        return x + y if self.residual else y

    def folded(self) -> tuple[Array, Array]:
        """Matrix and bias with the batch norm folded in, as `towers.py` wants them."""
        mean, variance = self._running()
        gain = self.norm.weight / torch.sqrt(variance + self.norm.eps)
        kernel = self.conv.weight * gain.reshape(-1, *[1] * (self.conv.weight.ndim - 1))
        bias = self.norm.bias - mean * gain
        order = (*range(2, kernel.ndim), 1, 0)
        matrix = kernel.permute(*order).reshape(-1, kernel.shape[0])
        return matrix.detach().numpy().copy(), bias.detach().numpy().copy()

    def load_folded(self, matrix: Array, bias: Array) -> None:
        """Take a folded matrix and bias; the batch norm then only adds the bias."""
        out, into, *taps = self.conv.weight.shape
        kernel = torch.from_numpy(matrix.reshape(*taps, into, out).copy())
        with torch.no_grad():
            self.conv.weight.copy_(kernel.permute(-1, -2, *range(len(taps))))
            self.norm.bias.copy_(torch.from_numpy(bias.copy()))
            self.norm.weight.fill_(1)
            mean, variance = self._running()
            mean.zero_()
            variance.fill_(1 - self.norm.eps)

    def _running(self) -> tuple[Tensor, Tensor]:
        mean, variance = self.norm.running_mean, self.norm.running_var
        assert mean is not None
        assert variance is not None
        return mean, variance


class PictureTower(nn.Module):
    """`(batch, 3, SIDE_PX, SIDE_PX)` to unit rows `(batch, DIM)`."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(
                Layer(2, PICTURE_WIDTHS[k], PICTURE_WIDTHS[k + 1], taps, stride, residual)
                for k, (_, taps, stride, residual) in enumerate(PICTURE_LAYERS)
            )
        )
        self.head = nn.Linear(PICTURE_WIDTHS[-1], DIM)

    def forward(self, pixels: Tensor) -> Tensor:
        """Encode a batch."""
        return functional.normalize(self.head(self.layers(pixels).mean(dim=(2, 3))))


class SoundTower(nn.Module):
    """`(batch, MELS, FRAMES)` to unit rows `(batch, DIM)`."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(
                Layer(1, SOUND_WIDTHS[k], SOUND_WIDTHS[k + 1], taps, stride, residual)
                for k, (_, taps, stride, residual) in enumerate(SOUND_LAYERS)
            )
        )
        self.head = nn.Linear(2 * SOUND_WIDTHS[-1], DIM)

    def forward(self, log_mel: Tensor) -> Tensor:
        """Encode a batch."""
        x = self.layers(log_mel)
        return functional.normalize(self.head(torch.cat([x.mean(dim=2), x.amax(dim=2)], dim=1)))


class TextTower(nn.Module):
    """A list of prepared texts to unit rows `(batch, DIM)`."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.EmbeddingBag(BUCKETS, WORD_DIM, mode="mean")
        nn.init.normal_(self.table.weight, std=0.02)
        self.attention = nn.Linear(WORD_DIM, HEADS, bias=False)
        self.hidden = nn.Linear(HEADS * WORD_DIM, HIDDEN)
        self.head = nn.Linear(HIDDEN + HEADS * WORD_DIM, DIM)

    def forward(self, texts: Sequence[Grams]) -> Tensor:
        """Encode a batch."""
        every = [word for text in texts for word in text]
        lengths = torch.tensor([len(word) for word in every])
        offsets = torch.cumsum(lengths, 0) - lengths
        rows = torch.from_numpy(np.concatenate(every))
        words = self.table(rows, offsets).split([len(text) for text in texts])
        padded = nn.utils.rnn.pad_sequence(list(words), batch_first=True)
        counts = torch.tensor([len(text) for text in texts])
        absent = torch.arange(padded.shape[1])[None, :] >= counts[:, None]
        scores = self.attention(padded).masked_fill(absent[..., None], -1e9)
        gathered = torch.einsum("bth,btd->bhd", scores.softmax(dim=1), padded).flatten(1)
        hidden = functional.relu(self.hidden(gathered))
        return functional.normalize(self.head(torch.cat([hidden, gathered], dim=1)))


_TOWERS = {
    Modality.TEXT: ("text", TextTower),
    Modality.IMAGE: ("picture", PictureTower),
    Modality.AUDIO: ("sound", SoundTower),
}


class Towers(nn.Module):
    """The towers of some modalities."""

    def __init__(self, modalities: Iterable[Modality]) -> None:
        super().__init__()
        self.towers = nn.ModuleDict()
        for modality in sorted(modalities):
            name, tower = _TOWERS[modality]
            self.towers[name] = tower()

    def export(self) -> dict[str, Array]:
        """Every matrix that `towers.py` needs, by name."""
        weights: dict[str, Array] = {}
        for name, tower in self.towers.items():
            for k, layer in enumerate(getattr(tower, "layers", ())):
                weights[f"{name}.{k}.matrix"], weights[f"{name}.{k}.bias"] = layer.folded()
            for part in ("attention", "hidden", "head"):
                if hasattr(tower, part):
                    linear = getattr(tower, part)
                    weights[f"{name}.{part}.matrix"] = linear.weight.detach().numpy().T.copy()
                    if linear.bias is not None:
                        weights[f"{name}.{part}.bias"] = linear.bias.detach().numpy().copy()
            if isinstance(tower, TextTower):
                weights["text.table"] = tower.table.weight.detach().numpy().copy()
        return weights

    def load(self, weights: Weights) -> None:
        """Take what `export` gave."""
        with torch.no_grad():
            for name, tower in self.towers.items():
                for k, layer in enumerate(getattr(tower, "layers", ())):
                    layer.load_folded(weights[f"{name}.{k}.matrix"], weights[f"{name}.{k}.bias"])
                for part in ("attention", "hidden", "head"):
                    if hasattr(tower, part):
                        linear = getattr(tower, part)
                        linear.weight.copy_(torch.tensor(weights[f"{name}.{part}.matrix"].T))
                        if linear.bias is not None:
                            linear.bias.copy_(torch.tensor(weights[f"{name}.{part}.bias"]))
                if isinstance(tower, TextTower):
                    tower.table.weight.copy_(torch.tensor(weights["text.table"]))
