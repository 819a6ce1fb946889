"""More like these: from stored vectors, without the thing itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from retrieval import Library
from retrieval.errors import QueryError
from retrieval.similar import similar
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
