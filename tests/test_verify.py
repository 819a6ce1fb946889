"""Each way in which catalog, indexes and files can disagree is found and named."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retrieval import Library, Modality, encoded_file
from retrieval.backup import backup, restore
from retrieval.catalog.stored_vectors import Changes, StoredVectors
from retrieval.catalog.word_index import add_word_functions
from retrieval.encoders.fake import fake_model_set
from retrieval.errors import LibraryDamaged
from retrieval.vector_index import VectorIndex, index_file
from retrieval.vectors import Ids, Vectors


def edit(library: Library, sql: str) -> None:
    connection = sqlite3.connect(library.path / "catalog.db")
    add_word_functions(connection)
    with connection:
        connection.execute(sql)
    connection.close()


def test_all_is_well(filled: Library) -> None:
    assert filled.verify() == []


def test_an_empty_library_is_well(library: Library) -> None:
    assert library.verify() == []


def test_an_index_that_lost_a_moment(filled: Library) -> None:
    index = filled.indexes.get("fake", Modality.IMAGE)
    index.remove(index.ids[:1])
    (problem,) = filled.verify()
    assert problem == (
        "The image index of fake lacks 1 moments and has 0 too many. Mend it with: anyseek rebuild"
    )
    filled.rebuild()
    assert filled.verify() == []


def test_an_index_with_wrong_vectors(filled: Library) -> None:
    index = filled.indexes.get("fake", Modality.IMAGE)
    ids = index.ids
    index.remove(ids)
    index.add(ids, np.full((len(ids), 4), -0.5, np.float32))
    (problem,) = filled.verify()
    assert problem == (
        f"The image index of fake has other vectors than the catalog for {len(ids)} moments. "
        "Mend it with: anyseek rebuild"
    )


def test_an_index_that_does_not_find_what_it_holds(
    filled: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(self: VectorIndex, queries: Vectors, k: int) -> list[tuple[Ids, Vectors]]:
        return [(np.array([-1]), np.array([0.5], np.float32))] * len(queries)

    monkeypatch.setattr(VectorIndex, "search", nothing)
    problems = filled.verify(sample=0)
    assert len(problems) == 9
    assert all("does not find moment" in problem for problem in problems)


@pytest.mark.parametrize("ending", ["rows", "ids"])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_one_flipped_bit_in_an_index_is_found(
    filled: Library, monkeypatch: pytest.MonkeyPatch, ending: str, share: float
) -> None:
    """Where rows are mapped into memory, nothing is read and checked when an index is opened."""
    monkeypatch.setattr(index_file, "TAIL_ROWS", 1)
    filled.rebuild()
    before = [(hit.path, hit.score) for hit in filled.search("red", k=9)]
    filled.close()
    (file,) = (filled.path / "vectors").glob(f"fake.image.*.{ending}")
    data = bytearray(file.read_bytes())
    data[int(share * len(data))] ^= 4
    file.unlink()
    file.write_bytes(data)
    with Library.open(filled.path, models=fake_model_set()) as damaged:
        right = [(hit.path, hit.score) for hit in damaged.search("red", k=9)] == before
        problems = damaged.verify(sample=0)
        # Ids that are out of order are noticed when they are read, and the catalog is read instead.
        assert problems or right
        assert problems or ending == "ids"
        assert all("Mend it with: anyseek rebuild" in problem for problem in problems)
        damaged.rebuild()
        assert damaged.verify(sample=0) == []
        assert [(hit.path, hit.score) for hit in damaged.search("red", k=9)] == before


def test_a_catalog_that_is_written_meanwhile_is_no_damage(
    filled: Library, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file comes between the look at the index and the look at the catalog."""
    real, new = StoredVectors.changes_since, [media / "new.txt"]

    @contextmanager
    def changes_since(self: StoredVectors, *asked: Any) -> Iterator[Changes]:
        if asked == (0, "fake", Modality.TEXT) and new:
            path = new.pop()
            path.write_text("red and new")
            with Library.open(filled.path, models=fake_model_set()) as writer:
                writer.add(path)
        with real(self, *asked) as changes:
            yield changes

    monkeypatch.setattr(StoredVectors, "changes_since", changes_since)
    assert filled.verify() == []
    assert not new


