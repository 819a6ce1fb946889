"""Train small vision transformers of the architectures of CLIP, SigLIP and PE-Core.

    python benchmarks/train_vits.py FOLDER [--only CLIP]

They learn pictures of the generated world, of one thing and of several, by the words of the pair
model `clip`, which stay as they are, and at first also by what that model's own tower of pictures,
which is no transformer, makes of them. So their space is that of `pair-clip`, and the bridge to
sounds holds for them too. Each becomes a folder that open_clip reads; they are made to measure what
takes trained attention, and are not shipped.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from math import cos, log, pi
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import open_clip
import timm
import torch
from open_clip.pos_embed import get_2d_sincos_pos_embed
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file
from timm.models import register_model
from torch.nn.attention import SDPBackend, sdpa_kernel

from benchmarks.train_pairs import DATA_SEED, FOLDER, pair_encoder
from retrieval.encoders.mini.contrast import contrast
from retrieval.encoders.mini.preparation import SIDE_PX
from retrieval.encoders.mini.torch_towers import Towers
from retrieval.encoders.mini.training_data import make_pictures
from retrieval.encoders.mini.world.concepts import CONCEPTS
from retrieval.encoders.mini.world.pictures import Look
from retrieval.encoders.mini.world.sentences import write_seen
from retrieval.records import Modality

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from retrieval.encoders.mini.training_data import Pictures

log_ = logging.getLogger(__name__)

SEED = 31
THINGS = tuple(CONCEPTS)[::6]
"""Eight of the things of the world: few enough to be learned in minutes."""
STEPS = 1500
BATCH = 32
PEAK_RATE = 1e-3
LINES_PER_THING = 40
LED = 5.0
"""How much the other tower counts at first."""
CELL = 64
ALONE = 0.6
"""Share of the pictures that show one cell as it is."""
SEEN, UNSEEN = 0.6, 0.1
"""Shares of a thing's cell: with more in view it is in the picture, with less it is not."""

WIDTH, DEPTH, HEADS, PATCH = 96, 4, 3, 8
DIM = 128
"""That of the pair models."""


def small(model: str, **more: Any) -> Any:
    """A model of timm's, small in every direction."""
    return timm.create_model(
        model,
        img_size=SIDE_PX,
        patch_size=PATCH,
        embed_dim=WIDTH,
        depth=DEPTH,
        num_heads=HEADS,
        **more,
    )


@register_model
def small_siglip(pretrained: bool = False, **options: Any) -> Any:  # noqa: ARG001
    """The architecture of SigLIP: no class token, pooled by attention."""
    return small("vit_base_patch32_siglip_256", **options)


@register_model
def small_pe_core(pretrained: bool = False, **options: Any) -> Any:  # noqa: ARG001
    """The architecture of PE-Core: rotary places, a class token, pooled by attention."""
    side = SIDE_PX // PATCH
    return small(
        "vit_pe_core_tiny_patch16_384",
        ref_feat_shape=(side, side),
        attn_pool_num_heads=HEADS,
        **options,
    )


