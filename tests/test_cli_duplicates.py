from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cli.duplicates import ALIKE
from retrieval import Library
from retrieval.duplicates import Likeness
from retrieval.encoders.model_set import BUILT_IN
from tests.command_line import anyseek


@pytest.fixture(autouse=True)
def here(library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BUILT_IN, "fake", "retrieval.encoders.fake:fake_model_set")
    monkeypatch.setenv("ANYSEEK_LIBRARY", str(library.path))
    folder = tmp_path / "pictures"
    folder.mkdir()
    monkeypatch.chdir(folder)


def noise(path: Path, seed: int) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    picture = Image.fromarray(coarse).resize((128, 128), Image.Resampling.BICUBIC)
    picture.save(path)
    return picture


def test_every_way_to_be_alike_has_words() -> None:
    assert set(ALIKE) == set(Likeness)


def test_copies_and_other_forms_are_told_apart(tmp_path: Path) -> None:
    folder = Path.cwd()
    picture = noise(folder / "a.png", 1)
    shutil.copy(folder / "a.png", folder / "b.png")
    picture.resize((96, 96)).save(folder / "small.jpg", quality=80)
    anyseek("index", folder)
    result = anyseek("duplicates", "--near", "1.0", "--json")
    assert result.exit_code == 0
    groups = [json.loads(line) for line in result.stdout.splitlines()]
    assert [group["likeness"] for group in groups] == ["content", "form"]
    assert [Path(path).name for path in groups[0]["paths"]] == ["a.png", "b.png"]
    assert "small.jpg" in {Path(path).name for path in groups[1]["paths"]}
    assert all(list(group) == ["likeness", "kind", "cosine", "paths"] for group in groups)
    shown = anyseek("duplicates", "--near", "1.0").stdout.splitlines()
    assert shown[:3] == ["the same bytes  image  1.00", "    a.png", "    b.png"]
    assert shown[3].startswith("the same in another form  image  ")


def test_none(tmp_path: Path) -> None:
    noise(Path.cwd() / "a.png", 1)
    anyseek("index", Path.cwd())
    result = anyseek("duplicates")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "No two files here are alike.\n"


def test_kinds_can_be_chosen(tmp_path: Path) -> None:
    folder = Path.cwd()
    noise(folder / "a.png", 1)
    shutil.copy(folder / "a.png", folder / "b.png")
    (folder / "one.txt").write_text("red")
    (folder / "two.txt").write_text("red")
    anyseek("index", folder)
    assert "one.txt" not in anyseek("duplicates").stdout
    texts = anyseek("duplicates", "--in", "text").stdout
    assert texts == "the same bytes  text  1.00\n    one.txt\n    two.txt\n"
