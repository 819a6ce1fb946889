"""More like these: from stored vectors, without the thing itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from retrieval import Library
from retrieval.errors import QueryError
from retrieval.records import Modality
from retrieval.similar import _mean, similar
from tests.media_files import write_picture


@pytest.fixture
def reds(filled: Library, media: Path) -> Library:
    write_picture(media / "scarlet.png", (250, 20, 10))
    write_picture(media / "purple.png", (150, 0, 150))
    for name in ("scarlet", "purple"):
        filled.add(media / f"{name}.png")
    return filled


def test_like_a_file_without_itself(reds: Library, media: Path) -> None:
    hits = similar(reds, [media / "red.png"], kinds=["image"], k=2)
    assert [hit.path.name for hit in hits] == ["scarlet.png", "purple.png"]


def test_in_every_modality(reds: Library, media: Path) -> None:
    best: dict[str, str] = {}
    for hit in similar(reds, [media / "red.png"], k=20):
        best.setdefault(hit.kind, hit.path.name)
    assert best == {"image": "scarlet.png", "audio": "low.wav", "text": "red.md"}


def test_like_a_moment_without_its_file(reds: Library, media: Path) -> None:
    moment = reds.search(media / "red.png", kinds=["image"], k=1)[0].moment.id
    assert moment is not None
    hits = similar(reds, [moment], kinds=["image"], k=1)
    assert [hit.path.name for hit in hits] == ["scarlet.png"]


def test_several_count_by_their_mean(reds: Library, media: Path) -> None:
    hits = similar(reds, [media / "red.png", media / "blue.png"], kinds=["image"], k=1)
    assert hits[0].path.name == "purple.png"


def test_a_known_file_is_not_read_again(reds: Library, media: Path) -> None:
    (media / "red.png").unlink()
    assert similar(reds, [media / "red.png"], kinds=["image"], k=1)


def test_a_file_from_elsewhere(reds: Library, tmp_path: Path) -> None:
    other = write_picture(tmp_path / "other.png", (255, 0, 0))
    assert similar(reds, [other], kinds=["image"], k=1)[0].path.name == "red.png"


def test_what_cannot_be_asked(reds: Library, tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="Similar to what"):
        similar(reds, [])
    with pytest.raises(QueryError, match="There is no moment 999"):
        similar(reds, [999])
    with pytest.raises(QueryError, match="at least one hit"):
        similar(reds, [1], k=0)
    with pytest.raises(QueryError, match="Cannot read"):
        similar(reds, [tmp_path / "nowhere.png"])


def test_as_many_as_asked_for_though_several_are_left_out(reds: Library, media: Path) -> None:
    subjects = [media / f"{name}.png" for name in ("red", "scarlet", "purple")]
    hits = similar(reds, subjects, kinds=["image"], k=2)
    assert len(hits) == 2
    assert {hit.path.name for hit in hits} == {"blue.png", "green.png"}
    assert len(similar(reds, subjects, kinds=["image"], k=50)) == 2


def test_only_what_is_alike_enough(reds: Library, media: Path) -> None:
    everything = similar(reds, [media / "red.png"], k=50)
    scores = [hit.score for hit in everything]
    assert scores == sorted(scores, reverse=True)
    level = scores[2]
    some = similar(reds, [media / "red.png"], k=50, min_score=level)
    assert [h.path for h in some] == [h.path for h in everything if h.score >= level]
    assert len(some) < len(everything)


def test_the_mean_of_several_by_hand() -> None:
    """By modality and space: the mean of those that have it, at length 1 again."""
    x, y = np.array([1, 0], np.float32), np.array([0, 1], np.float32)
    found = _mean(
        [
            {Modality.IMAGE: {"a": x, "b": y}},
            {Modality.IMAGE: {"a": y}, Modality.AUDIO: {"a": y}},
            {Modality.IMAGE: {"a": y}},
        ]
    )
    np.testing.assert_allclose(found[Modality.IMAGE]["a"], np.array([1, 2]) / 5**0.5, atol=1e-6)
    np.testing.assert_array_equal(found[Modality.IMAGE]["b"], y)
    np.testing.assert_array_equal(found[Modality.AUDIO]["a"], y)
    assert found.keys() == {Modality.IMAGE, Modality.AUDIO}


def test_a_path_and_a_moment_of_one_file_are_one_thing(reds: Library, media: Path) -> None:
    moment = reds.search(media / "red.png", kinds=["image"], k=1)[0].moment.id
    assert moment is not None
    by_path = similar(reds, [media / "red.png"])
    by_both = similar(reds, [media / "red.png", moment])
    assert [(h.path, h.score) for h in by_path] == [(h.path, h.score) for h in by_both]
    assert all(hit.path.name != "red.png" for hit in by_path)


def test_a_changed_file_is_still_asked_by_what_is_known(reds: Library, media: Path) -> None:
    """What the library knows counts until it is indexed again."""
    before = similar(reds, [media / "red.png"], kinds=["image"], k=1)
    write_picture(media / "red.png", (0, 0, 255))
    assert similar(reds, [media / "red.png"], kinds=["image"], k=1) == before
