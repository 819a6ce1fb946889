from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from cli.choices import Wanted
from retrieval import Kind, Library
from retrieval.encoders.model_set import BUILT_IN
from tests.command_line import anyseek, write_red_green_blue
from tests.media_files import write_picture


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Red, green and blue pictures, low, mid and high tones and texts, beside a library of them."""
    return write_red_green_blue(tmp_path_factory.mktemp("shared"))


@pytest.fixture(autouse=True)
def here(shared: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the shared media, to be left as it is."""
    monkeypatch.setitem(BUILT_IN, "fake", "retrieval.encoders.fake:fake_model_set")
    monkeypatch.setenv("ANYSEEK_LIBRARY", str(shared.parent / "library"))
    monkeypatch.chdir(shared)
    return shared


@pytest.fixture
def own(here: Path, filled: Library, media: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder and a library of its own, for a test that changes them."""
    monkeypatch.setenv("ANYSEEK_LIBRARY", str(filled.path))
    monkeypatch.chdir(media)
    return media


def found(*arguments: str | os.PathLike[str]) -> list[dict[str, Any]]:
    result = anyseek("search", *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    return [json.loads(line) for line in result.stdout.splitlines()]


def names(*arguments: str | os.PathLike[str]) -> list[str]:
    return [Path(hit["path"]).name for hit in found(*arguments)]


def test_words_find_pictures_sounds_and_texts() -> None:
    assert set(names("red")) == {"red.png", "low.wav", "red.md"}


def test_several_words_need_no_quotes() -> None:
    assert found("low", "red", "red") == found("low red red")


@pytest.mark.parametrize("file", ["blue.png", "high.wav"])
def test_a_picture_and_a_sound_find_their_like(file: str) -> None:
    assert set(names("--file", file)) >= {"blue.png", "high.wav"}
    assert "red.png" not in names("--file", file)


def test_words_that_name_a_file_are_words_and_it_is_said_how_to_ask_with_the_file() -> None:
    result = anyseek("search", "blue.png", "--min", "0")
    assert result.exit_code == 0
    assert result.stderr == (
        "anyseek: blue.png is taken as words. To search with the file: --file blue.png\n"
    )


def test_what_follows_file_is_never_words() -> None:
    result = anyseek("search", "--file", "red")
    assert result.exit_code == 1
    assert result.stderr == "anyseek: Cannot read red: No such file or directory.\n"


def test_a_weight_shifts_the_answer_to_the_heavier_term() -> None:
    heavy, light = ("red.png:5", "blue.png:0.1"), ("red.png:0.1", "blue.png:5")
    for files, expected in ((heavy, "red.png"), (light, "blue.png")):
        arguments = [part for file in files for part in ("--file", file)]
        assert names(*arguments, "--in", "image", "--min", "0")[0] == expected


def test_the_last_number_after_a_colon_is_the_weight(own: Path) -> None:
    write_picture(own / "odd:2.png", (0, 0, 255)).rename(own / "odd:2")
    assert names("--file", "odd:2:1", "--in", "image") == ["blue.png"]
    assert anyseek("search", "--file", "odd:2").stderr == (
        "anyseek: Cannot read odd: No such file or directory.\n"
    )


def test_a_weight_of_zero_is_refused() -> None:
    result = anyseek("search", "--file", "red.png:0")
    assert result.exit_code == 2
    assert result.stderr == (
        "anyseek: red.png:0: a weight is above 0. See: anyseek search --help\n"
    )


def test_any_finds_either() -> None:
    either = names("red", "--file", "blue.png", "--any", "--in", "image")
    assert sorted(either) == ["blue.png", "red.png"]


def test_not_holds_back_what_is_like_it() -> None:
    assert names("red blue", "--not", "blue", "--in", "image", "--min", "0")[0] == "red.png"
    assert names("red blue", "--not", "red", "--in", "image", "--min", "0")[0] == "blue.png"


def test_in_limits_the_kinds() -> None:
    assert names("red", "--in", "audio") == ["low.wav"]
    assert set(names("red", "--in", "audio", "--in", "text")) == {"low.wav", "red.md"}


def test_where_limits_by_what_files_state() -> None:
    assert names("red", "--where", "duration_s > 1", "--min", "0")[0] == "low.wav"
    assert names("red", "--where", "name ~ red and size < 1MB and kind != image") == ["red.md"]
    result = anyseek("search", "red", "--where", "size > big")
    assert result.exit_code == 2
    assert (
        "Cannot read the filter at character 8, 'big': size is a number, such as 500000 or 5MB."
        in result.stderr
    )


def test_the_kinds_to_choose_from_are_those_of_the_library() -> None:
    assert [str(kind) for kind in Wanted] == [str(kind) for kind in Kind]


def test_a_kind_that_does_not_exist_is_wrong_usage() -> None:
    result = anyseek("search", "red", "--in", "smell")
    assert result.exit_code == 2
    assert "'smell' is not one of 'text', 'image', 'audio', 'video'" in result.stderr
    assert result.stderr.count("\n") == 1


def test_k_limits_the_hits() -> None:
    assert names("red", "-k", "2", "--min", "0") == names("red", "--min", "0")[:2]
    assert len(names("red", "-k", "100", "--min", "0")) == 9


def test_under_limits_to_a_folder(own: Path) -> None:
    (own / "below").mkdir()
    write_picture(own / "below" / "crimson.png", (250, 0, 0))
    assert anyseek("index", own).exit_code == 0
    assert names("red", "--under", "below", "--min", "0") == ["crimson.png"]
    assert anyseek("search", "red", "--under", own.parent / "nowhere").exit_code == 1


def test_since_and_until_limit_by_the_time_of_modification(own: Path) -> None:
    a_month_ago = time.time() - 30 * 86400
    os.utime(own / "red.png", (a_month_ago, a_month_ago))
    assert anyseek("index", own).exit_code == 0
    assert set(names("red", "--since", "7d")) == {"low.wav", "red.md"}
    assert names("red", "--until", "7d") == ["red.png"]
    assert names("red", "--since", "5w", "--until", "2w") == ["red.png"]


@pytest.mark.parametrize("option", ["--since", "--until"])
@pytest.mark.parametrize("when", ["0001-01-01", "1900-01-01", "2999-01-01", "9999-12-31T23:59"])
def test_no_date_is_too_far_away(option: str, when: str) -> None:
    lets_all_through = (option == "--since") == (when < "2000")
    result = anyseek("search", "red", option, when)
    assert result.exit_code == (0 if lets_all_through else 1)


def test_a_date_that_is_none_is_wrong_usage() -> None:
    result = anyseek("search", "red", "--since", "yesterday")
    assert result.exit_code == 2
    assert result.stderr == (
        "anyseek: Invalid value for '--since': 'yesterday' is no date such as 2024-05-31, and no "
        "span such as 12h, 30d or 2w. See: anyseek search --help\n"
    )


def test_missing_files_are_hidden_unless_asked_for(own: Path) -> None:
    (own / "red.png").unlink()
    assert anyseek("index", own).exit_code == 0
    assert "red.png" not in names("red")
    assert {hit["path"]: hit["missing"] for hit in found("red", "--missing")} == {
        str(own / "red.png"): True,
        str(own / "low.wav"): False,
        str(own / "red.md"): False,
    }
    assert "red.png  (missing)" in anyseek("search", "red", "--missing").stdout


def test_nothing_matches() -> None:
    result = anyseek("search", "giraffe", "--in", "image")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "anyseek: Nothing here matches.\n"


def test_what_came_nearest_is_told_on_request() -> None:
    result = anyseek("search", "giraffe", "red", "--in", "image", "--min", "0.999999", "-v")
    assert (result.exit_code, result.stdout) == (1, "")
    first, second = result.stderr.splitlines()
    assert first == "anyseek: Nothing here matches."
    assert second.startswith("anyseek: Nearest: red.png with score ")
    assert second.endswith(", below 1.00. To see such hits: --min 0")


def test_min_moves_the_level() -> None:
    assert len(names("red", "--min", "0")) == 9
    scores = [hit["score"] for hit in found("red", "--min", "0")]
    between = (scores[0] + scores[-1]) / 2
    assert all(hit["score"] >= between for hit in found("red", "--min", str(between)))


def test_the_default_level_is_the_model_sets(here: Path) -> None:
    with Library.open(here.parent / "library") as library:
        level = library.space.calibration.level
    assert found("red") == found("red", "--min", str(level))


def test_an_emptied_library_answers_that_nothing_matches(own: Path) -> None:
    assert anyseek("forget", own).exit_code == 0
    result = anyseek("search", "red", "--min", "0")
    assert (result.exit_code, result.stderr) == (1, "anyseek: Nothing here matches.\n")


def test_the_table_is_for_people(here: Path) -> None:
    lines = anyseek("search", "red", "-k", "1", "--in", "text").stdout.splitlines()
    rank, cells, score, kind, path = lines[0].removesuffix("by its name").split()
    assert (rank, kind, path) == ("1", "text", "red.md")
    assert cells.startswith("█████████")
    assert 0.95 < float(score) <= 1
    assert lines[1].strip() == "something red"


def test_paths_are_absolute_and_one_a_line(here: Path) -> None:
    paths = anyseek("search", "red", "--paths").stdout.splitlines()
    assert set(paths) == {str(here / name) for name in ("red.png", "low.wav", "red.md")}


def test_paths_for_xargs_end_with_zero(here: Path) -> None:
    raw = anyseek("search", "red", "-0", "--in", "image").stdout_bytes
    assert raw == os.fsencode(here / "red.png") + b"\0"


@pytest.mark.parametrize("forms", [["--json", "--paths"], ["--paths", "-0"], ["--json", "-0"]])
def test_there_is_one_form_of_output(forms: list[str]) -> None:
    result = anyseek("search", "red", *forms)
    assert result.exit_code == 2
    assert result.stderr == (
        "anyseek: --json, --paths and -0 exclude each other: give one of them. "
        "See: anyseek search --help\n"
    )
