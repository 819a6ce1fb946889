"""Train the towers of `mini` from nothing.

    python -m retrieval.encoders.mini.train

makes the world's training data, trains, and writes the weights into this package. Everything is
seeded; on another machine or another version of torch the weights differ in their last digits.
"""

from __future__ import annotations

import argparse
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import cos, log, pi
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors.numpy import save_file
from torch import Tensor
from torch.nn import functional

from retrieval.encoders.mini.contrast import Facts, contrast
from retrieval.encoders.mini.preparation import prepare_text
from retrieval.encoders.mini.torch_towers import Towers
from retrieval.encoders.mini.training_data import (
    Pictures,
    Sounds,
    make_pictures,
    make_sounds,
    write_line,
)
from retrieval.encoders.mini.world.concepts import CONCEPTS
from retrieval.encoders.mini.world.sentences import Line, write_anything, write_foreign
from retrieval.records import Modality

if TYPE_CHECKING:
    from collections.abc import Iterable

    from retrieval.encoders.mini.preparation import Grams
    from retrieval.encoders.mini.world.pictures import Look
    from retrieval.encoders.mini.world.sounds import Ring

log_ = logging.getLogger(__name__)

STEPS = 2000
CONCEPTS_PER_STEP = 24
PICTURES_PER_CONCEPT = 4
SOUNDS_PER_CONCEPT = 3
ANYTHINGS_PER_STEP = 40
NOTHINGS_PER_STEP = 12
PEAK_RATE = 2.5e-3
HIGHEST_SCALE = 30.0
WEIGHTS = Path(__file__).with_name("weights.safetensors")

_IMPORTANCE = {
    (Modality.TEXT, Modality.IMAGE): 1.0,
    (Modality.TEXT, Modality.AUDIO): 1.0,
    (Modality.IMAGE, Modality.AUDIO): 1.0,
    (Modality.TEXT, Modality.TEXT): 0.4,
    (Modality.IMAGE, Modality.IMAGE): 0.2,
    (Modality.AUDIO, Modality.AUDIO): 0.2,
}
"""How much each pair of modalities counts in the loss."""


@dataclass(frozen=True)
class Batch:
    """What one step sees, by modality: prepared contents and what is true of them."""

    contents: dict[Modality, Tensor | list[Grams]]
    facts: dict[Modality, Facts]


class Sampler:
    """Draws batches in which every concept comes several times, in a few colours."""

    def __init__(self, pictures: Pictures, sounds: Sounds, seed: int) -> None:
        self._pictures, self._sounds = pictures, sounds
        self._rng = np.random.default_rng([seed, 3])
        self._noise = torch.Generator().manual_seed(seed)
        self._by_colour: dict[tuple[str, str], list[int]] = {}
        for k, look in enumerate(pictures.looks):
            key = (look.concept, look.colour) if look else ("", "")
            self._by_colour.setdefault(key, []).append(k)
        self._by_concept: dict[str, list[int]] = {}
        for k, ring in enumerate(sounds.rings):
            self._by_concept.setdefault(ring.concept if ring else "", []).append(k)
        self._colours = {
            name: [colour for concept, colour in self._by_colour if concept == name]
            for name in CONCEPTS
        }

    def batch(self) -> Batch:
        """Draw the next batch."""
        rng = self._rng
        seen: list[int] = []
        heard: list[int] = []
        for name in rng.choice(list(CONCEPTS), CONCEPTS_PER_STEP, replace=False):
            for colour in rng.choice(self._colours[name], 2, replace=False):
                seen += rng.choice(
                    self._by_colour[name, colour], PICTURES_PER_CONCEPT // 2, replace=False
                ).tolist()
            heard += rng.choice(self._by_concept[name], SOUNDS_PER_CONCEPT, replace=False).tolist()
        looks = [look for look in (self._pictures.looks[k] for k in seen) if look]
        rings = [ring for ring in (self._sounds.rings[k] for k in heard) if ring]
        lines = self._lines(looks, rings)
        seen += rng.choice(self._by_colour["", ""], NOTHINGS_PER_STEP, replace=False).tolist()
        heard += rng.choice(self._by_concept[""], NOTHINGS_PER_STEP, replace=False).tolist()
        return Batch(
            {
                Modality.TEXT: [prepare_text(line.text) for line in lines],
                Modality.IMAGE: self._augmented_pictures(seen),
                Modality.AUDIO: self._augmented_sounds(heard),
            },
            {
                Modality.TEXT: Facts.of(lines),
                Modality.IMAGE: Facts.of([self._pictures.looks[k] for k in seen]),
                Modality.AUDIO: Facts.of([self._sounds.rings[k] for k in heard]),
            },
        )

    def _lines(self, looks: list[Look], rings: list[Ring]) -> list[Line]:
        rng = self._rng
        ring_of = {ring.concept: ring for ring in rings}
        look_of = {look.concept: look for look in looks}
        lines = [write_line(look, ring_of[look.concept], rng, seen=True) for look in looks]
        lines += [write_line(look_of[ring.concept], ring, rng, seen=False) for ring in rings]
        scenes = [*looks, *rings]
        chosen = rng.choice(len(scenes), ANYTHINGS_PER_STEP, replace=False)
        lines += [write_anything(scenes[k], rng) for k in chosen]
        return lines + [write_foreign(rng) for _ in range(2 * NOTHINGS_PER_STEP)]

    def _augmented_pictures(self, numbers: list[int]) -> Tensor:
        """Shift, mirror, relight and add noise."""
        pixels = torch.from_numpy(self._pictures.pixels[numbers]).permute(0, 3, 1, 2).float()
        pixels = pixels / 127.5 - 1
        side = pixels.shape[2]
        padded = functional.pad(pixels, (5, 5, 5, 5), mode="replicate")
        moved = torch.empty_like(pixels)
        for k, (dy, dx) in enumerate(self._rng.integers(0, 11, (len(numbers), 2)).tolist()):
            moved[k] = padded[k, :, dy : dy + side, dx : dx + side]
        mirror = torch.from_numpy(self._rng.random(len(numbers)) < 0.5)
        moved[mirror] = moved[mirror].flip(3)
        light = self._uniform(len(numbers), 0.9, 1.1)[:, None, None, None]
        grain = torch.randn(moved.shape, generator=self._noise)
        grain *= self._uniform(len(numbers), 0.0, 0.06)[:, None, None, None]
        return ((moved + 1) * light - 1 + grain).clamp(-1, 1)

    def _augmented_sounds(self, numbers: list[int]) -> Tensor:
        """Begin anywhere, hide a stretch of time and a band, raise the noise floor."""
        mels = self._sounds.log_mels[numbers].astype(np.float32)
        for mel in mels:
            mel[:] = np.roll(mel, int(self._rng.integers(len(mel))), axis=0)
            if self._rng.random() < 0.4:
                start, length = int(self._rng.integers(len(mel))), int(self._rng.integers(4, 24))
                mel[start : start + length] = -1
            if self._rng.random() < 0.4:
                start, width = int(self._rng.integers(mel.shape[1])), int(self._rng.integers(2, 7))
                mel[:, start : start + width] = -1
        floor = self._uniform(len(numbers), -1.3, -0.1)[:, None, None]
        raised = torch.from_numpy(mels)
        grain = 0.05 * torch.randn(raised.shape, generator=self._noise)
        return torch.maximum(raised, floor + grain).clamp(-1, 1).permute(0, 2, 1)

    def _uniform(self, count: int, low: float, high: float) -> Tensor:
        return torch.from_numpy(self._rng.uniform(low, high, count).astype(np.float32))


