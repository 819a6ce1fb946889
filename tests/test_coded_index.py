"""Indexes with codes, at sizes made small: recall, filters, churn, growth over every boundary."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.vector_index import (
    IndexDamaged,
    IndexFile,
    VectorIndex,
    Wish,
    coder,
    index_file,
    packed_codes,
    plan,
    policy,
    ranking,
)
from retrieval.vector_index import part as part_module
from retrieval.vector_index import plan as plan_module
from retrieval.vector_index.coded_part import CodedPart
from retrieval.vector_index.codes import Codes
from retrieval.vector_index.manifest import Manifest
from retrieval.vector_index.part import Part
from retrieval.vector_index.plan import Way, codes_ms, rows_ms
from retrieval.vector_index.policy import Choice
from retrieval.vectors import Ids, Vectors, unit_rows
from tests.nearest import true_scores

DIM = 32
K = 10
NONE = np.empty(0, np.int64)
SOON_S = 120.0
"""Long enough for a machine that is busy with other things."""


@pytest.fixture(autouse=True)
def _small_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every boundary of the policy, a hundred times nearer."""
    monkeypatch.setattr(policy, "EXACT_ROWS", 400)
    monkeypatch.setattr(policy, "ONE_LIST_ROWS", 3000)
    monkeypatch.setattr(index_file, "TAIL_ROWS", 150)
    # Dear rows, so that codes pay at small sizes as they do at large ones.
    monkeypatch.setattr(plan, "ROW_NS", 10.0)
    monkeypatch.setattr(plan, "SCAN_NS", 5.0)
    monkeypatch.setattr(coder, "QUERIES", 120)


class Collection:
    """Clustered vectors with a file beside them, and what is true of them."""

    def __init__(self, folder: Path, seed: int = 0, wish: Wish | None = None) -> None:
        self.rng = np.random.default_rng(seed)
        self.centres = self.rng.normal(size=(60, DIM))
        self.gap = self.rng.normal(size=DIM)
        self.file = IndexFile(folder, "clip.image", DIM, wish or Wish(), self.queries)
        self.ids: Ids = NONE
        self.rows: Vectors = np.empty((0, DIM), np.float32)
        self.cluster: Ids = NONE
        self.next_id = 0
        self.change = 0
        self.index = VectorIndex(DIM)

    def drawn(self, n: int) -> tuple[Vectors, Ids]:
        cluster = self.rng.integers(0, len(self.centres), n)
        return unit_rows(self.centres[cluster] + self.rng.normal(size=(n, DIM))), cluster

    def queries(self, n: int) -> Vectors:
        """Off the data."""
        return unit_rows(self.drawn(n)[0] + 0.7 * self.gap / np.linalg.norm(self.gap))

    def step(self, add: int, remove: int = 0) -> None:
        """Add and remove at random, and write."""
        gone = self.rng.choice(self.ids, min(remove, len(self.ids)), replace=False)
        rows, cluster = self.drawn(add)
        ids = self.next_id + np.arange(add)
        kept = ~np.isin(self.ids, gone)
        self.ids = np.concatenate([self.ids[kept], ids])
        self.rows = np.concatenate([self.rows[kept], rows])
        self.cluster = np.concatenate([self.cluster[kept], cluster])
        self.next_id += add
        self.change += 1
        pieces = [(ids[i : i + 100], rows[i : i + 100]) for i in range(0, add, 100)]
        self.index.state = self.file.write(gone, pieces, self.change)

    def recall(
        self, queries: Vectors, allowed: Ids | None = None, k: int = K
    ) -> tuple[float, list[Way]]:
        """Share of the k nearest found, and the ways they were found; all else must be right."""
        answers, ran = self.index.search_planned(queries, k, allowed)
        mine = slice(None) if allowed is None else np.isin(self.ids, allowed)
        ids, rows = self.ids[mine], self.rows[mine]
        place = {int(i): n for n, i in enumerate(ids)}
        hits = total = 0
        for (found, scores), query in zip(answers, queries, strict=True):
            true = true_scores(rows, query)
            np.testing.assert_allclose(scores, [true[place[int(i)]] for i in found], rtol=1e-6)
            assert (np.diff(scores) <= 0).all()
            assert len(found) == min(k, len(ids))
            hits += len(set(found.tolist()) & set(ids[np.argsort(-true)[:k]].tolist()))
            total += min(k, len(ids))
        return hits / max(1, total), [one.way for one in ran]

    @property
    def manifest(self) -> Manifest:
        manifest = self.file.manifest()
        assert manifest
        return manifest

    @property
    def kind(self) -> str:
        choice = self.manifest.choice
        return policy.Choice(**choice).kind if choice else "exact"


