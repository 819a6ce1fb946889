"""Odd and broken real files: everything is decoded or has its reason, nothing crashes or hangs.

    python -m benchmarks.corpora    walk the folder that ANYSEEK_CORPORA names

Compares with Pillow, soundfile and PyAV themselves, each asked to decode the same file,
and lists every file that one of them decodes and we do not. Raw results go to benchmarks/results.
"""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import soundfile
from PIL import Image

from benchmarks.record import record
from retrieval.errors import MediaError
from retrieval.media.decoder_pool import DecoderPool
from retrieval.media.decoder_process import DecoderGone
from retrieval.media.windows import Windows

if TYPE_CHECKING:
    from collections.abc import Sequence


PACKAGES = ("numpy", "pillow", "soundfile", "soxr", "av", "pillow-heif", "pypdfium2", "rawpy")
SEED = 7
SLOW_S = 60.0
"""A peer that takes longer for a file is ended and counted as one that cannot read it."""


def corpus_files() -> list[Path]:
    """Every file of the folder that ANYSEEK_CORPORA names.

    Raises:
        SystemExit: the variable is not set.
    """
    folder = os.environ.get("ANYSEEK_CORPORA")
    if not folder:
        raise SystemExit("Set ANYSEEK_CORPORA to the folder with the files.")
    return sorted(path for path in Path(folder).rglob("*") if path.is_file())


def decode_all(pool: DecoderPool, paths: Sequence[Path]) -> dict[Path, dict[str, Any]]:
    """What became of each file: its kind and number of moments, or the reason."""
    outcome: dict[Path, dict[str, Any]] = {}
    for path in paths:
        begin = time.perf_counter()
        try:
            with path.open("rb") as file:
                media = pool.open(file, Windows(), name=path.name)
                found: dict[str, Any] = {
                    "kind": str(media.kind),
                    "moments": sum(1 for _ in media.pieces),
                }
        except MediaError as error:
            found = {"reason": str(error), "gone": isinstance(error, DecoderGone)}
        outcome[path] = found | {"seconds": round(time.perf_counter() - begin, 3)}
    return outcome


def what_peers_decode(paths: Sequence[Path]) -> dict[Path, list[str]]:
    """Which of Pillow, soundfile and PyAV decode each file, in a process that may crash."""
    decoded: dict[Path, list[str]] = {}
    left = list(paths)
    while left:
        with subprocess.Popen(
            [sys.executable, "-m", "benchmarks.corpora", "peers"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as peers:
            assert peers.stdin is not None
            assert peers.stdout is not None
            for path in list(left):
                left.remove(path)
                peers.stdin.write(f"{path}\n")
                peers.stdin.flush()
                answer = peers.stdout.readline()
                decoded[path] = json.loads(answer) if answer else []
                if not answer:
                    break
    return decoded


def answer_as_peers() -> None:
    """For each path on standard input, print the names of the peers that decode it."""
    import signal

    warnings.simplefilter("ignore")
    for line in sys.stdin:
        names = []
        for name, decode in (("Pillow", _pillow), ("soundfile", _soundfile), ("PyAV", _pyav)):
            signal.alarm(int(SLOW_S))
            try:
                if decode(line.rstrip("\n")):
                    names.append(name)
            except Exception:  # noqa: S112 - that it cannot decode the file is the answer
                continue
        signal.alarm(0)
        print(json.dumps(names), flush=True)


def _pillow(path: str) -> bool:
    with Image.open(path) as image:
        image.load()
    return True


def _soundfile(path: str) -> bool:
    with soundfile.SoundFile(path) as sound:
        return len(sound.read(frames=1 << 16)) > 0


def _pyav(path: str) -> bool:
    import av

    with av.open(path) as container:
        streams = [*container.streams.video, *container.streams.audio]
        return any(True for _ in container.decode(streams[:1])) if streams else False


def walk() -> dict[str, Any]:
    """Decode the corpora and compare."""
    paths = corpus_files()
    folder = Path(os.environ["ANYSEEK_CORPORA"])
    begin = time.perf_counter()
    with DecoderPool(1) as pool:
        ours = decode_all(pool, paths)
    seconds = time.perf_counter() - begin
    peers = what_peers_decode(paths)
    kinds = Counter(found["kind"] for found in ours.values() if "kind" in found)
    reasons = Counter(without_numbers(f["reason"]) for f in ours.values() if "reason" in f)
    missed = {
        str(path.relative_to(folder)): {"peers": names, "reason": ours[path].get("reason")}
        for path, names in peers.items()
        if names and "kind" not in ours[path]
    }
    return {
        "files": len(paths),
        "seconds": round(seconds, 1),
        "crashed_or_hung": [
            str(path.relative_to(folder)) for path, found in ours.items() if found.get("gone")
        ],
        "kinds": dict(kinds.most_common()),
        "peers": dict(Counter(name for names in peers.values() for name in names)),
        "decoded_by_any_peer": sum(1 for names in peers.values() if names),
        "decoded_by_us": sum(kinds.values()),
        "decoded_by_a_peer_and_not_by_us": missed,
        "reasons": dict(reasons.most_common()),
        "slowest_s": {
            str(path.relative_to(folder)): found["seconds"]
            for path, found in sorted(ours.items(), key=lambda item: -item[1]["seconds"])[:5]
        },
    }


def without_numbers(reason: str) -> str:
    """A reason as it counts: numbers differ from file to file."""
    return re.sub(r"-?\d+(\.\d+)?", "N", reason)


def table(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    lines = io.StringIO()
    print(
        f"{result['files']} files in {result['seconds']} s; crashed or hung: ", end="", file=lines
    )
    print(len(result["crashed_or_hung"]), "\n\n| kind or reason | files |\n|---|---|", file=lines)
    for key in ("kinds", "reasons"):
        for what, count in result[key].items():
            print(f"| {what.replace('|', '/')} | {count} |", file=lines)
    print("\nDecoded by a peer and not by us:", file=lines)
    for path, facts in result["decoded_by_a_peer_and_not_by_us"].items():
        print(f"- {path} ({', '.join(facts['peers'])}): {facts['reason']}", file=lines)
    return lines.getvalue()


def main(task: str = "walk") -> None:
    """Do what the command line asks."""
    if task == "peers":
        answer_as_peers()
    else:
        result = walk()
        print(table(result))
        record("corpora", result, seed=SEED, packages=PACKAGES)


if __name__ == "__main__":
    main(*sys.argv[1:2])
