"""What a library takes that is only open: seconds to open it, and memory before and after a search.

    python -m benchmarks.at_rest FOLDER "words to search for"

For `benchmarks.query`, which runs it as a process of its own. The model set is loaded before
anything is measured, since it is the same for every size.
"""

from __future__ import annotations

import json
import sys
import time

from benchmarks.index_kinds import memory
from retrieval import Library
from retrieval.encoders.model_set import load_model_set
from retrieval.vector_index import faiss


def main() -> None:
    """Measure and print JSON."""
    folder, words = sys.argv[1:]
    faiss()
    models = load_model_set("mini")
    with Library.open(folder, models=models) as library:
        library.space.embed_query(words)
    begun, before = time.perf_counter(), memory()
    with Library.open(folder, models=models) as library:
        opened = time.perf_counter() - begun
        held = memory()
        begun = time.perf_counter()
        library.search(words)
        first = time.perf_counter() - begun
        after = memory()
    found = {
        "open_ms": 1e3 * opened,
        "first_search_ms": 1e3 * first,
        "opened_mb": held[0] - before[0],
        "after_one_search_mb": after[0] - before[0],
        "after_one_search_anonymous_mb": after[1] - before[1],
        "process_mb": after[0],
    }
    print(json.dumps({name: round(value, 2) for name, value in found.items()}))


if __name__ == "__main__":
    main()
