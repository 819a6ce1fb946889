"""The tables of docs/reliability.md, made from the raw results.

python -m benchmarks.reliability page
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

FAULTS = {
    "kill -9": "`kill -9` at a random moment of a run",
    "Ctrl-C": "Ctrl-C at a random moment of a run",
    "full disk": "the disk of the library is full (a small tmpfs)",
    "no file may grow": "no file may grow beyond a limit (RLIMIT_FSIZE)",
    "I/O errors": "writing and syncing the catalog fails with EIO",
    "read-only disk": "the library's disk is mounted for reading alone",
    "damaged index file": "an index file is cut, emptied, deleted, swapped, or a bit is flipped",
    "damaged page": "a page of the catalog is overwritten with noise",
    "flipped bit": "one bit of the catalog is flipped",
    "clock jumps": "the clock is wrong by up to ten years, a file's time too",
    "two indexers": "two indexers at once",
    "reader while indexing": "a reader while another process indexes",
    "reader while rebuilding": "a reader while the indexes are made anew",
}
"""What each fault is called in the raw result, and in words."""


def faults_table(result: dict[str, Any]) -> str:
    """Each fault: how often, what was lost or wrong, how long recovery took."""
    lines = [
        "| fault | times | files lost | wrong or damaged after it | recovery, median | longest |",
        "|---|---|---|---|---|---|",
    ]
    for fault in result["faults"]:
        wrong = len(fault["damage"]) + len(fault["differences"])
        lines.append(
            f"| {FAULTS[fault['fault']]} | {fault['times']} | {fault['lost']} | {wrong} "
            f"| {fault['median_s']:.2f} s | {fault['max_s']:.2f} s |"
        )
    return "\n".join(lines)


def ways_table(result: dict[str, Any]) -> str:
    """What the faults met, or how they were noticed."""
    lines = ["| fault | met, or noticed | times |", "|---|---|---|"]
    for fault in result["faults"]:
        if not fault["fault"].startswith("reader"):  # they met nothing but answers
            lines += [
                f"| {FAULTS[fault['fault']]} | {how} | {times} |"
                for how, times in sorted(fault["how"].items())
            ]
    return "\n".join(lines)


def watch_table(result: dict[str, Any]) -> str:
    """How soon changes are searchable."""
    lines = ["| a file is | times | median | longest |", "|---|---|---|---|"]
    lines += [
        f"| {change} | {len(t['all_s'])} | {t['median_s']:.2f} s | {t['max_s']:.2f} s |"
        for change, t in result["changes"].items()
    ]
    burst = result["burst"]
    told = (
        f"{burst['files']:,} files written within {burst['writing_s']:.0f} s were all searchable",
        f"{burst['searchable_after_last_write_s']:.0f} s after the last one; a file that came",
        f"right after them took {burst['a_file_after_it_s']:.1f} s. After all were removed (in",
        f"{burst['removing_s']:.0f} s) none was found any more",
        f"{burst['gone_after_removal_s']:.1f} s later. The process took",
        f"{burst['peak_memory_mb']} MB at most.",
    )
    return "\n".join([*lines, "", *told])


def corpora_table(result: dict[str, Any]) -> str:
    """What became of odd and broken files, by kind and reason, and what only a peer decodes."""
    peers = ", ".join(f"{name} {n}" for name, n in sorted(result["peers"].items()))
    lines = [
        f"{result['files']:,} files in {result['seconds']:.0f} s; crashed or hung: "
        f"{len(result['crashed_or_hung'])}. Decoded by anyseek: {result['decoded_by_us']}; by any "
        f"of Pillow, soundfile and PyAV: {result['decoded_by_any_peer']} ({peers}).",
        "",
        "| became, or why not | files |",
        "|---|---|",
    ]
    for group in ("kinds", "reasons"):
        lines += [f"| {re.sub(r'[|<>]', '/', what)} | {n} |" for what, n in result[group].items()]
    lines += ["", "Decoded by one of them and not by anyseek:", ""]
    lines += [
        f"- `{path}` ({', '.join(facts['peers'])}): {facts['reason']}"
        for path, facts in result["decoded_by_a_peer_and_not_by_us"].items()
    ] or ["- none"]
    return "\n".join(lines)


TABLES = {
    "faults": ("reliability", faults_table),
    "ways": ("reliability", ways_table),
    "watch": ("watch", watch_table),
    "corpora": ("corpora", corpora_table),
}
"""For each mark on the page the raw result and what makes a table of it."""


def filled(page: str, results: Path) -> str:
    """The page with every table whose raw result is there."""
    for mark, (name, table) in TABLES.items():
        path = results / f"{name}.json"
        if path.exists():
            text = table(json.loads(path.read_text()))
            page = re.sub(
                rf"(<!-- {mark} -->\n).*?(<!-- /{mark} -->)",
                lambda found, text=text: f"{found[1]}{text}\n{found[2]}",  # type: ignore[misc]
                page,
                flags=re.DOTALL,
            )
    return page


def write(results: Path, page: Path) -> None:
    """Bring the page up to date."""
    page.write_text(filled(page.read_text(), results))
