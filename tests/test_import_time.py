"""Heavy packages are loaded when they are needed, not when anyseek is imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

import retrieval

HEAVY = ["torch", "open_clip", "transformers", "av", "faiss", "alembic", "matplotlib", "scipy"]


def loaded_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return set(result.stdout.split())


@pytest.mark.parametrize("statement", ["from retrieval import *", "import indexer", "import cli"])
def test_importing_loads_nothing_heavy(statement: str) -> None:
    assert not loaded_after(statement) & set(HEAVY)


def test_the_test_sees_what_is_loaded() -> None:
    assert "sqlalchemy" in loaded_after("from retrieval import Library")


def test_a_name_of_the_package_loads_what_it_needs_alone() -> None:
    assert "sqlalchemy" not in loaded_after("from retrieval import Hit")


def test_the_package_offers_what_it_lists() -> None:
    assert set(retrieval.__all__) <= set(dir(retrieval))
    assert all(getattr(retrieval, name).__name__ == name for name in retrieval.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Librarian'"):
        _ = retrieval.Librarian  # type: ignore[attr-defined]


def test_encoders_are_loaded_one_by_one() -> None:
    loaded = loaded_after("from retrieval.encoders.model_set import load_model_set")
    assert not loaded & {
        "retrieval.encoders.mini",
        "retrieval.encoders.open_clip_towers",
        "retrieval.encoders.clap_towers",
    }
