"""Tables and plots of what `benchmarks.index_kinds` measured, made from its raw results."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.record import RESULTS
from retrieval.vector_index.plan import codes_ms
from retrieval.vector_index.policy import Choice

BANDWIDTH_GB_S = 20.0
"""What one thread reads from memory on a machine like the one measured; the line in the plot."""

LEAST_ROWS = 10_000
"""Fewer are in the table and the plot of latency only: every index finds all of so few."""

Result = dict[str, Any]


def show() -> None:
    """Print the tables and write the plots."""
    results = sorted(
        (json.loads(path.read_text()) for path in RESULTS.glob("index_*.json")),
        key=lambda result: result["rows"],
    )
    for result in results:
        print("\n".join(table(result)), end="\n\n")
    filters = sorted(
        (json.loads(path.read_text()) for path in RESULTS.glob("filters_*.json")),
        key=lambda result: result["rows"],
    )
    print("\n".join([*model_table(filters), "", *filter_table(filters)]))
    draw(results)


def model_table(results: list[Result]) -> list[str]:
    """What `benchmarks.index_filters` measured beside what the cost model says."""
    lines = [
        "| moments | kind | lists looked into | build s | codes MB | recall, own / off the data | "
        "model ms | measured ms | opening ms | memory when opened / after one search, MB |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for result in results:
        choice, effort, rest = Choice(**result["choice"]), result["effort"], result["at_rest"]
        model = codes_ms(
            result["rows"],
            result["dim"],
            choice.sub_dim,
            share=effort["probes"] / choice.lists,
            probes=effort["probes"],
            look=effort["look_few"],
        )
        cells = [f"{result['rows']:,}", choice.kind, f"{effort['probes']} of {choice.lists}"]
        cells += [f"{result['build_s']:.0f}", f"{result['code_mb']:.0f}"]
        cells += [f"{effort['recall_own']:.3f} / {effort['recall_off']:.3f}"]
        cells += [f"{model:.1f}", f"{result['unfiltered_ms']:.1f}", f"{rest['open_ms']:.0f}"]
        cells += [f"{rest['opened_mb']:.1f} / {rest['after_one_search_anonymous_mb']:.0f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def filter_table(results: list[Result]) -> list[str]:
    """Every selectivity."""
    lines = [
        "| moments | allowed | way | its codes gathered after searches | recall@10 | ms | "
        "with a set it did not know, ms | an exact scan of the set, ms | without a filter, ms |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for result in results:
        for found in result["filters"]:
            gathered = found["gathered"]
            cells = [f"{result['rows']:,}", f"{found['share']:.2%}", found["first_plan"]["way"]]
            cells.append(f"{gathered['after']} in {gathered['ms']:.0f} ms" if gathered else "")
            names = ("ms", "new_set_ms", "set_scan_ms", "unfiltered_ms")
            cells += [f"{found['recall']:.3f}", *(f"{found[name]:.2f}" for name in names)]
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def table(result: Result) -> list[str]:
    """One size as Markdown, the fastest first."""
    lines = [
        f"{title(result)}, recall@{result['k']} >= {result['goal']}",
        "",
        "| index | recall | p50 ms | p95 ms | queries/s (batches of 64) | build s | "
        "memory of its own MB | with mapped pages MB | disk MB | open ms |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    peers = result["peers"].items()
    for name, found in sorted(peers, key=lambda item: item[1].get("p50_ms", 1e9)):
        if "error" in found:
            lines.append(f"| {name} | {found['error']} |" + " |" * 8)
            continue
        shown = f"**{name}**" if name == "anyseek" else name
        recall = f"{found['recall']:.4f}" + ("" if found["recall"] >= result["goal"] else " (!)")
        cells = [shown, recall, f"{found['p50_ms']:.2f}", f"{found['p95_ms']:.2f}"]
        cells += [f"{found['batch_qps']:,.0f}", f"{found['build_s']:.1f}"]
        sizes = ("anonymous_mb", "resident_mb", "disk_mb", "open_ms")
        cells += [f"{found[key]:.0f}" for key in sizes]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def draw(results: list[Result]) -> None:
    """Two plots: recall against rate for each collection, and latency against size."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    names = list(dict.fromkeys(name for result in results for name in result["peers"]))
    looks = {
        name: {
            "label": name,
            "color": plt.get_cmap("tab20")(i),
            "marker": "*" if name == "anyseek" else "o",
            "markersize": 16 if name == "anyseek" else 6,
        }
        for i, name in enumerate(names)
    }
    curves = [result for result in results if result["rows"] >= LEAST_ROWS]
    figure, axes = plt.subplots(1, len(curves), figsize=(6 * len(curves) + 2, 5.5), squeeze=False)
    for axis, result in zip(axes[0], curves, strict=True):
        recall_plot(axis, result, looks)
    figure.legend(*legend_of(axes[0]), fontsize=8, loc="center right")
    figure.tight_layout(rect=(0, 0, 1 - 1.8 / (6 * len(curves) + 2), 1))
    figure.savefig(RESULTS / "index_recall.png", dpi=110)
    by_dim: dict[int, list[Result]] = {}
    for result in results:
        if result.get("made", True):
            by_dim.setdefault(result["dim"], []).append(result)
    several = {dim: some for dim, some in by_dim.items() if len(some) > 1}
    figure, axes = plt.subplots(1, len(several), figsize=(7 * len(several) + 2, 6), squeeze=False)
    for axis, (dim, some) in zip(axes[0], several.items(), strict=True):
        latency_plot(axis, dim, some, looks)
    figure.legend(*legend_of(axes[0]), fontsize=8, loc="center right")
    figure.tight_layout(rect=(0, 0, 1 - 2.2 / (7 * len(several) + 2), 1))
    figure.savefig(RESULTS / "index_latency.png", dpi=110)


