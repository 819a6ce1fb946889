"""A filter over what is known of files, as a person types it.

    year >= 2023 and (camera ~ "Pixel" or not kind = image)

    filter      = all { "or" all }
    all         = one { "and" one }
    one         = "not" one | "(" filter ")" | comparison
    comparison  = fact ("=" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "contains") value
    value       = word | "text" | 'text'

Text is compared without regard to case; `~` and `contains` look for a part of it. Times are
compared as exactly as the value is given: `taken = 2023-05` is all of May. `folder` is the path of
the folder below its root, such as `holiday/2021`, and `root` the root's name. A comparison with
something that a file does not state is false, so its `not` is true.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

from retrieval.catalog.condition import (
    COMPARE,
    FACTS,
    PART,
    All,
    Comparison,
    Condition,
    Either,
    Not,
    Type,
)
from retrieval.catalog.text_functions import folded
from retrieval.errors import QueryError
from retrieval.records import Kind

MOST_COMPARISONS = 100
MOST_NESTED = 50
"""SQLite limits how deep an expression may be; these stay well below."""

TOKEN = re.compile(
    r"""\s*(?:(?P<mark>[()]|[<>!]=|[=<>~])|"(?P<double>[^"]*)"|'(?P<single>[^']*)'"""
    r"""|(?P<word>[^\s()<>!=~"']+)|(?P<wrong>\S))"""
)
NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]+)?", re.IGNORECASE)
ISO_TIME = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2}([T ][0-9]{2}(:[0-9]{2}(:[0-9]{2})?)?)?)?)?")
UNITS = {"kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
SIZE = re.compile(r"(?P<number>[0-9]*\.?[0-9]+) *(?P<unit>[kmgt]b)", re.IGNORECASE)


def parse(text: str) -> Condition:
    """Read a filter.

    Raises:
        QueryError: it cannot be read; the message says at which character and why.
    """
    return _Reader(text).filter()


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    at: int
    """Where it begins, counted from 0."""
    quoted: bool = False

    def says(self, *words: str) -> bool:
        return not self.quoted and self.text.lower() in words


class _Reader:
    """Reads one filter from left to right."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._next = 0
        self._comparisons = 0

    def filter(self) -> Condition:
        condition = self._either(MOST_NESTED)
        token = self._take()
        if token.text or token.quoted:
            if token.says(")"):
                _refuse(token, "no parenthesis was opened before.")
            _refuse(token, 'expected "and", "or" or the end. Text of several words needs quotes.')
        return condition

    def _either(self, depth: int) -> Condition:
        found = [self._all(depth)]
        while self._peek().says("or"):
            self._take()
            found.append(self._all(depth))
        return found[0] if len(found) == 1 else Either(tuple(found))

    def _all(self, depth: int) -> Condition:
        found = [self._one(depth)]
        while self._peek().says("and"):
            self._take()
            found.append(self._one(depth))
        return found[0] if len(found) == 1 else All(tuple(found))

    def _one(self, depth: int) -> Condition:
        token = self._take()
        if not token.says("not", "("):
            return self._comparison(token)
        if not depth:
            _refuse(token, f"more than {MOST_NESTED} parentheses or nots within each other.")
        if token.says("not"):
            return Not(self._one(depth - 1))
        condition = self._either(depth - 1)
        closing = self._take()
        if not closing.says(")"):
            _refuse(closing, f'expected ")" for the one opened at character {token.at + 1}.')
        return condition

    def _comparison(self, token: _Token) -> Condition:
        self._comparisons += 1
        if self._comparisons > MOST_COMPARISONS:
            _refuse(token, f"more than {MOST_COMPARISONS} comparisons.")
        fact = token.text.lower()
        if token.quoted or fact not in FACTS:
            _refuse(token, f"expected one of {', '.join(FACTS)}.")
        sign = self._take()
        if not sign.says(*COMPARE, *PART):
            _refuse(sign, f"expected one of {' '.join(COMPARE)} ~ contains after {fact}.")
        value = self._take()
        if not value.quoted and value.text in {"", "(", ")", "~", *COMPARE}:
            _refuse(value, f"expected a value to compare {fact} with.")
        return Comparison(fact, sign.text.lower(), _value(fact, sign, value))

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._tokens[self._next]
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token


def _tokens(text: str) -> list[_Token]:
    """All tokens, and an empty one for the end."""
    tokens = []
    at = 0
    while match := TOKEN.match(text, at):
        group = match.lastgroup or ""
        place = match.start(group) - (group in {"double", "single"})
        token = _Token(match[group], place, quoted=group in {"double", "single"})
        if group == "wrong":
            _refuse(
                token,
                "a quote that is not closed."
                if token.text in "\"'"
                else f"expected {token.text}=.",
            )
        tokens.append(token)
        at = match.end()
    return [*tokens, _Token("", len(text))]


def _value(fact: str, sign: _Token, token: _Token) -> str | int | float:
    """A value in the form in which it is compared."""
    if FACTS[fact] is Type.LIST and not sign.says(*PART, "=", "!="):
        _refuse(sign, f"{fact} are texts; compare them with one of = != ~ contains.")
    if sign.says(*PART) and FACTS[fact] not in (Type.TEXT, Type.LIST):
        _refuse(sign, f"{fact} is no text; compare it with one of {' '.join(COMPARE)}.")
    if FACTS[fact] is Type.NUMBER:
        return _number(fact, token)
    if FACTS[fact] is Type.TIME:
        if not ISO_TIME.fullmatch(token.text):
            _refuse(token, f"{fact} is a time, such as 2024, 2024-05-31 or 2024-05-31T18:30.")
        return token.text.replace(" ", "T")
    value = folded(token.text) or ""
    if fact == "kind" and sign.says("=", "!=") and value not in set(Kind):
        _refuse(token, f"a kind is one of {', '.join(Kind)}.")
    return value


def _number(fact: str, token: _Token) -> int | float:
    sized = SIZE.fullmatch(token.text) if fact == "size" else None
    if sized:
        return float(sized["number"]) * UNITS[sized["unit"].lower()]
    if not NUMBER.fullmatch(token.text):
        _refuse(token, f"{fact} is a number{', such as 500000 or 5MB' * (fact == 'size')}.")
    number = float(token.text)
    return int(number) if number.is_integer() and abs(number) < 2**63 else number


def _refuse(token: _Token, reason: str) -> NoReturn:
    what = f"character {token.at + 1}, {token.text!r}" if token.text or token.quoted else "the end"
    raise QueryError(f"Cannot read the filter at {what}: {reason}")
