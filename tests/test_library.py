"""The library as a program uses it: add, search, remove, one writer and many readers."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from indexer import index
from retrieval import Kind, Library, Modality, Query
from retrieval.encoders.fake import WINDOWS, FakeEncoder, fake_model_set
from retrieval.encoders.model_set import ModelSet
from retrieval.errors import (
    LibraryDamaged,
    LibraryError,
    LibraryLocked,
    LibraryNotFound,
    MediaError,
    ModelMismatch,
    QueryError,
)
from retrieval.vector_index import Wish
from tests.media_files import write_picture, write_tone


def names(library: Library, query: object, **options: object) -> list[str]:
    return [hit.path.name for hit in library.search(query, **options)]  # type: ignore[arg-type]


ALIKE = {"red": "low", "green": "mid", "blue": "high"}


@pytest.mark.parametrize("colour", ALIKE)
@pytest.mark.parametrize("asked", [Modality.TEXT, Modality.IMAGE, Modality.AUDIO])
@pytest.mark.parametrize("target", [Kind.TEXT, Kind.IMAGE, Kind.AUDIO])
def test_nine_directions(
    filled: Library, media: Path, colour: str, asked: Modality, target: Kind
) -> None:
    query = {
        Modality.TEXT: colour,
        Modality.IMAGE: media / f"{colour}.png",
        Modality.AUDIO: media / f"{ALIKE[colour]}.wav",
    }[asked]
    expected = {
        Kind.TEXT: f"{colour}.md",
        Kind.IMAGE: f"{colour}.png",
        Kind.AUDIO: f"{ALIKE[colour]}.wav",
    }[target]
    assert names(filled, query, kinds=[target])[0] == expected


def test_a_hit_says_where_and_how_well(library: Library, tmp_path: Path) -> None:
    write_tone(tmp_path / "long.wav", 200.0, seconds=5.0)
    library.add(tmp_path / "long.wav")
    (hit,) = library.search("red")
    assert hit.path == tmp_path / "long.wav"
    assert hit.kind is Kind.AUDIO
    assert 0 <= hit.score <= 1
    assert hit.cosine == pytest.approx(1.0, abs=1e-3)
    spans = {(m.moment.start_s, m.moment.end_s) for m in hit.also}
    spans.add((hit.moment.start_s, hit.moment.end_s))
    assert spans == {(0.0, 2.0), (1.0, 3.0), (2.0, 4.0), (3.0, 5.0)}


def test_scores_fall(filled: Library) -> None:
    scores = [hit.score for hit in filled.search("red red green")]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 9


def test_query_by_moment_and_by_vector(filled: Library) -> None:
    (red,) = filled.search("red", k=1, kinds=["image"])
    assert red.moment.id is not None
    assert names(filled, red.moment.id, k=1, kinds=["image"]) == ["red.png"]
    assert names(filled, np.array([0, 0, 1, 0], np.float32), k=1, kinds=["image"]) == ["blue.png"]


def test_several_terms_and_unwanted_ones(filled: Library, media: Path) -> None:
    assert names(filled, ["red", media / "red.png"], k=1, kinds=["image"]) == ["red.png"]
    both = names(filled, ["red", "green"], kinds=["image"])
    assert set(both[:2]) == {"red.png", "green.png"}
    without = names(filled, ["red", "green"], without=["green"], kinds=["image"])
    assert without[0] == "red.png"
    assert names(filled, Query("red") - Query("green"), k=1, kinds=["image"]) == ["red.png"]


def test_filters(filled: Library, media: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    filled.add(write_picture(tmp_path / "elsewhere" / "red2.png", (250, 0, 0)))
    assert names(filled, "red", under=tmp_path / "elsewhere") == ["red2.png"]
    assert "red2.png" not in names(filled, "red", under=media)
    assert names(filled, "red", under=tmp_path / "nowhere") == []
    now = datetime.now(UTC)
    assert names(filled, "red", since=now.replace(year=now.year + 1)) == []
    assert names(filled, "red", until=now.replace(year=now.year - 1)) == []
    assert len(names(filled, "red", k=20)) == 10


def test_k_bounds_the_hits(filled: Library) -> None:
    assert len(filled.search("red", k=2)) == 2
    assert len(filled.search("red", k=1000)) == 9
    with pytest.raises(QueryError, match="k = 0: ask for at least one hit"):
        filled.search("red", k=0)


@pytest.mark.parametrize("query", ["", "  \n", []])
def test_an_empty_query_is_an_error(filled: Library, query: object) -> None:
    with pytest.raises(QueryError, match="The query is empty"):
        filled.search(query)  # type: ignore[arg-type]


def test_queries_that_cannot_be_answered(filled: Library, tmp_path: Path) -> None:
    with pytest.raises(QueryError, match=r"Cannot read .*nothing\.png: No such file"):
        filled.search(tmp_path / "nothing.png")
    (tmp_path / "noise.bin").write_bytes(bytes(range(256)) * 8)
    with pytest.raises(QueryError, match=r"Cannot search with .*noise\.bin"):
        filled.search(tmp_path / "noise.bin")
    with pytest.raises(QueryError, match="no moment 999"):
        filled.search(999)
    with pytest.raises(QueryError, match="has 7 dimensions; this library's have 4"):
        filled.search(np.zeros(7, np.float32))
    with pytest.raises(QueryError, match=r"shape \(dim,\), not \(2, 4\)"):
        filled.search(np.zeros((2, 4), np.float32))


def test_nothing_in_the_library(library: Library) -> None:
    assert library.search("red") == []
    assert library.stats().counts.files == {}


def test_one_file_many_moments_is_one_hit(library: Library, tmp_path: Path) -> None:
    write_tone(tmp_path / "long.wav", 200.0, seconds=400.0)
    for i in range(3):
        write_tone(tmp_path / f"short{i}.wav", 210.0 + i)
    for path in sorted(tmp_path.glob("*.wav")):
        library.add(path)
    assert set(names(library, "red", k=4)) == {
        "long.wav",
        "short0.wav",
        "short1.wav",
        "short2.wav",
    }


def test_copies_are_one_hit(library: Library, tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        library.add(write_picture(tmp_path / name, (255, 0, 0)))
    (hit,) = library.search("red")
    assert hit.path.name == "a.png"
    assert [path.name for path in hit.copies] == ["b.png"]


def test_removing(filled: Library, media: Path) -> None:
    assert filled.remove(media / "red.png") == 1
    assert filled.remove(media / "red.png") == 0
    assert "red.png" not in names(filled, "red", k=100)
    assert filled.remove(media) == 8
    assert filled.search("red") == []
    assert (media / "red.png").exists()


def test_a_changed_file_is_brought_up_to_date(filled: Library, media: Path) -> None:
    before = filled.add(media / "red.png")
    write_picture(media / "red.png", (0, 0, 250))
    after = filled.add(media / "red.png")
    assert before.id == after.id
    assert set(names(filled, "blue", kinds=["image"])[:2]) == {"red.png", "blue.png"}


def test_a_file_that_cannot_be_read_is_recorded(filled: Library, media: Path) -> None:
    (media / "red.png").write_bytes((media / "red.png").read_bytes()[:40])
    with pytest.raises(MediaError):
        filled.add(media / "red.png")
    (failed,) = [file for file in filled.files() if file.failure]
    assert failed.path == media / "red.png"
    assert filled.stats().counts.failed == 1
    assert "red.png" not in names(filled, "red", k=100)


def test_the_same_file_gets_the_same_vectors(tmp_path: Path, media: Path) -> None:
    rows = []
    for name in ("one", "two"):
        with Library.open(tmp_path / name, models=fake_model_set()) as library:
            for path in sorted(media.iterdir(), reverse=name == "two"):
                library.add(path)
            by_path = {}
            for file in library.files():
                digest = library.catalog.files.entry(file.id).content_hash
                ids = [m.id or 0 for m in library.catalog.moments.of(digest or "")]
                by_path[file.path] = library.catalog.vectors.get("fake", ids)[1].tobytes()
            rows.append(by_path)
    assert rows[0] == rows[1]


def test_a_library_opens_again(tmp_path: Path, media: Path) -> None:
    with Library.open(tmp_path / "library", models=fake_model_set()) as library:
        library.add(media / "red.png")
        identity = library.catalog.facts()["library_id"]
    with Library.open(tmp_path / "library", models=fake_model_set(), create=False) as library:
        assert library.catalog.facts()["library_id"] == identity
        assert names(library, "red") == ["red.png"]


def test_the_indexes_are_only_a_cache(filled: Library, tmp_path: Path) -> None:
    before = names(filled, "red red green blue")
    for file in (tmp_path / "library" / "vectors").iterdir():
        file.unlink()
    with Library.open(tmp_path / "library", models=fake_model_set()) as again:
        assert names(again, "red red green blue") == before


def test_no_library_there(tmp_path: Path) -> None:
    with pytest.raises(LibraryNotFound, match=r"no library at .* anyseek index FOLDER"):
        Library.open(tmp_path / "library", create=False)
    assert not (tmp_path / "library").exists()


def test_a_folder_with_other_things_does_not_become_a_library(media: Path) -> None:
    with pytest.raises(LibraryNotFound, match="holds other things and no library"):
        Library.open(media, models=fake_model_set())
    assert not (media / "catalog.db").exists()


def test_a_place_where_nothing_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LibraryError, match="Cannot make a library"):
        Library.open(tmp_path / "file" / "library", models=fake_model_set())


def test_another_model_set_is_refused(filled: Library) -> None:
    other = ModelSet("other", (FakeEncoder(seed=1),), WINDOWS)
    with (
        Library.open(filled.path, models=other) as library,
        pytest.raises(ModelMismatch, match=r"made with model set fake .* which is not other"),
    ):
        library.search("red")


def test_other_windows_are_another_model_set(filled: Library) -> None:
    other = ModelSet("fake", (FakeEncoder(),), replace(WINDOWS, hop_s=0.5))
    with Library.open(filled.path, models=other) as library, pytest.raises(ModelMismatch):
        library.search("red")


def test_a_damaged_catalog(filled: Library) -> None:
    filled.close()
    for file in filled.path.glob("catalog.db*"):
        file.write_bytes(b"no database" * 100)
    with pytest.raises(LibraryDamaged):
        Library.open(filled.path)


HOLD_THE_LOCK = """
import sys
from retrieval import Library
from retrieval.encoders.fake import fake_model_set
with Library.open(sys.argv[1], models=fake_model_set()) as library, library.writing():
    print("locked", flush=True)
    sys.stdin.read()