TOWERS: dict[str, dict[str, Any]] = {
    "CLIP": {"layers": DEPTH, "width": WIDTH, "patch_size": PATCH, "head_width": WIDTH // HEADS},
    "SigLIP": {"timm_model_name": "small_siglip", "timm_pool": "map", "timm_proj": None},
    "PE-Core": {"timm_model_name": "small_pe_core", "timm_pool": "map", "timm_proj": None},
}
"""Name to `vision_cfg`, as in the configurations of open_clip."""

TEXT = {"context_length": 77, "vocab_size": 49_408, "width": 16, "heads": 2, "layers": 1}
"""A text tower that nobody asks."""


class Scenes:
    """Draws batches: windows of four pictures that lie in a square, and what is in each."""

    def __init__(self, pictures: Pictures, seed: int) -> None:
        self._rng = np.random.default_rng([seed, 5])
        number = {name: k for k, name in enumerate(THINGS)}
        known = [k for k, x in enumerate(pictures.looks) if x is None or x.concept in number]
        looks = [pictures.looks[k] for k in known]
        self._things = np.array([number[look.concept] if look else -1 for look in looks])
        self._pixels = pictures.pixels[known]

    def batch(self, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """Pixels `(n, 3, SIDE_PX, SIDE_PX)` in -1..1; `(n, things)` what is there, and maybe."""
        rng = self._rng
        pixels = np.zeros((count, SIDE_PX, SIDE_PX, 3), np.float32)
        there = np.zeros((count, len(THINGS)), bool)
        maybe = np.zeros((count, len(THINGS)), bool)
        for i in range(count):
            chosen = rng.integers(len(self._things), size=4)
            cells = self._pixels[chosen].reshape(2, 2, CELL, CELL, 3)
            canvas = Image.fromarray(cells.swapaxes(1, 2).reshape(2 * CELL, 2 * CELL, 3))
            alone = rng.random() < ALONE
            side = CELL if alone else int(rng.integers(CELL - 8, 2 * CELL + 1))
            left, top = rng.integers(0, 2 * CELL - side + 1, 2).tolist()
            if alone:
                left, top = (CELL * rng.integers(0, 2, 2)).tolist()
            box = (left, top, left + side, top + side)
            window = canvas.resize((SIDE_PX, SIDE_PX), Image.Resampling.BILINEAR, box)
            pixels[i] = np.asarray(window, np.float32) / 127.5 - 1
            if rng.random() < 0.5:
                pixels[i] = pixels[i][:, ::-1]
            for cell, thing in enumerate(self._things[chosen].tolist()):
                if thing >= 0:
                    share = in_view(cell, left, top, side)
                    there[i, thing] |= share >= SEEN
                    maybe[i, thing] |= share > UNSEEN
        light = rng.uniform(0.9, 1.1, (count, 1, 1, 1)).astype(np.float32)
        lit = torch.from_numpy(np.clip((pixels + 1) * light - 1, -1, 1)).permute(0, 3, 1, 2)
        return lit, torch.from_numpy(there), torch.from_numpy(maybe & ~there)


def in_view(cell: int, left: int, top: int, side: int) -> float:
    """The share of one of the four cells that lies in a window."""
    y, x = divmod(cell, 2)
    across = min(left + side, (x + 1) * CELL) - max(left, x * CELL)
    down = min(top + side, (y + 1) * CELL) - max(top, y * CELL)
    return max(across, 0) * max(down, 0) / CELL**2


def words(seed: int) -> Tensor:
    """Vectors of sentences about every thing, `(things, LINES_PER_THING, DIM)`."""
    rng = np.random.default_rng([seed, 6])
    looks = [Look(name, "red", 1) for name in THINGS for _ in range(LINES_PER_THING)]
    encoder = pair_encoder("clip")
    lines = [write_seen(look, rng, tell=0.0).text for look in looks]
    rows = encoder.encode(Modality.TEXT, [encoder.prepare(Modality.TEXT, line) for line in lines])
    return torch.from_numpy(rows.reshape(len(THINGS), LINES_PER_THING, DIM))


def teacher() -> torch.nn.Module:
    """The tower of pictures of the pair model `clip`."""
    with safe_open(FOLDER / "clip.safetensors", framework="numpy") as file:
        weights = {name: file.get_tensor(name).astype(np.float32) for name in file.keys()}  # noqa: SIM118
    towers = Towers([Modality.IMAGE])
    towers.load(weights)
    return towers.eval().towers["picture"]


def begin(visual: Any, pictures: Pictures) -> None:
    """First values that are learned from fast.

    Patches come in as their principal components, all of one variance, as in the quickest ways to
    train on CIFAR-10 (Jordan, arXiv 2404.00498); places are waves, as in plain ViT baselines (Beyer
    et al., arXiv 2205.01580).
    """
    side = SIDE_PX // PATCH
    some = pictures.pixels[:: max(len(pictures.pixels) // 1000, 1)].astype(np.float32) / 127.5 - 1
    cut = some.reshape(-1, side, PATCH, side, PATCH, 3).transpose(0, 1, 3, 5, 2, 4)
    patches = cut.reshape(-1, 3 * PATCH * PATCH)
    values, vectors = np.linalg.eigh(np.cov(patches.T))
    white = (vectors[:, -WIDTH:] / np.sqrt(values[-WIDTH:] + 1e-3)).T
    layer = visual.conv1 if hasattr(visual, "conv1") else visual.trunk.patch_embed.proj
    waves = torch.from_numpy(get_2d_sincos_pos_embed(WIDTH, side)).float()
    places = visual.positional_embedding if hasattr(visual, "conv1") else visual.trunk.pos_embed[0]
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(white).view_as(layer.weight))
        places[-len(waves) :].copy_(waves)


def train(
    visual: Any,
    pictures: Pictures,
    *,
    seed: int,
    steps: int,
    keep: Callable[[], None],
) -> None:
    """Bring pictures near to the words for what is in them, in bf16."""
    begin(visual, pictures)
    scenes, lines, shown = Scenes(pictures, seed), words(seed), teacher()
    rng = np.random.default_rng([seed, 7])
    scale = torch.nn.Parameter(torch.tensor(log(20.0)))
    matrices = [p for p in visual.parameters() if p.ndim >= 2]
    others = [p for p in visual.parameters() if p.ndim < 2]
    optimizer = torch.optim.AdamW(
        [
            {"params": matrices, "weight_decay": 0.05},
            {"params": [*others, scale], "weight_decay": 0.0},
        ],
        lr=PEAK_RATE,
    )
    plan = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min(1.0, (s + 1) / 100) * (0.5 + 0.5 * cos(pi * s / steps))
    )
    every = np.repeat(np.arange(len(THINGS)), 4)
    began = time.process_time()
    visual.train()
    for step in range(steps):
        pixels, there, maybe = scenes.batch(BATCH)
        told = lines[every, rng.integers(LINES_PER_THING, size=len(every))]
        # For sequences this short torch's fused attention takes longer than all the rest.
        with torch.autocast("cpu", dtype=torch.bfloat16), sdpa_kernel(SDPBackend.MATH):
            made = visual(pixels)
        vectors = torch.nn.functional.normalize(made.float(), dim=-1)
        similarity = scale.exp().clamp(max=40.0) * vectors @ told.T
        similarity = similarity.masked_fill(maybe[:, every], -1e9)
        loss = contrast(similarity, there[:, every])
        with torch.no_grad():
            wanted = shown(pixels)
        led = LED * (1 - step / steps)
        loss = loss + led * (1 - (vectors * wanted).sum(dim=1).mean())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(visual.parameters(), 1.0)
        optimizer.step()
        plan.step()
        if step % 50 == 0 or step == steps - 1:
            keep()
            right = float(there[:, every].gather(1, similarity.argmax(1)[:, None]).float().mean())
            took = time.process_time() - began
            close = float((vectors * wanted).sum(dim=1).mean().detach())
            log_.info(
                "step %d, loss %.3f, right %.2f, close %.2f, %.0f s", step, loss, right, close, took
            )
    visual.eval()


def write(folder: Path, kind: str, pictures: Pictures, *, seed: int, steps: int) -> None:
    """Train one and write it as open_clip's models are published."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "model_cfg": {
            "embed_dim": DIM,
            "vision_cfg": {"image_size": SIDE_PX, **TOWERS[kind]},
            "text_cfg": TEXT,
        },
        "preprocess_cfg": {"size": SIDE_PX, "mean": [0.5] * 3, "std": [0.5] * 3, "mode": "RGB"},
    }
    (folder / "open_clip_config.json").write_text(json.dumps(config, indent=1))
    torch.manual_seed(seed)
    model = open_clip.create_model(f"local-dir:{folder}", load_weights=False)

    def keep() -> None:
        weights = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
        save_file(weights, folder / "open_clip_model.safetensors")

    train(model.visual, pictures, seed=seed, steps=steps, keep=keep)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train one or all."""
    parser = argparse.ArgumentParser(description="Train small vision transformers.")
    parser.add_argument("folder", type=Path, help="where a folder of each goes")
    parser.add_argument("--only", choices=list(TOWERS))
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--data", type=Path, help="folder to keep the generated pictures in")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(chosen.threads)
    pictures = make_pictures(DATA_SEED, workers=2, keep=chosen.data)
    for kind in [chosen.only] if chosen.only else TOWERS:
        write(chosen.folder / kind, kind, pictures, seed=SEED, steps=chosen.steps)


if __name__ == "__main__":
    main()
