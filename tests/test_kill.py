"""An indexer that is killed at any moment loses nothing, and the next run goes on from there."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks.kill import contents, kill_and_continue, write_file
from indexer import index
from retrieval import Library


def test_twenty_kills(tmp_path: Path) -> None:
    report = kill_and_continue(tmp_path, files=400, kills=20, seed=1)
    assert report.files == 400
    assert report.differences == []
    assert report.problems == []
    assert [kill.damage for kill in report.kills] == [[]] * 20
    for kill in report.kills:
        assert kill.committed_after >= kill.committed_before
    # The test is worth something only if kills fell before, between and after commits.
    progress = [kill.committed_after for kill in report.kills]
    assert len(set(progress)) >= 5
    assert any(n % 20 for n in progress) or any(a == b for a, b in pairwise(progress))


@pytest.mark.parametrize("damage", ["vector", "file"])
def test_the_comparison_sees_a_difference(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(3):
        write_file(folder, number)
    with Library.open(tmp_path / "library", models="mini") as library:
        index(library, folder)
        before = contents(library)
        assert contents(library) == before
        if damage == "file":
            library.remove(folder / "0.png")
        else:
            (row,) = library.catalog.vectors.get("mini", [1])[1]
            with library.catalog.transaction() as transaction:
                transaction._connection.exec_driver_sql(
                    "UPDATE vectors SET data = ? WHERE moment_id = 1", ((-row).tobytes(),)
                )
        assert contents(library) != before