"""


def test_a_second_writer_gets_a_clear_error(filled: Library, media: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_THE_LOCK, str(filled.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"locked\n"
        with pytest.raises(LibraryLocked, match="Another process is writing"):
            filled.add(media / "red.png")
        assert names(filled, "red", k=1, kinds=["image"]) == ["red.png"]
        other.communicate(b"")
    filled.add(media / "red.png")


READ = """
import sys
from retrieval import Library
from retrieval.encoders.fake import fake_model_set
with Library.open(sys.argv[1], models=fake_model_set()) as library:
    for line in sys.stdin:
        print(*(hit.path.name for hit in library.search(line)), flush=True)
"""


def test_a_reader_in_another_process_follows_the_writer(library: Library, media: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", READ, str(library.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None

        def ask() -> str:
            assert reader.stdin is not None
            assert reader.stdout is not None
            reader.stdin.write("red\n")
            reader.stdin.flush()
            return reader.stdout.readline().strip()

        assert ask() == ""
        library.add(media / "red.png")
        assert ask() == "red.png"
        library.add(media / "red.md")
        assert ask() == "red.png red.md"
        library.remove(media / "red.png")
        assert ask() == "red.md"
        reader.stdin.close()


def test_a_moved_root_keeps_everything(filled: Library, media: Path, tmp_path: Path) -> None:
    before = filled.search("red", k=3)
    media.rename(tmp_path / "elsewhere")
    moved = filled.move_root("media", tmp_path / "elsewhere")
    assert moved.folder == tmp_path / "elsewhere"
    after = filled.search("red", k=3)
    assert [h.path for h in after] == [moved.folder / h.path.name for h in before]
    assert [(h.file_id, h.score) for h in after] == [(h.file_id, h.score) for h in before]
    assert filled.verify(sample=100) == []


def test_roots_that_cannot_be_moved(filled: Library, tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match=r"no root named music\. Known: media\."):
        filled.move_root("music", tmp_path)
    with pytest.raises(LibraryError, match="is no folder"):
        filled.move_root("media", tmp_path / "nowhere")
    (tmp_path / "other").mkdir()
    filled.add(write_picture(tmp_path / "other" / "a.png", (9, 9, 9)))
    with pytest.raises(LibraryError, match="is the folder of root other already"):
        filled.move_root("media", tmp_path / "other")


def test_pruning_drops_what_has_been_missing_for_long(filled: Library, media: Path) -> None:
    files = {file.path.name: file for file in filled.files()}
    now_s = datetime.now(UTC).timestamp()
    with filled.catalog.transaction() as transaction:
        transaction.mark_missing([files["red.png"].id], now_s - 40 * 86400)
        transaction.mark_missing([files["blue.png"].id], now_s - 10 * 86400)
    would = filled.prune(timedelta(days=30), dry_run=True)
    assert [file.path.name for file in would] == ["red.png"]
    assert len(list(filled.files())) == 9
    assert [file.path.name for file in filled.prune(timedelta(days=30))] == ["red.png"]
    left = {file.path.name for file in filled.files()}
    assert left == set(files) - {"red.png"}
    assert filled.prune(timedelta(days=30)) == []


@pytest.mark.parametrize("is_there", [True, False])
def test_prune_keeps_an_emptied_root_as_long_as_its_folder_is_there(
    filled: Library, media: Path, is_there: bool
) -> None:
    for path in media.iterdir():
        path.unlink()
    (media / "stays.txt").write_text("red")
    index(filled, media)
    (media / "stays.txt").unlink()
    if not is_there:
        media.rmdir()
    index(filled, media)
    with filled.catalog.transaction() as transaction:
        transaction._connection.exec_driver_sql("UPDATE files SET missing_since_s = 1")
    assert len(filled.prune(timedelta(days=30), dry_run=True)) == 10
    assert len(filled.catalog.roots()) == 1
    assert len(filled.prune(timedelta(days=30))) == 10
    assert [root.folder for root in filled.catalog.roots()] == [media] * is_there
    assert filled.verify() == []


def test_where_limits_by_what_a_file_states(filled: Library) -> None:
    assert names(filled, "red", where="width = 40")[0] == "red.png"
    assert {*names(filled, "red", where="width = 40")} == {"red.png", "green.png", "blue.png"}
    assert names(filled, "red", where="name ~ GREEN and not kind = image") == ["green.md"]
    with pytest.raises(QueryError, match="character 1, 'colour'"):
        filled.search("red", where="colour = red")


@pytest.mark.parametrize("left", ["catalog.db.new", "catalog.db.new-journal", "catalog.db.new-wal"])
def test_what_an_attempt_that_was_ended_has_left_is_no_hindrance(tmp_path: Path, left: str) -> None:
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / left).write_bytes(b"half" * 100)
    (tmp_path / "library" / "writer.lock").touch()
    with Library.open(tmp_path / "library", models=fake_model_set()) as library:
        assert list(library.files()) == []
    assert not list((tmp_path / "library").glob("*.new*"))


@pytest.mark.parametrize("name", ["what?", "50% & more", "a#b", "ü ж", "mode=ro"])
def test_a_folder_with_any_name(tmp_path: Path, name: str) -> None:
    with Library.open(tmp_path / name, models=fake_model_set()) as library:
        assert list(library.files()) == []
    assert {path.name for path in tmp_path.iterdir()} == {name}
    assert (tmp_path / name / "catalog.db").exists()


def test_what_is_asked_of_the_indexes(filled: Library) -> None:
    filled.tune(recall=0.9)
    filled.tune(memory=10**9)
    with Library.open(filled.path, models=filled.space.model_set) as again:
        assert again.indexes.wish == Wish(0.9, 10**9)
        again.tune(memory=0)
        assert again.indexes.wish == Wish(0.9, None)
    for wrong in ({"recall": 0.2}, {"recall": 1.5}, {"recall": float("nan")}, {"memory": -5}):
        with pytest.raises(LibraryError, match=r"ask for a share|give bytes"):
            filled.tune(**wrong)
    assert filled.indexes.wish == Wish(0.9, None)
