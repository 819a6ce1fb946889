"""A run as a program calls it: what it stores, says, leaves alone and survives."""

from __future__ import annotations

import builtins
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TypeVar

import numpy as np
import pytest

from indexer import Progress, Stage, Summary, index, read_ahead, reading, run, survey
from indexer.reading import Job
from retrieval import Library, Modality, ModelSet, SearchError
from retrieval.encoders.fake import FakeEncoder, fake_model_set
from retrieval.errors import LibraryLocked, MediaError, ModelMismatch
from retrieval.media.content_hash import content_hash
from retrieval.media.decoder_pool import DecoderPool
from retrieval.media.media import Media
from retrieval.space import JointSpace
from tests.media_files import write_picture, write_tone

T = TypeVar("T")


def vectors(library: Library) -> dict[str, list[bytes]]:
    """The vectors of every file's moments, by file name."""
    found = {}
    for file in library.files():
        digest = library.catalog.files.entry(file.id).content_hash
        ids = [m.id or 0 for m in library.catalog.moments.of(digest or "")]
        found[file.path.name] = [
            row.tobytes() for row in library.catalog.vectors.get("fake", ids)[1]
        ]
    return found


def failures(library: Library) -> dict[str, str]:
    return {file.path.name: file.failure for file in library.files() if file.failure}


