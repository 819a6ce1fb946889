"""`anyseek status`, `verify` and `rebuild`: the library as a whole."""

from time import perf_counter
from typing import TYPE_CHECKING

import typer

from .amounts import counted, size
from .harmless import harmless
from .place import Device, DeviceOption, LibraryOption, ModelsOption, existing
from .program import complain
from .terminal import say, show
from .wishes import MemoryOption, RecallOption, ask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from retrieval.own_bridges import OwnBridge
    from retrieval.records import Kind, Modality
    from retrieval.stats import Stats
    from retrieval.vector_index import IndexStatus


def status(library: LibraryOption = None) -> None:
    """Say where the library is, what it holds and what made it.

    For example: anyseek status --library anyseek-demo/library
    """
    with existing(library) as opened:
        from retrieval.own_bridges import described

        stats = opened.stats()
        wish = opened.indexes.wish
        indexes = opened.indexes.describe()
        bridges = [("bridge", _bridge(one)) for one in described(opened.path)]
    from rich.table import Table

    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    asked = f"recall {wish.recall:g}"
    if wish.memory is not None:
        asked += f", at most {size(wish.memory)} in memory"
    indexed = [(f"{one.space} {one.modality}", _told(one)) for one in indexes]
    for name, value in [*_facts(stats), ("asked", asked), *indexed, *bridges]:
        grid.add_row(name, value)
    show(grid)


def verify(
    models: ModelsOption = None,
    device: DeviceOption = Device.AUTO,
    library: LibraryOption = None,
) -> None:
    """Check that catalog, indexes and a sample of the files agree.

    Exit code 1 says that they do not; the indexes can be made anew with: anyseek rebuild

    For example: anyseek verify --library anyseek-demo/library
    """
    started_s = perf_counter()
    with existing(library, models, device) as opened:
        problems = opened.verify()
    for problem in problems:
        show(harmless(problem))
    if problems:
        complain(f"{counted(len(problems), 'problem')} found.")
        raise typer.Exit(1)
    say(f"All is well. Checked in {perf_counter() - started_s:.1f} s.")


def rebuild(
    recall: RecallOption = None, memory: MemoryOption = None, library: LibraryOption = None
) -> None:
    """Make the search indexes anew; no file is read again.

    For example: anyseek rebuild --library anyseek-demo/library
    """
    started_s = perf_counter()
    with existing(library) as opened:
        ask(opened, recall, memory)
        opened.rebuild()
        moments = sum(opened.stats().counts.moments.values())
    say(
        f"Made the indexes of {counted(moments, 'moment')} anew "
        f"in {perf_counter() - started_s:.1f} s."
    )


def _facts(stats: "Stats") -> list[tuple[str, str]]:
    counts = stats.counts
    facts = [
        ("library", harmless(str(stats.path))),
        ("on disk", size(stats.bytes)),
        ("model set", f"{stats.models} ({stats.fingerprint[:12]})"),
        ("roots", ", ".join(harmless(root.name) for root in stats.roots) or "none"),
        ("files", _listed(counts.files)),
        ("moments", _listed(counts.moments)),
    ]
    if counts.missing:
        facts.append(("missing", f"{counts.missing:,}  (search --missing shows them)"))
    if counts.not_media:
        facts.append(("not media", f"{counts.not_media:,}  (anyseek failures --all lists them)"))
    if counts.failed:
        facts.append(("failed", f"{counts.failed:,}  (anyseek failures says why)"))
    return facts


def _told(index: "IndexStatus") -> str:
    """What an index is, why, and what it was measured to find."""
    told = f"{index.kind}: {index.why}"
    if index.recall_own is None or index.recall_off is None:
        return told
    return (
        f"{told}; finds {index.recall_own:.1%} of the nearest to its own moments and "
        f"{index.recall_off:.1%} to queries of other kinds, "
        f"with 95 % confidence at least {index.recall_bound:.1%}, in {index.search_ms:.1f} ms, "
        f"with {size(index.code_bytes)} in memory"
    )


def _bridge(one: "OwnBridge") -> str:
    return (
        f"between {' and '.join(one.spaces)}, improved by {counted(one.pairs, 'moment')} of your "
        f"films: mean reciprocal rank of others' sounds {one.after:.2f}, before {one.before:.2f}"
    )


def _listed(counts: "Mapping[Kind, int] | Mapping[Modality, int]") -> str:
    parts = [f"{n:,} {name}" for name, n in sorted(counts.items())]
    return ", ".join(parts) or "none"
