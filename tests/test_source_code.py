"""Source code and settings, by name."""

from __future__ import annotations

import pytest

from retrieval.media.source_code import is_source_code


@pytest.mark.parametrize("name", ["a.py", "A.PY", "x/y/z.ts", "Makefile", "pom.yaml", "main.C"])
def test_programs_and_settings(name: str) -> None:
    assert is_source_code(name)


@pytest.mark.parametrize(
    "name", ["", "a.txt", "README.md", "py", ".py.txt", "notes", "a.", "a.log"]
)
def test_prose(name: str) -> None:
    assert not is_source_code(name)
