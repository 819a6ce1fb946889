"""Whether an explanation points at the thing: the pointing game on generated pictures.

    python benchmarks/pointing_game.py

Each picture shows two different things in two different places; the query is about one of them, as
words, as another picture or as its sound. A hit is a peak inside the box of the right thing. Chance
is the share of the picture that the right box covers.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from benchmarks.generated_models import generated_space
from benchmarks.nine_directions import machine, make_content
from retrieval.drawing import draw_heat
from retrieval.encoders.mini.world.concepts import CONCEPTS
from retrieval.encoders.mini.world.pictures import COLOURS, Look, draw
from retrieval.explain import Explainer
from retrieval.library import Library
from retrieval.records import Modality

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrieval.media.content import Picture
    from retrieval.query import Subject
    from retrieval.space import JointSpace

RESULTS = Path(__file__).parent / "results"
SEED = 35_000_001
GAMES = 60
SIDE_PX = 96


@dataclass(frozen=True)
class Scene:
    """A picture of two things."""

    picture: Picture
    concepts: tuple[str, str]
    boxes: tuple[tuple[int, int, int, int], tuple[int, int, int, int]]
    """Left, top, right, bottom in pixels, the last two exclusive."""


def make_scene(rng: np.random.Generator, concepts: Sequence[str] = tuple(CONCEPTS)) -> Scene:
    """Two pictures side by side or one above the other, in either order."""
    first, second = rng.choice(list(concepts), 2, replace=False)
    halves = [
        draw(
            Look(str(c), str(rng.choice(list(COLOURS))), 1),
            rng,
            width_px=SIDE_PX,
            height_px=SIDE_PX,
        )
        for c in (first, second)
    ]
    beside = bool(rng.random() < 0.5)
    picture = np.concatenate([half.picture for half in halves], axis=1 if beside else 0)
    dx, dy = (SIDE_PX, 0) if beside else (0, SIDE_PX)
    left, top, right, bottom = halves[1].boxes[0]
    moved = (left + dx, top + dy, right + dx, bottom + dy)
    return Scene(picture, (str(first), str(second)), (halves[0].boxes[0], moved))


def inside(point: tuple[int, int], box: tuple[int, int, int, int]) -> bool:
    """Whether a point lies in a box."""
    left, top, right, bottom = box
    return left <= point[0] < right and top <= point[1] < bottom


def question(space: JointSpace, concept: str, way: str, rng: np.random.Generator) -> Subject:
    """A query about a concept: words, or a joint vector of a picture or a sound."""
    if way == "words":
        return CONCEPTS[concept].things[0][0]
    modality = Modality.IMAGE if way == "picture" else Modality.AUDIO
    return np.asarray(space.joint(modality, [make_content(concept, modality, rng)])[0])


def play_games(space: JointSpace, folder: Path, drawn: Path) -> list[dict[str, Any]]:
    """All games in all ways of asking, and a drawing of the first few."""
    rng = np.random.default_rng(SEED)
    rows = []
    panels = []
    with Library.open(folder, models=space.model_set) as library:
        for game in range(GAMES):
            scene = make_scene(rng)
            which = int(rng.integers(2))
            concept = scene.concepts[which]
            for way in ("words", "picture", "sound"):
                reason = Explainer(library, question(space, concept, way, rng)).picture(
                    scene.picture
                )
                x, y = reason.point
                hits = [x0 <= x < x1 and y0 <= y < y1 for x0, y0, x1, y1 in scene.boxes]
                left, top, right, bottom = scene.boxes[which]
                area = (right - left) * (bottom - top) / scene.picture[..., 0].size
                rows.append(
                    {
                        "way": way,
                        "asked": concept,
                        "beside": scene.concepts[1 - which],
                        "hit": hits[which],
                        "other": hits[1 - which],
                        "chance": area,
                    }
                )
                if game < 4 and way != "picture":
                    panels.append(draw_heat(reason).resize((320, 320)))
    sheet = Image.new("RGB", (320 * 4, 320 * 2), "white")
    for i, panel in enumerate(panels[:8]):
        sheet.paste(panel, (320 * (i // 2), 320 * (i % 2)))
    sheet.save(drawn)
    return rows


def main() -> None:
    """Play, write the raw results and print the table."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "").parse_args()
    RESULTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        rows = play_games(
            generated_space("mini"), Path(folder) / "lib", RESULTS / "pointing_game.png"
        )
    result = {**machine(), "seed": SEED, "models": "mini", "games": rows}
    (RESULTS / "pointing_game.json").write_text(json.dumps(result, indent=1) + "\n")
    for way in ("words", "picture", "sound"):
        some = [row for row in rows if row["way"] == way]
        print(
            way,
            *(f"{key} {np.mean([r[key] for r in some]):.3f}" for key in ("hit", "other", "chance")),
        )


if __name__ == "__main__":
    main()
