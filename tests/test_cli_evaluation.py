from __future__ import annotations

import json
from pathlib import Path

import pytest

from retrieval.encoders.model_set import BUILT_IN
from tests.command_line import anyseek, write_red_green_blue


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Red, green and blue things beside a library of them, for all tests of this file."""
    return write_red_green_blue(tmp_path_factory.mktemp("shared"))


@pytest.fixture(autouse=True)
def here(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BUILT_IN, "fake", "retrieval.encoders.fake:fake_model_set")
    monkeypatch.setenv("ANYSEEK_LIBRARY", str(media.parent / "library"))
    monkeypatch.chdir(media)


@pytest.fixture
def table(media: Path) -> Path:
    path = media / "judged.csv"
    path.write_text(
        "query,file,relevant\nred,,red.png\nblue,,blue.png\ngreen,,red.png\n,low.wav,red.png\n"
    )
    return path


def test_each_direction_beside_chance(table: Path) -> None:
    result = anyseek("eval", table)
    assert (result.exit_code, result.stderr) == (0, "")
    head, words, sounds = result.stdout.splitlines()
    assert head.split() == [
        *("asked", "with", "looked", "for", "queries", "files"),
        *("R@1", "R@5", "R@10", "MRR", "mAP"),
    ]
    assert words.split()[:6] == ["words", "image", "3", "3", "0.67", "(0.33)"]
    assert sounds.split()[:6] == ["audio", "image", "1", "3", "1.00", "(0.33)"]


def test_the_same_for_programs(table: Path) -> None:
    lines = anyseek("eval", table, "--json").stdout.splitlines()
    words, sounds = (json.loads(line) for line in lines)
    assert words["recall"]["1"] == pytest.approx(2 / 3)
    assert words["chance_recall"]["1"] == pytest.approx(1 / 3)
    assert sounds["mean_average_precision"] == 1


def test_paths_start_at_the_folder_of_the_table(media: Path) -> None:
    elsewhere = media.parent / "judged.csv"
    elsewhere.write_text("query,relevant\nred,media/red.png\n")
    assert anyseek("eval", elsewhere).stdout.splitlines()[1].split()[4] == "1.00"


def test_a_table_that_is_none(media: Path) -> None:
    (media / "t.csv").write_text("question,answer\nred,red.png\n")
    result = anyseek("eval", "t.csv")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == ("anyseek: t.csv needs the columns query or file, and relevant.\n")


def test_an_answer_that_the_library_does_not_have(media: Path) -> None:
    (media / "t.csv").write_text("query,relevant\nred,nowhere.png\n")
    result = anyseek("eval", "t.csv")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "nowhere.png" in result.stderr
