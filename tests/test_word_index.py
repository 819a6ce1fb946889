"""The index of words is in step with the catalog, whatever happens to files."""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import update

from retrieval import Library
from retrieval.catalog.catalog import Catalog
from retrieval.catalog.filter import Filter
from retrieval.catalog.new_content import EncodedMoment, FileState, NewContent
from retrieval.catalog.schema import files
from retrieval.catalog.tokens import path_tokens, tokens
from retrieval.catalog.wording import Wording, row_of
from retrieval.encoders.fake import fake_model_set
from retrieval.records import Kind, Modality, Moment

EVERYTHING = Filter(missing=True)
STATE = FileState(1, 1)

PATHS = ["a/IMG_2041.jpg", "a/beachSunset.txt", "b/IMG_2041.jpg", "b c/été.txt", "東京.txt"]
CONTENTS: dict[str, tuple[list[str], dict[str, Any]]] = {
    "h1": (["To be or not to be", "Whether 'tis nobler"], {"title": "Hamlet", "width": 5}),
    "h2": ([], {"artist": "The Beach", "year": 2041}),
    "h3": (["We saw IMG_2041 at the beach"], {}),
    "h4": (["東京の夜"], {"title": "sunset", "keywords": ["red bell", "sea"]}),
}
QUERIES = ["IMG_2041", "beach", "sunset", "to be", '"be to"', "hamlet", "2041", "ete", "京", "sea"]


def content_of(digest: str) -> NewContent:
    passages, facts = CONTENTS[digest]
    moments = [EncodedMoment(Moment(Modality.TEXT, text=text), {}) for text in passages]
    return NewContent(digest, Kind.TEXT, moments, facts)


def answers(catalog: Catalog, typed: str) -> set[tuple[str, str]]:
    """Contents and passages that say something of what was typed, by their own names."""
    found = catalog.words.find(Wording.of(typed), EVERYTHING, 10_000)
    with_passages = {c for c, _ in found.by_moment.values()}
    owners = catalog.files.owners(sorted({*found.by_content, *with_passages}), EVERYTHING)
    texts = catalog.moments.get(sorted(found.by_moment))
    return {("file", str(owner.path)) for c in found.by_content for owner in owners[c]} | {
        ("text", str(moment.text)) for _, moment in texts.values()
    }


def scanned(held: dict[str, str], typed: str, extra: dict[str, str]) -> set[tuple[str, str]]:
    """The same by reading everything."""
    words = Wording.of(typed).words

    def says(*texts: list[str]) -> bool:
        return any(word.share_in(row_of(text)) > 0 for text in texts for word in words)

    saying = set()
    for path, digest in held.items():
        _, facts = CONTENTS[digest]
        told = {k: v for k, v in facts.items() if k != "width"} | (
            {"description": extra[path]} if path in extra else {}
        )
        stated = [
            tokens(" ".join(value) if isinstance(value, list) else str(value))
            for value in told.values()
        ]
        if says(*path_tokens(path), ["disk"], *stated):
            saying.add(digest)
    found = {("file", f"/disk/{path}") for path, digest in held.items() if digest in saying}
    return found | {
        ("text", text)
        for digest in held.values()
        for text in CONTENTS[digest][0]
        if says(tokens(text))
    }


