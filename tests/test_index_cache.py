"""Indexes follow their catalog: behind, ahead, missing, damaged, in threads and processes."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from retrieval.catalog.catalog import Catalog
from retrieval.catalog.new_content import EncodedMoment, FileState, NewContent
from retrieval.errors import MissingPackage
from retrieval.index_cache import IndexCache
from retrieval.records import Kind, Modality, Moment
from retrieval.vector_index import IndexStatus, Wish, coder, effort, index_file, policy
from retrieval.vector_index.codes import Codes
from retrieval.vector_index.part import Part
from retrieval.vectors import Ids, Vectors, unit_rows
from tests.nearest import assert_nearest

SPACES = {"clip": 3, "clap": 2}
STATE = FileState(size=10, mtime_ns=1)


class World:
    """A catalog of pictures and an index cache beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.catalog = Catalog.create(folder / "catalog.db", space_dims=SPACES, model_set="test")
        self.cache = self.another()
        with self.catalog.transaction() as transaction:
            self.root = transaction.add_root("root", "/disk")
        self.made = 0

    def another(self) -> IndexCache:
        """A cache as another process would have."""
        return IndexCache(self.folder / "vectors", self.catalog)

    def add(self, n: int, modality: Modality = Modality.IMAGE) -> int:
        """Add a file with n moments; returns its id."""
        self.made += 1
        rng = np.random.default_rng(self.made)
        moments = [
            EncodedMoment(
                Moment(modality),
                {
                    s: unit_rows(rng.normal(size=(1, d)).round(1) + 0.01)[0]
                    for s, d in SPACES.items()
                },
            )
            for _ in range(n)
        ]
        content = NewContent(str(self.made), Kind(modality), moments)
        with self.catalog.transaction() as transaction:
            return transaction.add(self.root, f"{self.made}", STATE, content)

    def forget(self, *files: int) -> None:
        with self.catalog.transaction() as transaction:
            transaction.forget(files)

    def truth(self, modality: Modality = Modality.IMAGE) -> tuple[Ids, Vectors]:
        """What an index in step must hold."""
        with self.catalog.vectors.changes_since(0, "clip", modality) as changes:
            pieces = list(changes.added)
        ids = [np.empty(0, np.int64), *(i for i, _ in pieces)]
        rows = [np.empty((0, 3), np.float32), *(r for _, r in pieces)]
        return np.concatenate(ids), np.concatenate(rows)

    def check(self, cache: IndexCache | None = None) -> None:
        """A cache answers as brute force over the catalog does."""
        index = (cache or self.cache).get("clip", Modality.IMAGE)
        ids, rows = self.truth()
        assert index.ids.tolist() == ids.tolist()
        assert index.change == self.catalog.changes()
        queries = unit_rows(np.random.default_rng(0).normal(size=(2, 3)))
        for k in (1, 5, 1000):
            for answer, query in zip(index.search(queries, k), queries, strict=True):
                assert_nearest(answer, ids, rows, query, k)

    def files(self) -> list[Path]:
        return sorted((self.folder / "vectors").glob("clip.image.*"))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "library")
    yield made
    made.catalog.close()


def test_an_index_never_written(world: World) -> None:
    world.check()
    world.add(3)
    world.check()
    assert world.files() == []


def test_a_reader_writes_nothing(world: World) -> None:
    world.add(3)
    world.cache.refresh()
    before = {file: file.read_bytes() for file in world.files()}
    world.add(2)
    world.check()
    assert {file: file.read_bytes() for file in world.files()} == before


def test_a_written_index_is_read_again(world: World, caplog: pytest.LogCaptureFixture) -> None:
    first = world.add(5)
    world.add(4)
    world.cache.refresh()
    world.check(world.another())
    world.forget(first)
    world.add(1)
    world.check(world.another())
    world.cache.refresh()
    world.check(world.another())
    assert not caplog.records


