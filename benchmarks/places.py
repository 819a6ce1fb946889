"""What each place of a picture says by itself: patches of a vision transformer in the joint space.

In the last block patches gather what the whole picture needs, from anywhere. Here they are made to
look at what is like themselves instead, from values to values or from queries to queries, and keep
nothing but what they gather so: no residual, no MLP. Then each goes through the tower's own pooling
as if it were all there is. That is CLIP Surgery (Li et al., arXiv 2304.05653) in the form that
ClearCLIP gave it (Lan et al., arXiv 2407.12442); nothing is trained for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, cast

from open_clip.timm_model import TimmModel
from open_clip.transformer import VisionTransformer
from timm.layers.attention import Attention, AttentionRope
from timm.layers.attention_pool import AttentionPoolLatent
from torch import Tensor, nn
from torch.nn import functional

Attend: TypeAlias = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Queries, keys and values to what is gathered, all `(n, heads, length, width)`."""


def values_to_values(_query: Tensor, _key: Tensor, value: Tensor) -> Tensor:
    """Attention to places with like values, as CLIP Surgery has it."""
    return functional.scaled_dot_product_attention(value, value, value)


def queries_to_queries(query: Tensor, _key: Tensor, value: Tensor) -> Tensor:
    """Attention to places with like queries, as ClearCLIP has it."""
    return functional.scaled_dot_product_attention(query, query, value)


class Places:
    """The places of a tower's pictures."""

    def __init__(self, visual: Any) -> None:
        """Take the picture tower of an open_clip model, for which `is_known` holds."""
        self._visual = visual
        self._blocks = _blocks(visual)

    def __call__(self, pixels: Tensor, attend: Attend = values_to_values) -> Tensor:
        """Vectors `(n, rows, columns, dim)`, not of length 1, of pictures `(n, 3, side, side)`."""
        block = self._blocks[-1]
        before = self._visual.forward_intermediates(
            pixels,
            indices=[len(self._blocks) - 2],
            stop_early=True,
            intermediates_only=True,
        )["image_intermediates"][0]
        n, _, rows, columns = before.shape
        patches = before.flatten(2).transpose(1, 2)
        gathered = attended(block.attn, first_norm(block)(patches), attend)
        return self.pool(gathered.flatten(0, 1)[:, None]).view(n, rows, columns, -1)

    def pool(self, tokens: Tensor) -> Tensor:
        """What the tower makes `(n, dim)` of what its last block gives it, `(n, length, width)`."""
        visual = self._visual
        if isinstance(visual, VisionTransformer):
            return cast("Tensor", visual._pool(tokens)[0] @ visual.proj)
        return cast("Tensor", visual.head(visual.trunk.forward_head(visual.trunk.norm(tokens))))


def is_known(visual: nn.Module) -> bool:
    """Whether a tower of pictures is of a make whose places can be had."""
    if isinstance(visual, VisionTransformer):
        # From one token or by attention: what works for any number of patches works for one.
        pooled = visual.attn_pool is not None or visual.pool_type == "tok"
    else:
        trunk = getattr(visual, "trunk", None)
        pooled = isinstance(visual, TimmModel) and isinstance(
            getattr(trunk, "attn_pool", None), AttentionPoolLatent
        )
    return pooled and len(_blocks(visual)) > 1 and _is_known(_blocks(visual)[-1].attn)


def first_norm(block: Any) -> nn.Module:
    """What a block does to its input before it attends."""
    return cast("nn.Module", block.ln_1 if hasattr(block, "ln_1") else block.norm1)


def attended(attention: Any, x: Tensor, attend: Attend) -> Tensor:
    """What an attention gives `(n, length, width)` for as many, when it attends in another way."""
    if isinstance(attention, nn.MultiheadAttention):
        made = functional.linear(x, attention.in_proj_weight, attention.in_proj_bias)
        heads = attention.num_heads
        after: list[nn.Module] = [attention.out_proj]
    else:
        made, heads = attention.qkv(x), attention.num_heads
        after = [attention.norm, attention.proj]
    qkv = made.view(*x.shape[:2], 3, heads, -1).permute(2, 0, 3, 1, 4)
    query, key, value = qkv.unbind(0)
    if hasattr(attention, "q_norm"):
        query, key = attention.q_norm(query), attention.k_norm(key)
    gathered = attend(query, key, value).transpose(1, 2).flatten(2)
    for layer in after:
        gathered = layer(gathered)
    return gathered


def _blocks(visual: Any) -> Any:
    return visual.transformer.resblocks if hasattr(visual, "transformer") else visual.trunk.blocks


def _is_known(attention: Any) -> bool:
    if isinstance(attention, nn.MultiheadAttention):
        return attention.in_proj_weight is not None
    fused = isinstance(attention, Attention | AttentionRope) and attention.qkv is not None
    return fused and getattr(attention, "gate", None) is None
