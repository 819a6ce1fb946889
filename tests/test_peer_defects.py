"""Defects that were found in other programs of this kind: each is a test that anyseek passes."""

from __future__ import annotations

import ast
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from PIL import Image

from indexer import index, read_ahead, reading
from indexer.reading import Job
from retrieval import Library, Modality
from retrieval.catalog.new_content import EncodedMoment, FileState, NewContent
from retrieval.encoders.fake import fake_model_set
from retrieval.encoders.mini.world.concepts import CONCEPTS
from retrieval.encoders.model_set import BUILT_IN
from retrieval.errors import QueryError
from retrieval.records import Kind, Moment
from retrieval.vector_index import index_file, policy
from retrieval.vector_index.plan import Plan, Way
from retrieval.vector_index.vector_index import VectorIndex
from retrieval.vectors import unit_rows
from tests.command_line import anyseek
from tests.media_files import COLOURS, write_picture, write_tone
from tests.test_floors import modules

INDEX_SLOWLY = """
import sys, time
from indexer import Stage, index, ledger
from retrieval import Library, Modality
from retrieval.encoders.fake import fake_model_set

def slow(progress):
    if progress.stage is Stage.READ and progress.files:
        print(progress.files, flush=True)
        time.sleep(0.1)

with Library.open(sys.argv[1], models=fake_model_set()) as library:
    index(library, sys.argv[2], progress=slow, batch_size=1)
"""


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Forty different pictures."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for n in range(40):
        write_picture(folder / f"{n:02}.png", (200, n, 10))
    return folder


def found(library: Library, words: str = "red") -> int:
    return len(library.search(words, k=1000))


class TestD1AnEmptyRunHidesAFolderForGood:
    """A folder that was empty for one run, as an unmounted disk is, stays invisible afterwards."""

    def test_it_is_found_again(self, library: Library, pictures: Path) -> None:
        away = pictures.with_name("away")
        index(library, pictures)
        assert found(library) == 40
        pictures.rename(away)
        pictures.mkdir()
        index(library, pictures)
        assert found(library) == 0
        pictures.rmdir()
        away.rename(pictures)
        assert index(library, pictures).restored == 40
        assert found(library) == 40

    def test_also_if_only_a_part_was_away(self, library: Library, pictures: Path) -> None:
        index(library, pictures)
        for n in range(20):
            (pictures / f"{n:02}.png").rename(pictures.parent / f"{n:02}.png")
        index(library, pictures)
        assert found(library) == 20
        for n in range(20):
            (pictures.parent / f"{n:02}.png").rename(pictures / f"{n:02}.png")
        index(library, pictures)
        assert found(library) == 40


class TestD2AnInterruptLosesEverything:
    """Ctrl-C after 24 of 40 encoded pictures leaves no row at all."""

    def test_it_loses_a_second_at_most(self, tmp_path: Path, pictures: Path) -> None:
        place = tmp_path / "library"
        Library.open(place, models=fake_model_set()).close()
        child = subprocess.Popen(
            [sys.executable, "-c", INDEX_SLOWLY, place, pictures],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert child.stdout
        for line in child.stdout:
            if int(line) == 24:
                break
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=30)
        assert child.returncode != 0
        assert "KeyboardInterrupt" in said
        with Library.open(place, models=fake_model_set()) as library:
            kept = len(list(library.files()))
            assert kept >= 24
            assert found(library) == kept
            summary = index(library, pictures)
            assert (summary.unchanged, summary.added) == (kept, 40 - kept)
            assert library.verify(sample=40) == []


