"""Text towers at query time, in NumPy alone, over memory-mapped weights.

Loading torch, a model and its pictures' or sounds' tower takes far longer than encoding one query.
This reads what a text needs of the published safetensors file, where it lies in the file, and no
more. The vectors agree with those of torch in fp32 to a cosine of 0.999999; those of a library,
which torch makes in the precision of its model set, are not touched by it.

Several texts go through together, row below row: what takes the time is to read the weights, once.
"""

from __future__ import annotations

import json
import mmap
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from retrieval.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

Array = npt.NDArray[np.float32]
Tokens = npt.NDArray[np.int64]

LENGTH_BYTES = 8
"""A safetensors file begins with the length of its header, little-endian."""


def linear(x: Array, weight: Array, bias: Array | None = None) -> Array:
    """`x W' + b` of rows `(n, in)` with `(out, in)`."""
    product: Array = x @ weight.T
    return product if bias is None else product + bias


def layer_norm(x: Array, weight: Array, bias: Array, epsilon: float) -> Array:
    """Each row `(n, width)` brought to mean 0 and variance 1, then scaled and moved."""
    centred = x - x.mean(axis=1, keepdims=True)
    variance = (centred * centred).mean(axis=1, keepdims=True)
    normed: Array = centred / np.sqrt(variance + np.float32(epsilon)) * weight + bias
    return normed


def attention(
    q: Array, k: Array, v: Array, heads: int, lengths: Sequence[int], *, causal: bool = False
) -> Array:
    """Scaled dot-product attention over rows `(n, width)`, within texts of so many rows each."""
    ends = np.cumsum(lengths)[:-1]
    texts = zip(*(np.split(rows, ends) for rows in (q, k, v)), strict=True)
    return np.concatenate([_attention_in(*text, heads=heads, causal=causal) for text in texts])


def _attention_in(q: Array, k: Array, v: Array, *, heads: int, causal: bool) -> Array:
    q, k, v = (x.reshape(len(x), heads, -1).transpose(1, 0, 2) for x in (q, k, v))
    scores = q @ k.transpose(0, 2, 1) / np.float32(np.sqrt(q.shape[2]))
    if causal:
        scores = scores + np.triu(np.full(scores.shape[1:], -np.inf, np.float32), 1)
    weights = np.exp(scores - scores.max(axis=2, keepdims=True))
    weights /= weights.sum(axis=2, keepdims=True)
    mixed: Array = (weights @ v).transpose(1, 0, 2).reshape(q.shape[1], -1)
    return mixed


def _starts(lengths: Sequence[int]) -> Tokens:
    """The first rows of texts of so many rows each."""
    return np.cumsum([0, *lengths[:-1]])


def gelu(x: Array) -> Array:
    """`x Phi(x)`, with the error function to 1.5e-7: Abramowitz and Stegun (1964), 7.1.26."""
    z = np.abs(x) * np.float32(0.5**0.5)
    t = 1 / (1 + np.float32(0.3275911) * z)
    tail = np.zeros_like(t)
    for factor in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
        tail = (tail + np.float32(factor)) * t
    erf = np.copysign(1 - tail * np.exp(-z * z), x)
    made: Array = np.float32(0.5) * x * (1 + erf)
    return made


def gelu_tanh(x: Array) -> Array:
    """GELU by the hyperbolic tangent: Hendrycks and Gimpel (2016), as SigLIP 2 has it."""
    inner = np.float32((2 / np.pi) ** 0.5) * (x + np.float32(0.044715) * x * x * x)
    made: Array = np.float32(0.5) * x * (1 + np.tanh(inner))
    return made


def quick_gelu(x: Array) -> Array:
    """`x sigmoid(1.702 x)`, as OpenAI's CLIP has it."""
    made: Array = x / (1 + np.exp(np.float32(-1.702) * x))
    return made


