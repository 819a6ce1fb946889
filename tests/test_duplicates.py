"""Duplicates: the same bytes, another form, near: kept apart."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from retrieval import Library
from retrieval.duplicates import Likeness, duplicates
from tests.test_likeness import scene, tune


@pytest.fixture
def folder(library: Library, tmp_path: Path) -> Path:
    """One picture in three forms and a copy, one that is near, one that is not; two sounds."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    scene(0).save(folder / "one.png")
    shutil.copy(folder / "one.png", folder / "one copy.png")
    scene(0).resize((180, 140)).save(folder / "one.jpg", quality=60)
    # The same mean colour, so the same vector; another picture all the same.
    mean = np.asarray(scene(0)).reshape(-1, 3).mean(axis=0).astype(np.uint8)
    Image.fromarray(np.tile(mean, (60, 60, 1))).save(folder / "flat.png")
    Image.new("RGB", (50, 50), (0, 0, 255)).save(folder / "blue.png")
    soundfile.write(folder / "tune.wav", tune(0), 8000)
    soundfile.write(folder / "tune.ogg", tune(0), 8000)
    for path in sorted(folder.iterdir()):
        library.add(path)
    return folder


def found(library: Library, **options: object) -> dict[Likeness, list[set[str]]]:
    groups: dict[Likeness, list[set[str]]] = {}
    for group in duplicates(library, **options):  # type: ignore[arg-type]
        groups.setdefault(group.likeness, []).append({path.name for path in group.paths})
    return groups


def test_the_three_are_kept_apart(library: Library, folder: Path) -> None:
    groups = found(library)
    assert groups[Likeness.CONTENT] == [{"one.png", "one copy.png"}]
    assert {"tune.wav", "tune.ogg"} in groups[Likeness.FORM]
    forms = [group for group in groups[Likeness.FORM] if "one.jpg" in group]
    assert len(forms) == 1
    assert forms[0] - {"one.jpg"} <= {"one.png", "one copy.png"}
    assert len(forms[0]) == 2
    assert len(groups[Likeness.NEAR]) == 1
    assert "flat.png" in groups[Likeness.NEAR][0]
    assert not any("blue.png" in group for all_ in groups.values() for group in all_)


def test_only_some_kinds(library: Library, folder: Path) -> None:
    groups = found(library, kinds=["audio"])
    assert groups == {Likeness.FORM: [{"tune.wav", "tune.ogg"}]}


def test_a_stricter_level_finds_fewer_near_ones(library: Library, folder: Path) -> None:
    assert Likeness.NEAR not in found(library, near=1.1)
    assert Likeness.FORM in found(library, near=1.1)


def test_a_file_that_is_gone_is_passed_over(library: Library, folder: Path) -> None:
    (folder / "one.jpg").unlink()
    groups = found(library)
    assert groups[Likeness.CONTENT] == [{"one.png", "one copy.png"}]
    assert not any("one.jpg" in group for group in groups[Likeness.FORM])


def test_nothing_alike(filled: Library) -> None:
    assert found(filled) == {}
