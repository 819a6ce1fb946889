"""anyseek: find anything in a folder by words, by a picture or by a sound."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retrieval.encoders.encoder import Encoder
    from retrieval.encoders.model_set import ModelSet
    from retrieval.errors import SearchError
    from retrieval.library import Library
    from retrieval.query import Query
    from retrieval.records import File, Hit, Kind, Modality, Moment

__all__ = [
    "Encoder",
    "File",
    "Hit",
    "Kind",
    "Library",
    "Modality",
    "ModelSet",
    "Moment",
    "Query",
    "SearchError",
]

_HOMES = {
    "Encoder": "retrieval.encoders.encoder",
    "ModelSet": "retrieval.encoders.model_set",
    "SearchError": "retrieval.errors",
    "Library": "retrieval.library",
    "Query": "retrieval.query",
    **dict.fromkeys(("File", "Hit", "Kind", "Modality", "Moment"), "retrieval.records"),
}
"""Where each name lives. It is imported when it is first asked for, so that a module of this
package can be used without all the others."""


if not TYPE_CHECKING:  # a type checker would take every name for one that is there

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = globals()[name] = getattr(import_module(_HOMES[name]), name)
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