class TestWhatIsStored:
    def test_everything_is_found(self, library: Library, media: Path) -> None:
        summary = index(library, media)
        assert (summary.added, summary.failed) == (9, 0)
        assert summary.seconds > 0
        for colour, tone in (("red", "low"), ("green", "mid"), ("blue", "high")):
            best = {hit.path.name for hit in library.search(colour, k=3)}
            assert best == {f"{colour}.png", f"{tone}.wav", f"{colour}.md"}
        assert library.verify(sample=9) == []

    def test_as_adding_file_by_file(self, library: Library, media: Path, tmp_path: Path) -> None:
        index(library, media)
        with Library.open(tmp_path / "other", models=fake_model_set()) as other:
            for path in sorted(media.iterdir()):
                other.add(path)
            assert vectors(other) == vectors(library)

    def test_moments_stay_in_order(self, library: Library, tmp_path: Path) -> None:
        folder = tmp_path / "long"
        folder.mkdir()
        write_tone(folder / "long.wav", 1000, seconds=60)
        (folder / "long.txt").write_text("One sentence of some length stands here. " * 200)
        index(library, folder, batch_size=7)
        for file in library.files():
            digest = library.catalog.files.entry(file.id).content_hash
            moments = library.catalog.moments.of(digest or "")
            starts = [m.start_s if m.start_s is not None else m.start_char for m in moments]
            assert len(moments) > 50
            assert starts == sorted(starts, key=lambda start: start or 0)

    @pytest.mark.parametrize("batch_size", [1, 3, 100, None])
    @pytest.mark.parametrize("threads", [1, 4])
    def test_the_same_vectors_in_any_batches_and_threads(
        self, media: Path, tmp_path: Path, batch_size: int | None, threads: int
    ) -> None:
        rng = np.random.default_rng(0)
        for n in range(20):
            write_picture(media / f"{n}.png", (n, *rng.integers(0, 256, 2).tolist()))
            write_tone(media / f"{n}.wav", 100.0 * (n + 1), seconds=float(rng.uniform(0.5, 9)))
        with (
            Library.open(tmp_path / "a", models=fake_model_set()) as one,
            Library.open(tmp_path / "b", models=fake_model_set()) as two,
        ):
            index(one, media)
            index(two, media, batch_size=batch_size, threads=threads, memory=10_000)
            assert vectors(one) == vectors(two)
            assert len(vectors(one)) == 49

    def test_several_folders_and_files(self, library: Library, media: Path) -> None:
        other = media.parent / "other"
        other.mkdir()
        (other / "a.txt").write_text("a")
        (other / "b.txt").write_text("b")
        summary = index(library, media, other / "a.txt")
        assert summary.added == 10
        assert {f.path for f in library.files(under=other)} == {other / "a.txt"}

    def test_overlapping_paths_count_once(self, library: Library, media: Path) -> None:
        assert index(library, media, media / "red.png", media).added == 9

    def test_a_folder_below_a_root(self, library: Library, media: Path) -> None:
        (media / "sub").mkdir()
        (media / "sub/a.txt").write_text("a")
        (media / "sub-2.txt").write_text("b")
        index(library, media)
        (media / "sub/a.txt").write_text("a is longer")
        (media / "sub-2.txt").write_text("b is longer")
        summary = index(library, media / "sub")
        assert (summary.updated, summary.unchanged) == (1, 0)
        assert len(library.catalog.roots()) == 1

    def test_a_link_to_a_folder_is_that_folder(self, library: Library, media: Path) -> None:
        (media.parent / "link").symlink_to(media)
        assert index(library, media.parent / "link").added == 9
        assert index(library, media).unchanged == 9

    def test_a_relative_path(
        self, library: Library, media: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(media.parent)
        assert index(library, "media").added == 9

    def test_what_is_excluded_is_out_of_sight(self, library: Library, media: Path) -> None:
        index(library, media)
        summary = index(library, media, exclude=["*.wav"])
        assert (summary.missing, summary.unchanged) == (3, 6)
        assert index(library, media).restored == 3


class TestNothingToDo:
    @pytest.fixture
    def unopened(self, monkeypatch: pytest.MonkeyPatch, library: Library, media: Path) -> Path:
        """A folder that is indexed; from now on opening anything in it fails the test."""
        index(library, media)
        real_open, real_os_open = builtins.open, os.open

        def check(path: object) -> None:
            if isinstance(path, str | os.PathLike) and Path(path).is_relative_to(media):
                raise AssertionError(f"{path} was opened")

        def open_(path: object, *rest: object, **named: object) -> object:
            check(path)
            return real_open(path, *rest, **named)  # type: ignore[call-overload]

        def os_open(path: str, *rest: int, **named: int) -> int:
            check(path)
            return real_os_open(path, *rest, **named)

        monkeypatch.setattr(builtins, "open", open_)
        monkeypatch.setattr(os, "open", os_open)
        return media

    def test_no_file_is_opened(self, library: Library, unopened: Path) -> None:
        assert index(library, unopened).unchanged == 9

    def test_the_check_itself_works(self, library: Library, unopened: Path) -> None:
        os.utime(unopened / "red.png", (1, 1))
        with pytest.raises(AssertionError, match=r"red\.png was opened"):
            index(library, unopened)

    def test_no_model_is_loaded(
        self, library: Library, media: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        index(library, media)
        (media / "red.png").rename(media / "scarlet.png")  # not even for this

        def refuse(name: str) -> ModelSet:
            raise AssertionError(f"model set {name} was loaded")

        monkeypatch.setattr("retrieval.library.load_model_set", refuse)
        with Library.open(library.path) as opened:
            assert index(opened, media).moved == 1
            assert index(opened, media).unchanged == 9

    def test_nothing_is_written(self, library: Library, media: Path) -> None:
        index(library, media)
        changes = library.catalog.changes()
        index(library, media)
        assert library.catalog.changes() == changes

    def test_an_index_that_a_kill_left_behind_is_brought_in_step(
        self, library: Library, media: Path
    ) -> None:
        index(library, media)
        for file in (library.path / "vectors").iterdir():
            file.unlink()
        with Library.open(library.path, models=fake_model_set()) as opened:
            index(opened, media)
            assert opened.indexes.is_saved()
            assert opened.verify() == []


class TestBadInput:
    def test_an_empty_folder(self, library: Library, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        summary = index(library, tmp_path / "empty")
        assert summary == Summary(unreadable=(tmp_path / "empty",), seconds=summary.seconds)

    def test_a_folder_that_does_not_exist(self, library: Library, tmp_path: Path) -> None:
        with pytest.raises(SearchError) as caught:
            index(library, tmp_path / "nowhere")
        assert str(caught.value) == (
            f"Cannot index {tmp_path / 'nowhere'}: No such file or directory. "
            "Check the path and whether its disk is mounted."
        )
        assert library.catalog.roots() == []

    def test_one_wrong_path_and_nothing_is_begun(self, library: Library, media: Path) -> None:
        with pytest.raises(SearchError):
            index(library, media, media / "nowhere")
        assert library.catalog.roots() == []

    def test_a_pipe(self, library: Library, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(SearchError, match=r"neither a folder nor a file\. Name one\."):
            index(library, tmp_path / "pipe")

    def test_files_that_cannot_be_read_cost_no_other(self, library: Library, media: Path) -> None:
        (media / "empty.txt").touch()
        whole = (media / "red.png").read_bytes()
        (media / "truncated.png").write_bytes(whole[: len(whole) // 2])
        (media / "noise.bin").write_bytes(bytes(range(256)) * 40)
        summary = index(library, media)
        assert (summary.added, summary.failed) == (9, 3)
        reasons = failures(library)
        assert reasons["empty.txt"] == "the file is empty"
        assert reasons["noise.bin"] == "nothing in the file says text, picture, sound or video"
        assert "PNG" in reasons["truncated.png"]

    def test_a_text_in_latin_1(self, library: Library, tmp_path: Path) -> None:
        words = "Das Gefühl für schöne Töne und süße Düfte, gemalt in red."
        (tmp_path / "latin.txt").write_bytes(words.encode("latin-1"))
        assert index(library, tmp_path / "latin.txt").added == 1
        (hit,) = library.search("red")
        assert hit.moment.text == words

    @pytest.mark.parametrize("name", [b"caf\xe9.txt", b"two\nlines.txt", b'"it\'s".txt', b"%s{}"])
    def test_odd_names(self, library: Library, tmp_path: Path, name: bytes) -> None:
        folder = tmp_path / "odd"
        folder.mkdir()
        path = Path(os.fsdecode(os.fsencode(folder) + b"/" + name))
        path.write_text("something red")
        assert index(library, folder).added == 1
        assert [hit.path for hit in library.search("red")] == [path]
        assert index(library, folder).unchanged == 1

    def test_a_file_that_breaks_off_is_not_stored_in_part(
        self, library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write_tone(tmp_path / "sound.wav", 500, seconds=60)

        def read_media(file: BinaryIO, job: Job, space: JointSpace, decoders: DecoderPool) -> Media:
            media = reading.read_media(file, job, space, decoders)
            return replace(media, pieces=breaking_off(media.pieces))

        def breaking_off(pieces: Iterator[T]) -> Iterator[T]:
            yield from islice(pieces, 20)
            raise MediaError("the sound breaks off")

        monkeypatch.setattr(read_ahead, "read_media", read_media)
        assert index(library, tmp_path / "sound.wav", batch_size=3).failed == 1
        assert failures(library) == {"sound.wav": "the sound breaks off"}
        assert sum(library.stats().counts.moments.values()) == 0


class TestFailures:
    @pytest.fixture
    def broken(self, tmp_path: Path) -> Path:
        folder = tmp_path / "broken"
        folder.mkdir()
        (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
        return folder

    @pytest.fixture
    def read(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Every file that was hashed."""
        names: list[str] = []

        def hashed(file: object) -> str:
            names.append(str(file.name))  # type: ignore[attr-defined]
            return content_hash(file)  # type: ignore[arg-type]

        monkeypatch.setattr(read_ahead, "content_hash", hashed)
        return names

    def test_are_not_read_again(self, library: Library, broken: Path, read: list[str]) -> None:
        assert index(library, broken).failed == 1
        assert len(read) == 1
        assert index(library, broken).unchanged == 1
        assert len(read) == 1

    def test_are_read_again_when_asked(
        self, library: Library, broken: Path, read: list[str]
    ) -> None:
        index(library, broken)
        assert index(library, broken, retry_failed=True).failed == 1
        assert len(read) == 2

    def test_are_read_again_when_they_change(self, library: Library, broken: Path) -> None:
        index(library, broken)
        write_picture(broken / "broken.png", (255, 0, 0))
        assert index(library, broken).updated == 1
        assert failures(library) == {}
        assert [hit.path.name for hit in library.search("red")] == ["broken.png"]

    def test_a_good_file_that_breaks_is_no_longer_found(
        self, library: Library, broken: Path
    ) -> None:
        write_picture(broken / "good.png", (255, 0, 0))
        index(library, broken)
        (broken / "good.png").write_bytes(b"\x89PNG\r\n\x1a\n")
        assert index(library, broken).failed == 1
        assert library.search("red") == []


class TestWhileItIsRead:
    """Files that change between the walk and the end of reading."""

    @pytest.fixture
    def before_opening(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> Callable[[Callable[[], None]], None]:
        def arrange(action: Callable[[], None]) -> None:
            first, acted = threading.Lock(), threading.Event()

            def opened(job: Job) -> object:
                if first.acquire(blocking=False):  # one of the readers acts, the others wait
                    try:
                        action()
                    finally:
                        acted.set()
                acted.wait()
                return reading.opened(job)

            monkeypatch.setattr(read_ahead, "opened", opened)

        return arrange

    @pytest.fixture
    def while_open(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
        def arrange(action: Callable[[], None]) -> None:
            def hashed(file: object) -> str:
                digest = content_hash(file)  # type: ignore[arg-type]
                action()
                return digest

            monkeypatch.setattr(read_ahead, "content_hash", hashed)

        return arrange

    @pytest.fixture
    def one(self, tmp_path: Path) -> Path:
        (tmp_path / "one").mkdir()
        (tmp_path / "one/a.txt").write_text("red")
        (tmp_path / "one/keep.txt").write_text("keep")
        return tmp_path / "one/a.txt"

    def test_it_vanishes(
        self,
        library: Library,
        one: Path,
        before_opening: Callable[[Callable[[], None]], None],
    ) -> None:
        before_opening(lambda: one.unlink(missing_ok=True))
        summary = index(library, one.parent)
        assert (summary.added, summary.failed, summary.unsettled) == (1, 0, 1)
        assert [f.path.name for f in library.files()] == ["keep.txt"]

    def test_a_known_file_vanishes(
        self,
        library: Library,
        one: Path,
        before_opening: Callable[[Callable[[], None]], None],
    ) -> None:
        index(library, one.parent)
        one.write_text("changed")
        before_opening(lambda: one.unlink(missing_ok=True))
        assert index(library, one.parent).unsettled == 1
        assert index(library, one.parent).missing == 1

    def test_it_becomes_a_link(
        self,
        library: Library,
        one: Path,
        before_opening: Callable[[Callable[[], None]], None],
    ) -> None:
        secret = one.parent.parent / "secret.txt"
        secret.write_text("red secret")

        def swap() -> None:
            one.unlink(missing_ok=True)
            one.symlink_to(secret)

        before_opening(swap)
        assert index(library, one.parent).unsettled == 1
        assert library.search("secret", kinds=["text"])[0].path.name == "keep.txt"

    def test_its_folder_becomes_a_link(
        self,
        library: Library,
        tmp_path: Path,
        before_opening: Callable[[Callable[[], None]], None],
    ) -> None:
        inside, outside = tmp_path / "root/sub", tmp_path / "outside"
        for folder in (inside, outside):
            folder.mkdir(parents=True)
            (folder / "a.txt").write_text(f"red {folder.name}")

        def swap() -> None:
            if not inside.is_symlink():
                inside.rename(tmp_path / "moved-away")
                inside.symlink_to(outside)

        before_opening(swap)
        assert index(library, tmp_path / "root").unsettled == 1
        assert list(library.files()) == []

    def test_it_becomes_a_pipe(
        self,
        library: Library,
        one: Path,
        before_opening: Callable[[Callable[[], None]], None],
    ) -> None:
        def swap() -> None:
            one.unlink(missing_ok=True)
            os.mkfifo(one)

        before_opening(swap)
        assert index(library, one, threads=1).unsettled == 1  # and it does not wait for a writer

    def test_it_grows(
        self, library: Library, one: Path, while_open: Callable[[Callable[[], None]], None]
    ) -> None:
        lines = iter(["more words\n", "and more\n"])

        def grow() -> None:
            with one.open("a") as file:
                file.write(next(lines, ""))

        while_open(grow)
        assert index(library, one).unsettled == 1
        assert list(library.files(under=one)) == []
        assert index(library, one).unsettled == 1
        assert index(library, one).added == 1
        (file,) = library.files(under=one)
        assert file.size == one.stat().st_size

    def test_it_is_replaced_by_the_same_size_within_a_tick(
        self, library: Library, one: Path, while_open: Callable[[Callable[[], None]], None]
    ) -> None:
        """A write right after reading must not go unnoticed, however coarse the clock."""
        texts = iter(["tan"])

        def replace() -> None:
            for text in texts:
                one.write_text(text)

        while_open(replace)
        first = index(library, one)
        assert first.unsettled == 1
        index(library, one)
        (hit,) = library.search("tan", kinds=["text"])
        assert hit.moment.text == "tan"


class TestStopping:
    def test_an_interrupt_keeps_what_is_complete(self, library: Library, tmp_path: Path) -> None:
        folder = tmp_path / "many"
        folder.mkdir()
        for n in range(40):
            (folder / f"{n}.txt").write_text(f"text number {n} {'red ' * n}")

        def interrupt(progress: Progress) -> None:
            if progress.stage is Stage.READ and progress.files == 25:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            index(library, folder, progress=interrupt, batch_size=1)
        kept = len(list(library.files()))
        assert 24 <= kept < 40
        with Library.open(library.path, models=fake_model_set()) as other:  # the lock is free
            summary = index(other, folder)
        assert (summary.unchanged, summary.added) == (kept, 40 - kept)
        assert library.verify(sample=40) == []

    def test_an_interrupt_of_a_slow_model_costs_one_small_batch(
        self, library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An eighth of a second each, by a clock that only the encoder moves."""
        folder = tmp_path / "many"
        folder.mkdir()
        for n in range(40):
            (folder / f"{n}.txt").write_text(f"text number {n}")
        sizes: list[int] = []
        real = FakeEncoder.encode

        def encode(self: FakeEncoder, modality: Modality, prepared: list[object]) -> object:
            sizes.append(len(prepared))
            if sum(sizes) > 25:
                raise KeyboardInterrupt
            return real(self, modality, prepared)  # type: ignore[arg-type]

        monkeypatch.setattr(FakeEncoder, "encode", encode)
        monkeypatch.setattr("indexer.assembly.monotonic", lambda: sum(sizes) / 8)
        monkeypatch.setattr(run, "PATIENCE_S", 5.0)  # a reader may stumble on a busy machine
        with pytest.raises(KeyboardInterrupt):
            index(library, folder)
        assert sizes == [1, 4, 4, 4, 4, 4, 4, 4]
        assert len(list(library.files())) == sum(sizes[:-1])

    def test_no_reader_is_left_behind(self, library: Library, media: Path) -> None:
        before = threading.active_count()
        index(library, media, threads=8)
        assert threading.active_count() == before

    def test_readers_that_wait_for_memory_are_let_go(
        self, library: Library, tmp_path: Path
    ) -> None:
        write_tone(tmp_path / "long.wav", 500, seconds=300)
        before = threading.active_count()

        def interrupt(progress: Progress) -> None:
            if progress.stage is Stage.READ:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            index(library, tmp_path / "long.wav", progress=interrupt, memory=1)
        assert threading.active_count() == before

    def test_a_bug_in_an_encoder_is_not_swallowed(
        self, library: Library, media: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_: object) -> None:
            raise ZeroDivisionError("a bug")

        monkeypatch.setattr(FakeEncoder, "prepare", broken)
        with pytest.raises(ZeroDivisionError):
            index(library, media)
        assert list(library.files()) == []

    def test_another_model_set(self, library: Library, media: Path) -> None:
        other = ModelSet("other", (FakeEncoder(seed=1),), fake_model_set().windows)
        with (
            Library.open(library.path, models=other) as opened,
            pytest.raises(ModelMismatch, match="--library NEW_FOLDER"),
        ):
            index(opened, media)

    def test_another_writer(self, library: Library, media: Path) -> None:
        with (
            Library.open(library.path, models=fake_model_set()) as other,
            other.writing(),
            pytest.raises(LibraryLocked, match="Another process is writing"),
        ):
            index(library, media)

    def test_a_content_that_vanishes_from_the_catalog_is_read_again(
        self, library: Library, media: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Between a reader's question and the commit, a content may lose its last file."""
        index(library, media)
        asked = []

        def has_content(digest: str) -> bool:
            asked.append(digest)
            return len(asked) == 1  # a lie the first time

        monkeypatch.setattr(library.catalog.files, "has_content", has_content)
        (media / "new.txt").write_text("a new text in red")
        assert index(library, media).added == 1
        assert len(asked) == 2
        assert library.verify(sample=10) == []


class TestProgress:
    def test_events(self, library: Library, media: Path) -> None:
        events: list[Progress] = []
        index(library, media, progress=events.append)
        scan, first, *read, last = events
        assert (scan.stage, scan.path) == (Stage.SCAN, media)
        assert (first.stage, first.files, first.total_files) == (Stage.READ, 0, 9)
        assert [event.files for event in read] == list(range(1, 10))
        assert {event.path for event in read} == set(media.iterdir())
        total = sum(path.stat().st_size for path in media.iterdir())
        assert {event.total_bytes for event in read} == {total}
        assert read[-1].bytes == total
        assert last.stage is Stage.REFRESH

    def test_come_from_the_callers_thread(self, library: Library, media: Path) -> None:
        threads = set()
        index(library, media, progress=lambda _: threads.add(threading.get_ident()))
        assert threads == {threading.get_ident()}

    def test_a_long_walk_tells_where_it_is(
        self, library: Library, media: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(survey, "FILES_PER_EVENT", 2)
        events: list[Progress] = []
        index(library, media, progress=events.append)
        assert [e.files for e in events if e.stage is Stage.SCAN] == [0, 2, 4, 6, 8]


def test_commits_come_about_once_a_second(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is complete can be found while the run still goes on."""
    folder = tmp_path / "slow"
    folder.mkdir()
    for n in range(12):
        (folder / f"{n}.txt").write_text(f"red {n}")
    monkeypatch.setattr("indexer.ledger.COMMIT_S", 0.05)
    seen = []

    def look(progress: Progress) -> None:
        threading.Event().wait(0.03)
        with Library.open(library.path, models=fake_model_set()) as reader:
            seen.append(len(list(reader.files())))

    index(library, folder, progress=look, batch_size=1)
    assert seen == sorted(seen)
    assert any(0 < n < 12 for n in seen)


def test_modalities_wait_for_each_other_no_longer_than_needed(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A picture whose batch never fills is encoded when nothing else comes.

    The first of a modality is encoded at once, to see how fast its encoder is.
    """
    folder = tmp_path / "mixed"
    folder.mkdir()
    write_picture(folder / "one.png", (255, 0, 0))
    write_picture(folder / "two.png", (0, 255, 0))
    for n in range(200):
        (folder / f"{n}.txt").write_text(f"text {n}")
    sizes: list[tuple[Modality, int]] = []
    real = FakeEncoder.encode

    def encode(self: FakeEncoder, modality: Modality, prepared: list[object]) -> object:
        sizes.append((modality, len(prepared)))
        return real(self, modality, prepared)  # type: ignore[arg-type]

    monkeypatch.setattr(FakeEncoder, "encode", encode)
    monkeypatch.setattr("indexer.assembly.BATCH_S", 60.0)  # a reader may stumble on a busy machine
    monkeypatch.setattr(run, "PATIENCE_S", 5.0)
    assert index(library, folder).added == 202
    assert sizes.count((Modality.IMAGE, 1)) == 2
    assert (Modality.TEXT, 64) in sizes


def test_decoders_of_the_caller_serve_run_after_run(library: Library, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    with DecoderPool(1) as decoders:
        pids = []
        for n in range(3):
            write_picture(folder / f"{n}.png", (n, 0, 0))
            assert index(library, folder, threads=2, decoders=decoders).added == 1
            pids.append([process.pid for process in decoders._ready])
        assert pids == [pids[0]] * 3
        assert len(pids[0]) == 1
