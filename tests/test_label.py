"""Labels: the right one first, probabilities that add up, any modality."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from retrieval import Library
from retrieval.encoders.fake import WINDOWS
from retrieval.errors import QueryError
from retrieval.label import TEMPLATES, _rows, _term, label
from retrieval.records import Modality
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


def test_probabilities_are_the_softmax_of_the_evidence(filled: Library, media: Path) -> None:
    """Ratios of probabilities are those of odds, which the scores tell by themselves."""
    found = {one.text: one for one in label(filled, media / "red.png", COLOURS)}
    evidence = [
        float(
            filled.searcher.scoring.score_rows(
                [_term(filled, text, Modality.IMAGE)],
                Modality.IMAGE,
                _rows(filled, media / "red.png")[Modality.IMAGE],
            ).evidence.mean()
        )
        for text in COLOURS
    ]
    odds = np.exp(evidence)
    for text, expected in zip(COLOURS, odds / odds.sum(), strict=True):
        assert found[text].probability == pytest.approx(expected)
    points = filled.searcher.scoring.points(np.array(evidence))
    assert [found[text].score for text in COLOURS] == pytest.approx(points.tolist())


@pytest.mark.parametrize("modality", list(Modality))
def test_a_label_is_put_into_sentences(library: Library, modality: Modality) -> None:
    rows = library.space.embed(
        Modality.TEXT, [template.format("red") for template in TEMPLATES[modality]]
    )["fake"]
    term = _term(library, "red", modality)
    mean = rows.mean(axis=0)
    np.testing.assert_allclose(
        term.blocks[Modality.TEXT]["fake"], mean / np.linalg.norm(mean), atol=1e-6
    )
    assert term.weight == 1.0
    assert TEMPLATES[modality][0] == "{}"


def test_the_order_of_labels_and_repeats_do_not_matter(filled: Library, media: Path) -> None:
    one = label(filled, media / "red.png", ["red", "green", "blue"])
    other = label(filled, media / "red.png", ["blue", " red ", "green", "red", "", "blue"])
    by_text = {x.text: x.probability for x in other}
    assert by_text == pytest.approx({x.text: x.probability for x in one})
    assert one[0].text == other[0].text == "red"
    assert len(other) == 3


def test_moments_count_equally(filled: Library, tmp_path: Path) -> None:
    """A sound of which two thirds are low and one third is high."""
    rate = WINDOWS.sample_rate_hz
    times_s = np.arange(6 * rate) / rate
    wave = np.where(times_s < 4, np.sin(400 * np.pi * times_s), np.sin(6000 * np.pi * times_s))
    soundfile.write(tmp_path / "two.wav", 0.3 * wave, rate)
    found = label(filled, tmp_path / "two.wav", ["low", "mid", "high"])
    assert [one.text for one in found] == ["low", "high", "mid"]


def test_what_cannot_be_heard_or_opened(filled: Library, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silence.wav", np.zeros(16_000), 8_000)
    with pytest.raises(QueryError, match="there is nothing to hear in it"):
        label(filled, tmp_path / "silence.wav", COLOURS)
    with pytest.raises(QueryError, match="Cannot read"):
        label(filled, tmp_path, COLOURS)