def train(
    modalities: Iterable[Modality], pictures: Pictures, sounds: Sounds, *, seed: int, steps: int
) -> Towers:
    """Train towers for some modalities into one space."""
    torch.manual_seed(seed)
    chosen = sorted(modalities)
    towers = Towers(chosen)
    scale = torch.nn.Parameter(torch.tensor(log(12.0)))
    table = [p for n, p in towers.named_parameters() if n.endswith("table.weight")]
    others = [p for n, p in towers.named_parameters() if not n.endswith("table.weight")]
    optimizer = torch.optim.AdamW(
        [
            {"params": table, "lr": 5 * PEAK_RATE, "weight_decay": 0.0},
            {"params": others, "lr": PEAK_RATE, "weight_decay": 0.02},
            {"params": [scale], "lr": PEAK_RATE, "weight_decay": 0.0},
        ]
    )
    plan = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps))
    sampler = Sampler(pictures, sounds, seed)
    started = time.monotonic()
    with ThreadPoolExecutor(1) as ahead:
        upcoming = ahead.submit(sampler.batch)
        for step in range(steps):
            batch, upcoming = upcoming.result(), ahead.submit(sampler.batch)
            loss = _loss(towers, batch, scale.exp().clamp(max=HIGHEST_SCALE), chosen)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            plan.step()
            if step % 25 == 0 or step == steps - 1:
                took_s = time.monotonic() - started
                log_.info("step %d of %d, loss %.3f, %.0f s", step, steps, loss.item(), took_s)
    return towers.eval()


def save(towers: Towers, path: Path, facts: dict[str, str]) -> None:
    """Write the weights as float16 safetensors, with `facts` in the header."""
    halves = {name: matrix.astype(np.float16) for name, matrix in towers.export().items()}
    save_file(halves, path, metadata=facts)


def _loss(towers: Towers, batch: Batch, scale: Tensor, modalities: list[Modality]) -> Tensor:
    names = {Modality.TEXT: "text", Modality.IMAGE: "picture", Modality.AUDIO: "sound"}
    vectors = {m: towers.towers[names[m]](batch.contents[m]) for m in modalities}
    total = torch.zeros(())
    for (a, b), importance in _IMPORTANCE.items():
        if a in vectors and b in vectors:
            facts = batch.facts
            right = facts[a].agree(facts[b])
            if a == b:
                same = facts[a].same_concept(facts[b])
                right = right & same if a == Modality.TEXT else same
            similarity = scale * vectors[a] @ vectors[b].T
            total = total + importance * contrast(similarity, right, without_self=a == b)
    return total


def _rate(step: int, steps: int) -> float:
    """Warm up over 50 steps, then fall along a cosine to nothing."""
    return min(1.0, (step + 1) / 50) * (0.5 + 0.5 * cos(pi * step / steps))


def main() -> None:
    """Train all three towers and write their weights."""
    parser = argparse.ArgumentParser(description="Train the towers of mini from nothing.")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--data", type=Path, help="folder to keep the generated data in")
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(chosen.threads)
    started = time.monotonic()
    pictures = make_pictures(chosen.seed, workers=chosen.threads, keep=chosen.data)
    sounds = make_sounds(chosen.seed, workers=chosen.threads, keep=chosen.data)
    log_.info(
        "%d pictures and %d sounds made in %.0f s",
        len(pictures.looks),
        len(sounds.rings),
        time.monotonic() - started,
    )
    towers = train(list(Modality), pictures, sounds, seed=chosen.seed, steps=chosen.steps)
    save(towers, chosen.out, {"space": "mini", "name": "mini:joint", "seed": str(chosen.seed)})
    log_.info("done after %.0f s: %s", time.monotonic() - started, chosen.out)


if __name__ == "__main__":
    main()
