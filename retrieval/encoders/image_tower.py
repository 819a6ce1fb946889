"""Image towers of open_clip models in torch alone, over memory-mapped weights.

open_clip imports torchvision, timm and transformers before it makes a model: three seconds, in
which dozens of pictures could have been encoded. The two forms here are those of `clip-clap` and
`clip-clap-light`. They call what open_clip and timm call, in the same order, so that their vectors
are the same, bit for bit; other forms are left to open_clip.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PREFIX = "visual."
"""Of the names of an image tower's weights, in the file of the whole model."""
SIGLIP = {"vit_base_patch32_siglip_256": {"patch": 32, "width": 768, "layers": 12, "heads": 12}}
"""What the names of timm stand for. Its other models of the name have another activation."""


def image_tower(weights: Path, model: Mapping[str, Any], dtype: torch.dtype) -> nn.Module | None:
    """The image tower of a model, on the CPU: pixels `(n, 3, side, side)` to vectors `(n, dim)`.

    Args:
        weights: The safetensors file of the whole model. In float32 nothing of it is copied.
        model: The `model_cfg` of its `open_clip_config.json`.
        dtype: The precision in which it multiplies.

    Returns:
        None for a form, or a file, that is not known here.
    """
    with torch.device("meta"):  # no first values, which would be overwritten at once
        tower = _clip(model) or _siglip(model)
    if tower is None:
        return None
    try:
        with safe_open(weights, "pt") as file:
            names = [name for name in file.keys() if name.startswith(PREFIX)]  # noqa: SIM118
            held = {name.removeprefix(PREFIX): file.get_tensor(name) for name in names}
        tower.load_state_dict(
            {n: w.to(torch.float32 if tower.is_kept(n) else dtype) for n, w in held.items()},
            assign=True,
        )
    except (SafetensorError, OSError, RuntimeError):  # another form than the configuration's
        return None
    return tower.eval()


def _clip(model: Mapping[str, Any]) -> ClipImageTower | None:
    vision: dict[str, Any] = model["vision_cfg"]
    known = {"image_size", "layers", "width", "head_width", "mlp_ratio", "patch_size"}
    layers = vision.get("layers", 12)
    if vision.keys() - known or not isinstance(layers, int) or "multimodal_cfg" in model:
        return None
    width = int(vision.get("width", 768))
    return ClipImageTower(
        side_px=int(vision.get("image_size", 224)),
        patch_px=int(vision.get("patch_size", 16)),
        width=width,
        layers=layers,
        heads=width // int(vision.get("head_width", 64)),
        inner=int(width * vision.get("mlp_ratio", 4.0)),
        dim=int(model["embed_dim"]),
        quick=bool(model.get("quick_gelu")),
    )


def _siglip(model: Mapping[str, Any]) -> SiglipImageTower | None:
    vision: dict[str, Any] = model["vision_cfg"]
    known = {
        "image_size", "timm_model_name", "timm_model_pretrained", "timm_pool", "timm_proj",
    }  # fmt: skip
    form = SIGLIP.get(vision.get("timm_model_name", ""))
    if form is None or vision.keys() - known:
        return None
    if vision.get("timm_pool") != "map" or vision.get("timm_proj") != "none":
        return None
    return SiglipImageTower(side_px=int(vision["image_size"]), **form)


class _Tower(nn.Module):
    """What both forms share: they are loaded with all weights of a file, or not at all."""

    def is_kept(self, _: str) -> bool:
        """Whether a weight stays in float32, whatever the precision."""
        return False


