"""From words to the tokens of a text tower, without torch, transformers or open_clip.

CLIP's own tokenizer is byte-pair encoding over words (Radford et al., 2021); its table comes with
the package open_clip. Other models bring a `tokenizer.json`, which the package `tokenizers` reads.
"""

from __future__ import annotations

import gzip
import html
import json
import string
from functools import cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Tokens = npt.NDArray[np.int64]

TABLE = "bpe_simple_vocab_16e6.txt.gz"
MERGES = 49152 - 256 - 2
PIECES = r"<start_of_text>|<end_of_text>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def open_clip_tokens(folder: Path, text: Mapping[str, Any]) -> Callable[[str], Tokens] | None:
    """What turns words into tokens `(context,)` for an open_clip model; None if not known here."""
    context = int(text.get("context_length", 77))
    options = dict(text.get("tokenizer_kwargs") or {})
    clean = options.pop("clean", None)
    if options:
        return None
    if not text.get("hf_tokenizer_name"):
        if clean not in (None, "lower") or _table() is None:
            return None
        return lambda words: clip_tokens(words, context)
    cleaned = {None: collapsed, "whitespace": collapsed, "canonicalize": canonical}.get(clean)
    stored = _stored(folder, context)
    if cleaned is None or stored is None:
        return None
    tokenizer, padding = stored

    def filled(words: str) -> Tokens:
        ids = tokenizer.encode(cleaned(words)).ids
        return np.array(ids + [padding] * (context - len(ids)), dtype=np.int64)

    return filled


def clap_tokens(folder: Path, context: int) -> Callable[[str], Tokens] | None:
    """What turns words into tokens `(length,)`, unpadded, for a CLAP model."""
    stored = _stored(folder, context)
    if stored is None:
        return None
    tokenizer = stored[0]
    return lambda words: np.array(tokenizer.encode(words).ids, dtype=np.int64)


def clip_tokens(words: str, context: int) -> Tokens:
    """Tokens `(context,)` of CLIP: begin, words cut to fit, end, zeros."""
    import regex

    ranks, numbers = _table() or ({}, {})
    found: list[int] = []
    for piece in regex.findall(PIECES, collapsed(words).lower(), regex.IGNORECASE):
        spelled = "".join(_letters()[byte] for byte in piece.encode())
        whole = numbers.get(piece) if piece in SPECIAL else None
        found += [numbers[s] for s in _joined(spelled, ranks)] if whole is None else [whole]
    begin, end = (numbers[name] for name in SPECIAL)
    tokens = [begin, *found[: context - 2], end]
    return np.array(tokens + [0] * (context - len(tokens)), dtype=np.int64)


SPECIAL = ("<start_of_text>", "<end_of_text>")


def collapsed(words: str) -> str:
    """Broken characters mended, entities resolved, one space between words."""
    if words.isascii() and words.isprintable() and "&" not in words:
        return " ".join(words.split())  # nothing to mend: most queries, which then start at once
    import ftfy

    return " ".join(html.unescape(html.unescape(ftfy.fix_text(words))).split())


def canonical(words: str) -> str:
    """The same in lower case without punctuation, as SigLIP was trained."""
    spaced = collapsed(words).replace("_", " ")
    return " ".join(spaced.translate(str.maketrans("", "", string.punctuation)).lower().split())


def _joined(spelled: str, ranks: Mapping[tuple[str, str], int]) -> list[str]:
    """Letters joined pair by pair, the most frequent pair of training first."""
    parts = [*spelled[:-1], f"{spelled[-1]}</w>"]
    while len(parts) > 1:
        pairs = list(pairwise(parts))
        best = min(pairs, key=lambda pair: ranks.get(pair, len(ranks)))
        if best not in ranks:
            break
        joined: list[str] = []
        for part in parts:
            if joined and (joined[-1], part) == best:
                joined[-1] += part
            else:
                joined.append(part)
        parts = joined
    return parts


@cache
def _letters() -> dict[int, str]:
    """A printable letter for every byte."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    return {b: chr(b) for b in plain} | {b: chr(256 + i) for i, b in enumerate(others)}


@cache
def _table() -> tuple[dict[tuple[str, str], int], dict[str, int]] | None:
    """Pair to rank, and token to number; None if open_clip does not bring them."""
    package = find_spec("open_clip")
    places = [] if package is None else list(package.submodule_search_locations or ())
    path = Path(places[0], TABLE) if places else Path(TABLE)
    if not path.is_file():
        return None
    lines = gzip.decompress(path.read_bytes()).decode().split("\n")[1 : MERGES + 1]
    pairs = [(first, second) for first, second in (line.split() for line in lines)]
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = [_letters()[b] for b in [*plain, *(b for b in range(256) if b not in plain)]]
    tokens = [*letters, *(f"{x}</w>" for x in letters), *(a + b for a, b in pairs), *SPECIAL]
    return {p: i for i, p in enumerate(pairs)}, {t: i for i, t in enumerate(tokens)}


def _stored(folder: Path, context: int) -> tuple[Any, int] | None:
    """The tokenizer in a folder, cutting to a length, and the number it fills up with."""
    try:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
        padding = config["pad_token"]
        padding = padding["content"] if isinstance(padding, dict) else padding
        number = tokenizer.token_to_id(padding)
    except Exception:  # tokenizers raises plain exceptions for whatever is wrong
        return None
    tokenizer.no_padding()
    tokenizer.enable_truncation(context)
    return None if number is None else (tokenizer, number)
