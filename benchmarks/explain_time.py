"""What a heat map over a picture costs: crops, as they are used, and attention, which is not.

    python benchmarks/explain_time.py     write benchmarks/results/explain_time.json

ViT-B-32 of open_clip with weights left to chance, so only time is measured. Attention is that of
the values with themselves in the last block (v-v attention, CLIP Surgery, arXiv 2304.05653), which
gives each patch a vector in the joint space.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import open_clip
import torch
from PIL import Image
from torch.nn import functional

from benchmarks.record import record
from retrieval.explain import BATCH, _boxes

if TYPE_CHECKING:
    from collections.abc import Callable

SIDES_PX = ((480, 480), (640, 480), (1920, 1080))
ROUNDS = 3


def patch_vectors(visual: Any, pixels: torch.Tensor) -> torch.Tensor:
    """Unit vectors `(patches, dim)` of a picture, the last block attending from value to value."""
    before: list[torch.Tensor] = []
    *_, last = visual.transformer.resblocks
    hook = last.register_forward_pre_hook(lambda _, given: before.append(given[0]))
    visual(pixels)
    hook.remove()
    attention = last.attn
    values = functional.linear(
        last.ln_1(before[0]), attention.in_proj_weight, attention.in_proj_bias
    ).chunk(3, dim=-1)[2]
    batch, n, width = values.shape
    heads = values.view(batch, n, attention.num_heads, -1).transpose(1, 2)
    mixed = functional.scaled_dot_product_attention(heads, heads, heads)
    out = attention.out_proj(mixed.transpose(1, 2).reshape(batch, n, width))
    return functional.normalize(visual.ln_post(out[0, 1:]) @ visual.proj, dim=-1)


def median_s(work: Callable[[], object]) -> float:
    """Median seconds of some rounds, after one that does not count."""
    seconds = []
    for _ in range(ROUNDS + 1):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return float(np.median(seconds[1:]))


def main() -> None:
    """Time both for pictures of some sizes."""
    argparse.ArgumentParser(description="What a heat map costs.").parse_args()
    torch.manual_seed(0)
    model, _, look = open_clip.create_model_and_transforms("ViT-B-32")
    visual = model.eval().visual
    rng = np.random.default_rng(0)
    rows = []
    for width_px, height_px in SIDES_PX:
        picture = rng.integers(0, 256, (height_px, width_px, 3), dtype=np.uint8)
        boxes = list(_boxes(width_px, height_px))

        def crops(picture: Any = picture, boxes: Any = boxes) -> None:
            parts = [look(Image.fromarray(picture[t:b, le:r])) for le, t, r, b in boxes]
            for start in range(0, len(parts), BATCH):
                visual(torch.stack(parts[start : start + BATCH]))

        def attention(picture: Any = picture) -> None:
            patch_vectors(visual, look(Image.fromarray(picture))[None])

        with torch.inference_mode():
            crops_s, attention_s = median_s(crops), median_s(attention)
        rows.append(
            {
                "width_px": width_px,
                "height_px": height_px,
                "crops": len(boxes),
                "crops_s": crops_s,
                "attention_s": attention_s,
            }
        )
        print(rows[-1])
    packages = ("torch", "open_clip_torch")
    result = {"threads": torch.get_num_threads(), "rows": rows}
    record("explain_time", result, seed=0, packages=packages)


if __name__ == "__main__":
    main()
