"""Evaluation: figures against a hand count, chance against shuffling."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from retrieval import Kind, Library
from retrieval.errors import QueryError
from retrieval.evaluation import RANKS, average_precision, chance, evaluate, read_table


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_table_is_read_row_by_row(tmp_path: Path) -> None:
    table = write(
        tmp_path / "t.csv",
        "query,file,relevant",
        "a red thing,,a.png",
        '"red, or so",,sub/b.png',
        "a red thing,,c.png",
        ",q.wav,a.png",
    )
    by_query = {judged.query: judged.relevant for judged in read_table(table)}
    assert by_query == {
        "a red thing": {tmp_path / "a.png", tmp_path / "c.png"},
        "red, or so": {tmp_path / "sub/b.png"},
        tmp_path / "q.wav": {tmp_path / "a.png"},
    }


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["query,relevant"], "holds no queries"),
        (["question,answer", "a,b"], "needs the columns"),
        (["query,file,relevant", "a,b.png,c.png"], "line 2: give either"),
        (["query,relevant", "a,"], "line 2: give either"),
        (["query,relevant", "a,b.png", ",c.png"], "line 3: give either"),
    ],
)
def test_a_table_that_is_not_clear(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(QueryError, match=message):
        read_table(write(tmp_path / "t.csv", *lines))


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="Cannot read"):
        read_table(tmp_path / "nowhere.csv")
    (tmp_path / "latin.csv").write_bytes(b"query,relevant\n\xff\xfe,a.png\n")
    with pytest.raises(QueryError, match="no table in UTF-8"):
        read_table(tmp_path / "latin.csv")


def test_perfect_answers(filled: Library, media: Path) -> None:
    table = write(
        media / "t.csv",
        "query,file,relevant",
        "red,,red.png",
        "blue,,blue.png",
        "green,,mid.wav",
        ",red.png,low.wav",
    )
    found = {(q.query, q.target): q for q in evaluate(filled, read_table(table))}
    assert set(found) == {("words", Kind.IMAGE), ("words", Kind.AUDIO), ("image", Kind.AUDIO)}
    words = found["words", Kind.IMAGE]
    assert (words.queries, words.files) == (2, 3)
    assert words.recall == {1: 1.0, 5: 1.0, 10: 1.0}
    assert words.mrr == words.mean_average_precision == 1.0
    assert words.chance_recall[1] == pytest.approx(1 / 3)
    assert words.chance_mrr == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)


def test_wrong_answers_are_counted_as_such(filled: Library, media: Path) -> None:
    ranking = [h.path.name for h in filled.search("red green green", kinds=["image"])]
    table = write(
        media / "t.csv", "query,relevant", *(f"red green green,{name}" for name in ranking[1:])
    )
    (quality,) = evaluate(filled, read_table(table))
    assert quality.recall[1] == 0.0
    assert quality.recall[5] == 1.0
    assert quality.mrr == 0.5
    assert quality.mean_average_precision == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_the_file_asked_with_does_not_compete(filled: Library, media: Path) -> None:
    table = write(media / "t.csv", "file,relevant", "red.png,green.png")
    (quality,) = evaluate(filled, read_table(table))
    assert quality.files == 2
    assert quality.recall[5] == 1.0


def test_an_answer_that_is_not_in_the_library(filled: Library, media: Path) -> None:
    table = write(media / "t.csv", "query,relevant", "red,nowhere.png")
    with pytest.raises(QueryError, match=r"nowhere\.png is named as a right answer"):
        evaluate(filled, read_table(table))


def test_average_precision_by_hand() -> None:
    assert average_precision([1, 2, 3]) == 1.0
    assert average_precision([2]) == 0.5
    assert average_precision([1, 4]) == pytest.approx((1 + 0.5) / 2)


@pytest.mark.parametrize(("relevant", "files"), [(1, 1), (1, 12), (3, 12), (12, 12), (4, 7)])
def test_chance_is_what_shuffling_reaches(relevant: int, files: int) -> None:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(4000):
        ranks = np.sort(rng.permutation(files)[:relevant]) + 1
        found.append(
            [*(ranks[0] <= k for k in RANKS), 1 / ranks[0], average_precision(ranks.tolist())]
        )
    exact = chance(relevant, files)
    np.testing.assert_allclose(
        [*exact.recall.values(), exact.mrr, exact.average_precision],
        np.mean(found, axis=0),
        atol=0.03,
    )


def test_a_table_with_a_zero_byte_in_a_path(tmp_path: Path) -> None:
    """Found by fuzzing."""
    table = tmp_path / "table.csv"
    table.write_bytes(b"query,relevant\na dog,\0\n")
    with pytest.raises(QueryError, match="is no table"):
        read_table(table)
