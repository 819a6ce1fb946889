"""Decoding in other processes: the same results, and a hostile file costs only itself."""

from __future__ import annotations

import gc
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
import soundfile
from PIL import Image

from retrieval.errors import MediaError, UnknownMedia
from retrieval.media import decoder_process
from retrieval.media.decoder_pool import ISOLATED, DecoderPool
from retrieval.media.media import open_media
from retrieval.media.windows import Windows
from retrieval.records import Kind, Moment
from tests.films import film

pytestmark = pytest.mark.skipif(not ISOLATED, reason="this system hands no files to processes")
WINDOWS = Windows(window_s=1.0, hop_s=0.5, passage_chars=40)


def picture(width: int = 300, height: int = 200) -> bytes:
    file = io.BytesIO()
    Image.effect_noise((width, height), 80).convert("RGB").save(file, "PNG")
    return file.getvalue()


def sound(seconds: int) -> bytes:
    file = io.BytesIO()
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, seconds * 8_000)
    soundfile.write(file, noise, 8_000, format="FLAC")
    return file.getvalue()


@pytest.fixture(scope="module")
def pool() -> Iterator[DecoderPool]:
    with DecoderPool(2) as opened:
        yield opened


@pytest.fixture
def hostile(monkeypatch: pytest.MonkeyPatch) -> Iterator[DecoderPool]:
    program = decoder_process.START.replace(
        "retrieval.media.decoder_worker", "tests.hostile_decoder"
    )
    monkeypatch.setattr(
        decoder_process, "START", program.replace("import main; main", "import run; run")
    )
    with DecoderPool(1, memory_bytes=1 << 29) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a process that is well may take its time to stop."""
    monkeypatch.setattr(decoder_process, "STOP_S", 120.0)


def everything(media_of: object, content: bytes | BinaryIO, name: str = "") -> object:
    file = io.BytesIO(content) if isinstance(content, bytes) else content
    try:
        media = media_of(file, WINDOWS, name=name)  # type: ignore[operator]
        pieces = [(moment, *comparable(piece)) for moment, piece in media.pieces]
    except MediaError as error:
        return type(error), str(error)
    return media.kind, dict(media.metadata), pieces


def comparable(content: object) -> tuple[object, ...]:
    if isinstance(content, np.ndarray):
        return content.shape, content.dtype, content.tobytes()
    return (content,)


CONTENTS = {
    "picture": picture(),
    "larger than the shared memory": picture(300, 30_000),
    "sound": sound(5),
    "text": b"The old bell rings. The rain sings.\n\nThe sea is loud tonight, very loud.",
    "video": film(),
    "empty": b"",
    "garbage": bytes(range(256)) * 20,
    "damaged": picture()[:5_000],
    "truncated sound": sound(5)[:2_000],
}


@pytest.mark.parametrize("what", CONTENTS)
def test_the_same_as_in_this_process(pool: DecoderPool, tmp_path: Path, what: str) -> None:
    here = everything(open_media, CONTENTS[what])
    assert everything(pool.open, CONTENTS[what]) == here
    path = tmp_path / "file"
    path.write_bytes(CONTENTS[what])
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        assert everything(pool.open, file) == here


def test_source_code_by_name(pool: DecoderPool) -> None:
    with pytest.raises(UnknownMedia, match="source code"):
        pool.open(io.BytesIO(b"words"), WINDOWS, name="a.py")


def test_metadata_keeps_its_types(pool: DecoderPool) -> None:
    media = pool.open(io.BytesIO(film(tags={"title": "Ü"})), WINDOWS)
    assert media.kind is Kind.VIDEO
    assert media.metadata["title"] == "Ü"
    assert isinstance(media.metadata["width"], int)
    assert isinstance(media.metadata["duration_s"], float)


def test_contents_may_be_written_to_and_stay(pool: DecoderPool) -> None:
    pieces = list(pool.open(io.BytesIO(sound(20)), WINDOWS).pieces)
    here = list(open_media(io.BytesIO(sound(20)), WINDOWS).pieces)
    for (moment, content), (expected, samples) in zip(pieces, here, strict=True):
        assert moment == expected
        assert isinstance(content, np.ndarray)
        np.testing.assert_array_equal(content, samples)
        content[:] = 0


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ("crash", "the decoder crashed (SIGSEGV)"),
        ("abort", "the decoder crashed (SIGABRT)"),
        ("exit", "the decoder ended (exit code 3)"),
        ("loop", "decoding takes too long"),
        ("sleep", "decoding takes too long"),
        ("grow", "the file needs more memory than there is"),
        ("grow slowly", "the file needs more memory than there is"),
    ],
)
def test_a_hostile_file_costs_only_itself(
    hostile: DecoderPool, order: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = picture()
    expected = everything(open_media, good)
    assert everything(hostile.open, good) == expected
    with monkeypatch.context() as patch:
        if "too long" in reason:  # the only files that a busy machine must not be mistaken for
            patch.setattr(hostile, "_patience_s", 1.0)
        assert everything(hostile.open, f"do: {order}".encode()) == (
            decoder_error(reason),
            reason,
        )
    assert everything(hostile.open, good) == expected


def decoder_error(reason: str) -> type[MediaError]:
    return MediaError if "memory" in reason else decoder_process.DecoderGone


def test_what_a_decoder_prints_is_not_seen(
    hostile: DecoderPool, capfd: pytest.CaptureFixture[str]
) -> None:
    assert everything(hostile.open, b"do: print")
    assert capfd.readouterr() == ("", "")


def test_processes_load_no_model(pool: DecoderPool) -> None:
    list(pool.open(io.BytesIO(film()), WINDOWS).pieces)
    for pid in pids(pool):
        loaded = Path(f"/proc/{pid}/maps").read_text()
        assert "libav" in loaded or "PIL" in loaded
        assert "torch" not in loaded
        assert "faiss" not in loaded


def pids(pool: DecoderPool) -> list[int]:
    return [process.pid for process in (*pool._ready, *pool._busy)]


def test_processes_are_kept(pool: DecoderPool) -> None:
    list(pool.open(io.BytesIO(picture()), WINDOWS).pieces)
    before = set(pids(pool))
    for _ in range(5):
        list(pool.open(io.BytesIO(picture()), WINDOWS).pieces)
    assert set(pids(pool)) == before


def test_it_decodes_only_a_little_ahead() -> None:
    """A quarter of an hour, of which one window is taken: the process comes to rest."""
    with DecoderPool(1) as pool:
        pieces = iter(pool.open(io.BytesIO(sound(900)), Windows()).pieces)
        assert next(pieces)[0].start_s == 0
        (pid,) = pids(pool)
        for _ in range(50):
            before = cpu_ticks(pid)
            time.sleep(0.3)
            if cpu_ticks(pid) == before:
                break
        else:
            pytest.fail("the process never comes to rest")
        assert [moment.start_s for moment, _ in pieces] == [5 * n for n in range(1, 179)]


def test_what_takes_much_memory_is_not_begun_before_it_is_asked_for() -> None:
    large = picture(3000, 3000)
    with DecoderPool(1) as pool:
        pool.open(io.BytesIO(large), WINDOWS).close()
        media = pool.open(io.BytesIO(large), WINDOWS)
        assert media.decoding_bytes == 4 * 3000 * 3000
        (pid,) = pids(pool)
        before = most_mb(pid)
        time.sleep(0.5)
        assert most_mb(pid) - before < 20
        assert len(list(media.pieces)) == 1
        assert most_mb(pid) - before > 20
        assert pids(pool) == [pid]


def most_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_pieces_that_are_closed_free_their_process() -> None:
    with DecoderPool(1) as pool:
        for stop in (0, 1, 30):
            pieces = iter(pool.open(io.BytesIO(sound(600)), WINDOWS).pieces)
            for _ in range(stop):
                next(pieces)
            pieces.close()  # type: ignore[attr-defined]
            assert list(pieces) == []
        pids_before = pids(pool)
        assert len(list(pool.open(io.BytesIO(sound(5)), WINDOWS).pieces)) == 9
        assert pids(pool) == pids_before


def test_pieces_that_are_forgotten_free_their_process() -> None:
    with DecoderPool(1) as pool:
        for _ in range(3):
            pool.open(io.BytesIO(sound(60)), WINDOWS)
            gc.collect()
        assert len(list(pool.open(io.BytesIO(sound(5)), WINDOWS).pieces)) == 9


def test_many_threads(pool: DecoderPool) -> None:
    contents = list(CONTENTS.values()) * 4
    expected = [everything(open_media, content) for content in CONTENTS.values()] * 4
    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(lambda c: everything(pool.open, c), contents)) == expected
    assert len(pids(pool)) <= 2


def test_a_process_that_dies_between_files_is_replaced(pool: DecoderPool) -> None:
    list(pool.open(io.BytesIO(picture()), WINDOWS).pieces)
    for process in pool._ready:
        os.kill(process.pid, signal.SIGKILL)
        process._process.wait()
    expected = everything(open_media, CONTENTS["picture"])
    for _ in range(4):
        assert everything(pool.open, CONTENTS["picture"]) == expected


def test_a_closed_pool() -> None:
    pool = DecoderPool(1)
    pieces = pool.open(io.BytesIO(sound(600)), WINDOWS).pieces
    first: tuple[Moment, object] = next(pieces)
    assert first[0].start_s == 0
    pool.close()
    with pytest.raises(MediaError):
        list(pieces)
    with pytest.raises(RuntimeError, match="the decoder pool is closed"):
        pool.open(io.BytesIO(picture()), WINDOWS)


def test_no_process_outlives_its_pool(tmp_path: Path) -> None:
    """Not even if the process that holds the pool is killed."""
    program = (
        "import io, sys, time\n"
        "from retrieval.media.decoder_pool import DecoderPool\n"
        "from retrieval.media.windows import Windows\n"
        "pool = DecoderPool(1)\n"
        "list(pool.open(io.BytesIO(b'some words'), Windows()).pieces)\n"
        "print(pool._ready[0].pid, flush=True)\n"
        "time.sleep(100)\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    with holder.stdout:
        pid = int(holder.stdout.readline())
    holder.kill()
    holder.wait()
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists() or " Z " in Path(f"/proc/{pid}/stat").read_text():
            return
        time.sleep(0.1)
    pytest.fail("the process is still there")


def test_a_program_without_a_main_guard_is_not_run_again(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import io\n"
        "from retrieval.media.decoder_pool import DecoderPool\n"
        "from retrieval.media.windows import Windows\n"
        "print('running')\n"
        "with DecoderPool(1) as pool:\n"
        "    print(pool.open(io.BytesIO(b'some words'), Windows()).kind)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    run = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=True, env=environment
    )
    assert run.stdout == "running\ntext\n"
    assert run.stderr == ""


def test_only_some_of_the_processes_that_wait_are_kept() -> None:
    files = [io.BytesIO(picture()) for _ in range(3)]
    with DecoderPool(3) as opened:
        reading = [opened.open(file, WINDOWS) for file in files]
        for media in reading:
            list(media.pieces)
        before = [process.pid for process in opened._ready]
        assert len(before) == 3
        opened.keep(1)
        assert [process.pid for process in opened._ready] == before[:1]
        list(opened.open(io.BytesIO(picture()), WINDOWS).pieces)
        assert [process.pid for process in opened._ready] == before[:1]
        opened.keep(0)
        assert opened._ready == []
        assert opened.open(io.BytesIO(picture()), WINDOWS).kind is Kind.IMAGE


def test_processes_started_before_there_is_a_file_are_those_that_decode() -> None:
    with DecoderPool(2) as pool:
        pool.warm(1)
        (early,) = pool._ready
        pool.warm(5)
        assert len(pool._ready) == 2
        pool.warm(2)
        assert len(pool._ready) == 2
        content = picture()
        assert everything(pool.open, content) == everything(open_media, content)
        assert early in pool._ready
        assert len(pool._ready) == 2


def test_the_passages_of_a_text_come_together_and_in_order(pool: DecoderPool) -> None:
    text = "".join(f"This is sentence {n} of a text. " for n in range(3000)).encode()
    assert everything(pool.open, text) == everything(open_media, text)
    media = pool.open(io.BytesIO(text), WINDOWS)
    next(media.pieces)
    media.close()
    assert everything(pool.open, text[:5000]) == everything(open_media, text[:5000])
