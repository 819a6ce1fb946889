"""The one family of errors that anyseek raises on purpose.

    SearchError                 anything a caller may want to catch
    ├── MediaError              one file cannot be read as what it claims to be
    │   └── UnknownMedia        nothing in the file says text, image, audio or video
    ├── QueryError              a query that cannot be answered as it stands
    ├── LibraryError            the library as a whole cannot be used
    │   ├── LibraryNotFound     there is no library at this place
    │   ├── LibraryGone         it was deleted or replaced while it was in use
    │   ├── LibraryLocked       another process is writing to it
    │   ├── LibraryVersion      made by a newer anyseek
    │   ├── LibraryDamaged      the catalog contradicts itself or cannot be read
    │   └── ModelMismatch       made with another model set than the one asked for
    └── ModelError              a model set cannot be loaded
        └── MissingPackage      a package it needs is not installed

Every message is one or two sentences: what is wrong, and what to do next. Anything outside
this family that reaches a user is a bug.
"""


class SearchError(Exception):
    """Base of every error that anyseek raises on purpose."""


class MediaError(SearchError):
    """One file cannot be read as what it claims to be; the message is the reason."""


class UnknownMedia(MediaError):  # noqa: N818 - reads as a sentence where it is raised
    """Nothing in the file's content says text, image, audio or video."""


class QueryError(SearchError):
    """A query that cannot be answered as it stands."""


class LibraryError(SearchError):
    """The library as a whole cannot be used."""


class LibraryNotFound(LibraryError):  # noqa: N818
    """There is no library at this place."""


class LibraryGone(LibraryError):  # noqa: N818
    """The library was deleted or replaced while it was in use."""


class LibraryLocked(LibraryError):  # noqa: N818
    """Another process is writing to the library."""


class LibraryVersion(LibraryError):  # noqa: N818
    """The library was made by a newer anyseek."""


class LibraryDamaged(LibraryError):  # noqa: N818
    """The catalog contradicts itself or cannot be read."""


class ModelMismatch(LibraryError):  # noqa: N818
    """The library was made with another model set than the one asked for."""


class ModelError(SearchError):
    """A model set cannot be loaded."""


class MissingPackage(ModelError):  # noqa: N818
    """A package that is needed is not installed; the message names its pip line."""
