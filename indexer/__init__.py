"""The indexer: from folders to the library.

with Library.open("my.library") as library:
    summary = index(library, "~/Pictures", "~/Music")
"""

from indexer.progress import Progress, Stage, Summary
from indexer.run import index

__all__ = ["Progress", "Stage", "Summary", "index"]
