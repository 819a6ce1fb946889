"""Each way in which catalog, indexes and files can disagree is found and named."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import numpy as np

from retrieval import Library, Modality
from retrieval.catalog.word_index import add_word_functions
from retrieval.encoders.fake import fake_model_set


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
    assert len(filled.verify()) == len(ids)
    assert "does not find moment" in filled.verify()[0]


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


def test_a_damaged_page_is_found(filled: Library, tmp_path: Path) -> None:
    filled.close()
    edit(filled, "PRAGMA wal_checkpoint(TRUNCATE)")
    catalog = filled.path / "catalog.db"
    data = bytearray(catalog.read_bytes())
    with sqlite3.connect(catalog) as connection:
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'files_by_content'"
        ).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    data[(page - 1) * size + 100 : page * size - 8] = b"\xa5" * (size - 108)
    catalog.write_bytes(data)
    with Library.open(filled.path, models=fake_model_set()) as damaged:
        assert any("The catalog is damaged" in problem for problem in damaged.verify())
