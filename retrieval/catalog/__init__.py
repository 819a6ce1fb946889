"""The catalog: one SQLite file that holds everything the library knows."""
