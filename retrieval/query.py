"""What is searched for: one or more terms, each wanted or unwanted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from retrieval.errors import QueryError

Subject: TypeAlias = str | Path | int | npt.NDArray[np.float32]
"""Words, a file, the id of a moment in the library, or a vector. They are told apart by their
type; words that look like a path are words."""


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """One part of a query."""

    subject: Subject
    weight: float = 1.0
    """Negative for what is not wanted."""


class Query:
    """Terms that are searched for together.

    Queries are added, taken away and weighted::

        Query("at night") + 0.5 * Query(Path("beach.jpg")) - Query("people")
    """

    __slots__ = ("terms",)

    def __init__(self, subject: Subject | Query) -> None:
        """Make a query of one term.

        Raises:
            QueryError: the words are empty or the vector is not `(dim,)`.
        """
        self.terms: tuple[Term, ...]
        if isinstance(subject, Query):
            self.terms = subject.terms
            return
        if isinstance(subject, str) and not subject.strip():
            raise QueryError("The query is empty. Give some words, or a file with --file.")
        if isinstance(subject, np.ndarray) and subject.ndim != 1:
            raise QueryError(f"A query vector has shape (dim,), not {subject.shape}.")
        self.terms = (Term(subject),)

    @classmethod
    def of(cls, terms: tuple[Term, ...]) -> Query:
        """A query of these terms."""
        query = cls.__new__(cls)
        query.terms = terms
        return query

    def __add__(self, other: Query) -> Query:
        return Query.of(self.terms + other.terms)

    def __sub__(self, other: Query) -> Query:
        return self + -1.0 * other

    def __mul__(self, weight: float) -> Query:
        return Query.of(tuple(replace(t, weight=t.weight * weight) for t in self.terms))

    __rmul__ = __mul__

    def __repr__(self) -> str:
        return " + ".join(f"{t.weight:g} * Query({t.subject!r})" for t in self.terms)
