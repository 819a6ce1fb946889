from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from math import nan
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from cli import hits as hits_on_screen
from cli.choices import Form
from cli.hits import BAR_CELLS, bar, json_lines, table, write
from retrieval.records import Fact, Hit, Kind, Modality, Moment, Said, ScoredMoment

PICTURE = Hit(Path("/media/red.png"), Kind.IMAGE, 0.9, 0.4, Moment(Modality.IMAGE, id=3), file_id=1)
SOUND = Hit(
    Path("/media/bell.wav"),
    Kind.AUDIO,
    0.5,
    0.3,
    Moment(Modality.AUDIO, start_s=65.0, end_s=75.0, id=8),
    also=(
        ScoredMoment(Moment(Modality.AUDIO, start_s=70.0, end_s=80.0, id=9), 0.4, 0.2),
        ScoredMoment(Moment(Modality.AUDIO, start_s=0.0, end_s=10.0, id=7), 0.3, 0.2),
        ScoredMoment(Moment(Modality.AUDIO, start_s=80.0, end_s=90.0, id=10), 0.3, 0.2),
    ),
    file_id=2,
)
TEXT = Hit(
    Path("/media/note.txt"),
    Kind.TEXT,
    0.123456789,
    0.1,
    Moment(Modality.TEXT, start_char=5, end_char=30, text="a note\nabout a bell", id=11),
    file_id=3,
)


def shown(hits: Sequence[Hit], width: int = 80, *, narrow: bool = False) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    with console.capture() as captured:
        console.print(table(hits, narrow=narrow))
    return [line.rstrip() for line in captured.get().splitlines()]


def test_a_picture_is_shown_with_rank_bar_score_kind_and_path() -> None:
    assert shown([PICTURE]) == ["1  █████████   0.90  image  /media/red.png"]


def test_a_sound_is_shown_with_its_seconds_and_the_others_in_order_of_time() -> None:
    assert shown([SOUND]) == [
        "1  █████       0.50  audio  /media/bell.wav  1:05–1:15",
        "                            also 0:00–0:10, 1:10–1:30",
    ]


def test_a_video_frame_has_one_time() -> None:
    frame = replace(SOUND, kind=Kind.VIDEO, moment=Moment(Modality.IMAGE, 7.0, 7.0), also=())
    assert shown([frame])[0].endswith("video  /media/bell.wav  0:07")


def test_a_text_is_shown_with_its_passage_on_one_line() -> None:
    assert shown([TEXT]) == [
        "1  █▎          0.12  text  /media/note.txt",
        "                           a note about a bell",
    ]


def test_a_long_passage_is_cut() -> None:
    long = replace(TEXT, moment=replace(TEXT.moment, text="word " * 100))
    passage = shown([long], width=400)[1].strip()
    assert len(passage) == hits_on_screen.PASSAGE_CHARS
    assert passage.endswith("…")


def test_a_missing_file_is_marked() -> None:
    assert shown([replace(PICTURE, missing=True)])[0].endswith("/media/red.png  (missing)")


def test_copies_are_named_until_there_are_too_many() -> None:
    copies = tuple(Path(f"/media/copy {n}.png") for n in range(5))
    assert [line.strip() for line in shown([replace(PICTURE, copies=copies)])[1:]] == [
        "same as /media/copy 0.png",
        "same as /media/copy 1.png",
        "same as /media/copy 2.png",
        "and 2 more copies",
    ]


def test_the_raw_of_a_picture_is_named() -> None:
    lines = shown([replace(PICTURE, twins=(Path("/media/red.cr2"),))])
    assert [line.strip() for line in lines[1:]] == ["with /media/red.cr2"]


def test_a_path_below_the_working_directory_is_shown_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert shown([replace(PICTURE, path=tmp_path / "a" / "b.png")])[0].endswith(
        str(Path("image  a", "b.png"))
    )


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_long_path_is_folded_and_never_cut(width: int) -> None:
    path = Path("/media", *["folder with a long name"] * 8, "picture.png")
    lines = shown([replace(PICTURE, path=path)], width)
    assert all(len(line) <= width for line in lines)
    assert "".join("".join(line[28:] for line in lines).split()) == "".join(str(path).split())


@given(st.text(min_size=1).filter(lambda name: "\0" not in name), st.text(min_size=1))
def test_names_and_passages_cannot_control_the_terminal(name: str, passage: str) -> None:
    hit = replace(TEXT, path=Path("/media", name), moment=replace(TEXT.moment, text=passage))
    printed = "".join(shown([hit], width=2000))
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in printed)


