from __future__ import annotations

import json
from pathlib import Path

import pytest

from retrieval.encoders.model_set import BUILT_IN
from tests.command_line import anyseek, write_red_green_blue
from tests.media_files import write_picture


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Red, green and blue things beside a library of them, for all tests of this file."""
    return write_red_green_blue(tmp_path_factory.mktemp("shared"))


@pytest.fixture(autouse=True)
def here(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BUILT_IN, "fake", "retrieval.encoders.fake:fake_model_set")
    monkeypatch.setenv("ANYSEEK_LIBRARY", str(media.parent / "library"))
    monkeypatch.chdir(media)


def names(*arguments: str | Path) -> list[str]:
    result = anyseek("similar", *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return [Path(json.loads(line)["path"]).name for line in result.stdout.splitlines()]


def test_what_is_asked_with_is_left_out() -> None:
    assert set(names("red.png")) == {"low.wav", "red.md"}


def test_several_files_count_together() -> None:
    assert names("red.png", "blue.png", "-k", "9", "--min", "0")[-1].split(".")[0] in {
        "green",
        "mid",
    }


def test_a_moment_is_named_by_its_id() -> None:
    (hit,) = anyseek("search", "red", "--in", "image", "--json").stdout.splitlines()
    moment = json.loads(hit)["moment_id"]
    assert names("--moment", str(moment)) == names("red.png")


def test_a_file_that_is_not_in_the_library(tmp_path: Path) -> None:
    other = write_picture(tmp_path / "crimson.png", (250, 0, 0))
    assert names(other, "--in", "image") == ["red.png"]


def test_kinds_number_and_form() -> None:
    assert names("red.png", "--in", "audio") == ["low.wav"]
    assert len(names("red.png", "-k", "1")) == 1
    assert anyseek("similar", "red.png", "--in", "audio", "--paths").stdout.endswith("low.wav\n")
    assert "low.wav" in anyseek("similar", "red.png", "--in", "audio").stdout


def test_nothing_like_it() -> None:
    result = anyseek("similar", "red.png", "--in", "video")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "anyseek: Nothing here is like it.\n"


def test_nothing_to_ask_with() -> None:
    result = anyseek("similar")
    assert result.exit_code == 2
    assert result.stderr == (
        "anyseek: Similar to what? Give at least one file or moment. See: anyseek similar --help\n"
    )


def test_a_moment_that_does_not_exist() -> None:
    result = anyseek("similar", "--moment", "999")
    assert result.exit_code == 1
    assert result.stderr == "anyseek: There is no moment 999 in this library.\n"
