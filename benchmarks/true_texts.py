"""Vectors that a published text encoder makes of real texts, with short texts as queries.

    python -m benchmarks.true_texts FILE.npz MODEL_FOLDER TEXT_FOLDER... [--rows 60000]

For `benchmarks.index_kinds --vectors FILE.npz`. The model is a sentence encoder in the form of
sentence-transformers: a folder with `config.json`, `model.safetensors` and `tokenizer.json`, whose
vector is the mean over tokens (all-MiniLM-L6-v2, for one). The texts are docstrings of the Python
files below some folders, since every machine has many; none stands there twice. Of one in twenty
only the first sentence is encoded, as a query: a short text about what others tell at length.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import warnings
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from retrieval.vectors import Vectors, unit_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SEED = 0
TOKENS = 64
"""Of each text at most; longer ones are cut."""
LEAST_LETTERS = 40
HELD_OUT = 20
"""One text in so many gives its first sentence as a query and is not among the rows."""
BATCH = 64


def docstrings(folders: Iterable[Path]) -> Iterator[str]:
    """Docstrings of all Python files below some folders, each once."""
    known: set[str] = set()
    for folder in folders:
        for file in sorted(folder.rglob("*.py")):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # of escapes in old files
                    tree = ast.parse(file.read_bytes())
            except (SyntaxError, ValueError, RecursionError, OSError):
                continue
            for node in ast.walk(tree):
                if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module):
                    text = inspect.cleandoc(ast.get_docstring(node, clean=False) or "")
                    if len(text) >= LEAST_LETTERS and text not in known:
                        known.add(text)
                        yield text


def parted(texts: Iterable[str]) -> tuple[list[str], list[str]]:
    """Texts to be found, and first sentences of others, as different as they come."""
    rows, queries = [], set()
    for text in texts:
        if zlib.crc32(text.encode()) % HELD_OUT:
            rows.append(text)
        else:
            queries.add(" ".join(text.split("\n\n")[0].split(". ")[0].split()))
    return rows, sorted(query for query in queries if len(query) >= LEAST_LETTERS // 2)


class SentenceEncoder:
    """A transformer whose mean over tokens is the vector of a text."""

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer
        from transformers import AutoModel

        self._tokens: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokens.enable_truncation(TOKENS)
        self._tokens.enable_padding()
        self._model: Any = AutoModel.from_pretrained(folder, local_files_only=True).eval()

    def encode(self, texts: list[str]) -> Vectors:
        """Unit rows `(n, dim)`."""
        # Those of one length together: what only fills up a batch costs as much as words do.
        order = np.argsort([len(text) for text in texts], kind="stable")
        made = [
            self._batch([texts[i] for i in order[start : start + BATCH]])
            for start in range(0, len(texts), BATCH)
        ]
        rows = np.concatenate(made)
        rows[order] = rows.copy()
        return unit_rows(rows)

    def _batch(self, texts: list[str]) -> Vectors:
        read = self._tokens.encode_batch(texts)
        ids = torch.tensor([one.ids for one in read])
        mask = torch.tensor([one.attention_mask for one in read])
        with torch.inference_mode():
            states = self._model(input_ids=ids, attention_mask=mask).last_hidden_state
            rows: Vectors = ((states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)).numpy()
        return rows


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("texts", type=Path, nargs="+")
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--queries", type=int, default=2_400)
    chosen = parser.parse_args()
    texts, asked = parted(docstrings(chosen.texts))
    rng = np.random.default_rng(SEED)
    texts = [texts[i] for i in rng.permutation(len(texts))[: chosen.rows]]
    asked = [asked[i] for i in rng.permutation(len(asked))[: chosen.queries]]
    print(f"{len(texts):,} texts and {len(asked):,} queries", flush=True)
    encoder = SentenceEncoder(chosen.model)
    np.savez(chosen.file, rows=encoder.encode(texts), queries=encoder.encode(asked))
    print(f"{chosen.file} is written")


if __name__ == "__main__":
    main()
