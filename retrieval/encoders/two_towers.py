"""An encoder of a pair of modalities whose two towers are loaded when they are first needed."""

from __future__ import annotations

import hashlib
import json
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from retrieval.encoders.checksums import cached_sha256
from retrieval.encoders.query_words import passed
from retrieval.encoders.runtime import is_packed
from retrieval.records import Modality
from retrieval.stopwatch import Stage, timed
from retrieval.vectors import unit_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from retrieval.encoders.query_words import Words
    from retrieval.media.content import Content
    from retrieval.vectors import Vectors

Arrays: TypeAlias = tuple[npt.NDArray[Any], ...]
"""One content, prepared: the arrays that its tower takes, without the batch axis."""

SHORT = 3
"""Words of a query up to which it is put into templates."""


class Towers(Protocol):
    """The heavy half of an encoder: a loaded model and its own preprocessing."""

    precision: str

    def prepare(self, modality: Modality, content: Content) -> Arrays:
        """Bring one content into the form the tower takes; safe in several threads."""

    def run(self, modality: Modality, rows: Sequence[Arrays]) -> npt.NDArray[np.float32]:
        """Vectors `(n, dim)` of prepared rows, of any length, each from its own row alone."""

    def pack(self) -> bool:
        """Lay the weights out for a faster way to multiply, if there is one here; see `runtime`."""


class TwoTowerEncoder:
    """An `Encoder` that knows what it is from small files and loads its towers at first use."""

    def __init__(
        self,
        *,
        name: str,
        dim: int,
        modalities: frozenset[Modality],
        files: Sequence[Path],
        settings: Mapping[str, object],
        precision: str,
        load: Callable[[], Towers],
        look: Callable[[Content], npt.NDArray[np.float32]] | None = None,
        folder: Path | None = None,
        words: Callable[[], Words | None] | None = None,
        templates: tuple[str, ...] = ("{}",),
    ) -> None:
        """Describe the model.

        Args:
            name: Which model this is; also the name of its space.
            dim: Length of its vectors.
            modalities: What it encodes.
            files: Weights, configuration and tokenizer: all that shapes a vector.
            settings: What else shapes a vector.
            precision: `fp32`, `bf16`, `fp16`; `auto` is settled by loading the towers.
            load: Makes the towers; imports the heavy packages.
            look: Prepares a picture as the towers do, without them; None if nothing does.
            folder: Where the model lies.
            words: Makes what encodes words of a query without the towers; None if nothing does.
            templates: What a short query is put into, each with one `{}`.
        """
        self._name = name
        self._dim = dim
        self._modalities = modalities
        self._files = tuple(files)
        self._settings = dict(settings)
        self._precision = precision
        self.load = load
        self._look = look
        self.folder = folder
        self.words = words
        self._templates = templates
        self._ask: Words | None = None
        self._looked = False
        self._lock = Lock()
        self._loaded: Towers | None = None
        self._fingerprint = ""

    @property
    def name(self) -> str:
        """Which model this is."""
        return self._name

    @property
    def space(self) -> str:
        """Its space is its own: named after the model."""
        return self._name

    @property
    def dim(self) -> int:
        """Length of its vectors."""
        return self._dim

    @property
    def modalities(self) -> frozenset[Modality]:
        """What it can encode."""
        return self._modalities

    @property
    def precision(self) -> str:
        """`fp32`, `bf16` or `fp16`."""
        return self.towers().precision if self._precision == "auto" else self._precision

    @property
    def fingerprint(self) -> str:
        """Hex hash of the files of the model, its settings and its precision."""
        if not self._fingerprint:
            facts = {
                "name": self._name,
                "files": {path.name: cached_sha256(path) for path in self._files},
                "settings": self._settings,
                "precision": self.precision,
            }
            text = json.dumps(facts, sort_keys=True)
            self._fingerprint = hashlib.sha256(text.encode()).hexdigest()
        return self._fingerprint

    def towers(self) -> Towers:
        """The loaded model; loads it when called for the first time.

        Raises:
            ModelError: the model cannot be loaded.
        """
        with self._lock:
            if self._loaded is None:
                with timed(Stage.LOAD):
                    self._loaded = self.load()
                    if is_packed(self.folder):
                        self._loaded.pack()
            return self._loaded

    def prepare(self, modality: Modality, content: Content) -> Arrays:
        """Bring one content into the form `encode` takes."""
        self._check(modality)
        if modality is Modality.IMAGE and self._look is not None:
            return (self._look(content),)
        return self.towers().prepare(modality, content)

    def encode(self, modality: Modality, prepared: Sequence[Any]) -> Vectors:
        """Encode what `prepare` returned: `(n, dim)` float32 unit rows."""
        self._check(modality)
        if not prepared:
            return np.zeros((0, self._dim), dtype=np.float32)
        return unit_rows(self.towers().run(modality, prepared))

    def encode_query(self, words: str) -> Vectors:
        """Words of a query as a unit row `(1, dim)`, without torch if the self-test allows it.

        Models learned from captions, so that a word or two alone are foreign to them: these are put
        into the model's templates, and the mean of the vectors is taken (the prompt ensemble of
        Radford et al., 2021). Sentences stay as they are, and so does what is not ASCII, as the
        templates are English.
        """
        short = len(words.split()) <= SHORT and words.isascii()
        lines = [template.format(words) for template in self._templates] if short else [words]
        rows = self._encode_words(lines)
        return rows if len(rows) == 1 else unit_rows(rows.mean(axis=0, keepdims=True))

    def _encode_words(self, texts: Sequence[str]) -> Vectors:
        if not self._looked:
            with timed(Stage.LOAD):
                if self.folder and self.words and passed(self.folder, self.fingerprint):
                    self._ask = self.words()
            self._looked = True
        if self._ask is not None:
            return self._ask(texts)
        return self.encode(Modality.TEXT, [self.prepare(Modality.TEXT, text) for text in texts])

    def _check(self, modality: Modality) -> None:
        if modality not in self._modalities:
            raise ValueError(f"{self._name} does not encode {modality}")
