"""The indexer: from folders to the library."""
