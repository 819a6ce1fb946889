"""A watched folder: what happens in it is in the library soon after."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread

import pytest

from indexer import Summary
from indexer import watch as watch_module
from indexer.watch import Watcher, watch
from retrieval import Library, SearchError
from retrieval.encoders.fake import fake_model_set
from tests.media_files import write_picture
from tests.xmp_packets import packet

SOON_S = 120.0
"""Long enough for a machine that is busy with other things; how fast it is, a benchmark tells."""


class Watching:
    """A watch that runs in a thread of its own, and a reader beside it."""

    def __init__(self, place: Path, *folders: Path) -> None:
        self.summaries: list[Summary] = []
        self.error: Exception | None = None
        self.stop = Event()
        self.reader = Library.open(place, models=fake_model_set())
        self._thread = Thread(target=self._run, args=(place, folders), daemon=True)
        self._thread.start()
        self.until(lambda: self.summaries)

    def _run(self, place: Path, folders: tuple[Path, ...]) -> None:
        try:
            with Library.open(place, models=fake_model_set()) as library:
                for summary in watch(library, *folders, stop=self.stop):
                    self.summaries.append(summary)
        except Exception as error:
            self.error = error

    def until(self, condition: Callable[[], object]) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + SOON_S
        while not condition():
            assert not self.error, self.error
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.02)

    def found(self, words: str = "red") -> set[str]:
        return {hit.path.name for hit in self.reader.search(words, k=20_000) if hit.cosine > 0.3}

    def end(self) -> None:
        self.stop.set()
        self._thread.join(SOON_S)
        self.reader.close()
        assert not self._thread.is_alive()
        assert not self.error, self.error


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "watched"
    folder.mkdir()
    (folder / "first.txt").write_text("red")
    return folder


@pytest.fixture
def watching(tmp_path: Path, folder: Path) -> Iterator[Watching]:
    Library.open(tmp_path / "library", models=fake_model_set()).close()
    started = Watching(tmp_path / "library", folder)
    yield started
    started.end()


def test_the_whole_comes_first(watching: Watching) -> None:
    assert [summary.added for summary in watching.summaries] == [1]
    assert watching.found() == {"first.txt"}


def test_a_new_file(watching: Watching, folder: Path) -> None:
    write_picture(folder / "new.png", (255, 0, 0))
    watching.until(lambda: "new.png" in watching.found())


def test_a_changed_file(watching: Watching, folder: Path) -> None:
    (folder / "first.txt").write_text("now blue")
    watching.until(lambda: "first.txt" in watching.found("blue"))


def test_a_removed_file(watching: Watching, folder: Path) -> None:
    (folder / "first.txt").unlink()
    watching.until(lambda: not watching.found())
    watching.until(lambda: watching.summaries[-1].missing == 1)


def test_a_moved_file_keeps_its_id(watching: Watching, folder: Path) -> None:
    (before,) = (file.id for file in watching.reader.files())
    (folder / "first.txt").rename(folder / "second.txt")
    watching.until(lambda: watching.found() == {"second.txt"})
    assert [file.id for file in watching.reader.files()] == [before]


def test_a_folder_that_is_moved_in_and_out(
    watching: Watching, folder: Path, tmp_path: Path
) -> None:
    """The system tells of the folder alone, not of the files that come with it."""
    (tmp_path / "outside/deep").mkdir(parents=True)
    write_picture(tmp_path / "outside/deep/a.png", (255, 0, 0))
    (tmp_path / "outside").rename(folder / "inside")
    watching.until(lambda: "a.png" in watching.found())
    (folder / "inside/deep/b.txt").write_text("red too")
    watching.until(lambda: "b.txt" in watching.found())
    (folder / "inside").rename(tmp_path / "outside")
    watching.until(lambda: watching.found() == {"first.txt"})


def test_what_is_left_out_is_not_looked_at(watching: Watching, folder: Path) -> None:
    for place in (".hidden", "node_modules"):
        (folder / place).mkdir()
        (folder / place / "a.txt").write_text("red")
    (folder / ".a.txt.swp").write_text("red")
    (folder / "last.txt").write_text("red, the last")
    watching.until(lambda: "last.txt" in watching.found())
    assert watching.found() == {"first.txt", "last.txt"}
    assert len(list(watching.reader.files())) == 2


def test_a_file_that_is_still_being_written(watching: Watching, folder: Path) -> None:
    """It is read when it rests, and never as half of what it becomes."""
    with (folder / "slow.txt").open("w") as file:
        for n in range(15):
            file.write(f"line {n} of something red\n")
            file.flush()
            time.sleep(0.1)
        file.write("the end of it is green")
    watching.until(lambda: any(f.path.name == "slow.txt" for f in watching.reader.files()))
    watching.until(lambda: watching.reader.search("green", k=1, kinds=["text"]))
    (slow,) = (f for f in watching.reader.files() if f.path.name == "slow.txt")
    watching.until(
        lambda: any(
            f.size == (folder / "slow.txt").stat().st_size
            for f in watching.reader.files()
            if f.path.name == "slow.txt"
        )
    )
    assert slow.failure is None


def test_a_burst(watching: Watching, folder: Path) -> None:
    for n in range(600):
        place = folder / f"{n % 7}"
        place.mkdir(exist_ok=True)
        (place / f"{n}.txt").write_text(f"red {n}")
    watching.until(lambda: len(list(watching.reader.files())) == 601)
    for n in range(7):
        shutil.rmtree(folder / f"{n}")
    watching.until(lambda: watching.found() == {"first.txt"})


def test_a_root_that_goes_and_comes_back(watching: Watching, folder: Path, tmp_path: Path) -> None:
    folder.rename(tmp_path / "away")
    watching.until(lambda: not watching.found())
    assert len(list(watching.reader.files())) == 1
    (tmp_path / "away").rename(folder)
    watching.until(lambda: watching.found() == {"first.txt"})
    (folder / "after.txt").write_text("red after all")
    watching.until(lambda: "after.txt" in watching.found())


def test_a_root_that_goes_while_a_file_comes(
    watching: Watching, folder: Path, tmp_path: Path
) -> None:
    """What was not read yet is not lost, and neither is what was."""
    ids = [file.id for file in watching.reader.files()]
    (folder / "late.txt").write_text("red but late")
    folder.rename(tmp_path / "away")
    watching.until(lambda: not watching.found())
    (tmp_path / "away").rename(folder)
    watching.until(lambda: watching.found() == {"first.txt", "late.txt"})
    assert [file.id for file in watching.reader.files() if file.path.name == "first.txt"] == ids
    assert watching.reader.verify() == []


def test_a_sidecar_comes_changes_and_goes(watching: Watching, folder: Path) -> None:
    def title() -> object:
        named = [f for f in watching.reader.files() if f.path.name == "a.png"]
        return named[0].facts.get("title") if named else "not there"

    write_picture(folder / "a.png", (255, 0, 0))
    watching.until(lambda: title() is None)
    (folder / "a.xmp").write_text(packet("At the beach"))
    watching.until(lambda: title() == "At the beach")
    (folder / "a.xmp").write_text(packet("At the lake, later"))
    watching.until(lambda: title() == "At the lake, later")
    (folder / "a.xmp").unlink()
    watching.until(lambda: title() is None)
    assert {file.path.name for file in watching.reader.files()} == {"first.txt", "a.png"}


def test_another_writer_is_waited_for(watching: Watching, folder: Path) -> None:
    with watching.reader.writing():
        (folder / "new.txt").write_text("red and new")
        time.sleep(1.0)
        assert watching.found() == {"first.txt"}
    watching.until(lambda: "new.txt" in watching.found())


def test_a_lost_event_is_made_up_for(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a folder of another machine no event ever comes: a walk finds what changed."""

    def silence(*_: object) -> Iterator[set[object]]:
        while True:
            time.sleep(0.05)
            yield set()

    monkeypatch.setattr(watch_module, "WALK_S", 1.0)
    monkeypatch.setattr(watch_module, "_events", silence)
    Library.open(tmp_path / "library", models=fake_model_set()).close()
    watching = Watching(tmp_path / "library", folder)
    (folder / "new.txt").write_text("red and new")
    watching.until(lambda: "new.txt" in watching.found())
    watching.end()