@pytest.mark.parametrize(
    ("score", "expected"),
    [(0, ""), (1, "█" * BAR_CELLS), (0.5, "█████"), (0.01, "▏"), (-1, ""), (7, "█" * BAR_CELLS)],
)
def test_bar(score: float, expected: str) -> None:
    assert bar(score) == expected.ljust(BAR_CELLS)


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_higher_score_never_has_a_shorter_bar(one: float, other: float) -> None:
    def eighths(score: float) -> int:
        return sum("▏▎▍▌▋▊▉█".find(cell) + 1 for cell in bar(score).strip())

    low, high = sorted([one, other])
    assert len(bar(low)) == BAR_CELLS
    assert eighths(low) <= eighths(high)


def test_json_has_the_documented_fields_in_their_order() -> None:
    copies, twins = (Path("/media/copy.wav"),), (Path("/media/bell.cr2"),)
    facts: dict[str, Fact] = {"title": "A bell", "keywords": ["bell"]}
    (line,) = json_lines([replace(SOUND, copies=copies, twins=twins, facts=facts, missing=True)])
    assert list(json.loads(line).items()) == [
        ("rank", 1),
        ("score", 0.5),
        ("cosine", 0.3),
        ("kind", "audio"),
        ("path", "/media/bell.wav"),
        ("start_s", 65.0),
        ("end_s", 75.0),
        ("start_char", None),
        ("end_char", None),
        ("text", None),
        ("moment_id", 8),
        ("file_id", 2),
        ("missing", True),
        ("copies", ["/media/copy.wav"]),
        ("twins", ["/media/bell.cr2"]),
        ("facts", {"title": "A bell", "keywords": ["bell"]}),
        (
            "also",
            [
                {
                    "score": match.score,
                    "cosine": match.cosine,
                    "start_s": match.moment.start_s,
                    "end_s": match.moment.end_s,
                    "start_char": None,
                    "end_char": None,
                    "text": None,
                    "moment_id": match.moment.id,
                }
                for match in SOUND.also
            ],
        ),
        ("said", None),
    ]


def test_json_says_where_words_stand() -> None:
    hit = replace(SOUND, cosine=nan, said=Said("title", "Blue Moon"))
    (line,) = json_lines([hit])
    assert json.loads(line)["said"] == {"place": "title", "text": "Blue Moon"}
    assert json.loads(line)["cosine"] is None


def test_the_table_says_where_words_stand() -> None:
    titled, named = Said("title", "Blue\nMoon"), Said("name", "bell.wav")
    assert any("title: Blue Moon" in line for line in shown([replace(SOUND, said=titled)]))
    assert any("by its name" in line for line in shown([replace(SOUND, said=named)]))


def test_every_field_of_json_is_documented() -> None:
    (line,) = json_lines([PICTURE])
    documented = hits_on_screen.__doc__ or ""
    assert all(field in documented for field in json.loads(line))


def test_ranks_count_from_1_and_scores_are_rounded() -> None:
    lines = [json.loads(line) for line in json_lines([PICTURE, TEXT])]
    assert [line["rank"] for line in lines] == [1, 2]
    assert lines[1]["score"] == 0.123457


@given(st.binary(min_size=1).filter(lambda raw: b"\0" not in raw and b"/" not in raw))
def test_any_path_survives_json(raw: bytes) -> None:
    path = Path("/media", os.fsdecode(raw))
    (line,) = json_lines([replace(PICTURE, path=path)])
    assert line.isascii()
    assert "\n" not in line
    assert os.fsencode(json.loads(line)["path"]) == os.fsencode(path)


def written(
    monkeypatch: pytest.MonkeyPatch, hits: Sequence[Hit], form: Form, *, terminal: bool
) -> bytes:
    """What is written to a stdout that is a terminal, or is not."""
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    monkeypatch.setattr(stdout, "isatty", lambda: terminal)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", stdout)
        write(hits, form)
    assert isinstance(stdout.buffer, io.BytesIO)
    return stdout.buffer.getvalue()


ODD = replace(PICTURE, path=Path("/media", os.fsdecode(b"odd\n\x1b\xff.png")))


def test_paths_for_programs_are_the_bytes_of_the_file_system(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raw = written(monkeypatch, [PICTURE, ODD], Form.PATHS, terminal=False)
    assert raw == b"/media/red.png\n/media/odd\n\x1b\xff.png\n"


def test_paths_for_people_are_harmless(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = written(monkeypatch, [PICTURE, ODD], Form.PATHS, terminal=True)
    assert raw == b"/media/red.png\n/media/odd\\n\\x1b\\xff.png\n"


@pytest.mark.parametrize("terminal", [True, False])
def test_paths_ended_by_zero_are_raw(monkeypatch: pytest.MonkeyPatch, terminal: bool) -> None:
    raw = written(monkeypatch, [PICTURE, ODD], Form.NULL, terminal=terminal)
    assert raw == b"/media/red.png\0/media/odd\n\x1b\xff.png\0"


def test_a_narrow_terminal_has_room_for_the_path() -> None:
    assert shown([PICTURE, TEXT], 32, narrow=True) == [
        "1  0.90  image  /media/red.png",
        "2  0.12  text  /media/note.txt",
        "         a note about a bell",
    ]
