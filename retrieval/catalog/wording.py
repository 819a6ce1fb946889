"""A wording: what a person typed, as words and phrases that can be looked up.

What stands between quotation marks is one phrase and found as it stands; every other word is found
by its beginning too. Each is a set of runs of tokens (`IMG_2041` is `img 2041` or `img2041`), and
only tokens, which hold letters and digits alone, ever come near FTS5's query language.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from math import sqrt

from retrieval.catalog.tokens import UNSPACED, humps_apart, joined_tokens, tokens

QUOTED = re.compile(r'"([^"]*)"|“([^”]*)”|„([^“”]*)[“”]|«([^»]*)»')
MOST_WORDS = 32
"""More are not looked up; they are for the vectors alone."""
REMEMBERED = 16
"""Wordings of late that are remembered: one search reads its words in several places."""
LEAST_PREFIX = 3
"""Characters that the beginning of a word has at least."""
IN_UNSPACED = re.compile(f"[{UNSPACED}]")


@dataclass(frozen=True, slots=True)
class Word:
    """A word or a phrase, as runs of tokens of which any may be found."""

    runs: tuple[tuple[str, ...], ...]
    quoted: bool

    @property
    def length(self) -> int:
        """Characters of its tokens."""
        return sum(map(len, self.runs[0]))

    def match(self) -> str:
        """In FTS5's query language."""
        return f"({' OR '.join(_run(run, self._open(run)) for run in self.runs)})"

    def share_in(self, row: str) -> float:
        """How much of the word stands in a row of tokens with blanks around each, 0..1.

        1 for the whole word. Where it is the beginning of a longer one, the square root of its
        share in that: `IMG_20` has most of `IMG_2041`, `art` little of `articulation`.
        """
        best = 0.0
        for run in self.runs:
            sought = f" {' '.join(run)}"
            if f"{sought} " in row:
                return 1.0
            at = row.find(sought) if self._open(run) else -1
            while at >= 0:
                best = max(best, sqrt(len(sought) / (row.index(" ", at + len(sought)) - at)))
                at = row.find(sought, at + 1)
        return best

    def _open(self, run: tuple[str, ...]) -> bool:
        """Whether the last token may go on."""
        last = run[-1]
        return not self.quoted and len(last) >= LEAST_PREFIX and not IN_UNSPACED.search(last)


@dataclass(frozen=True, slots=True)
class Wording:
    """Everything that was typed."""

    words: tuple[Word, ...]

    @classmethod
    @lru_cache(maxsize=REMEMBERED)
    def of(cls, text: str) -> Wording:
        """Read what was typed; what holds no letter and no digit is passed over."""
        found: list[Word] = []
        at = 0
        for match in QUOTED.finditer(text):
            found += _plain(text[at : match.start()])
            if run := tuple(tokens(next(filter(None, match.groups()), ""))):
                found.append(Word((run,), quoted=True))
            at = match.end()
        found += _plain(text[at:])
        return cls(tuple(dict.fromkeys(found))[:MOST_WORDS])

    @property
    def phrases(self) -> tuple[str, ...]:
        """What was quoted, in FTS5's query language."""
        return tuple(word.match() for word in self.words if word.quoted)


def unquoted(text: str) -> str:
    """What was typed without quotation marks, as an encoder should see it."""
    return QUOTED.sub(lambda m: f" {next(filter(None, m.groups()), '')} ", text).strip() or text


def _plain(text: str) -> list[Word]:
    """Words between blanks."""
    found = []
    for chunk in text.split():
        runs = (tokens(humps_apart(chunk)), tokens(chunk), [joined_tokens(chunk)])
        if runs[0]:
            found.append(Word(tuple(dict.fromkeys(map(tuple, runs))), quoted=False))
    return found


def _run(run: tuple[str, ...], is_open: bool) -> str:
    return f'"{" ".join(run)}"{" *" if is_open else ""}'


def any_of(words: tuple[Word, ...]) -> str:
    """At least one of the words, in FTS5's query language."""
    return " OR ".join(word.match() for word in words)


def all_of(words: tuple[Word, ...]) -> str:
    """All of the words, in FTS5's query language."""
    return " AND ".join(word.match() for word in words)


def row_of(*texts: list[str]) -> str:
    """A row of tokens with blanks around each, for `Word.share_in`."""
    return f" {' '.join(chain.from_iterable(texts))} "