class Removed(Collection):
    """A collection of which some was removed since its codes were made."""

    index_gone: Ids = NONE


@cache
def _kept() -> Removed:
    made = Removed(Path(tempfile.mkdtemp(prefix="anyseek-")) / "vectors", seed=3)
    made.step(3600)
    before = made.ids
    made.step(0, 700)
    made.index_gone = np.setdiff1d(before, made.ids)
    return made


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    return Collection(tmp_path / "vectors")


@pytest.fixture(params=[2500, 4000], ids=["codes", "lists of codes"])
def large(request: pytest.FixtureRequest, tmp_path: Path) -> Collection:
    made = Collection(tmp_path / "vectors")
    made.step(request.param)
    return made


def test_growing_and_shrinking_over_every_boundary(collection: Collection) -> None:
    kinds = []
    for add, remove in [
        (100, 0), (250, 30), (300, 50), (1000, 100), (900, 400), (2000, 100), (500, 900),
        (100, 1500), (50, 900), (0, 850), (10, 0), (600, 5),
    ]:  # fmt: skip
        collection.step(add, remove)
        kinds.append(collection.kind)
        recall, _ = collection.recall(collection.queries(40))
        assert recall >= 0.98, f"{len(collection.ids)} rows, {collection.kind}"
        assert collection.index.ids.tolist() == collection.ids.tolist()
        again = VectorIndex(DIM, IndexFile(collection.file.folder, "clip.image", DIM).load())
        assert again.ids.tolist() == collection.ids.tolist()
    assert [k for i, k in enumerate(kinds) if i == 0 or k != kinds[i - 1]] == [
        "exact",
        "codes",
        "lists of codes",
        "codes",
        "exact",
        "codes",
    ]


def test_recall_is_what_was_asked_for(large: Collection) -> None:
    effort = large.manifest.effort
    assert effort
    for queries in (large.queries(100), large.drawn(100)[0]):
        for k in (1, 10, 30):
            recall, ways = large.recall(queries, k=k)
            assert recall >= 0.98, f"k = {k}"
            assert ways[0] is Way.CODES
    assert min(effort["recall_own"], effort["recall_off"]) >= 0.99
    assert effort["measured_rows"] == large.manifest.count


