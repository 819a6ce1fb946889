"""Assembly: moments of many files in shared batches, each file whole at its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.assembly import BATCH, Assembly
from indexer.read_ahead import Finished
from indexer.reading import Job, Piece
from retrieval import Kind, Modality, Moment
from retrieval.catalog.transaction import FileState, NewContent
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


@pytest.mark.parametrize("modality", Modality)
def test_without_a_size_each_modality_has_its_own(modality: Modality) -> None:
    assembly, both = made(None)
    for n in range(BATCH[modality]):
        assert both.space.batches == []
        assembly.add(job("a"), piece(n, modality))
    assert both.space.batches == [(modality, BATCH[modality])]


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