class Life(RuleBasedStateMachine):
    """A random life; after each step the index answers as a scan and as a fresh library do."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.catalog = self.fresh("life.db")
        self.held: dict[str, str] = {}
        self.extra: dict[str, str] = {}

    def fresh(self, name: str) -> Catalog:
        path = Path(self.folder.name, name)
        path.unlink(missing_ok=True)
        catalog = Catalog.create(path, space_dims={"s": 2}, model_set="test")
        with catalog.transaction() as transaction:
            self.root_id = transaction.add_root("disk", "/disk")
        return catalog

    def teardown(self) -> None:
        self.catalog.close()
        self.folder.cleanup()

    def id_of(self, path: str) -> int:
        return self.catalog.files.entries(self.root_id)[path].file_id

    @rule(path=st.sampled_from(PATHS), digest=st.sampled_from(sorted(CONTENTS)))
    def add(self, path: str, digest: str) -> None:
        with self.catalog.transaction() as transaction:
            transaction.add(self.root_id, path, STATE, content_of(digest))
        self.held[path] = digest

    @precondition(lambda self: self.held)
    @rule(data=st.data(), to=st.sampled_from(PATHS))
    def move(self, data: st.DataObject, to: str) -> None:
        path = data.draw(st.sampled_from(sorted(self.held)))
        file_id = self.id_of(path)
        with self.catalog.transaction() as transaction:
            transaction.move(file_id, self.root_id, to, STATE)
        self.held[to] = self.held.pop(path)
        # What stands beside a file is read again where it has come to.
        for place in (path, to):
            self.extra.pop(place, None)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def forget(self, data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(sorted(self.held)))
        file_id = self.id_of(path)
        with self.catalog.transaction() as transaction:
            transaction.contents.keep_unused()
            transaction.forget([file_id])
        with self.catalog.transaction() as transaction:
            transaction.contents.sweep()
        del self.held[path]
        self.extra.pop(path, None)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), said=st.sampled_from(["a red sunset", "hamlet", "to"]))
    def describe(self, data: st.DataObject, said: str) -> None:
        """What a file beside it states."""
        path = data.draw(st.sampled_from(sorted(self.held)))
        with self.catalog.transaction() as transaction:
            transaction._connection.execute(
                update(files)
                .where(files.c.root_id == self.root_id, files.c.path == path)
                .values(facts={"description": said})
            )
        self.extra[path] = said

    @rule()
    def interrupted(self) -> None:
        with pytest.raises(ZeroDivisionError), self.catalog.transaction() as transaction:
            transaction.add(self.root_id, "a/lost.txt", STATE, content_of("h1"))
            raise ZeroDivisionError

    @rule()
    def root_moves(self) -> None:
        with self.catalog.transaction() as transaction:
            transaction.move_root(self.root_id, "/elsewhere")
            transaction.move_root(self.root_id, "/disk")

    @invariant()
    def it_answers_as_a_scan_does(self) -> None:
        assert self.catalog.words.problems() == []
        for typed in QUERIES:
            assert answers(self.catalog, typed) == scanned(self.held, typed, self.extra), typed

    @precondition(lambda self: self.held and not self.extra)
    @rule()
    def a_fresh_one_answers_the_same(self) -> None:
        fresh = self.fresh("fresh.db")
        with fresh.transaction() as transaction:
            for path, digest in self.held.items():
                transaction.add(self.root_id, path, STATE, content_of(digest))
        for typed in QUERIES:
            assert answers(self.catalog, typed) == answers(fresh, typed)
        fresh.close()


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=15, stateful_step_count=15, deadline=None)


def with_functions(library: Library, sql: str) -> None:
    with library.catalog.transaction() as transaction:
        transaction._connection.exec_driver_sql(sql)


def test_a_root_that_is_forgotten_takes_its_words_along(filled: Library) -> None:
    (root,) = filled.catalog.roots()
    with filled.catalog.transaction() as transaction:
        transaction.forget_root(root.id)
    assert filled.catalog.words.problems() == []
    assert filled.search("red", words="only") == []


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ("DELETE FROM file_words_docsize WHERE id = 1", "lacks 1 files and has 0 too many"),
        (
            "INSERT INTO passage_words(rowid, text) VALUES (999, 'x')",
            "lacks 0 passages and has 1 too many",
        ),
        ("DROP TRIGGER file_words_change", "is not kept in step"),
        (
            "INSERT INTO file_words(file_words, rowid, name, folder, facts) "
            "SELECT 'delete', id, name_words(path), '', '' FROM files WHERE id = 1",
            "does not hold the words of file 1",
        ),
    ],
)
def test_what_is_out_of_step_is_found_and_mended(filled: Library, damage: str, says: str) -> None:
    with_functions(filled, damage)
    problems = filled.verify()
    assert any(says in problem and "anyseek rebuild" in problem for problem in problems)
    filled.rebuild()
    assert filled.verify() == []


def test_an_older_library_is_migrated_and_its_words_found(filled: Library) -> None:
    path = filled.path / "catalog.db"
    filled.close()
    connection = sqlite3.connect(path)
    for (name,) in connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    ).fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    for table in ("file_words", "passage_words"):
        connection.execute(f"DROP TABLE {table}")
    connection.execute("UPDATE alembic_version SET version_num = '0003'")
    connection.commit()
    connection.close()
    with Library.open(filled.path, models=fake_model_set()) as library:
        assert library.verify() == []
        assert [hit.path.name for hit in library.search("low", words="only")] == ["low.wav"]
