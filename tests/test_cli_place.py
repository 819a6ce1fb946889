"""Which library is meant and how it is opened; options that several commands share."""

from __future__ import annotations

import itertools
from pathlib import Path

import platformdirs
import pytest
import typer

from cli.choices import Form, Wanted, form, level
from cli.paths import typed_path
from cli.place import Device, existing, new_or_existing, place
from indexer.progress import Progress, Stage, Summary
from retrieval import Kind, Library
from retrieval.calibration import Calibration
from retrieval.encoders.fake import FakeEncoder, fake_model_set
from retrieval.encoders.model_set import BUILT_IN, ModelSet
from retrieval.errors import ModelMismatch, SearchError
from retrieval.media.windows import Windows

asked_for: list[str] = []


def anywhere() -> ModelSet:
    """A set without a choice of device."""
    return fake_model_set()


def choosy(*, device: str) -> ModelSet:
    """A set that notes where it was to run."""
    asked_for.append(device)
    return ModelSet("choosy", (FakeEncoder(),), Windows(picture_px=16))


@pytest.fixture(autouse=True)
def _sets(monkeypatch: pytest.MonkeyPatch) -> None:
    asked_for.clear()
    monkeypatch.setitem(BUILT_IN, "fake", f"{__name__}:anywhere")
    monkeypatch.setitem(BUILT_IN, "choosy", f"{__name__}:choosy")


def test_without_a_name_it_lies_in_the_users_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        platformdirs, "user_data_path", lambda name, appauthor: Path("/data", name, str(appauthor))
    )
    assert place(None) == Path("/data/anyseek/False/library")


def test_a_name_is_taken_as_it_is_but_for_the_home_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert typed_path("here/lib") == Path("here/lib")
    assert typed_path("~/lib") == tmp_path / "lib"
    assert typed_path("~nobody-of-this-name/lib") == Path("~nobody-of-this-name/lib")
    with pytest.raises(typer.BadParameter, match="the path is empty"):
        typed_path("")


def test_a_library_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(SearchError):
        existing(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_new_library_is_made_with_the_set_that_is_named(tmp_path: Path) -> None:
    with new_or_existing(tmp_path / "lib", "fake") as made:
        assert made.stats().models == "fake"
    with existing(tmp_path / "lib") as again:
        assert again.stats().models == "fake"
    # It knows its set by itself now.
    with new_or_existing(tmp_path / "lib", None) as again:
        assert again.stats().models == "fake"


def test_another_set_than_its_own_is_refused(tmp_path: Path) -> None:
    new_or_existing(tmp_path / "lib", "fake").close()
    for opening in (existing, new_or_existing):
        with pytest.raises(ModelMismatch):
            opening(tmp_path / "lib", "choosy").space  # noqa: B018


def test_a_set_runs_where_it_is_told(tmp_path: Path) -> None:
    new_or_existing(tmp_path / "lib", "choosy", Device.CPU).close()
    assert asked_for == ["cpu"]
    with existing(tmp_path / "lib", device=Device.CPU) as opened:
        assert opened.stats().models == "choosy"
        assert opened.space.model_set.name == "choosy"
    assert set(asked_for) == {"cpu"}
    with existing(tmp_path / "lib") as opened:
        assert opened.space.model_set.name == "choosy"
    assert asked_for[-1] == "auto"


def test_a_device_for_a_set_without_a_choice_is_refused(tmp_path: Path) -> None:
    new_or_existing(tmp_path / "lib", "fake", Device.CPU).close()
    with pytest.raises(SearchError, match="fake has no choice of device: leave out 'mps'"):
        existing(tmp_path / "lib", device=Device.MPS)
    # Nobody is left with the library open: it can be written to.
    with existing(tmp_path / "lib") as opened, opened.writing():
        pass


def test_one_form_or_the_table() -> None:
    assert form(json=False, paths=False, null=False) is Form.TABLE
    assert form(json=True, paths=False, null=False) is Form.JSON
    assert form(json=False, paths=True, null=False) is Form.PATHS
    assert form(json=False, paths=False, null=True) is Form.NULL


@pytest.mark.parametrize(
    "asked", [a for a in itertools.product([True, False], repeat=3) if sum(a) > 1]
)
def test_two_forms_exclude_each_other(asked: tuple[bool, bool, bool]) -> None:
    json, paths, null = asked
    with pytest.raises(typer.BadParameter, match="--json, --paths and -0 exclude each other"):
        form(json=json, paths=paths, null=null)


def test_the_level_is_the_model_sets_unless_one_is_given(library: Library) -> None:
    library.space.calibration = Calibration({}, level=0.37)
    assert level(library, None) == 0.37
    assert level(library, 0.0) == 0.0
    assert level(library, 0.9) == 0.9


def test_the_kinds_that_can_be_asked_for_are_those_there_are() -> None:
    assert [w.value for w in Wanted] == [kind.value for kind in Kind]


def test_stages_and_counts_of_a_run() -> None:
    assert [stage.value for stage in Stage] == ["scan", "read", "refresh"]
    assert Progress(Stage.SCAN, None, 3) == Progress(Stage.SCAN, None, 3, 0, 0, 0)
    nothing = Summary()
    counts = {name: getattr(nothing, name) for name in nothing.__dataclass_fields__}
    assert counts.pop("unreadable") == ()
    assert set(counts.values()) == {0}
