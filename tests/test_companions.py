"""Which files of a folder belong together: by their names alone, and never wrongly on purpose."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.companions import companions, companions_on_disk, may_be_companions
from retrieval.media.sidecar import MAX_CAPTION_BYTES


def sidecars(*names: str, size: int = 10) -> dict[str, tuple[str, ...]]:
    return companions(dict.fromkeys(names, size)).sidecars


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a.jpg", "a.xmp"], {"a.jpg": ("a.xmp",)}),
        (["a.jpg", "a.jpg.xmp"], {"a.jpg": ("a.jpg.xmp",)}),
        (["a.JPG", "A.XMP"], {"a.JPG": ("A.XMP",)}),
        (["a.jpg", "a.png", "a.xmp"], {"a.jpg": ("a.xmp",), "a.png": ("a.xmp",)}),
        (["a.jpg", "a.png", "a.png.xmp"], {"a.png": ("a.png.xmp",)}),
        (["a.mp4", "a.xmp"], {"a.mp4": ("a.xmp",)}),
        (["a.mp3", "a.mp3.xmp"], {"a.mp3": ("a.mp3.xmp",)}),
        (["2023.05.jpg", "2023.05.xmp"], {"2023.05.jpg": ("2023.05.xmp",)}),
        (["a.jpg", "b.xmp"], {}),
        (["a.xmp", "a.jpg.xmp"], {}),
        (["a.json", "a.xmp"], {}),
        (["a.txt", "a.xmp"], {"a.txt": ("a.xmp",)}),  # a text of its own has one as well
    ],
)
def test_xmp(names: list[str], expected: dict[str, tuple[str, ...]]) -> None:
    assert sidecars(*names) == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a.jpg", "a.txt"], {"a.jpg": ("a.txt",)}),
        (["a.png", "a.png.txt"], {"a.png": ("a.png.txt",)}),
        (["a.NEF", "a.TXT"], {"a.NEF": ("a.TXT",)}),
        (["a.jpg", "a.json", "a.txt"], {"a.jpg": ("a.txt",)}),
        (["a.mp3", "a.txt"], {}),  # the words of a song are a text of their own
        (["a.pdf", "a.jpg", "a.txt"], {}),  # nobody can say whose words these are
        (["a.jpg", "a.mov", "a.txt"], {}),
        (["a.jpg", "a.mov", "a.jpg.txt"], {"a.jpg": ("a.jpg.txt",)}),
        (["a.txt"], {}),
        (["a.jpg", "a.md"], {}),
    ],
)
def test_captions(names: list[str], expected: dict[str, tuple[str, ...]]) -> None:
    assert sidecars(*names) == expected


def test_a_long_text_is_no_caption() -> None:
    assert sidecars("a.jpg", "a.txt", size=MAX_CAPTION_BYTES)
    assert not sidecars("a.jpg", "a.txt", size=MAX_CAPTION_BYTES + 1)


def test_the_most_exact_name_has_the_last_word() -> None:
    names = ("a.jpg.xmp", "a.xmp", "a.CR2", "a.jpg", "a.cr2.xmp")
    found = companions(dict.fromkeys(names, 1))
    assert found.sidecars["a.jpg"] == ("a.cr2.xmp", "a.xmp", "a.jpg.xmp")
    assert found.sidecars["a.CR2"] == ("a.xmp", "a.cr2.xmp")
    assert found.leaders == {"a.CR2": "a.jpg"}


@pytest.mark.parametrize(
    ("names", "leaders"),
    [
        (["IMG_1.CR2", "IMG_1.JPG"], {"IMG_1.CR2": "IMG_1.JPG"}),
        (["img_1.nef", "IMG_1.jpeg"], {"img_1.nef": "IMG_1.jpeg"}),
        (["a.dng", "a.heic", "a.jpg"], {"a.dng": "a.jpg"}),
        (["a.dng", "a.heic", "a.mov"], {"a.dng": "a.heic"}),
        (["a.cr2", "a.dng", "a.jpg"], {"a.cr2": "a.jpg", "a.dng": "a.jpg"}),
        (["a.cr2", "a.png"], {}),  # no camera writes that: it was made from it
        (["a.cr2", "b.jpg"], {}),
        (["a.jpg", "a.heic"], {}),
    ],
)
def test_twins(names: list[str], leaders: dict[str, str]) -> None:
    assert companions(dict.fromkeys(names, 1)).leaders == leaders


NAMES = st.builds(
    "{}.{}".format,
    st.sampled_from(["a", "A", "a.b", "b", "a.jpg"]),
    st.sampled_from(["jpg", "JPG", "txt", "xmp", "cr2", "heic", "mp3", "json", "md"]),
)


@given(st.dictionaries(NAMES, st.integers(0, 2 * MAX_CAPTION_BYTES), max_size=12))
def test_whatever_lies_in_a_folder(sizes: dict[str, int]) -> None:
    found = companions(sizes)
    taken = {name for names in found.sidecars.values() for name in names}
    assert not taken & found.sidecars.keys(), "a sidecar has no sidecar"
    assert not taken & (found.leaders.keys() | set(found.leaders.values()))
    assert not found.leaders.keys() & set(found.leaders.values())
    assert taken <= sizes.keys()
    for name in sizes:
        alike = {other: size for other, size in sizes.items() if may_be_companions(other, name)}
        near = companions(alike)
        assert near.sidecars.get(name) == found.sidecars.get(name)
        assert near.leaders.get(name) == found.leaders.get(name)
        for other in found.of(name):
            assert name in found.of(other) or other in found.leaders or other in taken | {name}


def test_on_disk_also_for_what_is_gone(tmp_path: Path) -> None:
    for name in ("a.jpg", "a.CR2", "b.jpg"):
        (tmp_path / name).touch()
    (tmp_path / "a.xmp").symlink_to(tmp_path / "b.jpg")
    folder = str(tmp_path)
    assert companions_on_disk(folder, "a.xmp") == {"a.jpg", "a.CR2"}
    assert companions_on_disk(folder, "a.jpg") == {"a.CR2"}
    assert companions_on_disk(folder, "b.jpg") == set()
    assert companions_on_disk(f"{folder}/nowhere", "a.xmp") == set()