def recall_plot(axis: Any, result: Result, looks: dict[str, dict[str, Any]]) -> None:
    """What each index finds, and how many queries a second it answers for it."""
    for name, found in result["peers"].items():
        curve = found.get("curve", [])
        if curve:
            rates = [1e3 / point["p50_ms"] for point in curve]
            axis.plot([point["recall"] for point in curve], rates, **looks[name])
    axis.axvline(result["goal"], color="grey", linestyle=":")
    axis.set(
        title=title(result),
        yscale="log",
        xlabel=f"recall@{result['k']}",
        ylabel="single queries a second (from the median)",
    )
    axis.grid(visible=True, alpha=0.3)


def latency_plot(
    axis: Any, dim: int, results: list[Result], looks: dict[str, dict[str, Any]]
) -> None:
    """The median of a single query at each size, beside reading all vectors once."""
    for name, look in looks.items():
        points = [
            (result["rows"], result["peers"][name]["p50_ms"])
            for result in results
            if "p50_ms" in result["peers"].get(name, {})
        ]
        if points:
            axis.plot(*zip(*points, strict=True), **look)
    span = [results[0]["rows"], results[-1]["rows"]]
    floor = [n * 4 * dim / BANDWIDTH_GB_S / 1e6 for n in span]
    label = f"reading all vectors at {BANDWIDTH_GB_S:.0f} GB/s"
    axis.plot(span, floor, "k--", linewidth=1, label=label)
    axis.set(
        title=f"latency against size, {dim} dimensions",
        xscale="log",
        yscale="log",
        xlabel="vectors",
        ylabel="p50 of a single query, ms",
    )
    axis.grid(visible=True, alpha=0.3)


def legend_of(axes: Any) -> tuple[list[Any], list[str]]:
    """Each line of several plots, once."""
    found: dict[str, Any] = {}
    for axis in axes:
        found |= {
            label: line for line, label in zip(*axis.get_legend_handles_labels(), strict=True)
        }
    return list(found.values()), list(found)


def title(result: Result) -> str:
    """How many vectors of which kind."""
    made = "" if result.get("made", True) else ", true vectors"
    return f"{result['rows']:,} x {result['dim']}{made}"


if __name__ == "__main__":
    show()
