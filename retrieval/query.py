"""What is searched for: one or more terms, each wanted or unwanted, together or one of them."""

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


Terms: TypeAlias = tuple[Term, ...]


class Query:
    """Terms that are searched for together, or alternatives of which one is enough.

    Queries are added, taken away and weighted; `|` asks for either::

        Query("at night") + 0.5 * Query(Path("beach.jpg")) - Query("people")
        Query("a dog") | Query(Path("bark.wav"))

    A sum wants all of its terms in one moment. What is taken away holds a moment back as far as it
    matches; several such terms count by the one that matches most.
    """

    __slots__ = ("alternatives",)

    def __init__(self, subject: Subject | Query) -> None:
        """Make a query of one term.

        Raises:
            QueryError: the words are empty or the vector is not `(dim,)`.
        """
        self.alternatives: tuple[Terms, ...]
        if isinstance(subject, Query):
            self.alternatives = subject.alternatives
            return
        if isinstance(subject, str) and not subject.strip():
            raise QueryError("The query is empty. Give some words, or a file with --file.")
        if isinstance(subject, np.ndarray) and subject.ndim != 1:
            raise QueryError(f"A query vector has shape (dim,), not {subject.shape}.")
        self.alternatives = ((Term(subject),),)

    @classmethod
    def of(cls, *alternatives: Terms) -> Query:
        """A query that any of these groups of terms answers."""
        query = cls.__new__(cls)
        query.alternatives = alternatives
        return query

    @property
    def terms(self) -> Terms:
        """The terms of all alternatives, in order."""
        return tuple(term for terms in self.alternatives for term in terms)

    def __add__(self, other: Query) -> Query:
        return Query.of(*(a + b for a in self.alternatives for b in other.alternatives))

    def __sub__(self, other: Query) -> Query:
        unwanted = (-1.0 * other).terms
        return Query.of(*(terms + unwanted for terms in self.alternatives))

    def __or__(self, other: Query) -> Query:
        return Query.of(*self.alternatives, *other.alternatives)

    def __mul__(self, weight: float) -> Query:
        return Query.of(
            *(
                tuple(replace(term, weight=term.weight * weight) for term in terms)
                for terms in self.alternatives
            )
        )

    __rmul__ = __mul__

    def __repr__(self) -> str:
        return " | ".join(
            " + ".join(f"{t.weight:g} * Query({t.subject!r})" for t in terms)
            for terms in self.alternatives
        )