class ClipImageTower(_Tower):
    """As open_clip's `VisionTransformer`, whose names its weights have."""

    def __init__(
        self,
        *,
        side_px: int,
        patch_px: int,
        width: int,
        layers: int,
        heads: int,
        inner: int,
        dim: int,
        quick: bool,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, patch_px, patch_px, bias=False)
        self.class_embedding = nn.Parameter(torch.empty(width))
        self.positional_embedding = nn.Parameter(torch.empty((side_px // patch_px) ** 2 + 1, width))
        self.ln_pre = _Norm(width)
        blocks = nn.ModuleList(_ClipBlock(width, heads, inner, quick) for _ in range(layers))
        self.transformer = nn.ModuleDict({"resblocks": blocks})
        self.ln_post = _Norm(width)
        self.proj = nn.Parameter(torch.empty(width, dim))

    def is_kept(self, name: str) -> bool:
        """Norms are taken in float32."""
        return "ln_" in name

    def forward(self, pixels: Tensor) -> Tensor:
        """Vectors `(n, dim)`, of any length."""
        x = self.conv1(pixels)
        x = x.reshape(x.shape[0], x.shape[1], -1).permute(0, 2, 1)
        first = self.class_embedding.view(1, 1, -1).expand(x.shape[0], -1, -1)
        x = torch.cat([first.to(x.dtype), x], dim=1)
        x = self.ln_pre(x + self.positional_embedding.to(x.dtype))
        for block in self.transformer["resblocks"].children():
            x = block(x)
        pooled: Tensor = self.ln_post(x)[:, 0]
        return pooled @ self.proj


class _ClipBlock(nn.Module):
    def __init__(self, width: int, heads: int, inner: int, quick: bool) -> None:
        super().__init__()
        self.ln_1 = _Norm(width)
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.ln_2 = _Norm(width)
        layers = [
            ("c_fc", nn.Linear(width, inner)),
            ("gelu", _QuickGelu() if quick else nn.GELU()),
            ("c_proj", nn.Linear(inner, width)),
        ]
        self.mlp = nn.Sequential(OrderedDict(layers))

    def forward(self, x: Tensor) -> Tensor:
        normed = self.ln_1(x)
        x = x + self.attn(normed, normed, normed, need_weights=False)[0]
        moved: Tensor = x + self.mlp(self.ln_2(x))
        return moved


class _Norm(nn.LayerNorm):
    """In the precision of its weights, whatever that of its rows."""

    def forward(self, x: Tensor) -> Tensor:
        rows = x.to(self.weight.dtype)
        normed = functional.layer_norm(
            rows, self.normalized_shape, self.weight, self.bias, self.eps
        )
        return normed.to(x.dtype)


class _QuickGelu(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(1.702 * x)


class SiglipImageTower(_Tower):
    """As timm's `VisionTransformer` with a pool of attention, whose names its weights have."""

    def __init__(self, *, side_px: int, patch: int, width: int, layers: int, heads: int) -> None:
        super().__init__()
        embed = nn.Sequential(OrderedDict(proj=nn.Conv2d(3, width, patch, patch)))
        blocks = nn.ModuleList(_SiglipBlock(width, heads) for _ in range(layers))
        self.trunk = nn.ModuleDict(
            {
                "patch_embed": embed,
                "blocks": blocks,
                "norm": nn.LayerNorm(width, 1e-6),
                "attn_pool": _SiglipPool(width, heads),
            }
        )
        places = nn.Parameter(torch.empty(1, (side_px // patch) ** 2, width))
        self.trunk.register_parameter("pos_embed", places)

    def forward(self, pixels: Tensor) -> Tensor:
        """Vectors `(n, dim)`, of any length."""
        x = self.trunk["patch_embed"](pixels).flatten(2).transpose(1, 2)
        x = x + self.trunk.pos_embed
        for block in self.trunk["blocks"].children():
            x = block(x)
        pooled: Tensor = self.trunk["attn_pool"](self.trunk["norm"](x))
        return pooled


class _SiglipBlock(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, 1e-6)
        self.attn = _SiglipAttention(width, heads)
        self.norm2 = nn.LayerNorm(width, 1e-6)
        self.mlp = _SiglipMlp(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        moved: Tensor = x + self.mlp(self.norm2(x))
        return moved


class _SiglipAttention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        n, length, width = x.shape
        qkv = self.qkv(x).reshape(n, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(*qkv.unbind(0))
        out: Tensor = self.proj(mixed.transpose(1, 2).reshape(n, length, width))
        return out


class _SiglipMlp(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.fc2(functional.gelu(self.fc1(x), approximate="tanh"))
        return out


class _SiglipPool(nn.Module):
    """One learned question put to all places of a picture."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.latent = nn.Parameter(torch.empty(1, 1, width))
        self.q = nn.Linear(width, width)
        self.kv = nn.Linear(width, 2 * width)
        self.proj = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width, 1e-6)
        self.mlp = _SiglipMlp(width)

    def forward(self, x: Tensor) -> Tensor:
        n, length, width = x.shape
        asked = self.q(self.latent.expand(n, -1, -1)).reshape(n, 1, self.heads, -1).transpose(1, 2)
        kv = self.kv(x).reshape(n, length, 2, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(asked, *kv.unbind(0))
        x = self.proj(mixed.transpose(1, 2).reshape(n, 1, width))
        x = x + self.mlp(self.norm(x))
        return x[:, 0]
