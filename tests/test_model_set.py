"""Model sets by name: built in, added by others, with options where they are understood."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import EntryPoint, EntryPoints

import pytest

from retrieval.encoders import model_set
from retrieval.encoders.fake import fake_model_set
from retrieval.encoders.model_set import ModelSet, load_model_set, model_set_names
from retrieval.encoders.published import ENTRY_POINTS
from retrieval.errors import ModelError
from retrieval.media.windows import Windows


def plain() -> ModelSet:
    """A set without options, as another package would add it."""
    return replace(fake_model_set(), name="plain")


def choosy(*, device: str, precision: str = "auto") -> ModelSet:
    """A set that runs where it is told."""
    return replace(fake_model_set(), name=f"{device} {precision}")


@pytest.fixture
def _added(monkeypatch: pytest.MonkeyPatch) -> None:
    points = EntryPoints(
        EntryPoint(name, f"{__name__}:{name}", ENTRY_POINTS) for name in ("plain", "choosy")
    )
    monkeypatch.setattr(model_set, "entry_points", lambda **facts: points.select(**facts))
    functions = {"plain": plain, "choosy": choosy}
    monkeypatch.setattr(EntryPoint, "load", lambda self: functions[self.name])


@pytest.mark.usefixtures("_added")
def test_other_packages_add_sets() -> None:
    assert {"plain", "choosy", "mini", "clip-clap"} <= set(model_set_names())
    assert load_model_set("plain").name == "plain"
    assert load_model_set("choosy").name == "auto auto"
    assert load_model_set("choosy", device="cuda:1", precision="fp16").name == "cuda:1 fp16"


@pytest.mark.usefixtures("_added")
def test_a_set_without_a_choice_of_device() -> None:
    assert load_model_set("plain", device="cpu", precision="fp32").name == "plain"
    with pytest.raises(ModelError, match="plain has no choice of device: leave out 'cuda'"):
        load_model_set("plain", device="cuda")
    with pytest.raises(ModelError, match="plain has no choice of precision: leave out 'bf16'"):
        load_model_set("plain", precision="bf16")


@pytest.mark.usefixtures("_added")
def test_an_unknown_name_says_what_there_is() -> None:
    with pytest.raises(ModelError, match=r"no model set named 'huge'.* Known: choosy, clip-clap"):
        load_model_set("huge")


def test_the_fingerprint_is_that_of_encoders_and_windows() -> None:
    one = fake_model_set()
    assert one.fingerprint == fake_model_set().fingerprint
    assert replace(one, windows=Windows(hop_s=2.5)).fingerprint != one.fingerprint
    assert replace(one, encoders=()).fingerprint != one.fingerprint
    assert replace(one, name="other").fingerprint == one.fingerprint
