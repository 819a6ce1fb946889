"""Files of a hub: listed, continued after a break, verified, never half there."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub.constants
import pytest

from retrieval.encoders.hub import fetch, look_at
from retrieval.errors import ModelError
from tests.hub_server import Hub, serve

LARGE = random.Random(1).randbytes(700_000)
SMALL = b'{"a": 1}'
REPOSITORY = "someone/model"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serve(Hub(repositories={REPOSITORY: {"w.bin": LARGE, "c.json": SMALL}})) as served:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", served.url)
        yield served


class Count:
    """Adds up the progress."""

    def __init__(self) -> None:
        self.bytes = 0

    def __call__(self, came: int) -> None:
        self.bytes += came
        assert self.bytes >= 0


def test_a_repository_is_listed_with_sizes_and_checksums(hub: Hub) -> None:
    there = look_at(REPOSITORY)
    assert there.revision == "a" * 40
    assert there.licence == "mit"
    assert there.files["w.bin"].size == len(LARGE)
    assert there.files["w.bin"].sha256 is not None
    assert there.files["c.json"].sha256 is None
    assert there.files["c.json"].git_sha1 is not None


def test_a_card_may_be_silent_about_its_licence(hub: Hub) -> None:
    hub.licence = None
    assert look_at(REPOSITORY).licence is None


@pytest.mark.parametrize(("name", "content"), [("w.bin", LARGE), ("c.json", SMALL)])
def test_a_file_comes_whole(hub: Hub, tmp_path: Path, name: str, content: bytes) -> None:
    count = Count()
    fetch(look_at(REPOSITORY).files[name], tmp_path / "deep" / name, count)
    assert (tmp_path / "deep" / name).read_bytes() == content
    assert count.bytes == len(content)
    assert [p.name for p in (tmp_path / "deep").iterdir()] == [name]


def test_a_broken_transfer_goes_on_where_it_stopped(hub: Hub, tmp_path: Path) -> None:
    hub.break_after["w.bin"] = [300_000, 200_000]
    count = Count()
    fetch(look_at(REPOSITORY).files["w.bin"], tmp_path / "w.bin", count)
    assert (tmp_path / "w.bin").read_bytes() == LARGE
    assert count.bytes == len(LARGE)
    first, second, third = (asked for _, asked in hub.requests)
    assert first is None
    # What the client had not yet handed on when the connection broke is asked for again.
    assert second is not None
    assert third is not None
    assert 0 < int(second[6:-1]) <= 300_000
    assert int(second[6:-1]) < int(third[6:-1]) <= 500_000


def test_a_hub_that_keeps_breaking_is_given_up_and_what_came_is_kept(
    hub: Hub, tmp_path: Path
) -> None:
    hub.break_after["w.bin"] = [400_000] + [0] * 9
    file = look_at(REPOSITORY).files["w.bin"]
    with pytest.raises(ModelError, match=r"cannot be reached .*what has come so far is kept"):
        fetch(file, tmp_path / "w.bin", Count())
    assert not (tmp_path / "w.bin").exists()
    (partial,) = tmp_path.iterdir()
    assert 0 < partial.stat().st_size < len(LARGE)
    assert len(hub.requests) == 6
    hub.break_after.clear()
    count = Count()
    fetch(file, tmp_path / "w.bin", count)
    assert (tmp_path / "w.bin").read_bytes() == LARGE
    assert count.bytes == len(LARGE)
    assert hub.requests[-1][1] is not None


def test_a_hub_without_ranges_sends_all_of_it_again(hub: Hub, tmp_path: Path) -> None:
    hub.ranges = False
    hub.break_after["w.bin"] = [300_000]
    count = Count()
    fetch(look_at(REPOSITORY).files["w.bin"], tmp_path / "w.bin", count)
    assert (tmp_path / "w.bin").read_bytes() == LARGE
    assert count.bytes == len(LARGE)


@pytest.mark.parametrize(("name", "content"), [("w.bin", LARGE), ("c.json", SMALL)])
def test_a_wrong_checksum_leaves_nothing(
    hub: Hub, tmp_path: Path, name: str, content: bytes
) -> None:
    hub.falsified[name] = content[:-1] + b"?"
    with pytest.raises(ModelError, match="another checksum than the hub announces"):
        fetch(look_at(REPOSITORY).files[name], tmp_path / name, Count())
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_half_is_downloaded_anew(hub: Hub, tmp_path: Path) -> None:
    file = look_at(REPOSITORY).files["w.bin"]
    half = tmp_path / f"w.bin.{file.checksum[:16]}.part"
    half.write_bytes(b"\0" * 350_000)
    count = Count()
    fetch(file, tmp_path / "w.bin", count)
    assert (tmp_path / "w.bin").read_bytes() == LARGE
    assert count.bytes == len(LARGE)


def test_a_half_that_is_too_long_is_downloaded_anew(hub: Hub, tmp_path: Path) -> None:
    file = look_at(REPOSITORY).files["c.json"]
    (tmp_path / f"c.json.{file.checksum[:16]}.part").write_bytes(b"\0" * 100)
    count = Count()
    fetch(file, tmp_path / "c.json", count)
    assert (tmp_path / "c.json").read_bytes() == SMALL
    assert count.bytes == len(SMALL)


def test_a_missing_repository_and_a_missing_file(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not give no/such"):
        look_at("no/such")
    file = look_at(REPOSITORY).files["c.json"]
    del hub.repositories[REPOSITORY]["c.json"]
    with pytest.raises(ModelError, match="is not to be had: HTTP status 404"):
        fetch(file, tmp_path / "c.json", Count())


def test_without_a_network_the_answer_comes_at_once(
    monkeypatch: pytest.MonkeyPatch, hub: Hub, tmp_path: Path
) -> None:
    file = look_at(REPOSITORY).files["c.json"]
    with serve(Hub()) as gone:
        pass
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", gone.url)
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("it waits"))
    with pytest.raises(ModelError, match=r"cannot be reached .* Pull again when there is"):
        look_at(REPOSITORY)
    moved = type(file)(file.url.replace(hub.url, gone.url), "c.json", file.size, None, None)
    with pytest.raises(ModelError, match="cannot be reached"):
        fetch(moved, tmp_path / "c.json", Count())
