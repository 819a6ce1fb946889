"""Linear layers whose weights lie in the order in which oneDNN multiplies, for float32 on a CPU.

What torch calls for a float32 product on a CPU, MKL, is slow on processors that are not Intel's.
oneDNN, which torch brings along and uses for bf16, is not, and faster still when the weights are
laid out for it once instead of at every call.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional


class PackedLinear(nn.Linear):
    """As `nn.Linear`, which models look for, but for inference alone."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        """Take `weight (out, in)` and `bias (out,)`, float32 on a CPU."""
        nn.Module.__init__(self)
        self.out_features, self.in_features = weight.shape
        self.packed = torch.ops.mkldnn._reorder_linear_weight(weight.detach())
        self.register_parameter("bias", cast("nn.Parameter | None", bias))
        # Nothing but its type is asked for; the memory of the weights as they were is free again.
        self.weight = nn.Parameter(weight.new_empty(0), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """Rows `(..., in)` to `(..., out)`."""
        made = torch.ops.mkldnn._linear_pointwise(x, self.packed, self.bias, "none", [], "")
        return cast("Tensor", made)


class PackedAttention(nn.Module):
    """As `nn.MultiheadAttention` when a sequence attends to itself and nobody asks for weights."""

    def __init__(self, attention: nn.MultiheadAttention) -> None:
        super().__init__()
        self._heads = attention.num_heads
        self._into = PackedLinear(cast("Tensor", attention.in_proj_weight), attention.in_proj_bias)
        self._out = PackedLinear(attention.out_proj.weight, attention.out_proj.bias)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        need_weights: bool = False,
        attn_mask: Tensor | None = None,
    ) -> tuple[Tensor, None]:
        """Sequences `(batch, length, width)`, of the same shape before and after."""
        assert query is key
        assert key is value
        assert not need_weights
        batch, length, width = query.shape
        qkv = self._into(query).view(batch, length, 3, self._heads, -1).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask)
        return self._out(mixed.transpose(1, 2).reshape(batch, length, width)), None


def pack_for_onednn(model: nn.Module, device: torch.device, precision: str) -> bool:
    """Pack a model where that makes sense: on a CPU, in fp32, where torch has oneDNN.

    Returns:
        Whether it was done.
    """
    there = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    known = there and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    if device.type != "cpu" or precision != "fp32" or not known:
        return False
    pack_linears(model)
    return True


def pack_linears(module: nn.Module) -> None:
    """Replace, within a module, every layer that has a packed form; it cannot be trained then."""
    for name, child in module.named_children():
        packed = _packed(child)
        if packed is None:
            pack_linears(child)
        else:
            setattr(module, name, packed)


def _packed(layer: Any) -> nn.Module | None:
    if type(layer) is nn.Linear:
        return PackedLinear(layer.weight, layer.bias)
    if type(layer) is nn.MultiheadAttention and layer.in_proj_weight is not None:
        plain = layer.batch_first and layer.bias_k is None and not layer.add_zero_attn
        return PackedAttention(layer) if plain else None
    return None
