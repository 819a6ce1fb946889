"""Duplicates: the same bytes, another form, near: kept apart."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from retrieval import Kind, Library
from retrieval.duplicates import Likeness, _connected, duplicates
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


@given(st.lists(st.tuples(st.integers(1, 25), st.integers(1, 25)), max_size=40))
def test_what_is_connected_by_walking(edges: list[tuple[int, int]]) -> None:
    pairs = [(a, b, 0.9) for a, b in edges if a != b]
    beside: dict[int, set[int]] = {}
    for a, b, _ in pairs:
        beside.setdefault(a, set()).add(b)
        beside.setdefault(b, set()).add(a)
    expected = {}
    for one in beside:
        seen, waiting = {one}, [one]
        while waiting:
            for other in beside[waiting.pop()] - seen:
                seen.add(other)
                waiting.append(other)
        expected[one] = min(seen)
    assert _connected(pairs) == expected


def flat(folder: Path, colours: dict[str, tuple[int, int, int]]) -> Path:
    """Pictures of one colour and a little scene in it each, so that no two are forms of one."""
    folder.mkdir(exist_ok=True)
    for seed, (name, colour) in enumerate(colours.items()):
        noise = np.random.default_rng(seed).integers(-40, 41, (68, 68, 1))
        pixels = (np.array(colour) * (1 + noise / 100)).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{name}.png")
    return folder


def test_a_chain_of_near_ones_is_one_group_with_the_least_cosine(
    library: Library, tmp_path: Path
) -> None:
    """A is near B and B is near C, though A is not near C."""
    folder = flat(tmp_path / "s", {"a": (180, 0, 0), "b": (170, 45, 0), "c": (150, 90, 0)})
    for path in sorted(folder.iterdir()):
        library.add(path)
    rows = {p.name: row for p, row in zip(sorted(folder.iterdir()), vectors(library), strict=True)}
    ab, bc, ac = (float(rows[f"{x}.png"] @ rows[f"{y}.png"]) for x, y in ("ab", "bc", "ac"))
    assert ac < 0.92 < min(ab, bc)
    (group,) = duplicates(library, near=0.92)
    assert group.likeness is Likeness.NEAR
    assert [path.name for path in group.paths] == ["a.png", "b.png", "c.png"]
    assert group.cosine == pytest.approx(min(ab, bc), abs=1e-6)
    # Between the two cosines only one pair is left, above both none.
    middle = (ab + bc) / 2
    (pair,) = duplicates(library, near=middle)
    assert [p.name for p in pair.paths] == (["a.png", "b.png"] if ab > bc else ["b.png", "c.png"])
    assert duplicates(library, near=max(ab, bc) + 1e-4) == []


def vectors(library: Library) -> np.ndarray:
    """Of all pictures, by path."""
    files = library.files()
    firsts = {f.path: library.search(f.path, kinds=["image"], k=1)[0].moment.id for f in files}
    ids = np.array([firsts[path] for path in sorted(firsts)], dtype=np.int64)
    known, rows = library.catalog.vectors.get("fake", np.sort(ids))
    at = {int(one): row for one, row in zip(known, rows, strict=True)}
    return np.stack([at[int(one)] for one in ids])


def test_the_most_alike_come_first_in_each_likeness(library: Library, tmp_path: Path) -> None:
    folder = flat(
        tmp_path / "s",
        {"a": (180, 0, 0), "b": (178, 20, 0), "c": (0, 180, 0), "d": (0, 180, 4)},
    )
    shutil.copy(folder / "a.png", folder / "z.png")
    for path in sorted(folder.iterdir()):
        library.add(path)
    groups = duplicates(library)
    assert [g.likeness for g in groups] == [Likeness.CONTENT, Likeness.NEAR, Likeness.NEAR]
    assert groups[0].cosine == 1.0
    assert groups[1].cosine > groups[2].cosine
    assert {p.name for p in groups[1].paths} == {"c.png", "d.png"}
    # Two files with the same bytes are one for the group of near ones.
    assert {p.name for p in groups[2].paths} == {"a.png", "b.png"}
    assert all(0.95 <= g.cosine <= 1 for g in groups)


def test_unknown_kinds_and_texts(filled: Library, media: Path) -> None:
    shutil.copy(media / "red.md", media / "copy.md")
    filled.add(media / "copy.md")
    (group,) = duplicates(filled, kinds=["text"])
    assert (group.likeness, group.kind) == (Likeness.CONTENT, Kind.TEXT)
    assert [path.name for path in group.paths] == ["copy.md", "red.md"]
    assert duplicates(filled) == []
    with pytest.raises(ValueError, match="smell"):
        duplicates(filled, kinds=["smell"])


def test_more_than_one_batch(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = duplicates(library)
    monkeypatch.setattr("retrieval.duplicates.BATCH", 1)
    assert duplicates(library) == whole
