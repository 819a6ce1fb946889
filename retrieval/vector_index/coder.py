"""Gives sealed rows their codes: chooses the kind, trains, extends, measures."""

from __future__ import annotations

import logging
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import numpy as np

from retrieval.vector_index.coded_part import CodedPart
from retrieval.vector_index.codes import Codes
from retrieval.vector_index.damage import IndexDamaged
from retrieval.vector_index.effort import Effort, off_data, tune
from retrieval.vector_index.part import Part
from retrieval.vector_index.policy import DEFAULT_WISH, Choice, choose, finer, outgrown

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from retrieval.vector_index.manifest import Manifest
    from retrieval.vector_index.policy import Wish
    from retrieval.vectors import Vectors

log = logging.getLogger(__name__)

QUERIES = 400
"""Queries of each sort that recall is measured with."""

GROWN = 0.25
"""After growing by this share recall is measured anew."""


class Coder:
    """Keeps the codes of one index in step with its sealed rows."""

    def __init__(self, folder: Path, name: str, queries: Callable[[int], Vectors] | None) -> None:
        """How codes shall be.

        Args:
            folder: Where the index lies.
            name: What its files begin with.
            queries: Gives up to so many vectors of another modality, as queries come; None or
                an empty answer for queries made by moving the index's own vectors.
        """
        self._folder = folder
        self._name = name
        self._wish = DEFAULT_WISH
        self._queries = queries
        self._read: tuple[str, int, Codes] | None = None

    def read(self, sealed: Part, manifest: Manifest) -> Part:
        """Sealed rows with the codes that a manifest names, if it names any.

        Raises:
            IndexDamaged: they are not there.
            FileNotFoundError: the file is gone.
        """
        if not manifest.codes or manifest.effort is None:
            return sealed
        path = self._folder / manifest.codes
        if path.stat().st_size != manifest.codes_bytes:
            raise IndexDamaged(f"{path.name} is incomplete")
        if self._read is None or self._read[:2] != (manifest.codes, manifest.codes_crc):
            fresh = Codes(path=path, crc=manifest.codes_crc)
            self._read = (manifest.codes, manifest.codes_crc, fresh)
        return CodedPart(
            sealed.ids,
            sealed.rows,
            sealed.reach,
            sealed.alive,
            sealed=True,
            codes=self._read[2],
            effort=Effort.of(manifest.effort),
        )

    def written(
        self, sealed: Part, old: Manifest, new: Manifest, wish: Wish
    ) -> tuple[Part, Manifest]:
        """Sealed rows with codes that suit them, and the manifest that names these.

        Args:
            sealed: All rows.
            old: The manifest that stands.
            new: The one to be completed.
            wish: What is asked of the index.
        """
        self._wish = wish
        rows, dim = sealed.rows.shape
        choice = Choice(**old.choice) if old.choice else None
        same = old.generation == new.generation and old.recall == self._wish.recall
        fits = choice is None or not outgrown(choice, len(sealed), dim, self._wish)
        if same and fits and old.count == rows and choice is not None:
            return self._bare(sealed, new) if not old.codes else (self.read(sealed, new), new)
        wanted = choose(len(sealed), dim, self._wish)
        if not wanted.lists:
            return self._bare(sealed, replace(new, choice=asdict(wanted)))
        if same and fits and choice is not None and not choice.lists:
            # Codes were tried for nearly as many rows, which takes long, and none were good enough.
            return self._bare(sealed, replace(new, choice=asdict(choice)))
        codes = None
        if old.codes and same and choice and fits:
            codes = self._continued(sealed, old)
            wanted = choice
        if codes is not None and old.effort and rows <= (1 + GROWN) * old.effort["measured_rows"]:
            return self._named(sealed, codes, Effort.of(old.effort), wanted, new)
        own, off = self._probe_queries(sealed)
        if codes is not None:
            effort = tune(sealed, codes, own, off, self._wish.recall)
            if effort is not None:
                return self._named(sealed, codes, effort, wanted, new)
        centres = None  # the same for finer codes, and at ten million rows a third of the work
        for choice in finer(wanted, dim, self._wish):
            codes = Codes.trained(sealed.rows, choice, centres).extended(sealed.rows)
            centres = codes.centres
            effort = tune(sealed, codes, own, off, self._wish.recall)
            if effort is not None:
                return self._named(sealed, codes, effort, choice, new)
        why = f"no codes found {self._wish.recall:.0%} of the nearest"
        return self._bare(sealed, replace(new, choice=asdict(Choice(0, 0, rows, why))))

    def _bare(self, sealed: Part, manifest: Manifest) -> tuple[Part, Manifest]:
        plain = Part(sealed.ids, sealed.rows, sealed.reach, sealed.alive, sealed=True)
        bare = replace(
            manifest,
            codes="",
            codes_crc=0,
            codes_bytes=0,
            effort=None,
            recall=self._wish.recall,
        )
        return plain, bare

    def _continued(self, sealed: Part, old: Manifest) -> Codes | None:
        """The codes that are there with those of new rows; None if they are damaged."""
        try:
            return Codes(path=self._folder / old.codes, crc=old.codes_crc).extended(sealed.rows)
        except IndexDamaged as error:
            log.warning("training anew: %s", error)
            return None

    def _probe_queries(self, sealed: Part) -> tuple[Vectors, Vectors]:
        at = sealed.living_positions()
        rng = np.random.default_rng(0)
        own = sealed.rows[np.sort(rng.choice(at, min(QUERIES, len(at)), replace=False))]
        off = self._queries(QUERIES) if self._queries else own[:0]
        return own, off if len(off) >= QUERIES // 2 else off_data(own)

    def _named(
        self, sealed: Part, codes: Codes, effort: Effort, choice: Choice, manifest: Manifest
    ) -> tuple[Part, Manifest]:
        path = self._folder / (
            f"{self._name}.{manifest.generation}.{manifest.count}.{manifest.change}.codes"
        )
        crc = codes.write(path)
        self._read = (path.name, crc, codes)
        coded = CodedPart(
            sealed.ids, sealed.rows, sealed.reach, sealed.alive, True, codes=codes, effort=effort
        )
        return coded, replace(
            manifest,
            codes=path.name,
            codes_crc=crc,
            codes_bytes=path.stat().st_size,
            choice=asdict(choice),
            effort=asdict(effort),
            recall=self._wish.recall,
        )
