"""Whether attention points at the thing as well as crops do, in trained vision transformers.

    python benchmarks/train_vits.py FOLDER      some minutes for each of three towers
    python benchmarks/attention_game.py FOLDER

The pointing game of `pointing_game.py`, with crops and with attention of the same tower. A sound is
asked with over the bridge between the pair models.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from PIL import Image
from safetensors.numpy import load_file, save_file

from benchmarks.nine_directions import make_content
from benchmarks.places import Attend, Places, queries_to_queries, values_to_values
from benchmarks.pointing_game import Scene, inside, make_scene, question
from benchmarks.record import record
from benchmarks.train_pairs import FOLDER as PAIRS
from benchmarks.train_pairs import pair_encoder
from benchmarks.train_vits import STEPS, THINGS, TOWERS
from retrieval.bridge import Bridge
from retrieval.calibration import FILE as CALIBRATION
from retrieval.encoders.mini import WINDOWS
from retrieval.encoders.mini.encoder import MiniEncoder
from retrieval.encoders.mini.world.concepts import CONCEPTS
from retrieval.encoders.model_set import ModelSet
from retrieval.encoders.open_clip import CONFIG, WEIGHTS
from retrieval.encoders.two_towers import TwoTowerEncoder
from retrieval.explain import GRID, Explainer, PictureReason, _span, _starts
from retrieval.hubness import FILE as HUBS
from retrieval.hubness import Hubs
from retrieval.library import Library
from retrieval.records import Modality
from retrieval.space import JointSpace
from retrieval.vectors import unit, unit_rows

if TYPE_CHECKING:
    from retrieval.encoders.open_clip_towers import OpenClipTowers
    from retrieval.media.content import Picture
    from retrieval.query import Subject

SEED = 36_000_001
GAMES = 60
WAYS = ("words", "picture", "sound")
SPACE = "pair-clip"
ATTENDING: dict[str, Attend] = {
    "queries to queries": queries_to_queries,
    "values to values": values_to_values,
}
"""What places look at in the last block."""


def tower(folder: Path) -> TwoTowerEncoder:
    """A trained tower as an encoder of pictures in the space of the pair model `clip`."""

    def load() -> OpenClipTowers:
        from retrieval.encoders.open_clip_towers import OpenClipTowers

        return OpenClipTowers(folder, "cpu", "fp32")

    return TwoTowerEncoder(
        name=SPACE,
        dim=128,
        modalities=frozenset({Modality.IMAGE}),
        files=[folder / CONFIG, folder / WEIGHTS[0]],
        settings={},
        precision="fp32",
        load=load,
    )


def model_set(folder: Path, seen: TwoTowerEncoder) -> ModelSet:
    """A tower of pictures, words and sounds of the pair models, and what is fitted for them."""
    folder.mkdir()
    words = {n: t for n, t in load_file(PAIRS / "clip.safetensors").items() if n.startswith("text")}
    save_file(words, folder / "text.safetensors", {"space": SPACE, "name": "words"})
    rng = np.random.default_rng(SEED + 1)
    pictures = [seen.prepare(Modality.IMAGE, scene(rng).picture) for _ in range(200)]
    mean = seen.encode(Modality.IMAGE, pictures).mean(axis=0)
    for file in PAIRS.glob("*.bridge.safetensors"):
        bridge = Bridge.load(file)
        means = {**bridge.means, (SPACE, Modality.IMAGE): mean}
        replace(bridge, means=means).save(folder / file.name)
    (folder / CALIBRATION).write_text((PAIRS / CALIBRATION).read_text())
    encoders = (MiniEncoder(folder / "text.safetensors"), seen, pair_encoder("clap"))
    return ModelSet("pairs", encoders, WINDOWS, folder)


def scene(rng: np.random.Generator) -> Scene:
    """Two of the things that the towers know, as in the pointing game."""
    return make_scene(rng, THINGS)


def accuracy(space: JointSpace) -> float:
    """How often the right name of the eight is nearest to a picture of one thing."""
    rng = np.random.default_rng(SEED + 2)
    every = [thing for thing in THINGS for _ in range(25)]
    shown = space.embed(Modality.IMAGE, [make_content(t, Modality.IMAGE, rng) for t in every])
    names = space.embed(Modality.TEXT, [CONCEPTS[thing].things[0][0] for thing in THINGS])
    best = (shown[SPACE] @ names[SPACE].T).argmax(axis=1)
    return float(np.mean([THINGS[k] == thing for k, thing in zip(best, every, strict=True)]))


class AttentionExplainer(Explainer):
    """Explains pictures by what each of their places says, in squares that cover them."""

    def __init__(self, library: Library, asked: Subject, attend: Attend) -> None:
        """Take a query and what places look at in the last block."""
        super().__init__(library, asked)
        self._attend = attend
        encoder = library.space._encoders[Modality.IMAGE][SPACE]
        self._look = cast("TwoTowerEncoder", encoder).prepare
        towers = cast("OpenClipTowers", cast("TwoTowerEncoder", encoder).towers())
        self._places = Places(towers._model.visual)
        common = library._hubs.bank.queries[SPACE].mean(axis=0)
        self._common = unit(common)

    def picture(self, picture: Picture) -> PictureReason:
        """Where in a picture the query is met."""
        height_px, width_px = picture.shape[:2]
        side = min(height_px, width_px)
        heat, weight = np.zeros((GRID, GRID)), np.zeros((GRID, GRID))
        for top in _starts(height_px, side, side // 2):
            for left in _starts(width_px, side, side // 2):
                down = _span(top / height_px, (top + side) / height_px)
                across = _span(left / width_px, (left + side) / width_px)
                seen = self._seen(picture[top : top + side, left : left + side])
                size = (across.stop - across.start, down.stop - down.start)
                heat[down, across] += np.asarray(seen.resize(size, Image.Resampling.BILINEAR))
                weight[down, across] += 1
        heat /= weight
        return PictureReason(picture, (heat - heat.min()) / np.ptp(heat))

    def _seen(self, square: Picture) -> Image.Image:
        """Evidence of each place of a square, less what the place says to any query."""
        (pixels,) = self._look(Modality.IMAGE, square)
        with torch.inference_mode():
            places = self._places(torch.from_numpy(pixels)[None], self._attend)[0].numpy()
        rows = unit_rows(places.reshape(-1, places.shape[-1]))
        rows = unit_rows(rows - np.outer(rows @ self._common, self._common))
        scoring = self._library.searcher.scoring
        (terms,) = self._alternatives
        evidence = scoring.score_rows(terms, Modality.IMAGE, {SPACE: rows}).evidence
        return Image.fromarray(evidence.reshape(places.shape[:2]).astype(np.float32))


def play_games(kind: str, models: ModelSet, folder: Path) -> list[dict[str, Any]]:
    """All games of one tower in all ways of asking."""
    rng = np.random.default_rng(SEED)
    rows: list[dict[str, Any]] = []
    with Library.open(folder, models=models) as library:
        for _ in range(GAMES):
            shown = scene(rng)
            which = int(rng.integers(2))
            for way in WAYS:
                asked = question(library.space, shown.concepts[which], way, rng)
                points = {"crops": Explainer(library, asked).picture(shown.picture).point}
                for name, attend in ATTENDING.items():
                    explainer = AttentionExplainer(library, asked, attend)
                    points[name] = explainer.picture(shown.picture).point
                hits = {name: inside(point, shown.boxes[which]) for name, point in points.items()}
                left, top, right, bottom = shown.boxes[which]
                area = (right - left) * (bottom - top) / shown.picture[..., 0].size
                asked_for = {"kind": kind, "way": way, "asked": shown.concepts[which]}
                rows.append({**asked_for, **hits, "chance": area})
    return rows


def main() -> None:
    """Play with every tower that is there, write the raw results and print the table."""
    parser = argparse.ArgumentParser(description="Attention against crops.")
    parser.add_argument("folder", type=Path, help="where train_vits.py put the towers")
    parser.add_argument("--trained", default=f"{STEPS} steps", help="how they were trained")
    chosen = parser.parse_args()
    games: list[dict[str, Any]] = []
    right = {}
    with tempfile.TemporaryDirectory() as temporary:
        for kind in TOWERS:
            if not (chosen.folder / kind / WEIGHTS[0]).is_file():
                continue
            models = model_set(Path(temporary) / kind, tower(chosen.folder / kind))
            Hubs(JointSpace(models)).bank.save(Path(temporary) / kind / HUBS)
            right[kind] = accuracy(JointSpace(models))
            games += play_games(kind, models, Path(temporary) / f"{kind} library")
    result = {"trained": chosen.trained, "accuracy": right, "games": games}
    record("attention_game", result, seed=SEED, packages=("torch", "open_clip_torch", "timm"))
    for kind in right:
        for way in WAYS:
            rows = [r for r in games if (r["kind"], r["way"]) == (kind, way)]
            means = {
                n: round(float(np.mean([r[n] for r in rows])), 3) for n in ("crops", *ATTENDING)
            }
            print(kind, way, means)


if __name__ == "__main__":
    main()
