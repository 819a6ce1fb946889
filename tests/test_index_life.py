"""The life of an index of every kind, at sizes made small, against NumPy.

Any mix of adds, removes, crossings of every boundary of the policy, filters, restarts and damaged
files. What is said of an answer holds for each: true scores, best first, nothing that was removed,
nothing that is not allowed, as many as there are; and the recall asked for, within what a sample of
a few queries can tell.
"""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from retrieval.vector_index import (
    IndexDamaged,
    IndexFile,
    VectorIndex,
    Wish,
    coder,
    index_file,
    plan,
    policy,
)
from retrieval.vector_index.plan import Way
from retrieval.vectors import Ids, Vectors, unit_rows
from tests.nearest import true_scores

DIM = 16
EXACT, ONE_LIST = 120, 400
K = 10
QUERIES = 12
WISH = Wish(recall=0.9)
NONE = np.empty(0, np.int64)
BORDERS = [0, 1, EXACT // 2, EXACT, EXACT + 1, ONE_LIST // 2, ONE_LIST, ONE_LIST + 1, 2 * ONE_LIST]
"""Sizes at which the kind changes on the way up or down, and those beside them."""


class Life(RuleBasedStateMachine):
    """An index with its file, beside arrays that hold the same."""

    crossed: ClassVar[set[tuple[str, str]]] = set()
    """Kinds that followed one another, in all lives."""
    ways: ClassVar[set[Way]] = set()
    damaged: ClassVar[set[tuple[str, bool]]] = set()
    """Endings of files that were damaged, and whether loading told so."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(policy, "EXACT_ROWS", EXACT)
        self.patch.setattr(policy, "ONE_LIST_ROWS", ONE_LIST)
        self.patch.setattr(index_file, "TAIL_ROWS", 30)
        self.patch.setattr(coder, "QUERIES", 40)
        # Dear rows, so that codes pay at small sizes as they do at large ones.
        self.patch.setattr(plan, "ROW_NS", 1000.0)
        self.patch.setattr(plan, "SCAN_NS", 500.0)
        self.patch.setattr(plan, "GATHER_NS", 0.1)
        self.patch.setattr(plan, "GATHER_LIST_US", 0.01)
        self.temporary = tempfile.TemporaryDirectory()
        logging.getLogger("retrieval").setLevel(logging.CRITICAL)

    def teardown(self) -> None:
        logging.getLogger("retrieval").setLevel(logging.NOTSET)
        self.patch.undo()
        self.temporary.cleanup()

    @initialize(seed=st.integers(0, 2**16))
    def begin(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.centres = self.rng.normal(size=(12, DIM))
        self.ids: Ids = NONE
        self.rows: Vectors = np.empty((0, DIM), np.float32)
        self.next_id = self.change = 0
        self.kind = "exact"
        self.gone: Ids = NONE
        self.file = self.another()
        self.index = VectorIndex(DIM)

    def another(self) -> IndexFile:
        """The same files as another process would have them."""
        folder = Path(self.temporary.name) / "vectors"
        return IndexFile(folder, "clip.image", DIM, WISH, self.queries)

    def drawn(self, n: int) -> Vectors:
        at = self.rng.integers(0, len(self.centres), n)
        return unit_rows(self.centres[at] + self.rng.normal(size=(n, DIM)))

    def queries(self, n: int) -> Vectors:
        return unit_rows(self.drawn(n) + 0.5)

    def step(self, add: int, remove: int) -> None:
        """Add and remove, and write as a library does: what is damaged is made anew."""
        gone = self.rng.choice(self.ids, remove, replace=False)
        kept = ~np.isin(self.ids, gone)
        new_ids, new = self.next_id + np.arange(add), self.drawn(add)
        self.ids = np.concatenate([self.ids[kept], new_ids])
        self.rows = np.concatenate([self.rows[kept], new])
        self.gone = np.append(self.gone, gone)
        self.next_id += add
        self.change += 1
        try:
            known = self.file.change()
            whole = known != self.change - 1
            removed, ids, rows = (NONE, self.ids, self.rows) if whole else (gone, new_ids, new)
            if whole:
                self.file.drop()
            state = self.file.write(removed, pieces(ids, rows), self.change)
        except IndexDamaged:
            self.file.drop()
            state = self.file.write(NONE, pieces(self.ids, self.rows), self.change)
        self.index.state = state
        manifest = self.file.manifest()
        assert manifest
        kind = policy.Choice(**manifest.choice).kind if manifest.choice else "exact"
        self.crossed.add((self.kind, kind))
        self.kind = kind

    @rule()
    def go_to_a_border(self) -> None:
        # Not drawn by hypothesis, which likes the first of a list: all borders alike.
        held, size = len(self.ids), int(self.rng.choice(BORDERS))
        self.step(max(0, size - held), max(0, held - size))

    @rule(add=st.integers(0, 200), share=st.sampled_from([0.0, 0.1, 0.5]))
    def change_some(self, add: int, share: float) -> None:
        self.step(min(add, 3 * ONE_LIST - len(self.ids)), int(share * len(self.ids)))

    @rule()
    def replace_half(self) -> None:
        self.step(len(self.ids) // 2, len(self.ids) // 2)

    @rule()
    def remove_the_nearest(self) -> None:
        """In memory alone, as a reader does that is ahead of the files; the next write says it."""
        query = self.queries(1)
        ((ids, _),) = self.index.search(query, K)
        self.index.remove(ids)
        ((after, _),) = self.index.search(query, K)
        assert not np.isin(after, ids).any()
        assert len(after) == min(K, len(self.ids) - len(ids))
        self.index.state = self.file.load() if self.file.stamp[0] else VectorIndex(DIM).state

    @rule()
    def restart(self) -> None:
        if self.file.stamp[0]:
            self.file = self.another()
            self.index.state = self.file.load()

    @rule(
        how=st.sampled_from(["missing", "cut", "flipped"]),
        place=st.floats(0, 1, exclude_max=True),
    )
    def damage(self, how: str, place: float) -> None:
        """A reader is told, or reads what is right; the writer makes it anew."""
        files = {f.suffix: f for f in self.file.folder.glob("clip.image.*") if f.stat().st_size}
        if how == "flipped":  # in rows and ids `verify` finds it, which compares what they hold
            files = {end: f for end, f in files.items() if end not in (".rows", ".ids")}
        if not files:
            return
        file = files[str(self.rng.choice(sorted(files)))]
        content = bytearray(file.read_bytes())
        at = int(place * len(content))
        file.unlink()  # what is mapped elsewhere must not shrink
        if how != "missing":
            content[at] ^= 1
            file.write_bytes(content if how == "flipped" else content[:at])
        self.file = self.another()
        try:
            state = self.file.load()
        except IndexDamaged:
            self.damaged.add((file.suffix, True))
        else:
            self.damaged.add((file.suffix, False))
            self.index.state = state
            self.is_right(None)
        self.step(0, 0)

    @rule(share=st.sampled_from([0.0, 0.01, 0.1, 0.3, 0.6, 1.0]), k=st.sampled_from([1, K, 40]))
    def search_with_a_filter(self, share: float, k: int) -> None:
        """Allowed are also ids that are gone, and some that never were."""
        some = self.ids[self.rng.random(len(self.ids)) < share]
        allowed = self.rng.permutation(np.concatenate([some, self.gone[-30:], [-5, 10**15]]))
        for kept in (False, True):
            allowed.flags.writeable = not kept
            for _ in range(3 if kept else 1):
                self.is_right(allowed, k)

    @rule(theme=st.integers(0, 11), far=st.booleans())
    def search_in_a_theme(self, theme: int, far: bool) -> None:
        """What lies on one side of a plane, asked from that side or from the other."""
        side = self.rows @ self.centres[theme].astype(np.float32) > 0
        self.is_right(self.ids[side], queries=self.rows[side ^ far][:QUERIES])

    @invariant()
    def it_answers_as_numpy_does(self) -> None:
        assert self.index.ids.tolist() == self.ids.tolist()
        self.is_right(None)

    def is_right(self, allowed: Ids | None, k: int = K, queries: Vectors | None = None) -> None:
        mine = slice(None) if allowed is None else np.isin(self.ids, allowed)
        ids, rows = self.ids[mine], self.rows[mine]
        asked = self.queries(QUERIES) if queries is None else queries
        # One by one, since a batch is shared between threads, which wait for each other.
        found = total = 0
        for query in asked:
            (answer,), ran = self.index.search_planned(query[None], k, allowed)
            self.ways.update(one.way for one in ran)
            got, scores = answer
            assert len(got) == len(set(got.tolist())) == min(k, len(ids))
            at = np.searchsorted(ids, got)
            true = true_scores(rows, query)
            np.testing.assert_array_equal(ids[at] if len(got) else got, got)
            np.testing.assert_allclose(scores, true[at] if len(got) else scores, rtol=1e-6)
            assert (np.diff(scores) <= 0).all()
            floor = np.sort(true)[::-1][: len(got)]
            found += int(np.count_nonzero(scores >= floor[-1:] - 1e-6)) if len(got) else 0
            total += len(got)
        assert found >= (WISH.recall - 0.15) * total


def pieces(ids: Ids, rows: Vectors) -> list[tuple[Ids, Vectors]]:
    return [(ids[i : i + 25], rows[i : i + 25]) for i in range(0, len(ids), 25)]


def test_lives_of_indexes() -> None:
    """Every boundary is crossed both ways, files are damaged, each way to search is taken."""
    Life.TestCase.settings = settings(max_examples=30, stateful_step_count=14, deadline=None)
    Life.TestCase("runTest").debug()
    kinds = ["exact", "codes", "lists of codes"]
    for border in (1, 2):
        below, above = kinds[:border], kinds[border:]
        assert any(a in below and b in above for a, b in Life.crossed), f"up over {border}"
        assert any(a in above and b in below for a, b in Life.crossed), f"down over {border}"
    assert Life.ways >= {Way.SCAN, Way.SET, Way.CODES, Way.FILTERED_CODES, Way.GATHERED_CODES}
    assert len({ending for ending, told in Life.damaged if told}) >= 3
