"""Evaluation: figures against a hand count, chance against shuffling."""

from __future__ import annotations

import shutil
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval import Kind, Library
from retrieval.errors import QueryError
from retrieval.evaluation import RANKS, average_precision, chance, evaluate, read_table
from tests.media_files import write_picture


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


@given(st.integers(1, 7), st.data())
@settings(max_examples=30)
def test_chance_is_the_mean_over_every_order(files: int, data: st.DataObject) -> None:
    relevant = data.draw(st.integers(1, files))
    orders = [[*ranks] for ranks in combinations(range(1, files + 1), relevant)]
    exact = chance(relevant, files)
    for k in RANKS:
        assert exact.recall[k] == pytest.approx(np.mean([ranks[0] <= k for ranks in orders]))
    assert exact.mrr == pytest.approx(np.mean([1 / ranks[0] for ranks in orders]))
    assert exact.average_precision == pytest.approx(np.mean([*map(average_precision, orders)]))


@given(st.sets(st.integers(1, 200), min_size=1, max_size=12))
def test_average_precision_is_the_mean_of_precisions_at_right_answers(places: set[int]) -> None:
    ranks = sorted(places)
    precisions = [sum(other <= rank for other in ranks) / rank for rank in ranks]
    assert average_precision(ranks) == pytest.approx(sum(precisions) / len(precisions))
    assert 0 < average_precision(ranks) <= 1
    assert (average_precision(ranks) == 1) == (ranks[-1] == len(ranks))


def shelf(library: Library, folder: Path, levels: list[int]) -> None:
    """Pictures of ever less red, so that their order is known."""
    folder.mkdir(exist_ok=True)
    for level in levels:
        library.add(write_picture(folder / f"{level:03}.png", (level, 0, 255 - level)))


def test_every_figure_over_a_longer_list(library: Library, tmp_path: Path) -> None:
    """Twelve pictures from red to blue; right ones at known ranks for red and for blue."""
    levels = [255 - 20 * i for i in range(12)]
    shelf(library, tmp_path / "shelf", levels)
    at = [f"shelf/{level:03}.png" for level in levels]
    table = write(
        tmp_path / "t.csv",
        "query,relevant",
        f"red,{at[2]}",
        f"red,{at[6]}",
        f"blue,{at[0]}",
        f"blue,{at[11]}",
        f"red red,{at[10]}",
    )
    (quality,) = evaluate(library, read_table(table))
    # Ranks: red 3 and 7, blue 1 and 12, red again 11.
    assert (quality.queries, quality.files) == (3, 12)
    assert quality.recall == {
        1: pytest.approx(1 / 3),
        5: pytest.approx(2 / 3),
        10: pytest.approx(2 / 3),
    }
    assert quality.mrr == pytest.approx((1 / 3 + 1 + 1 / 11) / 3)
    assert quality.mean_average_precision == pytest.approx(
        ((1 / 3 + 2 / 7) / 2 + (1 + 2 / 12) / 2 + 1 / 11) / 3
    )
    two, one = chance(2, 12), chance(1, 12)
    assert quality.chance_mrr == pytest.approx((2 * two.mrr + one.mrr) / 3)
    assert quality.chance_recall[5] == pytest.approx((2 * two.recall[5] + one.recall[5]) / 3)
    assert quality.chance_mean_average_precision == pytest.approx(
        (2 * two.average_precision + one.average_precision) / 3
    )


def test_a_copy_of_a_right_answer_is_a_right_answer(filled: Library, media: Path) -> None:
    shutil.copy(media / "red.png", media / "zz copy.png")
    filled.add(media / "zz copy.png")
    table = write(media / "t.csv", "query,relevant", "red,zz copy.png")
    (quality,) = evaluate(filled, read_table(table))
    assert quality.mrr == 1.0


def test_a_file_from_elsewhere_competes_with_nobody(filled: Library, tmp_path: Path) -> None:
    write_picture(tmp_path / "new.png", (250, 0, 0))
    table = write(tmp_path / "t.csv", "file,relevant", "new.png,media/red.png")
    (quality,) = evaluate(filled, read_table(table))
    assert (quality.query, quality.target) == ("file", Kind.IMAGE)
    assert quality.files == 3
    assert quality.mrr == 1.0


def test_right_answers_of_several_kinds_count_in_each(filled: Library, media: Path) -> None:
    table = write(media / "t.csv", "query,relevant", "red,red.png", "red,low.wav", "red,red.md")
    found = evaluate(filled, read_table(table))
    assert [(q.query, q.target) for q in found] == [
        ("words", kind) for kind in Kind if kind is not Kind.VIDEO
    ]
    assert all(q.mrr == 1 and q.chance_mrr < 1 for q in found)


def test_words_come_before_files_and_kinds_in_their_order(filled: Library, media: Path) -> None:
    table = write(
        media / "t.csv",
        "query,file,relevant",
        ",low.wav,red.png",
        ",red.png,low.wav",
        ",red.png,red.md",
        "red,,low.wav",
    )
    found = [(q.query, q.target) for q in evaluate(filled, read_table(table))]
    assert found == [
        ("words", Kind.AUDIO),
        ("audio", Kind.IMAGE),
        *(("image", kind) for kind in Kind if kind in (Kind.TEXT, Kind.AUDIO)),
    ]


def test_progress_is_told_after_every_query(filled: Library, media: Path) -> None:
    table = write(media / "t.csv", "query,relevant", "red,red.png", "blue,blue.png")
    calls: list[tuple[int, int]] = []
    evaluate(filled, read_table(table), progress=lambda *done: calls.append(done))
    assert calls == [(1, 2), (2, 2)]


def test_a_table_as_a_spreadsheet_writes_it(tmp_path: Path) -> None:
    """With a byte-order mark, CR LF, and blanks around what was typed."""
    table = tmp_path / "t.csv"
    table.write_bytes("\ufeffquery,relevant\r\n  a größe , sub/../a.png \r\n".encode())
    (judged,) = read_table(table)
    assert judged.query == "a größe"
    assert judged.relevant == {tmp_path / "a.png"}
