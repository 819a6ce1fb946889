"""Heavy packages are loaded when they are needed, not when anyseek is imported."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import retrieval
from tests.model_files import write_small_clip

HEAVY = ["torch", "open_clip", "transformers", "av", "faiss", "alembic", "matplotlib", "scipy"]


HOUSE = Path(__file__).parent.parent
HELP = """
import sys
from contextlib import suppress
sys.argv[1:] = {arguments}
from cli.app import main
with suppress(SystemExit):
    main()
"""
STATEMENTS = {
    "library": "from retrieval import *",
    "indexer": "import indexer",
    "cli": "import cli",
    "app": "import cli.app",
    "help": HELP.format(arguments=["--help"]),
    "version": HELP.format(arguments=["--version"]),
    "help of search": HELP.format(arguments=["search", "--help"]),
    "help of index": HELP.format(arguments=["index", "--help"]),
}


def loaded_after(statement: str, house: Path = HOUSE) -> set[str]:
    """The modules that are there when a new process has run a statement."""
    code = f"{statement}\nimport sys\nprint('\\nloaded', *sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=house,
        env=os.environ | {"PYTHONPATH": str(house)},
    )
    return set(result.stdout.rpartition("\nloaded ")[2].split())


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
def test_importing_loads_nothing_heavy(statement: str) -> None:
    loaded = loaded_after(statement)
    assert loaded & {"cli", "indexer", "retrieval"}
    assert not loaded & set(HEAVY)


def test_a_library_opens_without_what_pictures_need() -> None:
    loaded = loaded_after(STATEMENTS["library"])
    assert "retrieval.encoders.picture_form" in loaded
    assert not {name for name in loaded if name.startswith("PIL")}


@pytest.mark.parametrize("statement", [s for n, s in STATEMENTS.items() if "help" in n])
def test_help_does_without_the_library(statement: str) -> None:
    """It is there in a third of a second: neither numbers nor a catalog are needed for it."""
    assert not loaded_after(statement) & {"numpy", "sqlalchemy", "PIL", "retrieval.library"}


def test_that_there_is_no_library_is_said_without_the_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANYSEEK_LIBRARY", str(tmp_path / "none"))
    for command in ("status", "roots", "verify"):
        loaded = loaded_after(HELP.format(arguments=[command]))
        assert "retrieval.errors" in loaded
        assert not loaded & {"numpy", "sqlalchemy", "PIL", "retrieval.library"}, command


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the house, in which `torch` is a module that costs nothing."""
    house = tmp_path_factory.mktemp("copy")
    for floor in ("retrieval", "indexer", "cli"):
        shutil.copytree(
            HOUSE / floor,
            house / floor,
            ignore=shutil.ignore_patterns("__pycache__", "*.safetensors"),
        )
    (house / "torch.py").write_text("")
    return house


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("library", "retrieval/library.py"),
        ("library", "retrieval/media/media.py"),
        ("indexer", "indexer/run.py"),
        ("cli", "cli/stopping.py"),
        ("app", "cli/index.py"),
        ("help", "cli/choices.py"),
        ("help of search", "cli/place.py"),
    ],
)
def test_a_planted_heavy_import_is_found(copy: Path, name: str, place: str) -> None:
    source = (copy / place).read_text()
    before, future, after = source.partition("from __future__ import annotations\n")
    planted = f"{before}{future}import torch\n{after}" if future else f"import torch\n{source}"
    try:
        (copy / place).write_text(planted)
        assert loaded_after(STATEMENTS[name], copy) & set(HEAVY) == {"torch"}
    finally:
        (copy / place).write_text(source)


def test_nothing_is_found_in_a_copy_without_it(copy: Path) -> None:
    assert not loaded_after(STATEMENTS["help of index"], copy) & set(HEAVY)


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


def test_pictures_are_prepared_without_torch_and_encoded_without_open_clip(tmp_path: Path) -> None:
    folder = write_small_clip(tmp_path / "clip")
    prepare = f"""
from pathlib import Path
import numpy as np
from retrieval import Modality
from retrieval.encoders.open_clip import open_clip_encoder
encoder = open_clip_encoder(Path({str(folder)!r}), device="cpu", precision="fp32")
rows = [encoder.prepare(Modality.IMAGE, np.zeros((70, 90, 3), np.uint8))]
"""
    encode = f"{prepare}\nassert encoder.encode(Modality.IMAGE, rows).shape == (1, encoder.dim)"
    read = f"{prepare}\nencoder.prepare(Modality.TEXT, 'a sea')"
    upstream = {"open_clip", "transformers", "torchvision", "timm"}
    assert not loaded_after(prepare) & {"torch", *upstream}
    assert loaded_after(encode) & {"torch", *upstream} == {"torch"}
    assert "open_clip" in loaded_after(read)