def test_a_system_that_refuses(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> Iterator[None]:
        raise OSError("OS file watch limit reached")
        yield

    monkeypatch.setattr(watch_module, "_events", refuse)
    with pytest.raises(SearchError, match=r"sysctl fs\.inotify\.max_user_watches"):
        next(watch(library, folder))


def test_a_folder_that_does_not_exist(library: Library, tmp_path: Path) -> None:
    with pytest.raises(SearchError, match="Check the path"):
        next(watch(library, tmp_path / "nowhere"))


class TestWatcher:
    """What is due, and when."""

    @pytest.fixture
    def watcher(self, library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Watcher:
        monkeypatch.setattr(watch_module, "QUIET_S", 0.0)
        watcher = Watcher(library, [folder], [], None)
        watcher.follow()
        return watcher

    def test_a_path_that_came_and_went_is_nobodys_business(
        self, watcher: Watcher, folder: Path
    ) -> None:
        watcher.again([folder / "gone.tmp", folder / "first.txt", folder.parent / "outside"])
        assert watcher.due() == [folder / "first.txt"]
        assert watcher.due() == []

    def test_a_path_that_never_rests(
        self, watcher: Watcher, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(watch_module, "QUIET_S", 60.0)
        monkeypatch.setattr(watch_module, "LONGEST_S", 0.2)
        due: list[Path] = []
        deadline = time.monotonic() + SOON_S
        while not due and time.monotonic() < deadline:
            watcher.again([folder / "first.txt"])
            due = watcher.due()
        assert due == [folder / "first.txt"]

    def test_many_paths_are_gathered_by_folder(self, watcher: Watcher, folder: Path) -> None:
        for name in ("a", "b"):
            (folder / name).mkdir()
        watcher.again([folder / "ab"[n % 2] / f"{n}.txt" for n in range(10_000)])
        assert watcher.due() == [folder / "a", folder / "b"]

    def test_many_folders_are_gathered_by_root(self, watcher: Watcher, folder: Path) -> None:
        watcher.again([folder / f"{n}" / "a.txt" for n in range(1000)])
        assert watcher.due() == [folder]
