"""Whatever happens to files: after the next run a library is what a fresh one would be.

What a run leaves behind on purpose is said by each event: files that cannot be seen are kept.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from indexer import index
from retrieval import Library
from retrieval.media.decoder_pool import DecoderPool
from tests.fresh import as_fresh
from tests.media_files import COLOURS, write_picture, write_tone
from tests.test_raw import dng
from tests.xmp_packets import packet


@pytest.fixture(scope="module")
def decoders() -> Iterator[DecoderPool]:
    """One pool for all runs of this file."""
    with DecoderPool(2) as pool:
        yield pool


@dataclass
class World:
    """A folder with something of everything, and a library that has seen it."""

    folder: Path
    library: Library
    decoders: DecoderPool
    monkeypatch: pytest.MonkeyPatch
    roots: list[Path] = field(default_factory=list)
    """What is indexed, if it is not the folder any more."""

    def index(self) -> None:
        index(self.library, *(self.roots or [self.folder]), decoders=self.decoders)

    def __truediv__(self, name: str) -> Path:
        return self.folder / name

    @property
    def outside(self) -> Path:
        """Where no library looks."""
        place = self.folder.parent / "outside"
        place.mkdir(exist_ok=True)
        return place

    def forbid(self, locked: Path) -> None:
        """Make a folder unreadable, also for a user who may read everything."""

        def denied(real: Callable[..., Any]) -> Callable[..., Any]:
            def check(path: Any, *rest: Any, **named: Any) -> Any:
                if Path(str(path)).is_relative_to(locked) and Path(str(path)) != locked.parent:
                    raise PermissionError(errno.EACCES, "Permission denied", str(path))
                return real(path, *rest, **named)

            return check

        for name in ("open", "scandir"):
            self.monkeypatch.setattr(os, name, denied(getattr(os, name)))


@pytest.fixture
def world(
    tmp_path: Path, library: Library, decoders: DecoderPool, monkeypatch: pytest.MonkeyPatch
) -> World:
    folder = tmp_path / "media"
    (folder / "sub").mkdir(parents=True)
    for name, colour in COLOURS.items():
        write_picture(folder / f"{name}.png", colour)
        (folder / f"{name}.md").write_text(f"something {name}")
    write_tone(folder / "sub/low.wav", 200.0)
    (folder / "sub/deep.md").write_text("something red, deep down")
    write_picture(folder / "a.jpg", (250, 0, 0))
    (folder / "a.xmp").write_text(packet("At the beach"))
    write_picture(folder / "b.jpg", (0, 0, 250))
    write_picture(folder / "IMG_1.JPG", (240, 0, 0))
    (folder / "IMG_1.DNG").write_bytes(dng())
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    made = World(folder, library, decoders, monkeypatch)
    made.index()
    return made


Event = Callable[[World], set[str] | None]
"""Does something to the folder; tells which files are to be kept and marked missing."""

EVENTS: dict[str, Event] = {}


def event(happens: Event) -> Event:
    EVENTS[happens.__name__] = happens
    return happens


@event
def nothing(world: World) -> None:
    pass


@event
def new(world: World) -> None:
    write_picture(world / "new.png", (1, 2, 3))
    (world / "sub/new.txt").write_text("a blue lake")


@event
def edited_in_place(world: World) -> None:
    (world / "red.md").write_text("green green green green")


@event
def edited_to_the_same_length(world: World) -> None:
    (world / "red.md").write_text("something low")


@event
def touched_without_change(world: World) -> None:
    os.utime(world / "red.md", (1, 1))


@event
def replaced_with_older_mtime(world: World) -> None:
    older = world.outside / "older"
    older.write_text("something low")
    os.utime(older, (1000, 1000))
    older.replace(world / "red.md")


@event
def replaced_by_another_kind(world: World) -> None:
    (world / "red.png").write_text("no picture any more, but words about a lake")


@event
def emptied(world: World) -> None:
    (world / "red.png").write_bytes(b"")


@event
def broken_and_mended(world: World) -> None:
    whole = (world / "red.png").read_bytes()
    (world / "red.png").write_bytes(whole[:60])
    world.index()
    (world / "red.png").write_bytes(whole)
    write_picture(world / "broken.png", (9, 9, 9))


@event
def moved(world: World) -> None:
    (world / "red.png").rename(world / "sub/red.png")
    (world / "sub/low.wav").rename(world / "low.wav")


@event
def renamed(world: World) -> None:
    (world / "red.png").rename(world / "copy of nothing.png")


@event
def renamed_by_case_only(world: World) -> None:
    (world / "red.png").rename(world / "RED.png")
    (world / "red.md").rename(world / "red.MD")


@event
def renamed_over_another(world: World) -> None:
    (world / "red.png").replace(world / "blue.png")


@event
def a_folder_renamed(world: World) -> None:
    (world / "sub").rename(world / "other")


@event
def names_swapped(world: World) -> None:
    (world / "red.png").rename(world / "x")
    (world / "blue.png").rename(world / "red.png")
    (world / "x").rename(world / "blue.png")


@event
def copied(world: World) -> None:
    shutil.copy(world / "red.png", world / "sub/a copy.png")


@event
def moved_and_copied(world: World) -> None:
    (world / "red.png").rename(world / "one.png")
    shutil.copy(world / "one.png", world / "two.png")


@event
def moved_and_edited(world: World) -> set[str]:
    (world / "red.md").unlink()
    (world / "moved.md").write_text("something red!")
    return {"red.md"}


@event
def deleted(world: World) -> set[str]:
    (world / "red.png").unlink()
    return {"red.png"}


@event
def a_folder_deleted(world: World) -> set[str]:
    shutil.rmtree(world / "sub")
    return {"sub/low.wav", "sub/deep.md"}


@event
def deleted_and_forgotten(world: World) -> None:
    (world / "red.png").unlink()
    world.index()
    world.library.remove(world / "red.png")


@event
def restored(world: World) -> None:
    (world / "red.png").rename(world.outside / "red.png")
    world.index()
    (world.outside / "red.png").rename(world / "red.png")


@event
def restored_as_something_else(world: World) -> None:
    (world / "red.png").unlink()
    world.index()
    write_picture(world / "red.png", (3, 2, 1))


@event
def restored_elsewhere(world: World) -> None:
    (world / "red.png").rename(world.outside / "red.png")
    world.index()
    (world.outside / "red.png").rename(world / "sub/red.png")


@event
def a_file_becomes_a_folder(world: World) -> set[str]:
    (world / "red.md").unlink()
    (world / "red.md").mkdir()
    (world / "red.md/inside.txt").write_text("a blue thing in a red folder")
    return {"red.md"}


@event
def a_folder_becomes_a_file(world: World) -> set[str]:
    shutil.rmtree(world / "sub")
    (world / "sub").write_text("a text in place of a folder")
    return {"sub/low.wav", "sub/deep.md"}


@event
def hidden(world: World) -> set[str]:
    (world / "red.md").rename(world / ".red.md")
    return {"red.md"}


@event
def root_moved(world: World) -> None:
    elsewhere = world.folder.with_name("elsewhere")
    world.folder.rename(elsewhere)
    world.library.move_root("media", elsewhere)
    world.folder = elsewhere


@event
def root_moved_and_changed(world: World) -> None:
    root_moved(world)
    edited_in_place(world)
    renamed(world)


@event
def root_mounted_elsewhere(world: World) -> set[str]:
    """Nobody told the library: what lay at the old place is kept, in case it comes back."""
    old = world.folder
    kept = {str(file.path) for file in world.library.files()}
    world.folder = old.with_name("elsewhere")
    old.rename(world.folder)
    world.index()
    world.roots = [old, world.folder]
    return kept


@event
def unmounted(world: World) -> set[str]:
    world.folder.rename(world.folder.with_name("unplugged"))
    world.index()
    world.folder.mkdir()
    return {str(file.path) for file in world.library.files()}


@event
def unmounted_and_back(world: World) -> None:
    world.folder.rename(world.folder.with_name("unplugged"))
    world.index()
    world.folder.mkdir()
    world.index()
    world.folder.rmdir()
    world.folder.with_name("unplugged").rename(world.folder)


@event
def unmounted_and_back_with_changes(world: World) -> None:
    unmounted_and_back(world)
    edited_in_place(world)
    moved(world)


@event
def permission_lost(world: World) -> set[str]:
    world.forbid(world / "sub")
    return {"sub/low.wav", "sub/deep.md"}


@event
def permission_lost_and_regained(world: World) -> None:
    world.forbid(world / "sub")
    world.index()
    world.monkeypatch.undo()


@event
def permission_of_a_new_file_lost_and_regained(world: World) -> None:
    (world / "secret.txt").write_text("a secret lake")
    world.forbid(world / "secret.txt")
    world.index()
    world.monkeypatch.undo()


@event
def hard_link(world: World) -> None:
    (world / "link.png").hardlink_to(world / "red.png")


@event
def hard_link_to_outside_edited_there(world: World) -> None:
    (world.outside / "text").hardlink_to(world / "red.md")
    (world.outside / "text").write_text("edited by another name")


@event
def symbolic_links(world: World) -> None:
    (world.outside / "far.txt").write_text("red and far away")
    (world / "link.png").symlink_to(world / "red.png")
    (world / "out.txt").symlink_to(world.outside / "far.txt")
    (world / "loop").symlink_to(world.folder)
    (world / "b.xmp").symlink_to(world / "a.xmp")


@event
def replaced_by_a_symbolic_link(world: World) -> set[str]:
    (world / "red.md").rename(world.outside / "red.md")
    (world / "red.md").symlink_to(world.outside / "red.md")
    return {"red.md"}


@event
def roots_overlap_from_inside(world: World) -> None:
    world.roots = [world.folder, world / "sub"]


@event
def roots_overlap_from_outside(world: World) -> None:
    around = world.folder.with_name("around")
    around.mkdir()
    (around / "beside.txt").write_text("beside a lake")
    world.folder = world.folder.rename(around / "media")
    world.library.move_root("media", world.folder)
    world.roots = [world.folder, around]


@event
def the_same_content_many_times(world: World) -> None:
    for n in range(30):
        shutil.copy(world / "red.png", world / f"copy-{n}.png")
        (world / f"sub/same-{n}.txt").write_text("the same words about a lake")


@event
def all_but_one_of_many_copies_go(world: World) -> set[str]:
    the_same_content_many_times(world)
    world.index()
    for n in range(1, 30):
        (world / f"copy-{n}.png").unlink()
    return {f"copy-{n}.png" for n in range(1, 30)}


@event
def renumbered(world: World) -> None:
    for n in range(20):
        write_picture(world / f"sub/{n:02}.png", (n, 100, 100))
    world.index()
    for n in reversed(range(20)):
        (world / f"sub/{n:02}.png").rename(world / f"sub/{n + 1:02}.png")


@event
def sidecars_added(world: World) -> None:
    (world / "b.xmp").write_text(packet("At the lake"))
    (world / "red.txt").write_text("a caption about a lake")
    (world / "sub/low.xmp").write_text(packet("A tone at the lake"))


@event
def sidecar_edited(world: World) -> None:
    (world / "a.xmp").write_text(packet("At the lake", rating=2))


@event
def sidecar_removed(world: World) -> None:
    (world / "a.xmp").unlink()


@event
def sidecar_broken(world: World) -> None:
    (world / "a.xmp").write_text("<broken")


@event
def sidecar_given_to_another(world: World) -> None:
    (world / "a.xmp").rename(world / "b.xmp")


@event
def sidecar_moved_with_its_picture(world: World) -> None:
    for name in ("a.jpg", "a.xmp"):
        (world / name).rename(world / "sub" / name)


@event
def sidecar_left_alone(world: World) -> None:
    (world / "a.jpg").rename(world / "c.jpg")


@event
def a_text_becomes_a_caption_and_a_text_again(world: World) -> set[str]:
    (world / "c.txt").write_text("a green lake")
    world.index()
    write_picture(world / "c.png", (0, 255, 1))
    world.index()
    (world / "c.png").unlink()
    return {"c.png"}


@event
def raw_twin_appears(world: World) -> None:
    (world / "b.dng").write_bytes(dng(162))


@event
def raw_twin_goes(world: World) -> set[str]:
    (world / "IMG_1.DNG").unlink()
    return {"IMG_1.DNG"}


@event
def the_picture_of_a_raw_goes(world: World) -> set[str]:
    (world / "IMG_1.JPG").unlink()
    return {"IMG_1.JPG"}


@event
def the_picture_of_a_raw_goes_and_returns(world: World) -> None:
    (world / "IMG_1.JPG").rename(world.outside / "IMG_1.JPG")
    world.index()
    (world.outside / "IMG_1.JPG").rename(world / "IMG_1.JPG")


@event
def raw_and_picture_moved(world: World) -> None:
    for name in ("IMG_1.JPG", "IMG_1.DNG"):
        (world / name).rename(world / "sub" / name)


@event
def a_raw_given_to_another_picture(world: World) -> set[str]:
    """A RAW beside its picture is not read, so nobody knows that it is the same."""
    (world / "IMG_1.DNG").rename(world / "b.dng")
    return {"IMG_1.DNG"}


@event
def much_at_once(world: World) -> set[str]:
    for happens in (new, moved, sidecar_given_to_another, raw_twin_appears, names_swapped_back):
        happens(world)
    return deleted_text(world)


def names_swapped_back(world: World) -> None:
    (world / "green.png").rename(world / "x.png")
    (world / "blue.png").rename(world / "green.png")
    (world / "x.png").rename(world / "blue.png")


def deleted_text(world: World) -> set[str]:
    (world / "blue.md").unlink()
    return {"blue.md"}


@pytest.mark.parametrize("name", EVENTS)
def test_after_it_the_library_is_as_a_fresh_one(world: World, name: str) -> None:
    kept = EVENTS[name](world) or set()
    world.index()
    missing = {world.folder / path for path in kept}
    roots = [root for root in world.roots or [world.folder] if root.exists()]
    as_fresh(world.library, *roots, missing=missing, decoders=world.decoders)
    assert world.library.verify(sample=100) == []
    before = world.library.catalog.changes()
    world.index()
    assert world.library.catalog.changes() == before, "a run without a change writes nothing"
