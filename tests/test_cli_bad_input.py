"""What a person sees when something is wrong: the exact words and the exit code."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from cli.progress import Display
from retrieval.encoders.model_set import BUILT_IN
from tests.command_line import anyseek
from tests.media_files import write_picture

NOTHING = "0 added, 0 updated, 0 moved, 0 missing, 0 failed"
ONE_FAILED = "0 added, 0 updated, 0 moved, 0 missing, 1 failed"
ONE_ADDED = "1 added, 0 updated, 0 moved, 0 missing, 0 failed"
SEE_FAILURES = "anyseek: To see why files failed: anyseek failures\n"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BUILT_IN, "fake", "retrieval.encoders.fake:fake_model_set")
    monkeypatch.setenv("ANYSEEK_LIBRARY", str(tmp_path / "library"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "folder"
    made.mkdir()
    return made


def index(folder: Path) -> tuple[int, str, str]:
    """Exit code, the summary without its seconds, and what stands on stderr."""
    result = anyseek("index", folder, "--models", "fake")
    return result.exit_code, re.sub(r" in \d+\.\d s\n$", "", result.stdout), result.stderr


def reason_of_the_only_failure() -> str:
    _, reason = anyseek("failures").stdout.splitlines()
    return str(reason).strip()


def found(*arguments: str) -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for line in anyseek("search", *arguments, "--min", "0", "--json").stdout.splitlines()
    ]


def test_an_empty_folder(folder: Path) -> None:
    assert index(folder) == (
        0,
        NOTHING,
        f"anyseek: {folder.name} is empty, not mounted or not to be read; what the library knows "
        "of it is kept.\n",
    )


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    assert index(tmp_path / "nowhere") == (
        1,
        "",
        f"anyseek: Cannot index {tmp_path / 'nowhere'}: No such file or directory. Check the path "
        "and whether its disk is mounted.\n",
    )


def test_no_library_is_made_for_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    for command in ("index", "watch"):
        assert anyseek(command, tmp_path / "nowhere", "--models", "fake").exit_code == 1
    assert not (tmp_path / "library").exists()


def test_a_name_in_a_message_keeps_its_spaces(tmp_path: Path) -> None:
    result = anyseek("status", "--library", "odd  name")
    assert "There is no library at odd  name." in result.stderr


def test_a_file_that_is_named_like_an_option(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "a.txt").write_text("red")
    index(folder)
    write_picture(Path("-dash.png"), (255, 0, 0))
    monkeypatch.setattr("sys.argv", ["anyseek", "similar", "-dash.png"])
    result = anyseek("similar", "-dash.png")
    assert result.exit_code == 2
    assert result.stderr == (
        "anyseek: No such option: -d. If the file is meant, write ./-dash.png instead. "
        "See: anyseek similar --help\n"
    )
    assert anyseek("similar", "./-dash.png").exit_code == 0


def test_an_empty_file(folder: Path) -> None:
    (folder / "empty.png").touch()
    assert index(folder) == (0, ONE_FAILED, SEE_FAILURES)
    assert anyseek("failures").stdout == "folder/empty.png\n    the file is empty\n"


def test_a_truncated_png(folder: Path) -> None:
    whole = write_picture(folder / "cut.png", (255, 0, 0)).read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    assert index(folder) == (0, ONE_FAILED, SEE_FAILURES)
    assert reason_of_the_only_failure() == (
        "the PNG picture cannot be decoded: image file is truncated"
    )


def test_a_bad_file_costs_no_other(folder: Path) -> None:
    (folder / "a.png").write_bytes(b"\x89PNG\r\n\x1a\nand then nothing of the kind")
    write_picture(folder / "b.png", (255, 0, 0))
    code, summary, _ = index(folder)
    assert (code, summary) == (0, "1 added, 0 updated, 0 moved, 0 missing, 1 failed")
    assert [Path(hit["path"]).name for hit in found("red")] == ["b.png"]


def test_a_text_in_latin_1(folder: Path) -> None:
    words = "Größere Vögel hören die rote Glocke über den Dächern, red red red."
    (folder / "old.txt").write_bytes(words.encode("latin-1"))
    assert index(folder) == (0, ONE_ADDED, "")
    assert [hit["text"] for hit in found("red")] == [words]


def test_a_file_that_vanishes_between_scan_and_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_picture(folder / "stays.png", (255, 0, 0))
    goes = write_picture(folder / "goes.png", (0, 255, 0))
    show = Display.show

    def show_and_delete(display: Display, progress: Any) -> None:
        if progress.stage == "scan":  # said when the walk has seen the files
            goes.unlink()
        show(display, progress)

    monkeypatch.setattr(Display, "show", show_and_delete)
    assert index(folder) == (
        0,
        f"{ONE_ADDED}, 1 unsettled",
        "anyseek: 1 file changed while being read: index again.\n",
    )
    assert [Path(hit["path"]).name for hit in found("red")] == ["stays.png"]


@pytest.mark.skipif(os.name != "posix", reason="file names are bytes on POSIX alone")
def test_a_file_name_that_is_not_utf_8(folder: Path) -> None:
    raw = os.fsencode(folder) + b"/caf\xe9.txt"
    try:
        Path(os.fsdecode(raw)).write_text("red")
    except OSError as error:
        pytest.skip(f"this file system takes no such name: {error}")
    assert index(folder) == (0, ONE_ADDED, "")
    shown = anyseek("search", "red")
    assert shown.exit_code == 0
    assert "text  folder/caf\\xe9.txt\n" in shown.stdout
    assert os.fsencode(found("red")[0]["path"]) == raw
    assert anyseek("search", "red", "-0").stdout_bytes == raw + b"\0"
    assert anyseek("search", "red", "--paths").stdout_bytes == raw + b"\n"


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such names")
def test_a_name_with_a_newline_quotes_and_an_escape_sequence(folder: Path) -> None:
    name = "two\nlines \"and\" 'quotes' \x1b[31m $(x).txt"
    (folder / name).write_text("red")
    assert index(folder) == (0, ONE_ADDED, "")
    shown = anyseek("search", "red").stdout
    assert "folder/two\\nlines \"and\" 'quotes' \\x1b[31m $(x).txt\n" in shown
    assert "\x1b" not in shown
    assert found("red")[0]["path"] == str(folder / name)
    assert anyseek("search", "red", "-0").stdout_bytes == os.fsencode(folder / name) + b"\0"


def test_no_permission(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_picture(folder / "secret.png", (255, 0, 0))
    really_open = os.open

    def refuse(path: Any, *args: Any, **kwargs: Any) -> int:
        if str(path).endswith("secret.png"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return really_open(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", refuse)
    assert index(folder) == (0, ONE_FAILED, SEE_FAILURES)
    assert reason_of_the_only_failure() == "the file cannot be read: Permission denied"


def test_k_is_0(folder: Path) -> None:
    (folder / "a.txt").write_text("red")
    index(folder)
    for command in (["search", "red"], ["similar", "folder/a.txt"]):
        result = anyseek(*command, "-k", "0")
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr == (
            "anyseek: Invalid value for '-k': ask for at least one hit. "
            f"See: anyseek {command[0]} --help\n"
        )
    assert anyseek("search", "red", "-k", str(10**30)).exit_code == 0


def test_a_query_file_that_is_no_media(folder: Path) -> None:
    (folder / "a.txt").write_text("red")
    index(folder)
    noise = folder.parent / "noise.bin"
    noise.write_bytes(bytes(range(256)) * 8)
    result = anyseek("search", "--file", noise)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"anyseek: Cannot search with {noise}: nothing in the file says text, picture, sound or "
        "video\n"
    )


def test_a_query_file_that_does_not_exist(folder: Path) -> None:
    (folder / "a.txt").write_text("red")
    index(folder)
    result = anyseek("search", "--file", "nowhere.png")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "anyseek: Cannot read nowhere.png: No such file or directory.\n"


def test_a_query_file_that_is_a_bomb(folder: Path) -> None:
    (folder / "a.txt").write_text("red")
    index(folder)
    bomb = folder.parent / "bomb.png"
    Image.new("1", (20_000, 20_000)).save(bomb)
    result = anyseek("search", "--file", bomb)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"anyseek: Cannot search with {bomb}: the picture claims 20000 x 20000 pixels, more than "
        "the limit of 178 million\n"
    )


@pytest.mark.parametrize("arguments", [[], [""], ["  \n "], ["", " "]])
def test_an_empty_query(folder: Path, arguments: list[str]) -> None:
    (folder / "a.txt").write_text("red")
    index(folder)
    result = anyseek("search", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "anyseek: The query is empty: give some words, or a file with --file. "
        "See: anyseek search --help\n"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["search", "red", "--min", "1.5"], "a score is between 0 and 1"),
        (["search", "red", "--min", "nan"], "a score is between 0 and 1"),
        (["search", "red", "--in", "picture"], "'--in': 'picture' is not one of 'text', 'image'"),
        (["search", "red", "--where", "colour = 1"], "Cannot read the filter at character 1"),
        (["search", "red", "--not", " "], "--not is empty"),
        (["search", "red", "--words-only", "--file", "x.png"], "leave out --file"),
        (["search", "red", "--words-only", "--no-words"], "exclude each other"),
        (["search", "red", "--json", "--paths"], "exclude each other"),
        (["search", "red", "--file", "x.png:0"], "a weight is above 0"),
        (["search", "red", "--since", "soon"], "'soon' is no date"),
        (["search", "red", "--under", ""], "the path is empty"),
        (["similar"], "Similar to what?"),
        (["label", "folder/a.txt", "--as", "red"], "at least two labels"),
        (["label", "folder/a.txt", "--as", "red", "--as", ""], "at least two labels"),
        (["explain", "folder/a.txt"], "The query is empty"),
        (["duplicates", "--near", "7"], "a cosine of near files is above 0, and 1 at most"),
        (["export", "moments.csv"], "moments.csv says no format: name it *.npz or *.parquet"),
        (["prune", "--older-than", "3"], "'3' is no span of time"),
        (["index", ""], "the path is empty"),
        (["index", "folder", "--recall", "2"], "'2' is no share between 0.5 and 1"),
        (["forget", ""], "the path is empty"),
        (["forget"], "Missing argument 'PATH'"),
        (["roots", "move", "folder", ""], "the path is empty"),
        (["roots", "--nosuch"], "No such option: --nosuch"),
        (["serch"], "Did you mean 'search'?"),
    ],
)
def test_wrong_usage(folder: Path, arguments: list[str], said: str) -> None:
    """Whatever the library holds, such a command makes no sense: one line, and exit code 2."""
    (folder / "a.txt").write_text("red")
    index(folder)
    result = anyseek(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert "Value error" not in result.stderr
    assert result.stderr.startswith("anyseek: ")
    assert result.stderr.endswith(" --help\n")
    assert result.stderr.count("\n") == 1


def test_an_option_before_the_command(folder: Path) -> None:
    result = anyseek("--library", "somewhere", "search", "red")
    assert result.exit_code == 2
    assert result.stderr == (
        "anyseek: No such option: --library. It belongs after the command, as in: anyseek COMMAND "
        "... --library ... See: anyseek --help\n"
    )


def test_a_folder_to_search_in_that_the_library_does_not_know(folder: Path) -> None:
    (folder / "a.txt").write_text("red")
    index(folder)
    result = anyseek("search", "red", "--under", "nowhere")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "anyseek: The library knows nothing at nowhere. See what it knows: anyseek roots\n"
    )
    nothing = anyseek("search", "red", "--under", folder, "--in", "audio")
    assert nothing.exit_code == 1
    assert nothing.stderr == "anyseek: Nothing here matches.\n"


def test_a_library_that_is_deleted_while_it_is_filled(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.txt").write_text("red")
    show = Display.show

    def show_and_delete(display: Display, progress: Any) -> None:
        if progress.stage == "read":
            shutil.rmtree(tmp_path / "library", ignore_errors=True)
        show(display, progress)

    monkeypatch.setattr(Display, "show", show_and_delete)
    code, told, said = index(folder)
    assert (code, told) == (1, "")
    assert said == (
        f"anyseek: {tmp_path / 'library/catalog.db'} was deleted or replaced while it was in use. "
        "What was found out since cannot be kept; run the command again.\n"
    )
    monkeypatch.undo()


def test_no_library_yet(tmp_path: Path) -> None:
    for command in (["search", "red"], ["status"], ["failures"], ["roots"], ["verify"], ["index"]):
        result = anyseek(*command)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == (
            f"anyseek: There is no library at {tmp_path / 'library'}. Make one with: "
            "anyseek index FOLDER\n"
        )


def test_a_model_set_that_does_not_exist(folder: Path) -> None:
    result = anyseek("index", folder, "--models", "nonesuch")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("anyseek: There is no model set named 'nonesuch'")


def test_a_library_place_that_holds_other_things(folder: Path) -> None:
    (folder / "a.txt").write_text("red")
    result = anyseek("index", folder, "--models", "fake", "--library", folder)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"anyseek: {folder} holds other things and no library. Name a folder that is new or "
        "empty.\n"
    )


def test_a_damaged_catalog(tmp_path: Path, folder: Path) -> None:
    (folder / "a.txt").write_text("red")
    index(folder)
    (tmp_path / "library" / "catalog.db").write_bytes(b"this is no database" * 100)
    for side in ("-wal", "-shm"):
        (tmp_path / "library" / f"catalog.db{side}").unlink(missing_ok=True)
    result = anyseek("search", "red")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("anyseek: ")
    assert result.stderr.count("\n") == 1
