"""The catalog: what is committed is there, what is forgotten is gone, nothing else changes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from retrieval.catalog.catalog import Catalog
from retrieval.catalog.filter import Filter
from retrieval.catalog.new_content import EncodedMoment, FileState, NewContent
from retrieval.records import Kind, Modality, Moment
from retrieval.vectors import unit_rows

SPACES = {"clip": 3, "clap": 2}
EVERYTHING = Filter(missing=True)


def content_of(digest: str, n_moments: int = 1, kind: Kind = Kind.TEXT) -> NewContent:
    """A content whose vectors follow from its hash alone."""
    rng = np.random.default_rng(list(digest.encode()))
    modality = Modality(kind) if kind is not Kind.VIDEO else Modality.IMAGE
    return NewContent(
        digest,
        kind,
        [
            EncodedMoment(
                Moment(modality, start_char=10 * i, end_char=10 * i + 5, text=f"{digest} {i}"),
                {s: unit_rows(rng.normal(size=(1, d)))[0] for s, d in SPACES.items()},
            )
            for i in range(n_moments)
        ],
        {"title": digest},
    )


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    made = Catalog.create(tmp_path / "catalog.db", space_dims=SPACES, model_set="test")
    yield made
    made.close()


@pytest.fixture
def root_id(catalog: Catalog) -> int:
    with catalog.transaction() as transaction:
        return transaction.add_root("root", "/disk")


STATE = FileState(size=10, mtime_ns=1_700_000_000_000_000_000)


def add(catalog: Catalog, root_id: int, path: str, content: NewContent) -> int:
    with catalog.transaction() as transaction:
        return transaction.add(root_id, path, STATE, content)


def vectors_in_index_order(catalog: Catalog, since: int = 0) -> tuple[list[int], list[int]]:
    """What an index at a change would add and remove."""
    with catalog.vectors.changes_since(since, "clip", Modality.TEXT) as changes:
        added = [int(i) for ids, _ in changes.added for i in ids]
        return added, changes.removed.tolist()


def test_a_file_comes_back_as_it_was_put(catalog: Catalog, root_id: int) -> None:
    content = content_of("abc", n_moments=3)
    file_id = add(catalog, root_id, "notes/a.txt", content)
    (file,) = catalog.files.matching(EVERYTHING)
    assert (file.id, file.path, file.kind, file.moments) == (
        file_id,
        Path("/disk/notes/a.txt"),
        Kind.TEXT,
        3,
    )
    stored = catalog.moments.of("abc")
    assert [replace(m, id=None) for m in stored] == [m.moment for m in content.moments]
    for space in SPACES:
        ids, rows = catalog.vectors.get(space, [m.id or 0 for m in stored])
        assert ids.tolist() == [m.id for m in stored]
        expected = np.stack([m.vectors[space] for m in content.moments])
        assert rows.tobytes() == expected.tobytes()


def test_all_of_a_transaction_or_nothing(catalog: Catalog, root_id: int) -> None:
    before = catalog.changes()
    with pytest.raises(KeyboardInterrupt), catalog.transaction() as transaction:
        transaction.add(root_id, "a.txt", STATE, content_of("abc"))
        raise KeyboardInterrupt
    assert list(catalog.files.matching(EVERYTHING)) == []
    assert catalog.moments.of("abc") == []
    assert catalog.changes() == before


def test_the_same_content_is_stored_once(catalog: Catalog, root_id: int) -> None:
    first = add(catalog, root_id, "a.txt", content_of("abc"))
    second = add(catalog, root_id, "copy of a.txt", content_of("abc"))
    assert first != second
    assert catalog.counts().files == {Kind.TEXT: 2}
    assert catalog.counts().moments == {Modality.TEXT: 1}
    (moment,) = catalog.moments.of("abc")
    with catalog.transaction() as transaction:
        transaction.forget([first])
    assert catalog.moments.of("abc") == [moment]
    with catalog.transaction() as transaction:
        transaction.forget([second])
    assert catalog.moments.of("abc") == []


def test_a_changed_file_keeps_its_id_and_loses_its_old_moments(
    catalog: Catalog, root_id: int
) -> None:
    file_id = add(catalog, root_id, "a.txt", content_of("old"))
    (old,) = catalog.moments.of("old")
    change = catalog.changes()
    assert add(catalog, root_id, "a.txt", content_of("new")) == file_id
    (new,) = catalog.moments.of("new")
    assert catalog.moments.of("old") == []
    assert vectors_in_index_order(catalog, change) == ([new.id], [old.id])


def test_ids_of_moments_are_never_used_twice(catalog: Catalog, root_id: int) -> None:
    file_id = add(catalog, root_id, "a.txt", content_of("one"))
    (first,) = catalog.moments.of("one")
    with catalog.transaction() as transaction:
        transaction.forget([file_id])
    add(catalog, root_id, "a.txt", content_of("two"))
    (second,) = catalog.moments.of("two")
    assert (second.id or 0) > (first.id or 0)


def test_link_needs_a_content(catalog: Catalog, root_id: int) -> None:
    with catalog.transaction() as transaction:
        assert transaction.link(root_id, "a.txt", STATE, "unknown") is None
    assert list(catalog.files.matching(EVERYTHING)) == []


def test_a_moved_file_keeps_id_and_moments(catalog: Catalog, root_id: int) -> None:
    file_id = add(catalog, root_id, "a.txt", content_of("abc"))
    add(catalog, root_id, "b.txt", content_of("in the way"))
    (moment,) = catalog.moments.of("abc")
    with catalog.transaction() as transaction:
        transaction.mark_missing([file_id], 1.0)
        transaction.move(file_id, root_id, "b.txt", STATE)
    (file,) = catalog.files.matching(EVERYTHING)
    assert (file.id, file.path, file.missing_since) == (file_id, Path("/disk/b.txt"), None)
    assert catalog.moments.of("abc") == [moment]
    assert catalog.moments.of("in the way") == []


def test_missing_files_keep_everything_and_the_first_mark(catalog: Catalog, root_id: int) -> None:
    file_id = add(catalog, root_id, "a.txt", content_of("abc"))
    for since_s in (100.0, 200.0):
        with catalog.transaction() as transaction:
            transaction.mark_missing([file_id], since_s)
    file = catalog.files.get(file_id)
    assert file.missing_since is not None
    assert file.missing_since.timestamp() == 100.0
    assert len(catalog.moments.of("abc")) == 1
    assert list(catalog.files.matching(Filter())) == []
    assert catalog.counts().missing == 1
    with catalog.transaction() as transaction:
        transaction.mark_seen([file_id])
    assert len(list(catalog.files.matching(Filter()))) == 1


def test_a_failure_takes_the_place_of_a_content(catalog: Catalog, root_id: int) -> None:
    file_id = add(catalog, root_id, "a.txt", content_of("abc"))
    with catalog.transaction() as transaction:
        assert transaction.fail(root_id, "a.txt", STATE, "truncated") == file_id
    file = catalog.files.get(file_id)
    assert (file.kind, file.failure, file.moments) == (None, "truncated", 0)
    assert catalog.moments.of("abc") == []
    add(catalog, root_id, "a.txt", content_of("abc"))
    assert catalog.files.get(file_id).failure is None


def test_names_that_are_not_utf8(catalog: Catalog, root_id: int) -> None:
    name = os.fsdecode(b"caf\xe9/\xff.txt")
    add(catalog, root_id, name, content_of("abc"))
    assert list(catalog.files.entries(root_id)) == [name]
    (file,) = catalog.files.matching(
        replace(EVERYTHING, under=((root_id, os.fsdecode(b"caf\xe9")),))
    )
    assert os.fsencode(file.path) == b"/disk/caf\xe9/\xff.txt"


def test_forgetting_a_root_forgets_its_files(catalog: Catalog, root_id: int) -> None:
    with catalog.transaction() as transaction:
        other = transaction.add_root("other", "/elsewhere")
    add(catalog, root_id, "a.txt", content_of("abc"))
    kept = add(catalog, other, "a.txt", content_of("abc"))
    add(catalog, root_id, "b.txt", content_of("only here"))
    with catalog.transaction() as transaction:
        transaction.forget_root(root_id)
    assert [root.name for root in catalog.roots()] == ["other"]
    assert [file.id for file in catalog.files.matching(EVERYTHING)] == [kept]
    assert len(catalog.moments.of("abc")) == 1
    assert catalog.moments.of("only here") == []


def test_a_moved_root_moves_its_files(catalog: Catalog, root_id: int) -> None:
    add(catalog, root_id, "a.txt", content_of("abc"))
    with catalog.transaction() as transaction:
        transaction.move_root(root_id, "/mnt/new")
    assert [file.path for file in catalog.files.matching(EVERYTHING)] == [Path("/mnt/new/a.txt")]


FILTERED = {
    "2020/a.txt": Kind.TEXT,
    "2020/b.png": Kind.IMAGE,
    "2020x/c.png": Kind.IMAGE,
    "2021/d.mp4": Kind.VIDEO,
    "2021": Kind.AUDIO,
}


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Filter(), set(FILTERED)),
        (Filter(kinds=frozenset({Kind.IMAGE})), {"2020/b.png", "2020x/c.png"}),
        (Filter(under=((1, "2020"),)), {"2020/a.txt", "2020/b.png"}),
        (Filter(under=((1, "2021"),)), {"2021/d.mp4", "2021"}),
        (Filter(under=((1, ""),)), set(FILTERED)),
        (Filter(under=((2, ""),)), set()),
        (Filter(under=()), set()),
        (Filter(since_ns=3), {"2021/d.mp4", "2021"}),
        (Filter(until_ns=1), {"2020/a.txt"}),
        (Filter(since_ns=1, until_ns=2), {"2020/b.png"}),
    ],
)
def test_filters(catalog: Catalog, root_id: int, wanted: Filter, expected: set[str]) -> None:
    with catalog.transaction() as transaction:
        for i, (path, kind) in enumerate(FILTERED.items()):
            content = content_of(path, kind=kind)
            transaction.add(root_id, path, FileState(10, i), content)
    assert {
        f.path.relative_to("/disk").as_posix() for f in catalog.files.matching(wanted)
    } == expected
    allowed = [catalog.moments.allowed(modality, wanted) for modality in Modality]
    if wanted == Filter():
        assert allowed == [None, None, None]
    else:
        kinds = sum(len(ids) for ids in allowed if ids is not None)
        assert kinds == len(expected)


def test_a_filter_that_hides_missing_files_applies_only_if_there_are_any(
    catalog: Catalog, root_id: int
) -> None:
    file_id = add(catalog, root_id, "a.txt", content_of("abc"))
    kept = add(catalog, root_id, "b.txt", content_of("def"))
    assert catalog.moments.allowed(Modality.TEXT, Filter()) is None
    with catalog.transaction() as transaction:
        transaction.mark_missing([file_id], 1.0)
    ids = catalog.moments.allowed(Modality.TEXT, Filter())
    assert ids is not None
    assert ids.tolist() == [m.id for m in catalog.moments.of("def")]
    assert catalog.files.get(kept).missing_since is None
    assert catalog.moments.allowed(Modality.TEXT, Filter(missing=True)) is None


def test_check_finds_vectors_of_a_wrong_length(catalog: Catalog, root_id: int) -> None:
    add(catalog, root_id, "a.txt", content_of("abc"))
    assert catalog.check() == []
    with catalog.transaction() as transaction:
        transaction._connection.exec_driver_sql(
            "UPDATE vectors SET data = x'00' WHERE space_id = 1"
        )
    assert catalog.check() == ["1 vectors of clap do not have 2 dimensions"]


class CatalogAgainstDict(RuleBasedStateMachine):
    """Any mix of writes against a dictionary from path to content; an index that catches up at
    random times must always end with exactly the moments that files still have.
    """

    paths = st.sampled_from(["a", "b", "c/d", "c/e"])
    digests = st.sampled_from(["one", "two", "three"])

    def __init__(self) -> None:
        super().__init__()
        import tempfile

        self._folder = tempfile.TemporaryDirectory()
        path = Path(self._folder.name, "catalog.db")
        self.catalog = Catalog.create(path, space_dims=SPACES)
        with self.catalog.transaction() as transaction:
            self.root = transaction.add_root("root", "/disk")
        self.model: dict[str, tuple[int, str | None]] = {}
        self.index: set[int] = set()
        self.change = 0

    def teardown(self) -> None:
        self.catalog.close()
        self._folder.cleanup()

    @rule(path=paths, digest=digests, n=st.integers(0, 3))
    def put(self, path: str, digest: str, n: int) -> None:
        with self.catalog.transaction() as transaction:
            content = content_of(digest, n_moments=len(digest) - 2)
            file_id = transaction.add(self.root, path, FileState(n, n), content)
        assert path not in self.model or self.model[path][0] == file_id
        self.model[path] = (file_id, digest)

    @rule(path=paths)
    def fail(self, path: str) -> None:
        with self.catalog.transaction() as transaction:
            file_id = transaction.fail(self.root, path, STATE, "broken")
        self.model[path] = (file_id, None)

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def forget(self, data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(sorted(self.model)))
        with self.catalog.transaction() as transaction:
            transaction.forget([self.model.pop(path)[0]])

    @precondition(lambda self: self.model)
    @rule(data=st.data(), new_path=paths)
    def move(self, data: st.DataObject, new_path: str) -> None:
        path = data.draw(st.sampled_from(sorted(self.model)))
        file_id = self.model[path][0]
        with self.catalog.transaction() as transaction:
            transaction.move(file_id, self.root, new_path, STATE)
        self.model[new_path] = self.model.pop(path)

    @rule()
    def catch_up(self) -> None:
        with self.catalog.vectors.changes_since(self.change, "clap", Modality.TEXT) as changes:
            self.index -= set(changes.removed.tolist())
            for ids, rows in changes.added:
                assert rows.shape == (len(ids), SPACES["clap"])
                assert not self.index & set(ids.tolist())
                self.index |= set(ids.tolist())
            self.change = changes.change

    @invariant()
    def files_are_those_of_the_model(self) -> None:
        entries = self.catalog.files.entries(self.root)
        found = {path: (e.file_id, e.content_hash) for path, e in entries.items()}
        assert found == self.model

    @invariant()
    def moments_are_those_of_contents_in_use(self) -> None:
        used = {digest for _, digest in self.model.values() if digest}
        counts = self.catalog.counts()
        assert counts.moments.get(Modality.TEXT, 0) == sum(len(d) - 2 for d in used)
        if self.change == self.catalog.changes():
            assert self.index == {m.id for digest in used for m in self.catalog.moments.of(digest)}

    @invariant()
    def sqlite_agrees(self) -> None:
        assert self.catalog.check() == []


CatalogAgainstDict.TestCase.settings = settings(max_examples=15, stateful_step_count=20)
TestCatalogAgainstDict = CatalogAgainstDict.TestCase
