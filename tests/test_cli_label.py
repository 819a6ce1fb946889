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


@pytest.mark.parametrize(
    ("file", "right"), [("red.png", "red"), ("blue.md", "blue"), ("mid.wav", "green")]
)
def test_the_label_that_fits_comes_first(file: str, right: str) -> None:
    labels = [part for colour in ("red", "green", "blue") for part in ("--as", colour)]
    result = anyseek("label", file, *labels, "--json")
    assert result.exit_code == 0, result.stderr
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert found[0]["text"] == right
    assert {one["text"] for one in found} == {"red", "green", "blue"}
    assert sum(one["probability"] for one in found) == pytest.approx(1)
    assert all(set(one) == {"text", "probability", "score"} for one in found)


def test_the_table_for_people() -> None:
    lines = anyseek("label", "red.png", "--as", "red", "--as", "b\x1blue").stdout.splitlines()
    assert lines[0].split() == ["label", "probability", "score"]
    assert lines[1].startswith("red")
    assert lines[2].startswith(r"b\x1blue")


def test_one_label_is_no_choice() -> None:
    result = anyseek("label", "red.png", "--as", "red")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("anyseek: Give at least two labels")


def test_no_label_is_wrong_usage() -> None:
    result = anyseek("label", "red.png")
    assert result.exit_code == 2
    assert result.stderr == "anyseek: Missing option '--as'. See: anyseek label --help\n"