class Weights:
    """The float32 tensors of a safetensors file, mapped: only what is used is read."""

    def __init__(self, path: Path, prefix: str = "") -> None:
        """Map a file; names are given without the prefix from then on.

        Raises:
            ModelError: the file cannot be read as such.
        """
        try:
            with path.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            length = int.from_bytes(self._map[:LENGTH_BYTES], "little")
            self._start = LENGTH_BYTES + length
            self._header: dict[str, Any] = json.loads(self._map[LENGTH_BYTES : self._start])
        except (OSError, ValueError) as error:
            raise ModelError(f"The weights {path} cannot be read ({error}).") from error
        self._prefix = prefix

    def __contains__(self, name: str) -> bool:
        return self._prefix + name in self._header

    def get(self, name: str) -> Array | None:
        """One tensor, or None if there is none of this name."""
        if name not in self:
            return None
        return self[name]

    def __getitem__(self, name: str) -> Array:
        """One tensor.

        Raises:
            ModelError: there is none of this name, or it is not float32.
        """
        about = self._header.get(self._prefix + name)
        if about is None or about["dtype"] != "F32":
            raise ModelError(f"There is no float32 tensor {self._prefix + name}.")
        shape = about["shape"]
        count = int(np.prod(shape))
        begin = self._start + about["data_offsets"][0]
        return np.frombuffer(self._map, "<f4", count, begin).reshape(shape)


def clip_tower(weights: Weights, text: Mapping[str, Any], *, quick: bool) -> ClipTextTower | None:
    """The text tower of an open_clip model with this `text_cfg`; None for forms not known here."""
    known = {
        "context_length", "vocab_size", "width", "heads", "layers", "no_causal_mask", "proj_bias",
        "pool_type", "norm_kwargs", "act_kwargs", "hf_tokenizer_name", "tokenizer_kwargs",
    }  # fmt: skip
    if text.keys() - known or text.get("pool_type", "argmax") not in ("argmax", "last"):
        return None
    act: dict[str, Any] = text.get("act_kwargs") or {}
    if quick and not act:
        activation = quick_gelu
    elif not quick and act in ({}, {"approximate": "tanh"}):
        activation = gelu_tanh if act else gelu
    else:
        return None
    norm: dict[str, Any] = text.get("norm_kwargs") or {}
    if set(norm) - {"eps"} or "token_embedding.weight" not in weights:
        return None
    return ClipTextTower(
        weights,
        layers=int(text.get("layers", 12)),
        heads=int(text.get("heads", 8)),
        causal=not text.get("no_causal_mask", False),
        last=text.get("pool_type") == "last",
        epsilon=float(norm.get("eps", 1e-5)),
        activation=activation,
    )


class ClipTextTower:
    """A transformer as open_clip's `TextTransformer`: normalised before each half of a block."""

    def __init__(
        self,
        weights: Weights,
        *,
        layers: int,
        heads: int,
        causal: bool,
        last: bool,
        epsilon: float,
        activation: Callable[[Array], Array],
    ) -> None:
        self._weights = weights
        self._layers = layers
        self._heads = heads
        self._causal = causal
        self._last = last
        self._epsilon = epsilon
        self._activation = activation

    def __call__(self, texts: Sequence[Tokens]) -> Array:
        """The vectors `(n, dim)`, of any length, of texts with tokens `(context,)`."""
        w = self._weights
        ends = [len(text) - 1 if self._last else int(text.argmax()) for text in texts]
        # What follows the end of a text is hidden from it where attention looks back only.
        lengths = [end + 1 for end in ends] if self._causal else [len(text) for text in texts]
        tokens = np.concatenate([text[:n] for text, n in zip(texts, lengths, strict=True)])
        places = np.concatenate([np.arange(n) for n in lengths])
        x = w["token_embedding.weight"][tokens] + w["positional_embedding"][places]
        for layer in range(self._layers):
            block = f"transformer.resblocks.{layer}."
            h = self._norm(x, f"{block}ln_1")
            qkv = linear(h, w[f"{block}attn.in_proj_weight"], w[f"{block}attn.in_proj_bias"])
            q, k, v = np.split(qkv, 3, axis=1)
            h = attention(q, k, v, self._heads, lengths, causal=self._causal)
            x = x + linear(h, w[f"{block}attn.out_proj.weight"], w[f"{block}attn.out_proj.bias"])
            h = self._norm(x, f"{block}ln_2")
            h = self._activation(
                linear(h, w[f"{block}mlp.c_fc.weight"], w[f"{block}mlp.c_fc.bias"])
            )
            x = x + linear(h, w[f"{block}mlp.c_proj.weight"], w[f"{block}mlp.c_proj.bias"])
        pooled = self._norm(x[_starts(lengths) + ends], "ln_final")
        if "text_projection.weight" in w:
            return self._linear(pooled, "text_projection")
        projected: Array = pooled @ w["text_projection"]
        return projected

    def _linear(self, x: Array, name: str) -> Array:
        return linear(x, self._weights[f"{name}.weight"], self._weights.get(f"{name}.bias"))

    def _norm(self, x: Array, name: str) -> Array:
        weights = self._weights
        return layer_norm(x, weights[f"{name}.weight"], weights[f"{name}.bias"], self._epsilon)


