"""The moment table tells what the catalog tells, whatever became of both."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from retrieval import Kind, Library, Modality, Moment, checked_json
from retrieval.catalog.new_content import EncodedMoment, FileState, NewContent
from retrieval.encoders.fake import fake_model_set
from retrieval.moment_table import FILE, MomentTable
from retrieval.vectors import unit_rows

STATE = FileState(1, 1)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.open(tmp_path / "library", models=fake_model_set()) as library:
        yield library


def add(library: Library, *names: str, moments: int = 2) -> list[int]:
    """Files with so many moments each; the ids of these."""
    roots = {root.name: root.id for root in library.catalog.roots()}
    with library.catalog.transaction() as transaction:
        root_id = roots.get("root") or transaction.add_root("root", "/disk")
        for name in names:
            rows = unit_rows(np.random.default_rng(len(name)).standard_normal((moments, 4)))
            encoded = [EncodedMoment(Moment(Modality.TEXT), {"fake": row}) for row in rows]
            transaction.add(root_id, name, STATE, NewContent(name, Kind.TEXT, encoded))
    return [m.id or 0 for name in names for m in library.catalog.moments.of(name)]


def value(library: Library, values: dict[int, float]) -> None:
    """Give hub values."""
    with library.catalog.transaction() as transaction:
        transaction.set_hubs("fake", values)


def table(library: Library) -> MomentTable:
    """A reader that has seen nothing."""
    return MomentTable(library.path / "vectors", library.catalog)


def agrees(library: Library, reader: MomentTable, upto: int) -> None:
    """Hold what a reader says of all ids that are there against the catalog."""
    ids, content_ids = library.catalog.moments.contents(list(range(upto + 1)))
    known = reader.get(ids)
    assert known.content_ids.tolist() == content_ids.tolist()
    hubs = library.catalog.vectors.hubs("fake", ids)
    wanted = np.array([hubs.get(i, np.nan) for i in ids.tolist()])
    np.testing.assert_array_equal(known.hubs["fake"], wanted)


def asked(library: Library) -> list[str]:
    """The statements about moments and hubs from here on."""
    found: list[str] = []
    event.listen(
        library.catalog._engine,
        "before_cursor_execute",
        lambda *of: found.extend(s for s in [str(of[2])] if "moments" in s or "hubs" in s),
    )
    return found


def test_what_is_in_the_table_is_not_asked_of_the_catalog(library: Library) -> None:
    ids = add(library, "a", "b")
    value(library, dict.fromkeys(ids, 0.25))
    library.indexes.moments.extend()
    reader = table(library)
    statements = asked(library)
    known = reader.get(np.array(ids))
    assert statements == []
    assert known.hubs["fake"].tolist() == [0.25] * 4
    assert len(set(known.content_ids.tolist())) == 2
    agrees(library, reader, 4)


def test_what_came_since_is_asked_of_the_catalog(library: Library) -> None:
    value(library, dict.fromkeys(add(library, "a"), 0.5))
    library.indexes.moments.extend()
    reader = table(library)
    agrees(library, reader, 2)
    value(library, dict.fromkeys(add(library, "b"), 0.75))
    statements = asked(library)
    agrees(library, reader, 4)
    assert statements
    library.indexes.moments.extend()
    agrees(library, reader, 4)


def test_a_moment_that_was_never_there_has_no_content(library: Library) -> None:
    value(library, dict.fromkeys(add(library, "a"), 0.5))
    library.indexes.moments.extend()
    known = table(library).get(np.array([0, 1, 99]))
    assert known.content_ids[[0, 2]].tolist() == [0, 0]
    assert np.isnan(known.hubs["fake"][[0, 2]]).all()


def test_a_moment_without_its_value_is_not_taken_in(library: Library) -> None:
    """Its record could not be made true later."""
    first, *others = add(library, "a", "b")
    value(library, {first: 0.5})
    library.indexes.moments.extend()
    assert library.indexes.moments.is_saved()
    value(library, dict.fromkeys(others, 0.25))
    assert not library.indexes.moments.is_saved()
    library.indexes.moments.extend()
    agrees(library, table(library), 4)


def test_another_bank_of_queries_makes_the_table_anew(library: Library) -> None:
    ids = add(library, "a", "b")
    value(library, dict.fromkeys(ids, 0.5))
    library.indexes.moments.extend()
    reader = table(library)
    agrees(library, reader, 4)
    with library.catalog.transaction() as transaction:
        transaction.drop_hubs("another bank")
    value(library, dict.fromkeys(ids, 0.125))
    library.indexes.moments.extend()
    agrees(library, reader, 4)
    assert len(list((library.path / "vectors").glob("moments.*.table"))) == 1


@pytest.mark.parametrize("damage", ["cut", "gone", "garbled", "manifest", "ahead"])
def test_a_table_that_does_not_fit_is_passed_over_and_made_anew(
    library: Library, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    ids = add(library, "a", "b")
    value(library, dict.fromkeys(ids, 0.5))
    library.indexes.moments.extend()
    (file,) = (library.path / "vectors").glob("moments.*.table")
    manifest = file.with_name(FILE)
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:-1])
    elif damage == "gone":
        file.unlink()
    elif damage == "garbled":
        manifest.write_text(manifest.read_text().replace('"count": 5', '"count": 9'))
    elif damage == "manifest":
        manifest.write_bytes(b"\xff\x00")
    else:
        checksum, about = manifest.read_text().split("\n", 1)
        fields = json.loads(about)

        checked_json.write(manifest, fields | {"change": 99})
        assert manifest.read_text().split("\n", 1)[0] != checksum
    with caplog.at_level(logging.WARNING):
        agrees(library, table(library), 4)
    assert caplog.records
    assert not library.indexes.moments.is_saved()
    library.indexes.moments.extend()
    caplog.clear()
    agrees(library, table(library), 4)
    assert not caplog.records
    assert library.indexes.moments.differing() == 0


def test_what_a_killed_run_has_left_is_written_over(library: Library) -> None:
    value(library, dict.fromkeys(add(library, "a"), 0.5))
    library.indexes.moments.extend()
    (file,) = (library.path / "vectors").glob("moments.*.table")
    with file.open("ab") as left:
        left.write(b"\x07" * 40)
    value(library, dict.fromkeys(add(library, "b"), 0.75))
    library.indexes.moments.extend()
    agrees(library, table(library), 4)
    assert file.stat().st_size == 5 * 16


def test_a_wrong_record_is_found_and_mended(library: Library) -> None:
    value(library, dict.fromkeys(add(library, "a", "b"), 0.5))
    library.refresh()
    assert library.verify(sample=0) == []
    (file,) = (library.path / "vectors").glob("moments.*.table")
    data = bytearray(file.read_bytes())
    data[3 * 16] ^= 1
    file.write_bytes(data)
    (problem,) = library.verify(sample=0)
    assert problem == "The moment table is wrong about 1 moments. Mend it with: anyseek rebuild"
    library.rebuild()
    assert library.verify(sample=0) == []


@settings(max_examples=25)
@given(
    steps=st.lists(
        st.sampled_from(["add", "forget", "value", "extend", "bank", "new reader"]), max_size=12
    )
)
def test_it_agrees_with_the_catalog_after_anything(
    steps: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("table")
    with Library.open(folder / "library", models=fake_model_set()) as library:
        reader, names, last = table(library), [str(i) for i in range(len(steps) + 2)], 0
        known = list(names[:0])
        for number, step in enumerate(steps):
            if step == "add":
                last = max([last, *add(library, names[number])])
                known.append(names[number])
            elif step == "forget" and known:
                gone = known.pop(0)
                file_ids = [f.id for f in library.files() if f.path.name == gone]
                with library.catalog.transaction() as transaction:
                    transaction.forget(file_ids)
            elif step == "value":
                ids, _ = library.catalog.vectors.without_hub("fake", 3)
                value(library, {int(i): float(i) / 8 for i in ids})
            elif step == "extend":
                library.indexes.moments.extend()
            elif step == "bank":
                with library.catalog.transaction() as transaction:
                    transaction.drop_hubs(f"bank {number}")
                library.indexes.moments.extend()
            else:
                reader = table(library)
            agrees(library, reader, last)
            assert reader.differing() == 0
