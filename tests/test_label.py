"""Labels: the right one first, probabilities that add up, any modality."""

from __future__ import annotations

from pathlib import Path

import pytest

from retrieval import Library
from retrieval.errors import QueryError
from retrieval.label import label
from tests.media_files import write_picture, write_tone

COLOURS = ["red", "green", "blue"]


@pytest.mark.parametrize(
    ("name", "right"),
    [("red.png", "red"), ("mid.wav", "green"), ("blue.md", "blue"), ("low.wav", "red")],
)
def test_the_right_label_first(filled: Library, media: Path, name: str, right: str) -> None:
    found = label(filled, media / name, COLOURS)
    assert found[0].text == right
    assert sum(one.probability for one in found) == pytest.approx(1)
    assert found[0].probability > 0.6
    assert found[0].score > found[1].score


def test_a_file_that_is_not_in_the_library(filled: Library, tmp_path: Path) -> None:
    picture = write_picture(tmp_path / "new.png", (0, 0, 255))
    assert label(filled, picture, COLOURS)[0].text == "blue"
    sound = write_tone(tmp_path / "new.wav", 1000.0, seconds=5)
    assert label(filled, sound, COLOURS)[0].text == "green"


def test_an_empty_library_has_no_background_but_labels(library: Library, tmp_path: Path) -> None:
    picture = write_picture(tmp_path / "new.png", (0, 255, 0))
    assert label(library, picture, COLOURS)[0].text == "green"


def test_between_two_the_probabilities_are_even(filled: Library, tmp_path: Path) -> None:
    picture = write_picture(tmp_path / "new.png", (200, 200, 0))
    found = {one.text: one.probability for one in label(filled, picture, COLOURS)}
    assert found["red"] == pytest.approx(found["green"], abs=0.15)
    assert found["blue"] < 0.1


@pytest.mark.parametrize("labels", [[], ["cat"], ["cat", "cat "], ["cat", " "]])
def test_too_few_labels(filled: Library, media: Path, labels: list[str]) -> None:
    with pytest.raises(QueryError, match="at least two labels"):
        label(filled, media / "red.png", labels)


def test_a_file_that_cannot_be_read(filled: Library, tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="Cannot read"):
        label(filled, tmp_path / "nowhere.png", COLOURS)
    (tmp_path / "noise.bin").write_bytes(bytes(range(256)))
    with pytest.raises(QueryError, match="Cannot label"):
        label(filled, tmp_path / "noise.bin", COLOURS)
