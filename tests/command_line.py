"""Running `anyseek` in tests: in this process, which is quick, and as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner, Result

from cli.app import app
from indexer import index
from retrieval import Library
from retrieval.encoders.fake import fake_model_set
from tests.media_files import COLOURS, TONES_HZ, write_picture, write_tone

ROOT = Path(__file__).parent.parent
PROGRAM = (sys.executable, "-c", "import cli; cli.main()")


def anyseek(*arguments: str | os.PathLike[str], library: Path | None = None) -> Result:
    """Run a command in this process; an exception that would be shown as a trace is raised."""
    place = {} if library is None else {"ANYSEEK_LIBRARY": os.fspath(library)}
    result = CliRunner().invoke(app, [os.fspath(a) for a in arguments], env=place)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def write_red_green_blue(folder: Path) -> Path:
    """Pictures, tones and texts, one each for red, green and blue, beside a library of them.

    Returns:
        `folder / "media"`; the library is `folder / "library"`, made with the model set `fake`.
    """
    media = folder / "media"
    media.mkdir(parents=True)
    for name, colour in COLOURS.items():
        write_picture(media / f"{name}.png", colour)
        (media / f"{name}.md").write_text(f"something {name}")
    for name, frequency_hz in TONES_HZ.items():
        write_tone(media / f"{name}.wav", frequency_hz)
    with Library.open(folder / "library", models=fake_model_set()) as library:
        index(library, media)
    return media


def plug_in(folder: Path) -> dict[str, str]:
    """An environment in which another process finds the model set `fake`, as a package adds one."""
    facts = folder / "fake_set-1.0.dist-info"
    facts.mkdir(parents=True, exist_ok=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: fake-set\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(
        "[anyseek.model_sets]\nfake = retrieval.encoders.fake:fake_model_set\n"
    )
    paths = os.pathsep.join(map(str, (ROOT, folder)))
    return os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}


def process(
    *arguments: str | os.PathLike[str], environment: dict[str, str], cwd: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run a command as a process of its own."""
    return subprocess.run(
        [*PROGRAM, *arguments], env=environment, cwd=cwd, capture_output=True, timeout=120
    )
