"""What each place of a picture says: our last block is the tower's own but for what it looks at."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import open_clip
import pytest
import timm
import torch
from timm.layers.pos_embed_sincos import apply_rot_embed_cat
from timm.models import register_model
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from benchmarks.places import Places, attended, is_known
from tests.model_files import SMALL_CLIP, cosines

SIDE = 64


def small(model: str, **more: Any) -> Any:
    return timm.create_model(
        model, img_size=SIDE, patch_size=16, embed_dim=64, depth=2, num_heads=2, **more
    )


@register_model
def places_siglip(pretrained: bool = False, **options: Any) -> Any:
    return small("vit_base_patch32_siglip_256", **options)


@register_model
def places_pe_core(pretrained: bool = False, **options: Any) -> Any:
    return small(
        "vit_pe_core_tiny_patch16_384", ref_feat_shape=(4, 4), attn_pool_num_heads=2, **options
    )


@register_model
def places_averaged(pretrained: bool = False, **options: Any) -> Any:
    return small("vit_base_patch16_224", **{**options, "global_pool": "avg"})


TOWERS: dict[str, dict[str, Any]] = {
    "CLIP": SMALL_CLIP["vision_cfg"],
    "CoCa": {**SMALL_CLIP["vision_cfg"], "attentional_pool": True, "attn_pooler_heads": 2},
    "SigLIP": {"timm_model_name": "places_siglip", "timm_pool": "map", "timm_proj": None},
    "PE-Core": {"timm_model_name": "places_pe_core", "timm_pool": "map", "timm_proj": None},
}


def tower(config: dict[str, Any]) -> Any:
    torch.manual_seed(0)
    vision = {**deepcopy(config), "image_size": SIDE}
    visual = open_clip.CustomTextCLIP(64, vision, SMALL_CLIP["text_cfg"]).eval().visual
    with torch.no_grad():
        # At its first random values a tower gives every picture nearly the same vector.
        for name, weights in visual.named_parameters():
            if weights.ndim >= 2 and "embed" not in name:
                weights.mul_(3.0)
    return visual


@pytest.fixture(scope="module", params=TOWERS)
def visual(request: pytest.FixtureRequest) -> Any:
    return tower(TOWERS[request.param])


@pytest.fixture(scope="module")
def pixels() -> Tensor:
    return torch.randn(3, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


def last_block(visual: Any) -> Any:
    return (
        visual.transformer.resblocks if hasattr(visual, "transformer") else visual.trunk.blocks
    )[-1]


class Recomputed(nn.Module):
    """An attention of a tower by our own function, attending as the tower does."""

    def __init__(self, attention: Any) -> None:
        super().__init__()
        self.attention = attention

    def forward(self, x: Tensor, *_: Tensor, rope: Tensor | None = None, **__: object) -> Any:
        def turned(heads: Tensor) -> Tensor:
            if rope is None:
                return heads
            before = self.attention.num_prefix_tokens
            places = apply_rot_embed_cat(heads[:, :, before:], rope)
            return torch.cat([heads[:, :, :before], places], dim=2)

        made = attended(
            self.attention,
            x,
            lambda q, k, v: scaled_dot_product_attention(turned(q), turned(k), v),
        )
        return (made, None) if isinstance(self.attention, nn.MultiheadAttention) else made


@torch.inference_mode()
def test_attending_as_the_tower_does_gives_its_own_vectors(visual: Any, pixels: Tensor) -> None:
    own = visual(pixels).numpy()
    block = last_block(visual)
    kept = block.attn
    block.attn = Recomputed(kept)
    try:
        ours = visual(pixels).numpy()
    finally:
        block.attn = kept
    assert cosines(ours, own).min() >= 0.9999
    # The test would see one picture taken for another.
    assert cosines(ours, np.roll(own, 1, axis=0)).max() < 0.999


@torch.inference_mode()
def test_all_places_together_give_the_tower_s_own_vector(visual: Any, pixels: Tensor) -> None:
    given: list[Tensor] = []
    hook = last_block(visual).register_forward_hook(lambda _, __, tokens: given.append(tokens))
    own = visual(pixels).numpy()
    hook.remove()
    assert cosines(Places(visual).pool(given[0]).numpy(), own).min() >= 0.9999


@torch.inference_mode()
def test_what_a_place_says_is_its_own(visual: Any, pixels: Tensor) -> None:
    places = Places(visual)(pixels)
    assert places.shape == (3, 4, 4, 64)
    assert places.isfinite().all()
    # A picture in a batch says what it says alone, and its places differ.
    assert torch.allclose(Places(visual)(pixels[1:2])[0], places[1], atol=1e-4)
    rows = places[0].reshape(16, 64).numpy()
    assert cosines(rows, np.roll(rows, 1, axis=0)).max() < 0.9999


@pytest.mark.parametrize(
    "config",
    [
        {"layers": [1, 1, 1, 1], "width": 16},
        {**SMALL_CLIP["vision_cfg"], "pool_type": "avg"},
        {**SMALL_CLIP["vision_cfg"], "layers": 1},
        {"timm_model_name": "places_averaged", "timm_pool": "avg", "timm_proj": "linear"},
        {"timm_model_name": "convnext_atto", "timm_pool": "avg", "timm_proj": "linear"},
    ],
    ids=["ResNet", "averaged", "one block", "timm, averaged", "ConvNeXt"],
)
def test_other_makes_are_not_known(config: dict[str, Any]) -> None:
    assert not is_known(tower(config))


def test_the_makes_of_the_published_sets_are_known(visual: Any) -> None:
    assert is_known(visual)
