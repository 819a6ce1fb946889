"""anyseek: find anything in a folder by words, by a picture or by a sound."""

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
