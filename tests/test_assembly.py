"""Assembly: moments of many files in shared batches, each file whole at its end."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import assembly as assembly_module
from indexer import spool
from indexer.assembly import BATCH, BATCH_S, Assembly
from indexer.message import Finished
from indexer.reading import Job, Piece
from indexer.spool import Spool
from retrieval import Kind, Modality, Moment
from retrieval.catalog.new_content import FileState, NewContent
from retrieval.vectors import Vectors

STATE = FileState(1, 1)


@dataclass
class Space:
    """An encoder of numbers: `n` becomes the row `(n, batch it came in)`."""

    batches: list[tuple[Modality, int]] = field(default_factory=list)

    def encode(self, modality: Modality, prepared: Sequence[dict[str, int]]) -> dict[str, Vectors]:
        self.batches.append((modality, len(prepared)))
        numbers = [one["space"] for one in prepared]
        return {"space": np.array([[n, len(self.batches)] for n in numbers], np.float32)}


@dataclass
class Both:
    """What `Assembly` asks of a library and of its readers."""

    space: Space = field(default_factory=Space)
    released: int = 0
    path: Path = field(default_factory=lambda: Path(tempfile.gettempdir()))

    def release(self, n_bytes: int) -> None:
        self.released += n_bytes


def job(name: str) -> Job:
    return Job(1, "/disk", name, 10, None)


def piece(number: int, modality: Modality = Modality.TEXT) -> Piece:
    return Piece(Moment(modality, start_char=number), {"space": number}, bytes=3)


def finished(name: str) -> Finished:
    return Finished(job(name), STATE, f"hash of {name}", Kind.TEXT, {"title": name})


def made(batch_size: int | None) -> tuple[Assembly, Both]:
    both = Both()
    return Assembly(both, both, batch_size), both  # type: ignore[arg-type]


def numbers(content: NewContent) -> list[int]:
    return [int(encoded.vectors["space"][0]) for encoded in content.moments]


def test_a_full_batch_is_encoded_at_once_and_a_smaller_one_waits() -> None:
    assembly, both = made(3)
    assert not assembly.waits
    for n in range(2):
        assembly.add(job("a"), piece(n))
    assert assembly.waits
    assert both.space.batches == []
    assembly.add(job("b"), piece(2))
    assert both.space.batches == [(Modality.TEXT, 3)]
    assert not assembly.waits
    assert both.released == 9


@pytest.mark.parametrize("count", [3, 4, 5, 8, 9, 23])
@pytest.mark.parametrize("batch", [1, 3, 50])
def test_the_first_moments_of_a_long_file_wait_on_disk(
    monkeypatch: pytest.MonkeyPatch, count: int, batch: int
) -> None:
    for module in (spool, assembly_module):
        monkeypatch.setattr(module, "BLOCK", 4)
    assembly, _ = made(batch)
    for n in range(count):
        assembly.add(job("long"), piece(n))
        assembly.add(job("short"), piece(n)) if n < 2 else None
    parts = assembly._parts[job("long")]
    assert len(parts.moments) < 4 + max(batch, 2)
    while assembly.waits:
        assembly.encode_fullest()
    for name in ("long", "short"):
        assembly.finish(finished(name))
    (_, long), (_, short) = assembly.take_complete()
    assert numbers(long) == list(range(count))
    assert numbers(short) == [0, 1]
    assert isinstance(long.moments, Spool) == (count > 4)


def test_a_file_is_handed_out_once_and_whole() -> None:
    assembly, _ = made(2)
    assembly.add(job("a"), piece(1))
    assembly.finish(finished("a"))
    assert assembly.take_complete() == []
    assembly.encode_fullest()
    ((told, content),) = assembly.take_complete()
    assert told == finished("a")
    assert (content.hash, content.kind, content.metadata) == (
        "hash of a",
        Kind.TEXT,
        {"title": "a"},
    )
    assert numbers(content) == [1]
    assert content.moments[0].moment == Moment(Modality.TEXT, start_char=1)
    assert assembly.take_complete() == []


def test_a_file_without_moments_is_complete_when_it_ends() -> None:
    assembly, both = made(2)
    assembly.finish(finished("empty"))
    ((_, content),) = assembly.take_complete()
    assert content.moments == []
    assert both.space.batches == []


def test_a_file_that_has_not_ended_is_never_handed_out() -> None:
    assembly, _ = made(1)
    for n in range(5):
        assembly.add(job("a"), piece(n))
        assert assembly.take_complete() == []
    assembly.finish(finished("a"))
    ((_, content),) = assembly.take_complete()
    assert numbers(content) == [0, 1, 2, 3, 4]


def test_what_is_dropped_is_not_encoded_but_its_memory_is_free_again() -> None:
    assembly, both = made(10)
    for n in range(4):
        assembly.add(job("good" if n % 2 else "bad"), piece(n))
    assembly.drop(job("bad"))
    assembly.finish(finished("good"))
    assembly.encode_fullest()
    assert both.space.batches == [(Modality.TEXT, 2)]
    assert both.released == 12
    ((told, content),) = assembly.take_complete()
    assert told.job.path == "good"
    assert numbers(content) == [1, 3]


def test_a_batch_of_dropped_files_alone_is_not_encoded() -> None:
    assembly, both = made(10)
    assembly.add(job("bad"), piece(1))
    assembly.drop(job("bad"))
    assembly.encode_fullest()
    assert both.space.batches == []
    assert both.released == 3
    assert not assembly.waits


def test_dropping_a_file_of_which_nothing_came() -> None:
    assembly, _ = made(1)
    assembly.drop(job("never seen"))
    assert assembly.take_complete() == []


def test_a_file_may_come_again_after_it_was_dropped() -> None:
    assembly, _ = made(10)
    assembly.add(job("a"), piece(1))
    assembly.drop(job("a"))
    assembly.add(job("a"), piece(2))
    assembly.finish(finished("a"))
    assembly.encode_fullest()
    ((_, content),) = assembly.take_complete()
    assert numbers(content) == [2]


def test_modalities_are_encoded_apart_and_put_back_in_order() -> None:
    """A film: its frames and seconds of sound go to different towers and come back as they came."""
    assembly, both = made(2)
    order = [Modality.IMAGE, Modality.AUDIO, Modality.AUDIO, Modality.IMAGE, Modality.IMAGE]
    for n, modality in enumerate(order):
        assembly.add(job("film"), piece(n, modality))
    assembly.finish(finished("film"))
    assert both.space.batches == [(Modality.AUDIO, 2), (Modality.IMAGE, 2)]
    assembly.encode_fullest()
    ((_, content),) = assembly.take_complete()
    assert numbers(content) == [0, 1, 2, 3, 4]
    assert [encoded.moment.modality for encoded in content.moments] == order


def test_the_fullest_queue_goes_first() -> None:
    assembly, both = made(100)
    for n, modality in enumerate([Modality.IMAGE, Modality.AUDIO, Modality.AUDIO]):
        assembly.add(job("film"), piece(n, modality))
    assembly.encode_fullest()
    assembly.encode_fullest()
    assert both.space.batches == [(Modality.AUDIO, 2), (Modality.IMAGE, 1)]


@dataclass
class Timed(Both):
    """With a clock that the encoder moves, and the test."""

    now_s: float = 0.0
    call_s: float = 0.0
    """What an encoder takes for a call."""
    each_s: float = 0.0
    """What it takes for each moment besides."""

    def __post_init__(self) -> None:
        told = self.space.encode

        def encode(modality: Modality, prepared: Sequence[dict[str, int]]) -> dict[str, Vectors]:
            self.now_s += self.call_s + self.each_s * len(prepared)
            return told(modality, prepared)

        self.space.encode = encode  # type: ignore[method-assign]


def timed(monkeypatch: pytest.MonkeyPatch, both: Timed) -> Assembly:
    monkeypatch.setattr("indexer.assembly.monotonic", lambda: both.now_s)
    monkeypatch.setattr("indexer.assembly.ABREAST", 2)
    return Assembly(both, both, None)  # type: ignore[arg-type]


def sizes(both: Timed) -> list[int]:
    return [size for _, size in both.space.batches]


@pytest.mark.parametrize("modality", Modality)
@pytest.mark.parametrize(
    ("call_s", "each_s", "expected"),
    [
        pytest.param(0.0, 0.001, [1, BATCH, BATCH], id="a fast one takes all it may"),
        pytest.param(0.0, 0.0, [1, BATCH, BATCH], id="one too fast to be measured"),
        pytest.param(0.0, 0.125, [1, 4, 4, 4], id="ViT-B-32 on a CPU"),
        pytest.param(0.0, 0.095, [1, 4, 4], id="no core is left idle at the end of a batch"),
        pytest.param(0.0, 3.0, [1, 2, 2], id="one that takes seconds for each"),
        pytest.param(0.05, 0.0, [1, 10, BATCH, BATCH], id="a GPU, as fast with one as with all"),
    ],
)
def test_a_batch_takes_about_half_a_second(
    monkeypatch: pytest.MonkeyPatch,
    modality: Modality,
    call_s: float,
    each_s: float,
    expected: list[int],
) -> None:
    both = Timed(call_s=call_s, each_s=each_s)
    assembly = timed(monkeypatch, both)
    for n in range(sum(expected)):
        assembly.add(job("a"), piece(n, modality))
    assert sizes(both) == expected


def test_a_model_that_is_slow_at_first_gets_large_batches_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What it loads or compiles with its first batch is not what a moment costs."""
    both = Timed(call_s=20.0)
    assembly = timed(monkeypatch, both)
    assembly.add(job("a"), piece(0))
    both.call_s = 1 / 64
    for n in range(2 + BATCH):
        assembly.add(job("a"), piece(n))
    assert sizes(both) == [1, 2, BATCH]


