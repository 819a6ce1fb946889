"""Pictures and tables of docs/quality.md, made from the raw results.

    python benchmarks/quality_page.py

Reads benchmarks/results/*.json, draws the pictures beside them, and writes each table into the page
between its two marks.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

from benchmarks.bridge import table as bridge_table
from benchmarks.calibration_measures import area_under_roc
from benchmarks.films import table as films_table
from benchmarks.standing_out import table as standing_out_table
from benchmarks.words import table as words_table

mpl.use("Agg")
from matplotlib import pyplot as plt

RESULTS = Path(__file__).parent / "results"
PAGE = Path(__file__).parent.parent / "docs" / "quality.md"


def read(name: str) -> dict[str, Any] | None:
    """A raw result, or None if it was not measured yet."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def fairness_table(result: dict[str, Any]) -> str:
    """NDCG@10 of each way to make one list, by size of the library and by what is asked with."""
    ways = ("calibrated", "cosine", "reciprocal rank")
    lines = [
        "| moments | asked with | queries | calibrated | by cosine | reciprocal rank |",
        "|---|---|---|---|---|---|",
    ]
    for size, some in by_size(result["fairness"]):
        for query in ("text", "image", "audio", None):
            rows = [r for r in some if query in (None, r["query"])]
            means = " | ".join(f"{np.mean([r[way] for r in rows]):.3f}" for way in ways)
            lines.append(f"| {size} | {query or 'all'} | {len(rows)} | {means} |")
    return "\n".join(lines)


