"""Libraries of made vectors at any size, for measuring a query without encoding a collection.

Made through the library's own transactions, a content and a file for each moment, with clustered
vectors in the space of `mini`. They are kept below the temporary folder.
"""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.clustered import ClusteredWorld
from benchmarks.generated_library import KEPT
from retrieval.catalog.new_content import EncodedMoment, FileState, NewContent
from retrieval.encoders.model_set import ModelSet, load_model_set
from retrieval.library import Library
from retrieval.records import Kind, Modality, Moment
from retrieval.space import JointSpace

SEED = 0
BATCH = 2_000
FOLDER_FILES = 200
SHARES = {Modality.IMAGE: 0.6, Modality.AUDIO: 0.2, Modality.TEXT: 0.2}


def query_library(
    moments: int, models: ModelSet | None = None, *, modalities: dict[Modality, float] = SHARES
) -> Path:
    """The folder of a library with so many moments; made if it is not there yet."""
    chosen = models or load_model_set("mini")
    shares = "-".join(f"{m}{share:g}" for m, share in modalities.items())
    folder = KEPT / f"query-{chosen.name}-{moments}-{shares}"
    if (folder / "whole").exists():
        return folder / "library"
    begun = time.perf_counter()
    with Library.open(folder / "library", models=chosen) as library:
        space = library.space
        with library.catalog.transaction() as transaction:
            root = transaction.add_root("photos", str(folder / "files"))
        for modality, share in modalities.items():
            _fill(library, space, modality, root, round(moments * share))
        library.refresh()
    (folder / "whole").write_text(f"{time.perf_counter() - begun:.0f} s\n")
    return folder / "library"


def _fill(library: Library, space: JointSpace, modality: Modality, root: int, count: int) -> None:
    worlds = {
        name: ClusteredWorld(count, space.dims[name], SEED) for name in space.spaces_of(modality)
    }
    kind = Kind(modality.value)
    for start in range(0, count, BATCH):
        n = min(BATCH, count - start)
        rows = {name: world.rows(n) for name, world in worlds.items()}
        with library.catalog.transaction() as transaction:
            for i in range(n):
                number = start + i
                blocks = {name: matrix[i] for name, matrix in rows.items()}
                words = f"passage {number}" if modality is Modality.TEXT else None
                moment = EncodedMoment(Moment(modality, text=words), blocks)
                content = NewContent(f"{modality}-{number}", kind, [moment])
                path = f"{modality}/{number // FOLDER_FILES:05}/{number:07}.{modality}"
                transaction.add(root, path, FileState(100_000, number), content)