def clap_tower(weights: Weights, config: Mapping[str, Any]) -> ClapTextTower | None:
    """The text tower of a CLAP model with this `config.json`; None for forms not known here."""
    text: dict[str, Any] = config.get("text_config") or {}
    if (
        text.get("hidden_act", "gelu") != "gelu"
        or config.get("projection_hidden_act", "relu") != "relu"
    ):
        return None
    if text.get("position_embedding_type", "absolute") != "absolute":
        return None
    if "text_model.embeddings.word_embeddings.weight" not in weights:
        return None
    return ClapTextTower(
        weights,
        layers=int(text.get("num_hidden_layers", 12)),
        heads=int(text.get("num_attention_heads", 12)),
        epsilon=float(text.get("layer_norm_eps", 1e-12)),
        padding=int(text.get("pad_token_id", 1)),
    )


class ClapTextTower:
    """RoBERTa as in CLAP: normalised after each half of a block, the first token pooled."""

    def __init__(
        self, weights: Weights, *, layers: int, heads: int, epsilon: float, padding: int
    ) -> None:
        self._weights = weights
        self._layers = layers
        self._heads = heads
        self._epsilon = epsilon
        self._padding = padding

    def __call__(self, texts: Sequence[Tokens]) -> Array:
        """The vectors `(n, dim)`, of any length, of texts with tokens `(length,)`, unpadded."""
        w = self._weights
        lengths = [len(text) for text in texts]
        positions = np.concatenate([np.arange(n) for n in lengths]) + self._padding + 1
        x = w["text_model.embeddings.word_embeddings.weight"][np.concatenate(texts)]
        x = x + w["text_model.embeddings.token_type_embeddings.weight"][0]
        x = self._norm(
            x + w["text_model.embeddings.position_embeddings.weight"][positions],
            "text_model.embeddings",
        )
        for layer in range(self._layers):
            block = f"text_model.encoder.layer.{layer}."
            q, k, v = (
                self._linear(x, f"{block}attention.self.{n}") for n in ("query", "key", "value")
            )
            h = attention(q, k, v, self._heads, lengths)
            h = self._linear(h, f"{block}attention.output.dense")
            x = self._norm(x + h, f"{block}attention.output")
            h = gelu(self._linear(x, f"{block}intermediate.dense"))
            x = self._norm(x + self._linear(h, f"{block}output.dense"), f"{block}output")
        pooled = np.tanh(self._linear(x[_starts(lengths)], "text_model.pooler.dense"))
        shown = np.maximum(linear(pooled, *self._projection("linear1")), 0)
        return linear(shown, *self._projection("linear2"))

    def _projection(self, name: str) -> tuple[Array, Array]:
        return tuple(self._weights[f"text_projection.{name}.{n}"] for n in ("weight", "bias"))  # type: ignore[return-value]

    def _linear(self, x: Array, name: str) -> Array:
        return linear(x, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _norm(self, x: Array, name: str) -> Array:
        w = self._weights
        return layer_norm(
            x, w[f"{name}.LayerNorm.weight"], w[f"{name}.LayerNorm.bias"], self._epsilon
        )
