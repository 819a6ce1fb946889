"""Paths as they are typed: the home folder of somebody, or of nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from retrieval.user_path import user_path


def test_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    assert user_path("~/a.jpg") == Path("/home/ada/a.jpg")
    assert user_path(Path("a~b")) == Path("a~b")


@pytest.mark.parametrize("typed", ["~nobody-of-this-name/a.jpg", "~\x00", "~\x01"])
def test_the_home_of_nobody_is_a_name(typed: str) -> None:
    """Found by fuzzing: pathlib raises what is no error of ours."""
    assert user_path(typed) == Path(typed)