class TestD3ASampledHashTakesTwoScansForOne:
    """Two scans with white margins have the same size and the same bytes wherever it samples."""

    @pytest.fixture
    def scans(self, tmp_path: Path) -> Path:
        folder = tmp_path / "scans"
        folder.mkdir()
        for name, colour in COLOURS.items():
            page = np.full((400, 300, 3), 255, np.uint8)
            page[150:250, 100:200] = colour
            Image.fromarray(page).save(folder / f"{name}.bmp")
        return folder

    def test_the_scans_are_such(self, scans: Path) -> None:
        """Equal in size, and in their first, middle-left and last parts."""
        red, green, _ = (path.read_bytes() for path in sorted(scans.iterdir()))
        assert len(red) == len(green)
        assert red != green
        assert red[:65536] == green[:65536]
        assert red[-65536:] == green[-65536:]

    def test_each_gets_its_own_vector(self, library: Library, scans: Path) -> None:
        for path in sorted(scans.iterdir()):
            os.utime(path, (1000, 1000))  # and the same time
            index(library, scans)
        assert library.stats().counts.moments[Modality.IMAGE] == 3
        for name in COLOURS:
            assert library.search(name, k=1)[0].path == scans / f"{name}.bmp"

    def test_one_that_takes_the_others_place_is_no_copy(
        self, library: Library, scans: Path
    ) -> None:
        index(library, scans)
        (scans / "red.bmp").unlink()
        shutil.copy(scans / "green.bmp", scans / "new.bmp")
        data = bytearray((scans / "new.bmp").read_bytes())
        data[len(data) // 2] ^= 1
        (scans / "new.bmp").write_bytes(bytes(data))
        summary = index(library, scans)
        assert (summary.added, summary.moved) == (1, 0)


class TestD4ABrokenFileIsReadInEveryRun:
    """A broken JPEG is hashed and decoded again whenever the folder is indexed."""

    def test_it_is_left_alone_until_it_changes(
        self, library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = tmp_path / "broken"
        folder.mkdir()
        Image.new("RGB", (300, 300), "red").save(folder / "whole.jpg")
        data = (folder / "whole.jpg").read_bytes()
        (folder / "broken.jpg").write_bytes(data[:100])
        read = []

        def opened(job: Job) -> object:
            read.append(job.path)
            return reading.opened(job)

        monkeypatch.setattr(read_ahead, "opened", opened)
        index(library, folder)
        assert sorted(read) == ["broken.jpg", "whole.jpg"]
        for _ in range(3):
            index(library, folder)
        assert len(read) == 2
        (failure,) = [file.failure for file in library.files() if file.failure]
        assert "JPEG" in failure
        (folder / "broken.jpg").write_bytes(data + b" ")
        assert index(library, folder).updated == 1
        assert read[2:] == ["broken.jpg"]


class TestD5AFolderAsItIsYieldsNothing:
    """The folder command of the README finds no usable pairs, or stops with a KeyError."""

    def test_pictures_without_captions_and_captions_without_pictures(
        self, library: Library, tmp_path: Path
    ) -> None:
        folder = tmp_path / "mixed"
        (folder / "deep/er").mkdir(parents=True)
        write_picture(folder / "IMG_0001.JPG", (250, 10, 10))
        write_picture(folder / "deep/IMG_0001.png", (10, 10, 250))
        (folder / "deep/IMG_0002.txt").write_text("a caption of nothing, green")
        write_tone(folder / "deep/er/tone.wav", 200)
        summary = index(library, folder)
        assert (summary.added, summary.failed) == (4, 0)
        assert {hit.path.name for hit in library.search("red", k=2)} == {"IMG_0001.JPG", "tone.wav"}


class TestD6AnUnmountedDiskIsForgotten:
    """Every row of an unmounted disk is deleted; a run goes on from a pickle in ./tmp."""

    def test_every_row_stays(self, library: Library, pictures: Path) -> None:
        index(library, pictures)
        before = {file.path: file.id for file in library.files()}
        moments = library.stats().counts.moments
        shutil.rmtree(pictures)
        for _ in range(3):
            index(library, pictures)
        assert {file.path: file.id for file in library.files()} == before
        assert library.stats().counts.moments == moments
        assert len(library.search("red", k=1000, missing=True)) == 40

    def test_only_forgetting_drops_them(self, library: Library, pictures: Path) -> None:
        index(library, pictures)
        shutil.rmtree(pictures)
        index(library, pictures)
        assert library.remove(pictures) == 40
        assert list(library.files()) == []

    def test_nothing_is_left_beside_the_library(
        self,
        library: Library,
        pictures: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        here = tmp_path / "here"
        here.mkdir()
        monkeypatch.chdir(here)
        before = {path for path in tmp_path.rglob("*") if library.path not in path.parents}
        index(library, pictures)
        after = {path for path in tmp_path.rglob("*") if library.path not in path.parents}
        assert after == before
        for path in library.path.rglob("*"):
            assert path.is_dir() or path.read_bytes()[:1] != b"\x80", f"{path} looks like a pickle"


class TestD10ASoundGetsOtherVectorsEachTime:
    """A random crop gives the same file another vector whenever it is encoded."""

    def test_the_same_bytes_give_the_same_vectors(self, tmp_path: Path) -> None:
        folder = tmp_path / "sounds"
        folder.mkdir()
        write_tone(folder / "long.wav", 700, seconds=47.3)
        rows = []
        for n in range(2):
            with Library.open(tmp_path / f"library-{n}", models="mini") as library:
                index(library, folder)
                ids = list(range(1, library.stats().counts.moments[Modality.AUDIO] + 1))
                (space,) = library.catalog.spaces()
                rows.append(library.catalog.vectors.get(space, ids)[1])
        assert len(rows[0]) > 5
        assert np.array_equal(rows[0], rows[1])


class TestD7AServerFetchesWhateverTheCallerNames:
    """Servers that listen on every address fetch any URL that the caller names."""

    SERVERS: ClassVar = {"http.server", "socketserver", "wsgiref", "flask", "fastapi", "uvicorn"}

    def test_nothing_listens(self) -> None:
        listening = []
        for name, path in modules():
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    imported = [alias.name for alias in node.names]
                else:
                    imported = [getattr(node, "module", None) or ""]
                member = node.attr if isinstance(node, ast.Attribute) else ""
                if set(imported) & self.SERVERS or member in {"create_server", "serve_forever"}:
                    listening.append((name, *imported, member))
        assert listening == []

    @pytest.mark.parametrize("form", ["{}", "{}:0.5"])
    def test_a_url_is_no_file(
        self, library: Library, pictures: Path, monkeypatch: pytest.MonkeyPatch, form: str
    ) -> None:
        asked: list[object] = []
        for name in ("connect", "connect_ex", "sendto"):
            monkeypatch.setattr(f"socket.socket.{name}", lambda *what: asked.append(what))
        monkeypatch.setattr("socket.getaddrinfo", lambda *what, **_: asked.append(what))
        monkeypatch.setitem(BUILT_IN, "fake", "retrieval.encoders.fake:fake_model_set")
        index(library, pictures)
        for url in ("http://127.0.0.1/a.png", "https://example.org/a.png", "file:///etc/passwd"):
            result = anyseek("search", "--file", form.format(url), library=library.path)
            assert (result.exit_code, result.stdout) == (2, "")
            assert "is an address, and anyseek fetches nothing" in result.stderr
            with pytest.raises(QueryError, match="No such file"):
                library.search(Path(url))
        assert asked == []


class TestD8TheIndexIsNotUsed:
    """Searches went past the index that was made for them, right but a hundred times slower."""

    @pytest.fixture
    def ran(self, monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
        """How each part of each index was searched."""
        plans: list[Plan] = []
        really = VectorIndex.search_planned

        def search_planned(self: VectorIndex, *what: Any) -> Any:
            answers, used = really(self, *what)
            plans.extend(used)
            return answers, used

        monkeypatch.setattr(VectorIndex, "search_planned", search_planned)
        return plans

    def test_a_search_takes_the_way_that_is_meant(
        self, library: Library, pictures: Path, ran: list[Plan]
    ) -> None:
        index(library, pictures)
        ran.clear()
        assert found(library) == 40
        assert {(plan.way, plan.rows) for plan in ran} == {(Way.SCAN, 40)}
        ran.clear()
        assert len(library.search("red", k=9, under=pictures / "07.png")) == 1
        # Among the one, and then around it: whether a hit stands out is seen in the whole library.
        assert [(plan.way, plan.rows) for plan in ran] == [(Way.SET, 1), (Way.SCAN, 40)]

    @pytest.fixture
    def large(self, tmp_path: Path) -> Iterator[Library]:
        """More moments than are scanned, in 300 texts: near to what `mini` makes of words."""
        library = Library.open(tmp_path / "library", models="mini")
        rng = np.random.default_rng(0)
        words = [concept.things[0][0] for concept in CONCEPTS.values()]
        centres = library.space.embed(Modality.TEXT, [f"a {word}" for word in words])["mini"]
        n_files, n_moments = 300, 75
        with library.catalog.transaction() as transaction:
            root = transaction.add_root("texts", str(tmp_path / "texts"))
            for n in range(n_files):
                noise = rng.standard_normal((n_moments, centres.shape[1])) * 0.03
                rows = unit_rows(centres[n % len(centres)] + noise)
                moments = [
                    EncodedMoment(
                        Moment(Modality.TEXT, start_char=at, end_char=at + 1), {"mini": r}
                    )
                    for at, r in enumerate(rows)
                ]
                content = NewContent(f"{n}", Kind.TEXT, moments)
                transaction.add(root, f"{words[n % len(words)]} {n}.txt", FileState(1, 1), content)
        library.refresh()
        assert library.catalog.counts().moments[Modality.TEXT] > policy.EXACT_ROWS
        yield library
        library.close()

    def test_above_what_is_scanned_a_search_takes_the_codes(
        self, large: Library, ran: list[Plan]
    ) -> None:
        hits = large.search("a dog", k=20, words="no")
        assert Way.CODES in {plan.way for plan in ran}
        assert sum(plan.rows for plan in ran if plan.way is Way.SCAN) <= index_file.TAIL_ROWS
        assert all(plan.look < plan.rows / 10 for plan in ran if plan.way is Way.CODES)
        assert {hit.path.name.split()[0] for hit in hits[:6]} == {"dog"}
        ran.clear()
        large.tune(recall=1)
        large.rebuild()
        exact = large.search("a dog", k=20, words="no")
        assert {plan.way for plan in ran} == {Way.SCAN}
        assert [hit.path for hit in hits[:6]] == [hit.path for hit in exact[:6]]
