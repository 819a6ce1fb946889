from __future__ import annotations

from pathlib import Path

import pytest
import typer

from cli.query import query_of
from retrieval.query import Query


def terms(query: Query) -> list[list[tuple[object, float]]]:
    return [[(term.subject, term.weight) for term in group] for group in query.alternatives]


def test_words_are_joined_and_are_words_also_when_they_look_like_something_else() -> None:
    assert terms(query_of(["a", "red", "bell"], None)) == [[("a red bell", 1.0)]]
    assert terms(query_of(["12"], [])) == [[("12", 1.0)]]
    assert terms(query_of(["photo.jpg:0.5"], None)) == [[("photo.jpg:0.5", 1.0)]]


def test_words_and_files_are_wanted_together() -> None:
    query = query_of(["at night"], ["beach.jpg", "waves.wav:2"])
    assert terms(query) == [[("at night", 1.0), (Path("beach.jpg"), 1.0), (Path("waves.wav"), 2.0)]]


def test_or_each_for_itself() -> None:
    query = query_of(["at night"], ["beach.jpg:.5"], either=True)
    assert terms(query) == [[("at night", 1.0)], [(Path("beach.jpg"), 0.5)]]


@pytest.mark.parametrize(
    ("typed", "path", "weight"),
    [
        ("a.jpg", "a.jpg", 1.0),
        ("a.jpg:0.25", "a.jpg", 0.25),
        ("a.jpg:.25", "a.jpg", 0.25),
        ("a.jpg:3", "a.jpg", 3.0),
        ("take:2:1", "take:2", 1.0),
        ("two\nlines.jpg:2", "two\nlines.jpg", 2.0),
        ("C:\\a.jpg", "C:\\a.jpg", 1.0),
        ("a.jpg:", "a.jpg:", 1.0),
        ("a.jpg:-1", "a.jpg:-1", 1.0),
        ("a.jpg:1e3", "a.jpg:1e3", 1.0),
        (":5", ":5", 1.0),
    ],
)
def test_a_weight_is_the_number_after_the_last_colon(typed: str, path: str, weight: float) -> None:
    assert terms(query_of(None, [typed])) == [[(Path(path), weight)]]


def test_a_home_folder_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert terms(query_of(None, ["~/a.jpg:2"])) == [[(tmp_path / "a.jpg", 2.0)]]


def test_a_weight_of_zero_is_wrong_usage() -> None:
    with pytest.raises(typer.BadParameter, match=r"a\.jpg:0\.0: a weight is above 0\."):
        query_of(None, ["a.jpg:0.0"])


@pytest.mark.parametrize("words", [None, [], [""], [" ", "\n"]])
def test_nothing_is_no_query(words: list[str] | None) -> None:
    with pytest.raises(typer.BadParameter, match="The query is empty"):
        query_of(words, None)


def test_words_that_name_a_file_draw_a_remark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "red bell").touch()
    query_of(["red", "bell"], None)
    assert capsys.readouterr().err == (
        "anyseek: red bell is taken as words. To search with the file: --file red bell\n"
    )
