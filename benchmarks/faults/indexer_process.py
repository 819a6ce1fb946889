"""An indexer in a process of its own that may be killed, started in a moment.

A server has everything loaded and forks: a run begins after milliseconds instead of a second, so
that hundreds of kills are affordable, and that they fall into the run instead of its imports.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from indexer import Progress

STAGES = ("begun", "scan", "read", "refresh", "done")


@dataclass(slots=True)
class Run:
    """An indexer that runs."""

    pid: int
    stages: Path
    """Grows by a byte for each thing that the indexer reports: the place of its stage in STAGES."""
    _server: Server

    def stage(self) -> str:
        """How far it has come."""
        reached = self.stages.read_bytes()
        return STAGES[reached[-1]] if reached else STAGES[0]

    def reports(self) -> int:
        """How many things it has reported."""
        return self.stages.stat().st_size

    def send(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def wait(self) -> tuple[int, str]:
        """Exit code, as of subprocess, and what it said when it ended with an error."""
        ended = self._server.answer()
        assert ended["pid"] == self.pid
        return ended["code"], self.stages.with_suffix(".said").read_text()


class Server:
    """The process that forks indexers, one at a time."""

    def __init__(self, process: subprocess.Popen[str], workplace: Path) -> None:
        self._process = process
        self._workplace = workplace
        self._runs = 0

    def start(self, library: Path, folder: Path, **options: Any) -> Run:
        """Index a folder.

        Args:
            library: Made with the model set that `options["models"]` names.
            folder: What to index.
            options: See `index_here`.
        """
        self._runs += 1
        stages = self._workplace / f"{self._runs}.stages"
        # Made here: an indexer may be killed before it has made anything.
        stages.touch()
        stages.with_suffix(".said").touch()
        order = {"library": str(library), "folder": str(folder), "stages": str(stages), **options}
        assert self._process.stdin
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return Run(self.answer()["pid"], stages, self)

    def answer(self) -> dict[str, Any]:
        """The next line that the server says."""
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, "the server of indexers ended"
        return dict(json.loads(line))


@contextmanager
def server(workplace: Path, preload: Path | None = None) -> Iterator[Server]:
    """A server, until the end of the block.

    Args:
        workplace: A folder for its notes.
        preload: A shared library to load before all others.
    """
    workplace.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    if preload:
        environment["LD_PRELOAD"] = str(preload)
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.faults.indexer_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        cwd=Path(__file__).parents[2],
        text=True,
    ) as process:
        yield Server(process, workplace)
        assert process.stdin
        process.stdin.close()


def serve(orders: IO[str], answers: IO[str]) -> None:
    """Fork an indexer for each order, and say when it has ended."""
    import faiss  # noqa: F401 - loaded once for all

    import indexer  # noqa: F401
    from retrieval import Library  # noqa: F401
    from retrieval.encoders.model_set import load_model_set

    load_model_set("mini")
    for line in orders:
        # A Ctrl-C that comes at once waits until it can be answered.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        pid = os.fork()
        if not pid:
            try:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
                index_here(json.loads(line))
            except KeyboardInterrupt:  # before it was ready for one
                os._exit(130)
            finally:
                os._exit(70)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        print(json.dumps({"pid": pid}), file=answers, flush=True)
        _, status = os.waitpid(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        print(json.dumps({"pid": pid, "code": code}), file=answers, flush=True)


def index_here(order: dict[str, Any]) -> None:
    """Index, report the stages, and end this process: 0 done, 1 an error, 130 interrupted.

    Args:
        order: Besides the places: `models` ("mini" or "fake"), `commit_s` how often to commit,
            `file_limit` bytes that no file may exceed, `environment` variables to set,
            `isolated` whether decoders run in processes, `clock_s` by how much the clock is wrong.
    """
    import resource
    import time

    from indexer import index, ledger
    from retrieval import Library, SearchError
    from retrieval.encoders.fake import fake_model_set
    from retrieval.media import decoder_pool

    signal.signal(signal.SIGINT, signal.default_int_handler)
    ledger.COMMIT_S = order.get("commit_s", 0.05)
    decoder_pool.ISOLATED = order.get("isolated", False)
    models = fake_model_set() if order.get("models", "fake") == "fake" else "mini"
    stages = os.open(order["stages"], os.O_WRONLY | os.O_APPEND)
    said = os.open(Path(order["stages"]).with_suffix(".said"), os.O_WRONLY)
    if off_s := order.get("clock_s"):
        real, real_ns = time.time, time.time_ns
        time.time = lambda: real() + off_s
        time.time_ns = lambda: real_ns() + int(off_s * 1e9)

    def report(progress: Progress) -> None:
        os.write(stages, bytes([STAGES.index(progress.stage)]))

    code = 0
    try:
        with Library.open(order["library"], models=models) as library:
            if limit := order.get("file_limit"):
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
            os.environ.update(order.get("environment", {}))
            index(
                library,
                order["folder"],
                progress=report,
                batch_size=order.get("batch_size"),
            )
            os.write(stages, bytes([STAGES.index("done")]))
    except SearchError as error:
        os.write(said, str(error).encode())
        code = 1
    except KeyboardInterrupt:
        code = 130
    except BaseException as error:  # a bug: shown where it is looked for
        os.write(said, f"{type(error).__name__}: {error}".encode())
        code = 70
    os._exit(code)


if __name__ == "__main__":
    serve(sys.stdin, sys.stdout)