def by_size(rows: list[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Rows by size of the library, to two digits; a star says that vectors were resampled."""
    sizes = sorted({(float(f"{r['moments']:.1e}"), r["resampled"]) for r in rows})
    return [
        (
            f"{size:,.0f}{'*' if resampled else ''}",
            [
                r
                for r in rows
                if (float(f"{r['moments']:.1e}"), r["resampled"]) == (size, resampled)
            ],
        )
        for size, resampled in sizes
    ]


def hub_table(result: dict[str, Any]) -> str:
    """Recall@1 and skewness without, and with the weight that was chosen."""
    lines = [
        "| words find | moments | chosen weight | recall@1 without | with "
        "| skewness of 10-occurrence without | with |",
        "|---|---|---|---|---|---|---|",
    ]
    rows = {(r["moments"], r["target"], r["weight"]): r for r in result["hubs"]}
    for moments, target in dict.fromkeys((r["moments"], r["target"]) for r in result["hubs"]):
        without = rows[moments, target, 0.0]
        chosen = rows[moments, target, without["chosen"]]
        star = "*" if without["resampled"] else ""
        keys = ("recall_at_1", "skewness_10_occurrence")
        cells = [f"{r[key]:.3f}" for key in keys for r in (without, chosen)]
        lines.append(
            f"| {target} | {moments:,}{star} | {without['chosen']:.2f} | {' | '.join(cells)} |"
        )
    return "\n".join(lines)


def absent_table(result: dict[str, Any]) -> str:
    """How often the default level is right, by size of the library."""
    level = result["level"]
    lines = [
        "| moments | queries | area under ROC: score | best cosine "
        f"| absent, said so (level {level:g}) | present, wrongly said absent "
        "| both errors | at the best level of the row |",
        "|---|---|---|---|---|---|---|---|",
    ]
    sizes = by_size(result["absent"])
    several = [*sizes, ("all", result["absent"])]
    check = result["resampling"]
    several.append((f"{check[0]['moments']:,} from 12 each*", check))
    for size, rows in several:
        present = np.array([[r["score"], r["cosine"]] for r in rows if r["present"]])
        missing = np.array([[r["score"], r["cosine"]] for r in rows if not r["present"]])
        areas = [area_under_roc(present[:, i], missing[:, i]) for i in range(2)]
        said = (missing[:, 0] < level).mean()
        wrongly = (present[:, 0] < level).mean()
        lines.append(
            f"| {size} | {len(rows)} | {areas[0]:.3f} | {areas[1]:.3f} | {said:.3f} "
            f"| {wrongly:.3f} | {1 - said + wrongly:.3f} "
            f"| {least_errors(present[:, 0], missing[:, 0]):.3f} |"
        )
    return "\n".join(lines)


def least_errors(present: np.ndarray, missing: np.ndarray) -> float:
    """Both kinds of error together at the level that suits these very scores best."""
    levels = np.concatenate([present, [np.inf]])
    return float(min((present < level).mean() + (missing >= level).mean() for level in levels))


def composed_table(results: dict[str, dict[str, Any]]) -> str:
    """Mean average precision and precision@1 of every way, over all questions."""
    columns = [(models, world) for models in results for world in results[models]["worlds"]]
    heads = " | ".join(f"{models}, {world}" for models, world in columns)
    lines = [f"| way | {heads} |", "|---|" + "---|" * len(columns)]
    first = next(iter(results.values()))["worlds"]["confirmed on"]
    for way in dict.fromkeys(row["way"] for row in first):
        cells = []
        for models, world in columns:
            rows = [r for r in results[models]["worlds"][world] if r["way"] == way]
            means = [np.mean([r[key] for r in rows]) for key in ("mAP", "precision@1")]
            cells.append(" / ".join(f"{mean:.3f}" for mean in means))
        lines.append(f"| {way} | {' | '.join(cells)} |")
    return "\n".join(lines)


def draw_roc(result: dict[str, Any], path: Path) -> None:
    """ROC of best scores, by size of the library, with the default level marked on each."""
    rows, level = result["absent"], result["level"]
    figure, axes = plt.subplots(figsize=(6.4, 5.4))
    sizes = by_size(rows)
    colours = plt.get_cmap("viridis")(np.linspace(0, 0.9, len(sizes)))
    for (size, some), colour in zip(sizes, colours, strict=True):
        false, true, area = roc(some, "score")
        axes.plot(false, true, color=colour, label=f"{size} moments, area {area:.3f}")
        found = [
            np.mean([r["score"] >= level for r in some if r["present"] is p]) for p in (False, True)
        ]
        axes.plot(*found, "o", color=colour, markeredgecolor="black")
    false, true, area = roc(rows, "cosine")
    axes.plot(false, true, "--", color="#cc3333", label=f"all, raw cosine, area {area:.3f}")
    axes.plot([], [], "o", color="white", markeredgecolor="black", label=f"level {level:g}")
    axes.set(xlim=(0, 0.8), ylim=(0.4, 1.005))
    axes.set_xlabel("share of absent things for which something is found")
    axes.set_ylabel("share of present things for which something is found")
    axes.set_title(f"Is it there at all? ({result['models']})")
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.legend(loc="lower right", fontsize="small")
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def roc(rows: list[dict[str, Any]], key: str) -> tuple[list[float], list[float], float]:
    """Shares of absent and of present things above every level, and the area under the curve."""
    present = np.array([r[key] for r in rows if r["present"]])
    missing = np.array([r[key] for r in rows if not r["present"]])
    levels = np.unique(np.concatenate([present, missing, [-2, 2]]))[::-1]
    shares = [[float((some >= level).mean()) for level in levels] for some in (missing, present)]
    return shares[0], shares[1], area_under_roc(present, missing)


def pointing_table(result: dict[str, Any]) -> str:
    """How often the peak lies on the right thing."""
    lines = [
        "| asked with | games | on the right thing | on the other | chance |",
        "|---|---|---|---|---|",
    ]
    for way in ("words", "picture", "sound"):
        rows = [r for r in result["games"] if r["way"] == way]
        columns = ("hit", "other", "chance")
        means = " | ".join(f"{np.mean([r[column] for r in rows]):.3f}" for column in columns)
        lines.append(f"| {way} | {len(rows)} | {means} |")
    return "\n".join(lines)


def attention_table(result: dict[str, Any]) -> str:
    """The pointing game of trained transformers, by crops and by attention."""
    ways = ("crops", "queries to queries", "values to values", "chance")
    heads = " | ".join(ways)
    lines = [
        f"| tower | right name of eight | asked with | games | {heads} |",
        "|---|---|---|---|" + "---|" * len(ways),
    ]
    for kind, right in result["accuracy"].items():
        for asked in ("words", "picture", "sound"):
            rows = [r for r in result["games"] if (r["kind"], r["way"]) == (kind, asked)]
            means = " | ".join(f"{np.mean([r[way] for r in rows]):.3f}" for way in ways)
            lines.append(f"| {kind} | {right:.3f} | {asked} | {len(rows)} | {means} |")
    return "\n".join(lines)


def explain_time_table(result: dict[str, Any]) -> str:
    """What crops and attention cost, by size of the picture."""
    lines = ["| picture | parts encoded | as shipped | by attention |", "|---|---|---|---|"]
    lines += [
        f"| {r['width_px']} x {r['height_px']} | {r['crops']} | {r['crops_s']:.1f} s "
        f"| {r['attention_s']:.2f} s |"
        for r in result["rows"]
    ]
    return "\n".join(lines)


def put(page: str, mark: str, text: str) -> str:
    """The page with a table between its marks."""
    return re.sub(
        rf"(<!-- {mark} -->\n).*?(<!-- /{mark} -->)",
        lambda found: f"{found[1]}{text}\n{found[2]}",
        page,
        flags=re.DOTALL,
    )


def main() -> None:
    """Write what was measured into the page."""
    page = PAGE.read_text()
    for models in ("mini", "pairs"):
        result = read(f"calibration_{models}")
        if result is not None:
            draw_roc(result, RESULTS / f"absent_{models}.png")
            page = put(page, f"fairness {models}", fairness_table(result))
            page = put(page, f"hubs {models}", hub_table(result))
            page = put(page, f"absent {models}", absent_table(result))
    composed = {m: found for m in ("mini", "pairs") if (found := read(f"composed_{m}"))}
    if composed:
        page = put(page, "composed", composed_table(composed))
    bridge, pointing = read("bridge"), read("pointing_game")
    if bridge is not None:
        for name, world in bridge["worlds"].items():
            page = put(page, f"bridge {name}", bridge_table(world["ways"]))
    if pointing is not None:
        page = put(page, "pointing", pointing_table(pointing))
    attention = read("attention_game")
    if attention is not None:
        page = put(page, "attention", attention_table(attention))
    explained = read("explain_time")
    if explained is not None:
        page = put(page, "explain time", explain_time_table(explained))
    films = read("films")
    if films is not None:
        page = put(page, "films", films_table(films["worlds"]["confirmed on"]))
    standing_out = read("standing_out")
    if standing_out is not None:
        page = put(page, "standing out", standing_out_table(standing_out["models"]))
    words = read("words")
    if words is not None:
        page = put(page, "words", words_table(words))
    PAGE.write_text(page)


if __name__ == "__main__":
    main()