def test_modalities_and_spaces_are_kept_apart(world: World) -> None:
    world.add(2, Modality.IMAGE)
    world.add(3, Modality.AUDIO)
    world.cache.refresh()
    again = world.another()
    assert len(again.get("clip", Modality.IMAGE)) == 2
    assert len(again.get("clip", Modality.AUDIO)) == 3
    assert len(again.get("clip", Modality.TEXT)) == 0
    assert again.get("clap", Modality.AUDIO).dim == 2


def test_space_names_that_no_file_could_have(tmp_path: Path) -> None:
    names = {"a/b": 2, "a-b": 2, "A-b": 2, "../x": 2, "ü": 2}
    catalog = Catalog.create(tmp_path / "catalog.db", space_dims=names, model_set="test")
    with catalog.transaction() as transaction:
        root = transaction.add_root("root", "/disk")
        for i, name in enumerate(names):
            row = np.array([i, 1], np.float32)
            content = NewContent(
                name, Kind.TEXT, [EncodedMoment(Moment(Modality.TEXT), {name: row})]
            )
            transaction.add(root, name, STATE, content)
    IndexCache(tmp_path / "vectors", catalog).refresh()
    again = IndexCache(tmp_path / "vectors", catalog)
    for i, name in enumerate(names):
        ((_, scores),) = again.get(name, Modality.TEXT).search(np.array([[1, 0]], np.float32), 9)
        assert scores.tolist() == [i]
    catalog.close()


