from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.harmless import harmless, one_line, shown_path

file_names = st.binary(min_size=1).map(os.fsdecode)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("plain name.txt", "plain name.txt"),
        ("Größe – 猫 🐈.png", "Größe – 猫 🐈.png"),
        ("two\nlines", r"two\nlines"),
        ("carriage\rreturn\ttab", r"carriage\rreturn\ttab"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x9b31m", r"\x9b31m"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\u2028", r"\u2028"),
        ("bell\x07", r"bell\x07"),
        (os.fsdecode(b"latin \xff\xe4.txt"), r"latin \xff\xe4.txt"),
        ("family 👨\u200d👩\u200d👧.jpg", "family 👨\u200d👩\u200d👧.jpg"),
        ("no-break\u00a0space", "no-break\u00a0space"),
    ],
)
def test_what_could_move_the_cursor_is_escaped_and_nothing_else(name: str, shown: str) -> None:
    assert harmless(name) == shown


@given(file_names | st.text())
def test_nothing_shown_can_control_a_terminal(name: str) -> None:
    shown = harmless(name)
    shown.encode()  # holds no surrogate
    assert len(shown.splitlines()) <= 1
    assert not any(unicodedata.category(c) in {"Cc", "Cs"} for c in shown)
    assert not any(unicodedata.bidirectional(c) in {"LRO", "RLO", "LRE", "RLE"} for c in shown)


@given(st.text())
def test_a_harmless_text_stays_as_it_is(text: str) -> None:
    assert harmless(harmless(text)) == harmless(text)


def test_a_path_below_the_working_directory_is_shown_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert shown_path(tmp_path / "a" / "b.png") == str(Path("a", "b.png"))
    assert shown_path(tmp_path.parent / "b.png") == str(tmp_path.parent / "b.png")


def test_a_path_can_be_shown_when_the_working_directory_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert shown_path(tmp_path / "b.png") == str(tmp_path / "b.png")


def test_a_passage_becomes_one_line() -> None:
    assert (
        one_line("  a passage\nof \t several\r\n\x1b[1mlines ")
        == r"a passage of several \x1b[1mlines"
    )
