"""Sidecars and twins in the life of their files: followed without opening the media again."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from indexer import Summary, annotation, index, read_ahead, reading
from indexer.reading import Job
from retrieval import Library
from retrieval.catalog.tokens import path_tokens
from retrieval.catalog.wording import Wording, row_of
from retrieval.records import File, Kind, Said
from tests.fresh import as_fresh
from tests.media_files import write_picture, write_tone
from tests.test_life_cycle import known, only
from tests.test_raw import dng
from tests.xmp_packets import packet


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were opened, media and sidecars."""
    names: list[str] = []

    def note(job: Job) -> object:
        names.append(job.path)
        return reading.opened(job)

    monkeypatch.setattr(read_ahead, "opened", note)
    monkeypatch.setattr(annotation, "opened", note)
    return names


@pytest.fixture
def folder(tmp_path: Path, library: Library, opened: list[str]) -> Path:
    """A picture with a sidecar, and one without; indexed."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    write_picture(folder / "a.jpg", (255, 0, 0))
    write_picture(folder / "b.jpg", (0, 0, 255))
    (folder / "a.xmp").write_text(packet("At the beach"))
    only(index(library, folder), added=2, annotated=1)
    opened.clear()
    return folder


def file_at(library: Library, path: Path) -> File:
    (file,) = [file for file in library.files() if file.path == path]
    return file


def title(library: Library, path: Path) -> Any:
    return file_at(library, path).facts.get("title")


def where(library: Library, condition: str) -> set[str]:
    return {hit.path.name for hit in library.search("red", k=100, where=condition)}


class TestSidecar:
    def test_its_facts_filter_and_are_shown(self, library: Library, folder: Path) -> None:
        assert where(library, 'keywords ~ "bea"') == {"a.jpg"}
        assert where(library, "keywords = beach and rating >= 4") == {"a.jpg"}
        assert where(library, "keywords != beach") == set()
        assert where(library, "year = 2023 and latitude > 48") == {"a.jpg"}
        (hit,) = library.search("red", where="rating = 4")
        assert hit.facts["keywords"] == ["Beach", "Holiday", "Places", "France"]
        assert hit.facts["width"] == 40

    def test_nothing_happened_and_nothing_is_opened(
        self, library: Library, folder: Path, opened: list[str]
    ) -> None:
        only(index(library, folder), unchanged=2)
        assert opened == []

    @pytest.mark.parametrize("name", ["b.xmp", "b.jpg.xmp", "B.XMP", "b.txt", "b.jpg.txt"])
    def test_it_appears(self, library: Library, folder: Path, opened: list[str], name: str) -> None:
        before = known(library, folder / "b.jpg")
        (folder / name).write_text(packet("new") if "xmp" in name.lower() else "waves & sand")
        only(index(library, folder), unchanged=2, annotated=1)
        assert opened == [name]
        assert "sand" in str(file_at(library, folder / "b.jpg").facts["description"])
        assert known(library, folder / "b.jpg") == before
        as_fresh(library, folder)

    def test_it_changes(self, library: Library, folder: Path, opened: list[str]) -> None:
        (folder / "a.xmp").write_text(packet("At the lake", rating=2))
        only(index(library, folder), unchanged=2, annotated=1)
        assert opened == ["a.xmp"]
        assert title(library, folder / "a.jpg") == "At the lake"
        assert where(library, "rating >= 4") == set()
        as_fresh(library, folder)

    def test_it_vanishes(self, library: Library, folder: Path, opened: list[str]) -> None:
        (folder / "a.xmp").unlink()
        only(index(library, folder), unchanged=2, annotated=1)
        assert opened == []
        assert title(library, folder / "a.jpg") is None
        only(index(library, folder), unchanged=2)
        as_fresh(library, folder)

    def test_it_is_renamed_to_another_picture(self, library: Library, folder: Path) -> None:
        (folder / "a.xmp").rename(folder / "b.xmp")
        only(index(library, folder), unchanged=2, annotated=2)
        assert title(library, folder / "a.jpg") is None
        assert title(library, folder / "b.jpg") == "At the beach"
        as_fresh(library, folder)

    def test_it_moves_with_its_picture(self, library: Library, folder: Path) -> None:
        before = known(library, folder / "a.jpg")
        (folder / "sub").mkdir()
        for name in ("a.jpg", "a.xmp"):
            (folder / name).rename(folder / "sub" / name)
        only(index(library, folder), moved=1, unchanged=1, annotated=1)
        assert known(library, folder / "sub/a.jpg") == before
        assert title(library, folder / "sub/a.jpg") == "At the beach"
        as_fresh(library, folder)

    def test_it_stays_behind(self, library: Library, folder: Path) -> None:
        (folder / "a.jpg").rename(folder / "c.jpg")
        only(index(library, folder), moved=1, unchanged=1, failed=1, not_media=1)
        assert title(library, folder / "c.jpg") is None
        (folder / "a.xmp").rename(folder / "c.xmp")
        index(library, folder)
        assert title(library, folder / "c.jpg") == "At the beach"

    def test_its_picture_is_edited(self, library: Library, folder: Path) -> None:
        write_picture(folder / "a.jpg", (0, 255, 0))
        only(index(library, folder), updated=1, unchanged=1, annotated=1)
        assert title(library, folder / "a.jpg") == "At the beach"
        as_fresh(library, folder)

    def test_pictures_swap_names_and_sidecars_stay(self, library: Library, folder: Path) -> None:
        (folder / "a.jpg").rename(folder / "x")
        (folder / "b.jpg").rename(folder / "a.jpg")
        (folder / "x").rename(folder / "b.jpg")
        index(library, folder)
        assert title(library, folder / "a.jpg") == "At the beach"
        assert title(library, folder / "b.jpg") is None
        as_fresh(library, folder)

    def test_the_same_picture_twice_may_have_two(self, library: Library, folder: Path) -> None:
        shutil.copy(folder / "a.jpg", folder / "copy.jpg")
        (folder / "copy.xmp").write_text(packet("A copy", rating=1))
        only(index(library, folder), added=1, unchanged=2, annotated=1)
        assert title(library, folder / "a.jpg") == "At the beach"
        assert title(library, folder / "copy.jpg") == "A copy"
        assert where(library, "rating = 1") == {"copy.jpg"}
        assert where(library, "rating = 4") == {"a.jpg"}

    def test_a_disk_that_is_away_and_back(
        self, library: Library, folder: Path, opened: list[str]
    ) -> None:
        folder.rename(folder.parent / "away")
        index(library, folder)
        (folder.parent / "away").rename(folder)
        only(index(library, folder), restored=2)
        assert opened == []
        assert title(library, folder / "a.jpg") == "At the beach"

    def test_it_wins_over_what_is_embedded(self, library: Library, folder: Path) -> None:
        from PIL import Image

        image = Image.new("RGB", (40, 30), "red")
        image.save(folder / "c.jpg", xmp=packet("embedded", "Inside", 1).encode())
        index(library, folder)
        assert title(library, folder / "c.jpg") == "embedded"
        assert where(library, "keywords = inside") == {"c.jpg"}
        (folder / "c.xmp").write_text(packet("beside", "Outside", 5))
        index(library, folder)
        assert title(library, folder / "c.jpg") == "beside"
        assert where(library, "keywords = inside") == set()
        (folder / "c.xmp").unlink()
        index(library, folder)
        assert title(library, folder / "c.jpg") == "embedded"

    def test_beside_a_sound(self, library: Library, folder: Path) -> None:
        write_tone(folder / "s.wav", 200)
        (folder / "s.xmp").write_text(packet("A tone"))
        (folder / "s.txt").write_text("words of a song")
        only(index(library, folder), added=2, annotated=2, unchanged=2)
        assert title(library, folder / "s.wav") == "A tone"
        assert file_at(library, folder / "s.txt").kind is Kind.TEXT

    def test_a_broken_one_costs_nothing(
        self, library: Library, folder: Path, opened: list[str]
    ) -> None:
        (folder / "b.xmp").write_text("<broken")
        (folder / "b.txt").write_text("blue")
        only(index(library, folder), unchanged=2, annotated=1)
        file = file_at(library, folder / "b.jpg")
        assert file.facts["description"] == "blue"
        assert file.failure is None
        assert "cannot be decoded" in str(file.sidecars[folder / "b.xmp"])
        assert file.sidecars[folder / "b.txt"] is None
        opened.clear()
        only(index(library, folder), unchanged=2)
        assert opened == []
        only(index(library, folder, retry_failed=True), unchanged=2, annotated=1)
        (folder / "b.xmp").write_text(packet("mended"))
        index(library, folder)
        assert title(library, folder / "b.jpg") == "mended"

    def test_a_link_is_none(self, library: Library, folder: Path) -> None:
        (folder / "b.xmp").symlink_to(folder / "a.xmp")
        only(index(library, folder), unchanged=2)
        assert title(library, folder / "b.jpg") is None

    def test_a_single_file_is_indexed(self, library: Library, folder: Path) -> None:
        (folder / "b.xmp").write_text(packet("new"))
        only(index(library, folder / "b.jpg"), unchanged=1, annotated=1)
        (folder / "b.xmp").write_text(packet("newer still"))
        only(index(library, folder / "b.xmp"), unchanged=1, annotated=1)
        assert title(library, folder / "b.jpg") == "newer still"
        (folder / "b.xmp").unlink()
        only(index(library, folder / "b.xmp"), unchanged=1, annotated=1)
        assert title(library, folder / "b.jpg") is None


class TestCaption:
    def test_a_text_becomes_one_and_a_text_again(self, library: Library, folder: Path) -> None:
        (folder / "c.txt").write_text("green")
        only(index(library, folder), added=1, unchanged=2)
        write_picture(folder / "c.png", (0, 255, 0))
        only(index(library, folder), added=1, unchanged=2, annotated=1)
        assert {f.path.name for f in library.files()} == {"a.jpg", "b.jpg", "c.png"}
        assert file_at(library, folder / "c.png").facts["description"] == "green"
        as_fresh(library, folder)
        (folder / "c.png").unlink()
        only(index(library, folder), added=1, missing=1, unchanged=2)
        assert file_at(library, folder / "c.txt").kind is Kind.TEXT
        as_fresh(library, folder, missing=[folder / "c.png"])

    def test_by_single_files_as_watch_hears_of_them(self, library: Library, folder: Path) -> None:
        (folder / "c.txt").write_text("green")
        index(library, folder / "c.txt")
        write_picture(folder / "c.png", (0, 255, 0))
        index(library, folder / "c.png")
        as_fresh(library, folder)
        (folder / "c.png").unlink()
        index(library, folder / "c.png")
        as_fresh(library, folder, missing=[folder / "c.png"])


class TestTwins:
    @pytest.fixture
    def pair(self, library: Library, folder: Path, opened: list[str]) -> Path:
        """A RAW and the JPEG that the camera made of it."""
        write_picture(folder / "IMG_1.JPG", (240, 0, 0))
        (folder / "IMG_1.DNG").write_bytes(dng())
        only(index(library, folder), added=2, unchanged=2)
        assert opened == ["IMG_1.JPG"]
        opened.clear()
        return folder

    def hits(self, library: Library) -> set[str]:
        return {h.path.name for h in library.search("red", k=100, kinds=["image"])}

    def test_one_hit_two_files(self, library: Library, pair: Path) -> None:
        assert self.hits(library) == {"a.jpg", "b.jpg", "IMG_1.JPG"}
        (hit,) = [h for h in library.search("red", k=9) if h.path.name == "IMG_1.JPG"]
        assert hit.twins == (pair / "IMG_1.DNG",)
        assert library.stats().counts.files[Kind.IMAGE] == 4
        raw = file_at(library, pair / "IMG_1.DNG")
        assert (raw.kind, raw.moments, raw.twin) == (Kind.IMAGE, 0, pair / "IMG_1.JPG")
        assert len(list(library.files(kinds=["image"]))) == 4
        assert library.verify(sample=100) == []

    def test_nothing_happened(self, library: Library, pair: Path, opened: list[str]) -> None:
        only(index(library, pair), unchanged=4)
        assert opened == []

    def test_the_raw_stands_in_and_steps_back(
        self, library: Library, pair: Path, opened: list[str]
    ) -> None:
        (pair / "IMG_1.JPG").rename(pair.parent / "away.jpg")
        only(index(library, pair), updated=1, missing=1, unchanged=2)
        assert "IMG_1.DNG" in self.hits(library)
        assert "IMG_1.JPG" not in self.hits(library)
        as_fresh(library, pair, missing=[pair / "IMG_1.JPG"])
        (pair.parent / "away.jpg").rename(pair / "IMG_1.JPG")
        opened.clear()
        only(index(library, pair), updated=1, restored=1, unchanged=2)
        assert opened == []
        assert "IMG_1.DNG" not in self.hits(library)
        as_fresh(library, pair)
        assert library.verify(sample=100) == []

    def test_a_broken_jpeg_does_not_hide_its_raw(self, library: Library, folder: Path) -> None:
        (folder / "c.jpg").write_bytes((folder / "a.jpg").read_bytes()[:200])
        (folder / "c.dng").write_bytes(dng())
        only(index(library, folder), added=1, failed=1, unchanged=2)
        assert "c.dng" in self.hits(library)
        change = library.catalog.changes()
        only(index(library, folder), unchanged=4)
        assert library.catalog.changes() == change, "what is remembered stays good"
        as_fresh(library, folder)

    def test_a_raw_alone_and_its_jpeg_comes_later(self, library: Library, folder: Path) -> None:
        (folder / "c.dng").write_bytes(dng())
        only(index(library, folder), added=1, unchanged=2)
        write_picture(folder / "c.jpg", (255, 0, 0))
        only(index(library, folder), added=1, updated=1, unchanged=2)
        assert "c.dng" not in self.hits(library)
        as_fresh(library, folder)

    def test_both_move(self, library: Library, pair: Path) -> None:
        ids = {file.id for file in library.files()}
        (pair / "sub").mkdir()
        for name in ("IMG_1.JPG", "IMG_1.DNG"):
            (pair / name).rename(pair / "sub" / name)
        only(index(library, pair), moved=2, unchanged=2)
        assert {file.id for file in library.files()} == ids
        as_fresh(library, pair)

    def test_the_raw_is_renamed_by_case(self, library: Library, pair: Path) -> None:
        (pair / "IMG_1.DNG").rename(pair / "img_1.dng")
        only(index(library, pair), moved=1, unchanged=3)
        as_fresh(library, pair)

    def test_the_raw_moves_alone(self, library: Library, pair: Path) -> None:
        (pair / "sub").mkdir()
        (pair / "IMG_1.DNG").rename(pair / "sub/IMG_1.DNG")
        only(index(library, pair), added=1, missing=1, unchanged=3)
        as_fresh(library, pair, missing=[pair / "IMG_1.DNG"])

    def test_the_raw_is_deleted(self, library: Library, pair: Path) -> None:
        (pair / "IMG_1.DNG").unlink()
        only(index(library, pair), missing=1, unchanged=3)
        (hit,) = [h for h in library.search("red", k=9) if h.path.name == "IMG_1.JPG"]
        assert hit.twins == ()
        as_fresh(library, pair, missing=[pair / "IMG_1.DNG"])

    def test_the_raw_is_touched(self, library: Library, pair: Path, opened: list[str]) -> None:
        os.utime(pair / "IMG_1.DNG", (1, 1))
        only(index(library, pair), updated=1, unchanged=3)
        only(index(library, pair), unchanged=4)
        assert opened == []

    def test_a_forgotten_jpeg_leaves_the_raw_to_be_read(self, library: Library, pair: Path) -> None:
        (pair / "IMG_1.JPG").rename(pair.parent / "away.jpg")
        library.remove(pair / "IMG_1.JPG")
        only(index(library, pair), updated=1, unchanged=2)
        assert "IMG_1.DNG" in self.hits(library)
        as_fresh(library, pair)

    def test_a_forgotten_jpeg_that_is_still_there(self, library: Library, pair: Path) -> None:
        library.remove(pair / "IMG_1.JPG")
        index(library, pair)
        as_fresh(library, pair)

    def test_what_a_sidecar_of_the_raw_states_counts_for_the_picture(
        self, library: Library, pair: Path
    ) -> None:
        (pair / "IMG_1.DNG.xmp").write_text(packet("By darktable"))
        index(library, pair)
        assert title(library, pair / "IMG_1.JPG") == "By darktable"
        as_fresh(library, pair)

    def test_by_single_files(self, library: Library, pair: Path) -> None:
        (pair / "IMG_1.JPG").unlink()
        index(library, pair / "IMG_1.JPG")
        assert "IMG_1.DNG" in self.hits(library)
        as_fresh(library, pair, missing=[pair / "IMG_1.JPG"])

    def test_similar_to_a_raw_is_similar_to_its_picture(self, library: Library, pair: Path) -> None:
        from retrieval.stored import stored_file

        found = stored_file(library, pair / "IMG_1.DNG")
        assert found
        assert found.path == pair / "IMG_1.JPG"

    @pytest.mark.parametrize(
        "typed", ["IMG_1.DNG", "img1dng", '"IMG_1.DNG"', "dng", "IMG_1", "IMG_1.JPG", "jpg", "tif"]
    )
    def test_words_find_what_a_scan_of_all_names_finds(
        self, library: Library, pair: Path, typed: str
    ) -> None:
        (pair / "alone.dng").write_bytes(dng(200))
        index(library, pair)
        words = Wording.of(typed).words
        scanned = {
            file.twin or file.path
            for file in library.files()
            if all(word.share_in(row_of(path_tokens(file.path.name)[0])) for word in words)
        }
        hits = library.search(typed, words="only", k=100)
        assert {hit.path for hit in hits} == scanned
        assert len(hits) == len(scanned)
        assert scanned or typed == "tif"
        library.catalog.words.rebuild()
        assert library.search(typed, words="only", k=100) == hits
        assert library.verify(sample=100) == []

    def test_a_hit_says_which_of_the_two_is_called_so(self, library: Library, pair: Path) -> None:
        for typed, said in (("IMG_1.DNG", "IMG_1.DNG"), ("IMG_1", "IMG_1.JPG")):
            (hit,) = library.search(typed, words="only")
            assert hit.path == pair / "IMG_1.JPG"
            assert hit.said == Said("name", said)
            assert hit.twins == (pair / "IMG_1.DNG",)

    def test_a_copy_of_the_jpeg_is_not_what_its_raw_is_called(
        self, library: Library, pair: Path
    ) -> None:
        shutil.copy(pair / "IMG_1.JPG", pair / "a copy.jpg")
        index(library, pair)
        for typed in ("IMG_1.DNG", '"IMG_1.DNG"'):
            (hit,) = library.search(typed, words="only")
            assert hit.path == pair / "IMG_1.JPG"

    def test_filters_and_missing_hold_for_a_raw_that_is_looked_up(
        self, library: Library, pair: Path
    ) -> None:
        assert library.search("IMG_1.DNG", words="only", kinds=["text"]) == []
        assert library.search("IMG_1.DNG", words="only", under=pair / "IMG_1.JPG")
        (pair / "IMG_1.DNG").unlink()
        index(library, pair)
        for typed in ("IMG_1.DNG", '"IMG_1.DNG"'):
            assert library.search(typed, words="only") == []
            (hit,) = library.search(typed, words="only", missing=True)
            assert hit.path == pair / "IMG_1.JPG"


def test_a_whole_life(library: Library, folder: Path) -> None:
    """Sidecars and pictures come, change, move and go; the library is what a fresh one would be."""
    steps: list[Summary] = []
    for step in range(4):
        write_picture(folder / f"new-{step}.jpg", (step, 200, 10))
        (folder / f"new-{step}.xmp").write_text(packet(f"Title {step}", rating=step))
        (folder / f"new-{step}.dng").write_bytes(dng(160 + 2 * step))
        (folder / f"new-{step}.txt").write_text(f"caption {step}")
        if step:
            (folder / f"new-{step - 1}.xmp").rename(folder / f"other-{step}.xmp")
            (folder / f"new-{step - 1}.jpg").rename(folder / f"other-{step}.jpg")
        steps.append(index(library, folder))
    as_fresh(library, folder)
    only(index(library, folder), unchanged=steps[-1].added + steps[-1].updated + 7)