def test_a_swapped_index_is_not_believed(filled: Library) -> None:
    """The image index under the name of the text index, and the other way round."""
    before = [(hit.path, hit.score) for hit in filled.search("red", k=9)]
    filled.close()
    vectors = filled.path / "vectors"
    (vectors / "fake.image.json").rename(vectors / "aside")
    (vectors / "fake.text.json").rename(vectors / "fake.image.json")
    (vectors / "aside").rename(vectors / "fake.text.json")
    with Library.open(filled.path, models=fake_model_set()) as damaged:
        right = [(hit.path, hit.score) for hit in damaged.search("red", k=9)] == before
        assert right or damaged.verify(sample=0)
        damaged.rebuild()
        assert damaged.verify(sample=0) == []
        assert [(hit.path, hit.score) for hit in damaged.search("red", k=9)] == before


def test_a_vector_that_rotted_in_the_catalog(filled: Library) -> None:
    edit(
        filled,
        "UPDATE vectors SET data = x'0000000000000000000000000000803f' WHERE moment_id = "
        "(SELECT id FROM moments WHERE modality = 'image' LIMIT 1)",
    )
    filled.rebuild()
    (problem,) = filled.verify(sample=100)
    assert problem.endswith("has another fake vector in the catalog than it gets now.")


def test_a_file_that_rotted_on_disk(filled: Library, media: Path) -> None:
    status = (media / "red.md").stat()
    (media / "red.md").write_text("something xxx")
    os.utime(media / "red.md", ns=(status.st_atime_ns, status.st_mtime_ns))
    (problem,) = filled.verify(sample=100)
    assert problem.endswith("holds other bytes than when it was indexed, under the same time.")


def test_a_file_that_rotted_is_not_decoded(filled: Library, media: Path) -> None:
    """What its bytes are now is nobody's picture."""
    status = (media / "red.png").stat()
    (media / "red.png").write_bytes(bytes(status.st_size))
    os.utime(media / "red.png", ns=(status.st_atime_ns, status.st_mtime_ns))
    (problem,) = filled.verify(sample=100)
    assert problem.endswith("holds other bytes than when it was indexed, under the same time.")


def test_no_file_is_decoded_in_this_process(
    filled: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("decoded here")

    monkeypatch.setattr(encoded_file, "open_media", refuse)
    assert filled.verify(sample=100) == []


def test_a_file_that_changed_since_is_no_damage(filled: Library, media: Path) -> None:
    (media / "red.md").write_text("another text altogether")
    assert filled.verify(sample=100) == []


def test_a_file_that_is_gone_is_named(filled: Library, media: Path) -> None:
    (media / "red.md").unlink()
    (problem,) = filled.verify(sample=100)
    assert "red.md was indexed but cannot be read now" in problem


def test_a_moment_too_few(filled: Library) -> None:
    edit(filled, "DELETE FROM moments WHERE modality = 'text' AND text LIKE '%red%'")
    problems = filled.verify(sample=100)
    assert any("has 0 moments in the catalog and 1 now" in problem for problem in problems)


def damage_page(catalog: Path, number: int) -> None:
    """Fill a page of a catalog that nobody has open with noise, but for its last bytes."""
    with sqlite3.connect(catalog) as connection:
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    with catalog.open("r+b") as file:
        file.seek((number - 1) * size)
        file.write(b"\xa5" * (size - 8))


def test_every_page_of_the_catalog_damaged_in_turn_is_found_and_restored(
    filled: Library, tmp_path: Path
) -> None:
    answers = [(hit.path, hit.score) for hit in filled.search("red blue", k=9)]
    backup(filled, tmp_path / "saved.db")
    edit(filled, "PRAGMA wal_checkpoint(TRUNCATE)")
    filled.close()
    catalog = filled.path / "catalog.db"
    whole = catalog.read_bytes()
    with sqlite3.connect(catalog) as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    connection.close()
    silent = []
    for number in range(1, pages + 1):
        damage_page(catalog, number)
        try:
            with Library.open(filled.path, models=fake_model_set(), create=False) as damaged:
                problems = damaged.verify()
        except LibraryDamaged as error:
            problems = [str(error)]
        if not problems:
            silent.append(number)
        assert not problems or "damaged" in problems[0]
        for left in filled.path.glob("catalog.db*"):
            left.unlink()
        catalog.write_bytes(whole)
    assert len(silent) <= free  # what is free holds nothing
    damage_page(catalog, 2)
    restore(tmp_path / "saved.db", filled.path)
    with Library.open(filled.path, models=fake_model_set()) as restored:
        assert restored.verify() == []
        assert [(hit.path, hit.score) for hit in restored.search("red blue", k=9)] == answers
