from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from retrieval.encoders.model_set import BUILT_IN
from tests.command_line import anyseek, write_red_green_blue
from tests.media_files import write_tone


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Red, green and blue things beside a library of them, for all tests of this file."""
    return write_red_green_blue(tmp_path_factory.mktemp("shared"))


@pytest.fixture(autouse=True)
def here(media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BUILT_IN, "fake", "retrieval.encoders.fake:fake_model_set")
    monkeypatch.setenv("ANYSEEK_LIBRARY", str(media.parent / "library"))
    monkeypatch.chdir(tmp_path)


def test_a_picture_is_drawn_with_where_the_query_is_met(tmp_path: Path) -> None:
    pixels = np.full((120, 240, 3), (0, 0, 255), dtype=np.uint8)
    pixels[:, 160:] = (255, 0, 0)
    Image.fromarray(pixels).save(tmp_path / "half.png")
    result = anyseek("explain", "red", "half.png")
    assert (result.exit_code, result.stderr) == (0, "")
    told = re.fullmatch(
        r"most (\d+)% from the left, (\d+)% from the top: half-explained.png\n", result.stdout
    )
    assert told
    assert 67 < int(told[1]) <= 100
    with Image.open(tmp_path / "half-explained.png") as drawn:
        assert drawn.format == "PNG"
        assert drawn.size == (640, 320)


def test_words_may_be_several_and_the_path_comes_last(media: Path) -> None:
    result = anyseek("explain", "red", "red", "green", media / "red.png")
    assert result.exit_code == 0, result.stderr


def test_a_sound_is_drawn_and_asked_with_a_picture(media: Path, tmp_path: Path) -> None:
    write_tone(tmp_path / "long.wav", 200.0, seconds=6.0)
    result = anyseek("explain", "--file", media / "red.png", "long.wav", "--to", "curve.png")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("most at 0:0")
    assert result.stdout.endswith(": curve.png\n")
    with Image.open(tmp_path / "curve.png") as drawn:
        assert drawn.format == "PNG"


def test_a_text_is_explained_by_its_passages_best_first(tmp_path: Path) -> None:
    sentences = ["blue " * 14 + "sea.", "red " * 18 + "fire.", "green " * 12 + "grass."]
    (tmp_path / "long.txt").write_text("\n\n".join(sentences))
    result = anyseek("explain", "red", "long.txt")
    assert (result.exit_code, result.stderr) == (0, "")
    first, *others = result.stdout.splitlines()
    assert "red red" in first
    assert len(others) == 2
    assert [path.name for path in tmp_path.glob("*explained*")] == []


def test_a_drawing_that_cannot_be_written(media: Path, tmp_path: Path) -> None:
    result = anyseek("explain", "red", media / "red.png", "--to", tmp_path / "no" / "x.png")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"anyseek: Cannot write {tmp_path / 'no' / 'x.png'}: No such file or directory.\n"
    )


def test_a_query_is_needed(media: Path) -> None:
    result = anyseek("explain", media / "red.png")
    assert result.exit_code == 2
    assert "The query is empty" in result.stderr


@pytest.mark.parametrize("to", [[], ["--to", "red-explained.png"]])
def test_an_earlier_drawing_is_replaced_and_nothing_else_is(
    media: Path, tmp_path: Path, to: list[str]
) -> None:
    mine = tmp_path / "red-explained.png"
    command = ["explain", "red", str(media / "red.png"), *to]
    for data in (b"no picture at all", (media / "red.png").read_bytes()):
        mine.write_bytes(data)
        result = anyseek(*command)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == ("anyseek: red-explained.png exists. Name another file: --to PNG\n")
        assert mine.read_bytes() == data
    mine.unlink()
    assert anyseek(*command).exit_code == 0
    os.utime(mine, (1, 1))
    assert anyseek(*command).exit_code == 0
    assert mine.stat().st_mtime != 1


def test_the_picture_itself_is_never_drawn_over(media: Path) -> None:
    before = (media / "red.png").read_bytes()
    assert anyseek("explain", "red", media / "red.png", "--to", media / "red.png").exit_code == 1
    assert (media / "red.png").read_bytes() == before
