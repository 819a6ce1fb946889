"""What is raised when an index cannot be used; no error of the family a caller sees."""


class IndexDamaged(Exception):  # noqa: N818 - caught where it can be mended, by a rebuild
    """An index file cannot be used; the catalog still has everything."""
