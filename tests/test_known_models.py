"""A library finds the models that it was made with, wherever they are, and says when it cannot."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from retrieval import Library
from retrieval.encoders.fake import fake_model_set
from retrieval.errors import ModelError, ModelMismatch
from retrieval.known_models import FOLDER
from tests.command_line import anyseek
from tests.model_files import write_small_set


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set with a name under which nothing can be pulled."""
    return write_small_set(tmp_path_factory.mktemp("set") / "small", name="of a friend")


@pytest.fixture
def models(small: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small, tmp_path / "models"))


@pytest.fixture
def made(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library made with a folder of models, named as one stands beside it."""
    monkeypatch.chdir(models.parent)
    monkeypatch.setenv("ANYSEEK_MODELS", str(tmp_path / "pulled"))
    Library.open(tmp_path / "lib", models=models.name).close()
    return tmp_path / "lib"


def other_weights(folder: Path) -> None:
    """The same files of the same sizes, one with another content."""
    file = folder / "open_clip" / "open_clip_model.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


def test_search_needs_no_models_that_index_was_given(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "dog.txt").write_text("a dog that barks at the sea\n")
    library = str(tmp_path / "lib")
    notes = str(tmp_path / "notes")
    assert anyseek("index", notes, "--library", library, "--models", str(models)).exit_code == 0
    monkeypatch.chdir(tmp_path / "notes")
    for device in ([], ["--device", "cpu"]):
        found = anyseek("search", "dog", "--paths", "--min", "0", "--library", library, *device)
        assert found.exit_code == 0, found.stderr
        assert found.stdout.strip().endswith("dog.txt")


def test_a_folder_that_moved_is_named_once(made: Path, models: Path, tmp_path: Path) -> None:
    moved = models.rename(tmp_path / "moved")
    with Library.open(made) as library, pytest.raises(ModelError) as caught:
        library.space  # noqa: B018
    assert f"were in {models}, where there are none now" in str(caught.value)
    assert "--models FOLDER" in str(caught.value)
    with Library.open(made, models=str(moved)) as library:
        assert library.space.model_set.name == "of a friend"
        # Who only reads writes nothing down.
        assert library.catalog.facts()[FOLDER] == str(models)
        library.refresh()
    with Library.open(made) as library:
        assert library.space.model_set.folder == moved


def test_a_set_that_was_pulled_meanwhile_is_as_good(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANYSEEK_MODELS", str(tmp_path / "pulled"))
    carried = write_small_set(tmp_path / "carried", name="clip-clap")
    Library.open(tmp_path / "lib", models=str(carried)).close()
    pulled = shutil.move(carried, tmp_path / "pulled" / "clip-clap")
    with Library.open(tmp_path / "lib") as library:
        assert library.space.model_set.folder == Path(pulled)
    other_weights(Path(pulled))
    with Library.open(tmp_path / "lib") as library, pytest.raises(ModelMismatch) as caught:
        library.space  # noqa: B018
    assert f"from {carried}" in str(caught.value) or f"in {carried}" in str(caught.value)
    assert f"in {pulled}" in str(caught.value)


def test_other_weights_in_the_folder_are_refused(made: Path, models: Path) -> None:
    with Library.open(made) as library:
        assert library.space.model_set.folder == models
    other_weights(models)
    with Library.open(made) as library, pytest.raises(ModelMismatch) as caught:
        library.space  # noqa: B018
    assert str(caught.value).startswith(f"{models} holds model set of a friend (")
    assert "--models" in str(caught.value)


def test_a_damaged_folder_says_what_is_damaged(made: Path, models: Path) -> None:
    (models / "clap" / "model.safetensors").unlink()
    with (
        Library.open(made) as library,
        pytest.raises(ModelError, match=r"model\.safetensors is missing or has another size"),
    ):
        library.space  # noqa: B018


def test_a_set_without_a_folder_of_its_own_leaves_no_trace(tmp_path: Path) -> None:
    with Library.open(tmp_path / "lib", models=fake_model_set()) as library:
        library.refresh()
        assert FOLDER not in library.catalog.facts()
