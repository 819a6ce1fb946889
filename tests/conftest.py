"""What many tests need: a small folder of media whose answers can be computed, and a library."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

if "PYTEST_XDIST_WORKER" in os.environ:
    # Workers share the cores already: threads of their own would only wait for each other. This
    # must be said before NumPy, FAISS and torch are loaded.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
# What stands in a line must not depend on who runs the tests, and in which window.
os.environ.pop("COLUMNS", None)
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell makes what it runs in the background deaf to Ctrl-C, and so would be all processes
    # that the tests start.
    signal.signal(signal.SIGINT, signal.default_int_handler)

import pytest
from hypothesis import HealthCheck, settings

from retrieval import Library
from retrieval.encoders.fake import fake_model_set
from tests.media_files import COLOURS, TONES_HZ, write_picture, write_tone

pytest.register_assert_rewrite("tests.fresh")

# The same examples in every run, and no limit of time: a suite that fails by chance, or because the
# machine is busy, teaches people to look away. To hunt with other examples: pytest
# --hypothesis-profile=random
settings.register_profile(
    "random", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("same", settings.get_profile("random"), derandomize=True, database=None)
settings.load_profile("same")


@pytest.fixture
def media(tmp_path: Path) -> Path:
    """Three pictures, three tones and three texts, one each for red, green and blue."""
    folder = tmp_path / "media"
    folder.mkdir()
    for name, colour in COLOURS.items():
        write_picture(folder / f"{name}.png", colour)
        (folder / f"{name}.md").write_text(f"something {name}")
    for name, frequency_hz in TONES_HZ.items():
        write_tone(folder / f"{name}.wav", frequency_hz)
    return folder


@pytest.fixture(scope="session")
def empty_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty library of the model set `fake`, made once: most of making one is waiting."""
    path = tmp_path_factory.mktemp("empty") / "library"
    Library.open(path, models=fake_model_set()).close()
    return path


@pytest.fixture
def library(tmp_path: Path, empty_library: Path) -> Iterator[Library]:
    """An empty library whose vectors a person can compute."""
    shutil.copytree(empty_library, tmp_path / "library")
    with Library.open(tmp_path / "library", models=fake_model_set()) as opened:
        yield opened


@pytest.fixture
def filled(library: Library, media: Path) -> Library:
    """The library with everything in `media`."""
    for path in sorted(media.iterdir()):
        library.add(path)
    return library