def test_modalities_are_measured_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    both = Timed(each_s=0.25)
    assembly = timed(monkeypatch, both)
    for n in range(3):
        assembly.add(job("a"), piece(n, Modality.AUDIO))
    both.each_s = 0.0
    for n in range(1 + BATCH):
        assembly.add(job("b"), piece(n, Modality.TEXT))
    assert both.space.batches == [
        (Modality.AUDIO, 1),
        (Modality.AUDIO, 2),
        (Modality.TEXT, 1),
        (Modality.TEXT, BATCH),
    ]


def test_no_moment_waits_longer_than_a_batch_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers that are slower than the model: it takes what there is, of every modality."""
    both = Timed()
    assembly = timed(monkeypatch, both)
    assembly.add(job("a"), piece(0))
    assembly.add(job("a"), piece(1))
    both.now_s = 0.8 * BATCH_S
    assembly.add(job("a"), piece(2))
    assert sizes(both) == [1]
    both.now_s = BATCH_S
    assembly.add(job("film"), piece(3, Modality.AUDIO))
    assert both.space.batches[1:] == [(Modality.TEXT, 2), (Modality.AUDIO, 1)]
    both.now_s = 1.5 * BATCH_S
    assembly.add(job("a"), piece(4))
    assert len(both.space.batches) == 3, "the next one's time begins with its own first moment"


def test_a_chosen_size_is_kept_however_long_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    both = Timed(each_s=10.0)
    monkeypatch.setattr("indexer.assembly.monotonic", lambda: both.now_s)
    assembly = Assembly(both, both, 3)  # type: ignore[arg-type]
    for n in range(6):
        both.now_s += 100
        assembly.add(job("a"), piece(n))
    assert sizes(both) == [3, 3]


EVENTS = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.sampled_from(["piece", "piece", "piece", "finish", "drop", "encode"]),
        st.sampled_from(list(Modality)),
    ),
    max_size=60,
)


@given(EVENTS, st.integers(1, 7))
def test_any_interleaving_gives_each_file_its_own_moments_in_order(
    events: list[tuple[str, str, Modality]], batch_size: int
) -> None:
    """Against the plain truth: what came of a file since its start, if it ended."""
    assembly, both = made(batch_size)
    parts: dict[str, list[int]] = {}
    ended: dict[str, list[int]] = {}
    done: set[str] = set()
    taken: dict[str, list[int]] = {}
    for n, (name, event, modality) in enumerate(events):
        if event == "encode":
            assembly.encode_fullest()
        elif name in done:
            continue  # readers send nothing of a file after its end
        elif event == "piece":
            assembly.add(job(name), piece(n, modality))
            parts.setdefault(name, []).append(n)
        elif event == "finish":
            assembly.finish(finished(name))
            ended[name] = parts.pop(name, [])
            done.add(name)
        else:
            assembly.drop(job(name))
            parts.pop(name, None)
            done.add(name)
        for told, content in assembly.take_complete():
            assert told.job.path not in taken
            taken[told.job.path] = numbers(content)
    while assembly.waits:
        assembly.encode_fullest()
    taken |= {told.job.path: numbers(content) for told, content in assembly.take_complete()}
    assert taken == ended
    came = sum(event == "piece" for _, event, _ in events)
    assert both.released <= 3 * came
    assert all(size <= batch_size for _, size in both.space.batches)
