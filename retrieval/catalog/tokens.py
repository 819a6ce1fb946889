"""Tokens: what a text and a name are cut into, so that the words in them can be found.

One way of cutting serves what is stored and what is asked, and SQLite's FTS5 only ever sees its
result (plain tokens with blanks between them), so that a phrase is found wherever it stands and
nothing depends on which Unicode a build of SQLite knows.

- Upper case is lower case, accents do not count, compatible forms are one (`ﬁ` is `fi`).
- Letters and digits part: `IMG2041` and `IMG_2041` are both `img 2041`.
- Scripts without blanks (Chinese, Japanese, Thai ...) are cut into characters, so that any part of
  a sentence is found as a phrase. An index of trigrams would do the same from three characters on,
  but most Chinese words have two, and it would be several times as large.
- Names are cut at humps as well (`beachSunset` is `beach sunset`), and also stored unhumped and
  joined, so that `beachsunset` finds `beach-sunset.jpg`. The beginning of a token finds it, its
  middle does not: `art` should not find every `party`.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import chain

from retrieval.catalog.text_functions import without_surrogates

LONGEST = 64
"""Characters of a token that count."""

UNSPACED = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff"  # Burmese, Khmer
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"  # kana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
)
TOKEN = re.compile(rf"[{UNSPACED}]|\d+|(?:(?![{UNSPACED}])[^\W\d_])+")
ACCENT = re.compile("[\u0300-\u036f]")
HUMP = re.compile(r"(?<=[^\W\d_A-Z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def plain(text: str) -> str:
    """Text as its tokens are written: without case, accents and forms of presentation."""
    apart = unicodedata.normalize("NFKD", without_surrogates(text)).casefold()
    return unicodedata.normalize("NFKC", ACCENT.sub("", unicodedata.normalize("NFKD", apart)))


def tokens(text: str) -> list[str]:
    """The tokens of a text, in order."""
    return [token[:LONGEST] for token in TOKEN.findall(plain(text))]


def name_tokens(name: str) -> list[str]:
    """The tokens of a name: its parts, then the same without humps and joined where they differ."""
    parts = tokens(humps_apart(name))
    unhumped = tokens(name)
    joined = [joint for chunk in name.split() if (joint := joined_tokens(_stem(chunk)))]
    known = {*parts, *unhumped}
    return [
        *parts,
        *(unhumped if unhumped != parts else ()),
        *(joint for joint in joined if joint not in known),
    ]


def humps_apart(name: str) -> str:
    """A name with a blank before each part that only a capital letter begins."""
    return HUMP.sub(" ", without_surrogates(name))


def joined_tokens(text: str) -> str:
    """All tokens of a text as one, without regard to what stands between them."""
    return "".join(tokens(text))[:LONGEST]


def path_tokens(path: str) -> tuple[list[str], list[str]]:
    """The tokens of the last part of a path, and of the folders above it."""
    *folders, name = path.split("/")
    return name_tokens(name), list(chain.from_iterable(map(name_tokens, folders)))


def _stem(chunk: str) -> str:
    """A part of a name without what follows its last dot, if that can be a suffix."""
    head, dot, tail = chunk.rpartition(".")
    return head if dot and head and len(tail) <= 5 else chunk