@pytest.mark.parametrize("ending", ["json", "rows", "ids", "tail"])
@pytest.mark.parametrize("damage", ["missing", "empty", "half", "noise", "folder"])
def test_a_damaged_file_costs_nothing(
    world: World,
    ending: str,
    damage: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(index_file, "TAIL_ROWS", 10)
    first = world.add(15)
    world.cache.refresh()
    world.add(4)
    world.forget(first)
    world.add(20)
    world.add(5)
    world.cache.refresh()
    (file,) = (f for f in world.files() if f.name.endswith(ending))
    data = file.read_bytes()
    file.unlink()
    if damage == "folder":
        file.mkdir()
    elif damage != "missing":
        noise = bytes(b ^ 0x5A for b in data)
        file.write_bytes({"empty": b"", "half": data[: len(data) // 2], "noise": noise}[damage])
    if damage == "noise" and ending in ("rows", "ids"):
        return  # found by `verify`, which looks at what the files hold
    world.check(world.another())
    if damage == "folder":
        file.rmdir()
    writer = world.another()
    writer.refresh()
    world.check(writer)
    caplog.clear()
    world.check(world.another())
    assert not caplog.records, "the writer has mended it"


def test_every_way_to_cut_a_manifest(world: World) -> None:
    world.add(3)
    world.cache.refresh()
    (manifest,) = (world.folder / "vectors").glob("clip.image.json")
    data = manifest.read_bytes()
    for length in range(0, len(data) - 2, 7):
        manifest.write_bytes(data[:length])
        world.check(world.another())


def test_an_index_of_a_catalog_that_was_put_back(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.add(3)
    backup = world.folder / "backup.db"
    world.catalog.close()
    shutil.copy(world.folder / "catalog.db", backup)
    world.add(4)
    world.cache.refresh()
    world.catalog.close()
    for name in ("catalog.db-wal", "catalog.db-shm"):
        (world.folder / name).unlink(missing_ok=True)
    shutil.copy(backup, world.folder / "catalog.db")
    reader = world.another()
    world.check(reader)
    assert "ahead of the catalog" in caplog.text
    writer = world.another()
    writer.refresh()
    world.check(writer)
    world.check(world.another())


def test_rows_left_by_a_run_that_was_killed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_file, "TAIL_ROWS", 5)
    world.add(8)
    world.cache.refresh()
    for file in world.files():
        if file.suffix in (".rows", ".ids"):
            with file.open("ab") as opened:
                opened.write(b"\x7f" * 100)
    world.check(world.another())
    world.add(9)
    world.another().refresh()
    world.check(world.another())


def test_a_refresh_with_nothing_to_do_writes_nothing(world: World) -> None:
    world.add(3)
    world.cache.refresh()
    before = [(file, file.stat().st_mtime_ns) for file in world.files()]
    world.cache.refresh()
    assert [(file, file.stat().st_mtime_ns) for file in world.files()] == before


def test_a_change_elsewhere_writes_only_the_manifest(world: World) -> None:
    world.add(3)
    world.cache.refresh()
    before = {f.name: f.stat().st_mtime_ns for f in world.files() if f.suffix != ".json"}
    world.add(3, Modality.TEXT)
    world.cache.refresh()
    after = {f.name: f.stat().st_mtime_ns for f in world.files() if f.suffix != ".json"}
    assert after == before
    world.check(world.another())


def test_old_files_are_swept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_file, "TAIL_ROWS", 5)
    for _ in range(6):
        file = world.add(7)
        world.forget(file)
        world.add(3)
        world.cache.refresh()
    assert len(world.files()) <= 4
    world.check(world.another())


def test_rebuild_makes_everything_anew(world: World) -> None:
    world.add(3)
    world.cache.refresh()
    for file in world.files():
        file.write_bytes(b"nonsense")
    (world.folder / "vectors" / "old-format.faiss").write_bytes(b"")
    world.cache.rebuild()
    world.check()
    world.check(world.another())
    assert not list((world.folder / "vectors").glob("*.faiss"))


def test_without_faiss(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrieval.vector_index.backend.find_spec", lambda name: None)
    for call in (lambda: world.cache.get("clip", Modality.IMAGE), world.cache.refresh):
        with pytest.raises(MissingPackage) as caught:
            call()
        assert "pip install 'anyseek[cpu]'" in str(caught.value)
        assert "pip install 'anyseek[gpu]'" in str(caught.value)


def test_a_reader_keeps_what_it_mapped(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_file, "TAIL_ROWS", 5)
    file = world.add(20)
    world.cache.refresh()
    index = world.another().get("clip", Modality.IMAGE)
    before = index.search(np.array([[1, 0, 0]], np.float32), 20)[0]
    world.forget(file)
    world.add(9)
    world.cache.refresh()
    after = index.search(np.array([[1, 0, 0]], np.float32), 20)[0]
    assert before[0].tolist() == after[0].tolist()
    assert before[1].tolist() == after[1].tolist()


def test_threads_search_while_another_catches_up(world: World) -> None:
    world.add(50)
    stop = threading.Event()
    wrong: list[BaseException] = []
    answered = threading.Semaphore(0)

    def read() -> None:
        try:
            while not stop.is_set():
                index = world.cache.get("clip", Modality.IMAGE)
                ((ids, scores),) = index.search(np.array([[1, 0, 0]], np.float32), 10_000)
                assert len(set(ids.tolist())) == len(ids) == len(scores)
                # Files come and go whole, so a state in between would not be full tens.
                assert len(ids) % 10 == 0
                answered.release()
        except BaseException as error:
            wrong.append(error)

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    files: list[int] = []
    for n in range(30):
        files.append(world.add(10 * (1 + n % 3)))
        if n % 4 == 3:
            world.forget(files.pop(0))
        if n % 10 == 9:
            world.cache.refresh()
        while answered.acquire(blocking=False):
            pass
        for _ in readers:  # somebody has begun and ended a search since
            assert answered.acquire(timeout=120)
    stop.set()
    for reader in readers:
        reader.join()
    assert not wrong
    world.check()


FOLLOW = """
import sys
from pathlib import Path
import numpy as np
from retrieval.catalog.catalog import Catalog
from retrieval.index_cache import IndexCache
from retrieval.records import Modality
folder = Path(sys.argv[1])
cache = IndexCache(folder / "vectors", Catalog(folder / "catalog.db"))
for line in sys.stdin:
    index = cache.get("clip", Modality.IMAGE)
    ((ids, _),) = index.search(np.array([[1, 0, 0]], np.float32), 100_000)
    print(index.change, *sorted(ids.tolist()), flush=True)
"""


def test_a_reader_in_another_process_follows_the_writer(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_file, "TAIL_ROWS", 20)
    command = [sys.executable, "-c", FOLLOW, str(world.folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as reader:
        assert reader.stdin
        assert reader.stdout
        files: list[int] = []
        for n in range(12):
            files.append(world.add(9))
            if n % 3 == 2:
                world.forget(files.pop(0))
            if n % 2:
                world.cache.refresh()
            reader.stdin.write("\n")
            reader.stdin.flush()
            change, *ids = (int(word) for word in reader.stdout.readline().split())
            assert change == world.catalog.changes()
            assert ids == world.truth()[0].tolist()
        reader.stdin.close()


class Life(RuleBasedStateMachine):
    """A library's life: adds, removes, writes, restarts, damage, in any order."""

    def __init__(self) -> None:
        super().__init__()
        import tempfile

        self.temporary = tempfile.TemporaryDirectory()
        self.world = World(Path(self.temporary.name) / "library")
        self.files: list[int] = []
        self.full = index_file.TAIL_ROWS
        index_file.TAIL_ROWS = 6
        logging.getLogger("retrieval").setLevel(logging.CRITICAL)

    def teardown(self) -> None:
        index_file.TAIL_ROWS = self.full
        logging.getLogger("retrieval").setLevel(logging.NOTSET)
        self.world.catalog.close()
        self.temporary.cleanup()

    @rule(n=st.integers(0, 9))
    def add(self, n: int) -> None:
        self.files.append(self.world.add(n))

    @rule(data=st.data())
    def forget(self, data: st.DataObject) -> None:
        if self.files:
            gone = data.draw(st.sets(st.sampled_from(self.files)))
            self.world.forget(*gone)
            self.files = [file for file in self.files if file not in gone]

    @rule()
    def refresh(self) -> None:
        self.world.cache.refresh()

    @rule()
    def rebuild(self) -> None:
        self.world.cache.rebuild()

    @rule()
    def restart(self) -> None:
        self.world.cache = self.world.another()

    @rule(data=st.data(), share=st.floats(0, 1))
    def cut(self, data: st.DataObject, share: float) -> None:
        files = [f for f in self.world.files() if f.suffix in (".json", ".tail")]
        if files:
            file = data.draw(st.sampled_from(files))
            content = file.read_bytes()
            file.unlink()  # a file that is mapped elsewhere must not shrink
            file.write_bytes(content[: int(share * len(content))])

    @invariant()
    def the_index_is_right(self) -> None:
        self.world.check()


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=10, stateful_step_count=12)


def test_what_was_chosen_and_why(world: World) -> None:
    assert world.cache.describe() == []
    world.add(3)
    world.cache.refresh()
    clap, clip = world.cache.describe()
    assert (clap.space, clip.space, clip.modality, clip.moments) == (
        "clap",
        "clip",
        Modality.IMAGE,
        3,
    )
    assert clip.kind == "exact"
    assert clip.why == "3 moments are scanned quickly enough"
    assert clip.recall is None
    assert clip.code_bytes == 0


def test_a_large_index_is_measured_with_vectors_of_other_modalities(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "EXACT_ROWS", 100)
    monkeypatch.setattr(index_file, "TAIL_ROWS", 20)
    monkeypatch.setattr(coder, "QUERIES", 40)
    asked: list[Vectors] = []

    def tune(
        part: Part, codes: Codes, own: Vectors, off: Vectors, recall: float
    ) -> effort.Effort | None:
        asked.append(off)
        return effort.tune(part, codes, own, off, recall)

    monkeypatch.setattr(coder, "tune", tune)
    world.add(60, Modality.TEXT)
    world.add(300)
    cache = world.another()
    cache.ask(Wish(recall=0.8))
    cache.refresh()
    texts = {row.tobytes() for row in world.truth(Modality.TEXT)[1]}
    assert any({row.tobytes() for row in off} <= texts for off in asked)
    status = next(s for s in cache.describe() if (s.space, s.modality) == ("clip", Modality.IMAGE))
    assert status.kind == "codes"
    assert status.why.startswith("300 moments are too many to scan their vectors")
    assert status.recall is not None
    assert status.recall >= 0.8
    assert status.code_bytes > 0
    assert status.search_ms
    assert status.asked == 0.8


def clip_image(cache: IndexCache) -> IndexStatus:
    return next(s for s in cache.describe() if (s.space, s.modality) == ("clip", Modality.IMAGE))


@pytest.fixture
def coded(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world whose indexes have codes at small sizes."""
    monkeypatch.setattr(policy, "EXACT_ROWS", 100)
    monkeypatch.setattr(index_file, "TAIL_ROWS", 20)
    monkeypatch.setattr(coder, "QUERIES", 40)
    world.add(300)
    world.cache.refresh()
    return world


def test_what_is_asked_is_remembered_with_the_library(world: World) -> None:
    assert world.cache.wish == Wish(0.99, None)
    world.cache.ask(Wish(0.9, 10**6))
    assert world.another().wish == Wish(0.9, 10**6)
    change = world.catalog.changes()
    world.cache.ask(Wish(0.9, 10**6))
    assert world.catalog.changes() == change, "nothing new was asked"


def test_another_recall_is_measured_anew_though_nothing_else_changed(coded: World) -> None:
    assert clip_image(coded.cache).kind == "codes"
    coded.cache.ask(Wish(recall=1.0))
    coded.cache.refresh()
    status = clip_image(coded.cache)
    assert (status.kind, status.why) == ("exact", "a recall of 1 was asked for")
    coded.check()
    coded.cache.ask(Wish(recall=0.7))
    coded.cache.refresh()
    status = clip_image(coded.another())
    assert (status.kind, status.asked) == ("codes", 0.7)


def test_the_memory_is_shared_by_all_indexes(coded: World) -> None:
    coded.add(100, Modality.TEXT)
    shares = coded.cache._shares()
    assert shares[("clip", Modality.IMAGE)] == pytest.approx(300 * 3 / (400 * 5))
    assert shares[("clap", Modality.TEXT)] == pytest.approx(100 * 2 / (400 * 5))
    assert sum(shares.values()) == pytest.approx(1)
    coded.cache.ask(Wish(memory=4000))
    coded.cache.refresh()
    assert coded.cache._file(("clip", Modality.IMAGE), 3).wish == Wish(memory=1800)


def test_less_memory_makes_coarser_codes_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "EXACT_ROWS", 100)
    monkeypatch.setattr(index_file, "TAIL_ROWS", 20)
    monkeypatch.setattr(coder, "QUERIES", 40)
    rows = unit_rows(np.random.default_rng(0).normal(size=(400, 32)))
    file = index_file.IndexFile(tmp_path / "vectors", "clip.image", 32, Wish(recall=0.5))
    file.write(np.empty(0, np.int64), [(np.arange(400), rows)], 1)
    finest = file.manifest()
    file.wish = Wish(recall=0.5, memory=400 * (32 // 8 // 2 + 8) + 1)
    file.write(np.empty(0, np.int64), [], 2)
    coarse = file.manifest()
    assert finest
    assert coarse
    assert finest.choice
    assert coarse.choice
    assert (finest.choice["sub_dim"], coarse.choice["sub_dim"]) == (4, 8)
    assert coarse.codes_bytes < finest.codes_bytes
    assert "to stay in the memory" in coarse.choice["why"]
