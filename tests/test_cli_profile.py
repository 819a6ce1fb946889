from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from cli import profile
from retrieval.encoders.model_set import BUILT_IN
from retrieval.stopwatch import Stage
from tests.command_line import anyseek, plug_in, process, write_red_green_blue


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_red_green_blue(tmp_path_factory.mktemp("shared")).parent / "library"


@pytest.fixture
def _fake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BUILT_IN, "fake", "retrieval.encoders.fake:fake_model_set")


@pytest.mark.usefixtures("_fake")
def test_the_table_names_every_stage_and_adds_up(library: Path) -> None:
    result = anyseek("search", "red", "--profile", library=library)
    rows = re.findall(r"^(\S.*?) +(\d+\.\d) ms$", result.stderr, re.MULTILINE)
    assert [name for name, _ in rows] == [*Stage, "rest", "total"]
    spent = {name: float(ms) for name, ms in rows}
    total = spent.pop("total")
    assert sum(spent.values()) == pytest.approx(total, abs=0.6)  # each is rounded to 0.1
    assert "red.png" in result.stdout


@pytest.mark.usefixtures("_fake")
def test_with_json_it_is_one_object_on_stderr(library: Path) -> None:
    result = anyseek("search", "red", "--profile", "--json", library=library)
    told = json.loads(result.stderr)["profile_s"]
    assert list(told) == [*Stage, "total"]
    assert told["search"] > 0
    assert sum(told[stage] for stage in Stage) <= told["total"] + 1e-4
    assert all(json.loads(line)["rank"] for line in result.stdout.splitlines())


@pytest.mark.usefixtures("_fake")
def test_the_answer_is_the_same_and_nothing_is_told_without_it(library: Path) -> None:
    plain = anyseek("search", "red", library=library)
    assert plain.stderr == ""
    assert anyseek("search", "red", "--profile", library=library).stdout == plain.stdout


@pytest.mark.usefixtures("_fake")
def test_a_search_that_finds_nothing_is_profiled_too(library: Path) -> None:
    result = anyseek("search", "red", "--min", "1", "--profile", library=library)
    assert result.exit_code == 1
    assert "total" in result.stderr
    assert result.stderr.endswith("anyseek: Nothing here matches.\n")


@pytest.mark.usefixtures("_fake")
def test_a_search_that_fails_is_profiled_too(library: Path) -> None:
    result = anyseek("search", "red", "--under", "nowhere", "--profile", library=library)
    assert result.exit_code == 1
    assert "total" in result.stderr


def test_start_up_counts_from_the_start_of_the_process(library: Path, tmp_path: Path) -> None:
    begun = time.perf_counter()
    result = process(
        "search", "red", "--library", library, "--profile", "--json",
        environment=plug_in(tmp_path / "packages"),
    )  # fmt: skip
    seen_s = time.perf_counter() - begun
    told = json.loads(result.stderr)["profile_s"]
    assert 0 < told["start-up"] < told["total"] <= seen_s + 0.02


def test_where_the_system_does_not_tell_it_counts_from_the_imports(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(profile, "Path", lambda _: tmp_path / "no such file")
    monkeypatch.setattr(profile, "IMPORTED", time.perf_counter() - 5.0)
    assert 5.0 <= profile.process_age_s() < 60.0


def test_a_status_that_cannot_be_understood_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    strange = tmp_path / "stat"
    strange.write_text("1 (a) R 2")
    monkeypatch.setattr(profile, "Path", lambda _: strange)
    assert profile.process_age_s() > 0.0
