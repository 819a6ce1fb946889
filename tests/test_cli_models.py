"""`anyseek models`, against a hub on this machine with small models of the true architectures."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import huggingface_hub.constants
import pytest

from retrieval import bridge_building
from retrieval.caption_bank import caption_bank
from tests.command_line import anyseek
from tests.hub_server import Hub, serve
from tests.media_files import write_picture, write_tone
from tests.model_files import write_small_set

REPOSITORIES = {"open_clip": "timm/ViT-B-32-SigLIP2-256", "clap": "laion/clap-htsat-unfused"}


@pytest.fixture(scope="module")
def stick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder made by `models pull --to`, from a hub on this machine and with a small bank."""
    folder = tmp_path_factory.mktemp("pulled")
    originals = write_small_set(folder / "originals")
    repositories = {
        repository: {p.name: p.read_bytes() for p in sorted((originals / kind).iterdir())}
        for kind, repository in REPOSITORIES.items()
    }
    few = caption_bank()[::200]
    with pytest.MonkeyPatch.context() as patch, serve(Hub(repositories=repositories)) as hub:
        patch.setenv("ANYSEEK_MODELS", str(folder / "models"))
        patch.setattr(bridge_building, "caption_bank", lambda: few)
        patch.setattr(huggingface_hub.constants, "ENDPOINT", hub.url)
        result = anyseek("models", "pull", "--to", folder / "stick", "--precision", "fp32")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"{folder / 'stick'}\n"
    assert ".bridge.safetensors" in result.stderr
    return folder / "stick"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this machine keeps models: nowhere yet."""
    monkeypatch.setenv("ANYSEEK_MODELS", str(tmp_path / "models"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "models"


@pytest.fixture
def pulled(stick: Path, store: Path) -> Path:
    """A set in its place on this machine."""
    return Path(shutil.copytree(stick, store / "clip-clap"))


@pytest.fixture
def unplugged(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def test_list_tells_size_licence_and_whether_a_set_is_here(store: Path) -> None:
    rows = {line.split()[0]: line for line in anyseek("models", "list").stdout.splitlines()}
    assert rows["set"].split() == ["set", "size", "here", "licences"]
    assert "about 2.1 GB  no    Apache-2.0" in rows["clip-clap"]
    assert "MIT, Apache-2.0" in rows["clip-clap-light"]
    assert " yes " in rows["mini"]


def test_info_tells_makers_licences_and_pages(store: Path) -> None:
    text = anyseek("models", "info", "clip-clap").stdout
    assert text.startswith("clip-clap: ")
    assert "not here: anyseek models pull" in text
    assert text.count("licence") == text.count("made by") == 2
    assert "https://huggingface.co/laion/clap-htsat-unfused" in text


def test_the_shipped_set_is_told_of_like_the_others(store: Path) -> None:
    text = anyseek("models", "info", "mini").stdout
    for told in (
        "licence     Apache-2.0",
        "dimensions  128",
        "parameters  1,604,736",
        "trained on",
    ):
        assert told in text
    place = Path(anyseek("models", "path", "mini").stdout.strip())
    assert (place / "weights.safetensors").is_file()
    pulled = anyseek("models", "pull", "mini")
    assert pulled.exit_code == 1
    assert "mini ships inside anyseek" in pulled.stderr


def test_what_the_self_tests_found_is_told(stick: Path) -> None:
    text = anyseek("models", "info", stick).stdout
    assert text.count("query words  without torch (self-test: cosine 1.0000") == 2
    assert text.count("runtime      torch") == 2


def test_a_set_that_is_here_is_told_of(pulled: Path) -> None:
    assert anyseek("models", "path").stdout == f"{pulled}\n"
    assert " yes " in anyseek("models", "list").stdout.splitlines()[1]
    text = anyseek("models", "info").stdout
    assert str(pulled) in text
    told = " ".join(text.split())
    assert "precision fp32" in told
    assert "revision aaaaaaaa" in told


@pytest.mark.usefixtures("unplugged")
def test_a_set_that_is_here_needs_no_network(pulled: Path, tmp_path: Path) -> None:
    media = tmp_path / "media"
    media.mkdir()
    write_picture(media / "red.png", (255, 0, 0))
    write_tone(media / "low.wav", 200.0)
    (media / "note.txt").write_text("a red bell")
    place = ("--library", tmp_path / "library")
    made = anyseek("index", media, "--models", "clip-clap", *place)
    assert made.stdout.startswith("3 added, "), made.stderr
    for query in (["a bell"], ["--file", media / "low.wav"], ["--file", media / "red.png"]):
        found = anyseek("search", *query, "--min", "0", "--paths", *place)
        assert len(found.stdout.splitlines()) == 3, found.stderr


@pytest.mark.usefixtures("unplugged")
def test_a_folder_can_be_carried_to_a_machine_without_network(
    stick: Path, store: Path, tmp_path: Path
) -> None:
    (tmp_path / "note.txt").write_text("a red bell")
    place = ("--models", stick, "--library", tmp_path / "library")
    assert anyseek("index", tmp_path / "note.txt", *place).stdout.startswith("1 added, ")
    assert anyseek("search", "bell", "--min", "0", *place, "--device", "cpu").exit_code == 0
    assert not store.exists(), "nothing was copied"
    again = anyseek("search", "bell", "--min", "0", "--library", tmp_path / "library")
    assert again.exit_code == 0, "the library knows the folder"


def test_bridges_can_be_fitted_anew(pulled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = caption_bank()[::200]
    monkeypatch.setattr(bridge_building, "caption_bank", lambda: few)
    (bridge,) = pulled.glob("*.bridge.safetensors")
    bridge.unlink()
    result = anyseek("models", "fit-bridge", "--device", "cpu")
    assert (result.exit_code, result.stdout) == (0, "")
    assert f"Fitted {bridge.relative_to(Path.cwd())}\n" in result.stderr
    assert bridge.exists()


def test_a_set_that_needs_no_fitting_says_so(store: Path) -> None:
    result = anyseek("models", "fit-bridge", "nonesuch")
    assert result.exit_code == 1
    assert result.stderr.startswith("anyseek: There is no model set named 'nonesuch'")


def test_without_models_and_network_there_is_one_clear_message(store: Path, tmp_path: Path) -> None:
    result = anyseek("index", tmp_path, "--models", "clip-clap", "--library", tmp_path / "new")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "anyseek: The models of clip-clap are not on this machine. Get them with 'anyseek models "
        "pull clip-clap'; without a network here, run 'anyseek models pull clip-clap --to DIR' "
        "elsewhere, carry DIR over and use --models DIR. For a try without any download use "
        "--models mini.\n"
    )


def test_the_path_of_a_set_that_is_not_here(store: Path) -> None:
    result = anyseek("models", "path", "clip-clap-light")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "anyseek models pull clip-clap-light" in result.stderr


def test_a_group_needs_a_command() -> None:
    result = anyseek("models")
    assert result.exit_code == 2
    assert result.stderr == "anyseek: Missing command. See: anyseek models --help\n"