def test_recall_does_not_decay_under_churn(large: Collection) -> None:
    n = len(large.ids)
    for _ in range(6):
        large.step(n // 10, n // 10)
        recall, _ = large.recall(large.queries(20))
    assert len(large.ids) == n
    while (large.ids >= n).mean() < 0.5:
        large.step(n // 10, n // 10)
    recall, _ = large.recall(large.queries(200))
    assert recall >= 0.99


@pytest.mark.parametrize("share", [0.0001, 0.001, 0.01, 0.1, 0.5, 1.0])
def test_filters_find_what_is_allowed(large: Collection, share: float) -> None:
    n = max(1, int(share * len(large.ids)))
    allowed = np.sort(large.rng.choice(large.ids, n, replace=False))
    recall, ways = large.recall(large.queries(100), allowed)
    assert recall >= 0.985
    if share != 0.1:  # there it is close
        assert ways[0] is (Way.SET if share < 0.1 else Way.FILTERED_CODES)


@pytest.mark.parametrize("far", [True, False])
def test_a_filter_by_theme(large: Collection, far: bool) -> None:
    # One folder holds some clusters; the queries ask for others, or for these.
    inside = large.cluster < 20
    queries = unit_rows(large.rows[inside ^ far][:60] + 0.05 * large.gap)
    recall, _ = large.recall(queries, large.ids[inside])
    assert recall >= 0.98


def assert_alike(found: list[Ids], expected: list[Ids]) -> None:
    """The same 30 rows for each query, but for a few: rows with equal codes may come in any order,
    and either of them last."""
    for one, other in zip(found, expected, strict=True):
        assert len(np.intersect1d(one, other)) >= 27


def test_gathered_codes_find_what_a_selector_finds(large: Collection) -> None:
    (part, *_) = large.index.state.parts
    assert isinstance(part, CodedPart)
    queries = large.queries(20)
    mask = large.rng.random(len(part.ids)) < 0.4
    lists = part.codes.lists
    gathered = part.codes.among(mask)
    assert gathered.count == mask.sum()
    assert part.codes.count == len(part.ids), "the codes of all rows stay as they are"
    found = gathered.nearest(queries, 30, lists, None)
    assert all(mask[rows].all() for rows in found)
    assert_alike(found, part.codes.nearest(queries, 30, lists, mask))


def test_codes_that_another_faiss_packs_otherwise_are_not_gathered(
    large: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    (part, *_) = large.index.state.parts
    assert isinstance(part, CodedPart)
    assert part.codes.is_packed_as_known
    monkeypatch.setattr(packed_codes, "BYTE_OF", packed_codes.BYTE_OF[::-1])
    codes = Codes(part.codes.index)
    assert not codes.is_packed_as_known
    fixed = large.ids[large.rng.random(len(large.ids)) < 0.5]
    fixed.flags.writeable = False
    monkeypatch.setattr(plan_module, "GATHER_NS", 0.0)
    monkeypatch.setattr(plan_module, "GATHER_LIST_US", 0.0)
    index = replace(part, codes=codes)
    ways = {index.search(large.queries(1), 10, fixed)[1].way for _ in range(5)}
    assert ways == {Way.FILTERED_CODES}


def test_the_codes_of_a_set_are_gathered_when_it_was_asked_often_enough(
    large: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After as many searches as cost what gathering does; of a set that may change, never."""
    (part, *_) = large.index.state.parts
    assert isinstance(part, CodedPart)
    fixed = large.ids[large.rng.random(len(large.ids)) < 0.5]
    changing = fixed.copy()
    fixed.flags.writeable = False
    monkeypatch.setattr(plan_module, "GATHER_NS", 1.0)
    monkeypatch.setattr(plan_module, "GATHER_LIST_US", 0.1)

    def ways(allowed: Ids, searches: int) -> list[Way]:
        return [large.recall(large.queries(1), allowed)[1][0] for _ in range(searches)]

    found = ways(fixed, 300)
    bought = found.index(Way.GATHERED_CODES)
    assert bought > 1
    assert set(found[:bought]) == {Way.FILTERED_CODES}
    assert set(found[bought:]) == {Way.GATHERED_CODES}
    recall, (way, *_) = large.recall(large.queries(100), fixed)
    assert recall >= 0.985
    assert way is Way.GATHERED_CODES
    ((ids, _),) = large.index.search(large.queries(1), K, fixed)
    large.index.remove(ids)
    ((after, _),) = large.index.search(large.queries(1), K, fixed)
    assert not np.isin(after, ids).any()
    assert set(ways(changing, 300)) == {Way.FILTERED_CODES}


@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_any_filter_after_any_removals(data: st.DataObject) -> None:
    """The codes of what was removed stay; whatever is allowed, none of it comes back."""
    made = _kept()
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    share = data.draw(st.sampled_from([0.002, 0.02, 0.2, 0.5, 0.9]))
    by_cluster = data.draw(st.booleans())
    wanted = rng.random(60 if by_cluster else len(made.ids)) < share
    allowed = made.ids[wanted[made.cluster] if by_cluster else wanted]
    allowed = np.concatenate([allowed, made.index_gone[:50], [-5, 10**15]])
    if data.draw(st.booleans()):
        rng.shuffle(allowed)
    k = data.draw(st.sampled_from([1, 10, 40]))
    # One by one, since a batch is shared between threads, which wait for each other.
    recalls = [made.recall(query[None], allowed, k)[0] for query in made.queries(12)]
    # Of a small sample; the average is tested elsewhere.
    assert np.mean(recalls) >= 0.9 or not np.isin(made.ids, allowed).any()


def test_a_set_is_looked_at_where_that_costs_less(large: Collection) -> None:
    ways = [
        large.recall(large.queries(1), large.ids[:n])[1][0]
        for n in np.unique(np.linspace(1, len(large.ids), 25).astype(int))
    ]
    change = ways.index(next(way for way in ways if way is not Way.SET))
    assert 0 < change < 20
    assert set(ways[change:]) == {Way.FILTERED_CODES}


def test_what_is_allowed_is_remembered_and_never_mistaken(
    large: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An array that nobody can change is looked up once; what was removed since is not found."""
    looked_up: list[int] = []
    real = Part.holding

    def holding(part: Part, ids: Ids) -> part_module.Mask:
        if isinstance(part, CodedPart):  # a tail has nothing to remember
            looked_up.append(len(ids))
        return real(part, ids)

    monkeypatch.setattr(Part, "holding", holding)
    queries = large.queries(1)
    fixed, other = large.ids[::2].copy(), large.ids[1::2].copy()
    for each in (fixed, other):
        each.flags.writeable = False
    ((first, _),) = large.index.search(queries, K, fixed)
    once = len(looked_up)
    ((again, _),) = large.index.search(queries, K, fixed)
    assert (again.tolist(), len(looked_up)) == (first.tolist(), once)
    ((ids, _),) = large.index.search(queries, K, other)
    assert not np.isin(ids, fixed).any()
    large.index.search(queries, K, fixed)
    large.index.remove(first[:3])
    ((after, _),) = large.index.search(queries, K, fixed)
    assert not np.isin(after, first[:3]).any()
    assert np.isin(after, fixed).all()
    changing = fixed.copy()
    large.index.search(queries, K, changing)
    changing[:] = other[: len(changing)]
    ((ids, _),) = large.index.search(queries, K, changing)
    assert np.isin(ids, other).all()


def test_unknown_and_repeated_allowed_ids(large: Collection) -> None:
    allowed = np.concatenate([large.ids[:600], large.ids[:600], np.arange(10**12, 10**12 + 99)])
    recall, _ = large.recall(large.queries(20), allowed)
    assert recall >= 0.97
    ((ids, _),) = large.index.search(large.queries(1), K, np.array([-1, 10**12]))
    assert ids.tolist() == []


def test_removed_rows_never_appear(large: Collection) -> None:
    query = large.queries(1)
    for _ in range(8):
        ((ids, _),) = large.index.search(query, K)
        large.index.remove(ids)
        ((after, _),) = large.index.search(query, K)
        assert len(after) == K
        assert not set(ids.tolist()) & set(after.tolist())


def test_most_of_everything_wanted_is_a_scan(large: Collection) -> None:
    recall, ways = large.recall(large.queries(2), k=len(large.ids))
    assert recall == 1
    assert ways[0] is Way.SCAN


def test_a_batch_gets_what_each_gets_alone(large: Collection) -> None:
    queries = large.queries(9)
    for together, query in zip(large.index.search(queries, K), queries, strict=True):
        ((ids, scores),) = large.index.search(query[None], K)
        assert ids.tolist() == together[0].tolist()
        assert scores.tolist() == together[1].tolist()


def test_less_recall_costs_less(tmp_path: Path) -> None:
    efforts = {}
    for recall in (0.8, 0.99):
        made = Collection(tmp_path / str(recall), wish=Wish(recall=recall))
        made.step(3500)
        effort = made.manifest.effort
        assert effort
        efforts[recall] = (effort["probes"], effort["look_few"])
        assert made.recall(made.queries(200))[0] >= recall - 0.01
    assert efforts[0.8] < efforts[0.99]


def test_a_recall_of_one_is_exact(tmp_path: Path) -> None:
    made = Collection(tmp_path / "vectors", wish=Wish(recall=1.0))
    made.step(3500)
    assert made.kind == "exact"
    recall, ways = made.recall(made.queries(50))
    assert recall == 1
    assert set(ways) == {Way.SCAN}


def test_another_recall_is_measured_anew(large: Collection) -> None:
    before = large.manifest
    again = IndexFile(large.file.folder, "clip.image", DIM, Wish(recall=0.7), large.queries)
    again.write(NONE, [], large.change + 1)
    assert again.manifest() != before
    after = again.manifest()
    assert after
    assert after.recall == 0.7


def test_vectors_that_codes_can_hardly_tell_apart(tmp_path: Path) -> None:
    """All nearly the same, so that a code says little: more candidates make up for it."""
    made = Collection(tmp_path / "vectors")
    made.centres[:] = made.centres[0] * 300
    made.step(1500)
    recall, _ = made.recall(made.queries(20))
    assert recall >= 0.98


def test_finer_codes_take_the_lists_that_were_found_for_coarser_ones(tmp_path: Path) -> None:
    rows = unit_rows(np.random.default_rng(0).normal(size=(3000, DIM)))
    coarse, fine = (Choice(16, sub_dim, len(rows), "") for sub_dim in (4, 2))
    centres = Codes.trained(rows, coarse).centres
    assert centres.shape == (16, DIM)
    anew, after = (Codes.trained(rows, fine, c).extended(rows) for c in (None, centres))
    assert anew.write(tmp_path / "anew") == after.write(tmp_path / "after")


def test_codes_too_coarse_for_the_recall_are_made_finer_or_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def tune(part: Part, codes: Codes, *_: object) -> None:
        tried.append(codes.dim // codes.sub_dim)

    monkeypatch.setattr(coder, "tune", tune)
    made = Collection(tmp_path / "vectors")
    made.step(1500)
    assert tried[:3] == [DIM // 4, DIM // 2, DIM]
    assert made.kind == "exact"
    assert made.manifest.choice
    assert made.manifest.choice["why"] == "no codes found 99% of the nearest"
    assert made.recall(made.queries(20))[0] == 1
    # That stands: the next runs do not train in vain again, until there are many more rows.
    tried.clear()
    left = made.manifest.choice
    made.step(100)
    made.step(0)
    assert (tried, made.manifest.choice) == ([], left)
    made.step(5000)
    assert tried


def test_equal_vectors_come_by_id(large: Collection) -> None:
    twin = unit_rows(large.gap[None])
    ids = large.next_id + np.arange(200)
    large.index.state = large.file.write(NONE, [(ids, np.tile(twin, (200, 1)))], 99)
    ((found, scores),) = large.index.search(twin, 20)
    assert len(set(scores.tolist())) == 1
    assert found.tolist() == ids[:20].tolist()


def test_scores_of_chosen_rows_are_those_of_all(tmp_path: Path) -> None:
    """Few rows are copied and many read where they lie; on a memory map and in memory."""
    rng = np.random.default_rng(0)
    np.save(tmp_path / "rows.npy", unit_rows(rng.normal(size=(4000, 33))))
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    query = unit_rows(rng.normal(size=(1, 33)))[0]
    for rows in (np.asarray(mapped), np.array(mapped)):
        for n in (0, 1, ranking.FEW_ROWS - 1, ranking.FEW_ROWS, 4000):
            at = np.sort(rng.choice(4000, n, replace=False))
            scores = ranking.products_at(rows, at, query)
            assert scores.dtype == np.float32
            np.testing.assert_allclose(
                scores, true_scores(rows[at], query), atol=ranking.rounding(33) / 2
            )


def codes_file(made: Collection) -> Path:
    return made.file.folder / made.manifest.codes


def test_cut_codes_are_found_when_the_index_is_opened(large: Collection) -> None:
    codes_file(large).write_bytes(codes_file(large).read_bytes()[:-1])
    with pytest.raises(IndexDamaged, match="incomplete"):
        IndexFile(large.file.folder, "clip.image", DIM).load()


def test_rotten_codes_cost_time_and_nothing_else(
    large: Collection, caplog: pytest.LogCaptureFixture
) -> None:
    data = bytearray(codes_file(large).read_bytes())
    data[len(data) // 2] ^= 1
    codes_file(large).write_bytes(data)
    large.index.state = IndexFile(large.file.folder, "clip.image", DIM).load()
    recall, ways = large.recall(large.queries(5))
    assert recall == 1
    assert ways[0] is Way.SCAN
    assert "anyseek rebuild" in caplog.text


def test_opening_reads_no_vectors_and_no_codes(large: Collection) -> None:
    state = IndexFile(large.file.folder, "clip.image", DIM).load()
    (part, *_) = state.parts
    assert isinstance(part, CodedPart)
    assert part.codes._index is None
    assert isinstance(part.rows.base, np.memmap)
    assert isinstance(part.ids.base, np.memmap)


def test_a_small_change_keeps_what_was_trained(large: Collection) -> None:
    before = large.manifest
    large.step(10, 3)
    assert large.manifest.codes == before.codes, "it went into the tail"
    large.step(200)
    assert large.manifest.count > before.count
    after = large.manifest
    assert after.codes != before.codes, "the tail was full"
    assert after.choice == before.choice
    assert after.generation == before.generation
    assert after.effort == before.effort


def test_what_was_trained_is_trained_anew_when_outgrown(collection: Collection) -> None:
    collection.step(3500)
    lists = collection.manifest.choice
    assert lists
    collection.step(12_000)
    assert collection.manifest.choice
    assert collection.manifest.choice["lists"] > lists["lists"]
    assert collection.manifest.choice["trained_rows"] > 12_000
    assert collection.recall(collection.queries(100))[0] >= 0.98


def asking(made: Collection, stop: threading.Event, wrong: list[str]) -> Iterator[None]:
    queries = made.queries(4)
    while not stop.is_set():
        for ids, scores in made.index.search(queries, K):
            if len(ids) != K or len(set(ids.tolist())) != K or (np.diff(scores) > 0).any():
                wrong.append(f"{ids} {scores}")
        yield


def test_the_old_index_answers_while_the_new_one_is_trained(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    collection.step(350)
    stop = threading.Event()
    wrong: list[str] = []
    counts = [0, 0, 0]
    trainings = []
    real = Codes.trained

    def trained(rows: Vectors, choice: policy.Choice, centres: Vectors | None) -> Codes:
        before = counts.copy()
        trainings.append(before)
        made = real(rows, choice, centres)
        deadline = time.monotonic() + SOON_S
        while any(now < then + 2 for now, then in zip(counts, before, strict=True)):
            assert not wrong
            assert time.monotonic() < deadline, "no answers come while an index is trained"
            time.sleep(0.001)
        return made

    monkeypatch.setattr(Codes, "trained", trained)

    def ask(reader: int) -> None:
        for _ in asking(collection, stop, wrong):
            counts[reader] += 1

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for add, remove in [(900, 10), (2500, 50), (200, 1200)]:
        collection.step(add, remove)
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(trainings) >= 3


@given(
    rows=st.integers(0, 10**9),
    dim=st.sampled_from([1, 2, 3, 6, 7, 64, 512, 1024]),
    memory=st.none() | st.integers(10**6, 10**12),
    recall=st.floats(0.5, 1.0),
)
def test_every_size_has_a_kind(rows: int, dim: int, memory: int | None, recall: float) -> None:
    choice = policy.choose(rows, dim, Wish(recall=recall, memory=memory))
    assert choice.why
    assert (choice.lists == 0) == (choice.sub_dim == 0) == (choice.kind == "exact")
    if choice.lists:
        assert dim % choice.sub_dim == 0
        assert choice.lists <= max(1, rows)
        if memory and "more memory than asked for" not in choice.why:
            assert rows * (dim / choice.sub_dim / 2 + 8) <= memory
    assert not policy.outgrown(choice, rows, dim, Wish(recall=recall, memory=memory))


def test_the_table_of_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    kinds = {n: policy.choose(n, 512, Wish()) for n in (100, 20_000, 20_001, 100_001, 10**6, 10**8)}
    assert [c.kind for c in kinds.values()] == [
        "exact", "exact", "codes", "lists of codes", "lists of codes", "lists of codes",
    ]  # fmt: skip
    assert [c.lists for c in kinds.values()] == [0, 0, 1, 1024, 4096, 32768]
    assert {c.sub_dim for c in kinds.values()} == {0, 4}
    small = policy.choose(10**6, 512, Wish(memory=50_000_000))
    assert small.sub_dim == 8
    assert "to stay in the memory" in small.why


def test_a_choice_is_kept_at_the_border() -> None:
    wish = Wish()
    exact, codes = policy.choose(400, DIM, wish), policy.choose(401, DIM, wish)
    assert policy.outgrown(exact, 401, DIM, wish)
    assert not policy.outgrown(codes, 399, DIM, wish)
    assert policy.outgrown(codes, 150, DIM, wish)
    assert policy.outgrown(codes, 401, DIM, Wish(recall=1.0))
    lists = policy.choose(3001, DIM, wish)
    assert not policy.outgrown(lists, 12_000, DIM, wish)
    assert policy.outgrown(lists, 12_005, DIM, wish)


def test_effort_for_any_number_of_results(large: Collection) -> None:
    (part, *_) = large.index.state.parts
    assert isinstance(part, CodedPart)
    effort = replace(
        part.effort,
        look_few=30,
        look_many=210,
        look_filtered=(60, 90),
        probes=4,
        probes_filtered=(8, 20),
    )
    assert [effort.look(k) for k in (1, 10, 55, 100, 1000)] == [30, 30, 120, 210, 2010]
    assert [effort.look(10, share) for share in (1.0, 0.1, 0.01, 0.001)] == [30, 60, 90, 90]
    assert effort.look(55, 0.1) == 240
    assert [effort.probes_for(share) for share in (1.0, 0.1, 0.01, 0.0001)] == [4, 8, 20, 20]
    assert 4 < effort.probes_for(0.3) <= 8


@settings(max_examples=30)
@given(st.integers(1, 10**7), st.sampled_from([64, 512, 1024]))
def test_the_cost_model_grows_with_the_work(rows: int, dim: int) -> None:
    assert rows_ms(2 * rows, dim) > rows_ms(rows, dim) > 0
    cost = codes_ms(rows, dim, 4, share=0.1, probes=5, look=50)
    assert codes_ms(rows, dim, 4, share=0.2, probes=5, look=50) > cost
    assert codes_ms(rows, dim, 4, share=0.1, probes=9, look=50) > cost
    assert codes_ms(rows, dim, 4, share=0.1, probes=5, look=99) > cost
    assert codes_ms(rows, dim, 8, share=0.1, probes=5, look=50) < cost
