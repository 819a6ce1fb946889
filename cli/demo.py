"""`anyseek demo`: a folder of drawn pictures, synthesised sounds and notes, and nine questions."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .amounts import counted
from .harmless import shown_path
from .index import run
from .paths import typed_path
from .terminal import say, show

if TYPE_CHECKING:
    from rich.table import Table

    from retrieval.encoders.mini.world.folder import Entry
    from retrieval.library import Library
    from retrieval.records import Hit

THINGS = ("pictures", "sounds", "texts")
QUESTIONS, LIBRARY = "questions", "library"
"""What the folder holds: what is indexed, files to ask with that are not, and the library."""

NAMES = {"text": "words", "image": "picture", "audio": "sound"}

DIRECTIONS = (
    ("text", "text", "dog", "a puppy that barks"),
    ("text", "image", "clock", "clocks on a wall"),
    ("text", "audio", "thunder", "a rumble of thunder"),
    ("image", "text", "cat", None),
    ("image", "image", "bell", None),
    ("image", "audio", "train", None),
    ("audio", "text", "rooster", None),
    ("audio", "image", "drum", None),
    ("audio", "audio", "rain", None),
)
"""What is asked with, what is looked for, which concept is meant, and the words if these ask."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One question with the best answer to it."""

    asked: str
    """Words or the path of a file."""
    direction: tuple[str, str]
    hit: "Hit | None"
    right: bool


def demo(
    folder: Annotated[
        Path,
        typer.Argument(
            parser=typed_path, metavar="DIR", help="A new folder, or that of an earlier demo."
        ),
    ] = Path("anyseek-demo"),
) -> None:
    """See it work: make a small folder, index it, ask nine questions.

    Everything is drawn and synthesised here; nothing is downloaded. Words, pictures and sounds
    each ask for words, for pictures and for sounds. Questions are asked with pictures and sounds
    that are not in the library.

    For example: anyseek demo ~/anyseek-demo
    """
    from retrieval.library import Library

    _check(folder)
    say(f"Drawing pictures, playing sounds and writing notes into {shown_path(folder)} ...")
    things = _write(folder, seed=1)
    questions = _write(folder / QUESTIONS, seed=2, only_asked=True)
    say(f"Indexing {counted(len(things), 'file')} ...")
    with Library.open(folder / LIBRARY, models="mini") as library:
        run(library, [folder / name for name in THINGS])
        answers = list(_ask(library, things, questions))
    say("")
    show(_table(answers))
    say("")
    _say_what_next(folder, answers)


def _check(folder: Path) -> None:
    """Refuse a folder with anything in it that is not from an earlier demo."""
    from retrieval.errors import SearchError

    known = {*THINGS, QUESTIONS, LIBRARY}
    if folder.is_dir() and not {path.name for path in folder.iterdir()} <= known:
        raise SearchError(f"{folder} holds other things. Name a new folder: anyseek demo NEW_DIR")


def _write(folder: Path, seed: int, *, only_asked: bool = False) -> "list[Entry]":
    from retrieval.encoders.mini.world.folder import write_folder
    from retrieval.errors import SearchError
    from retrieval.records import Kind

    try:
        if not only_asked:
            return write_folder(folder, seed)
        return [
            entry
            for asked, _, concept, words in DIRECTIONS
            if words is None
            for entry in write_folder(folder, seed, concepts=[concept], kinds=[Kind(asked)])
        ]
    except OSError as error:
        raise SearchError(f"Cannot write to {folder}: {error.strerror}.") from error


def _ask(library: "Library", things: "list[Entry]", questions: "list[Entry]") -> Iterator[Answer]:
    concepts = {entry.path.resolve(): entry.concept for entry in things}
    files = iter(questions)
    for asked, wanted, concept, words in DIRECTIONS:
        subject = words or next(files).path
        hit = next(iter(library.search(subject, k=1, kinds=[wanted])), None)
        right = hit is not None and concepts.get(hit.path.resolve()) == concept
        yield Answer(words or shown_path(Path(subject)), (asked, wanted), hit, right)


def _table(answers: list[Answer]) -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    table.add_column("asked with")
    table.add_column("looking for", style="cyan", no_wrap=True)
    table.add_column("best answer")
    table.add_column("", no_wrap=True)
    for answer in answers:
        asked, wanted = answer.direction
        question = f"“{answer.asked}”" if asked == "text" else Path(answer.asked).name
        mark = Text("right", style="green") if answer.right else Text("wrong", style="red")
        found = Path(shown_path(answer.hit.path)).name if answer.hit else "nothing"
        table.add_row(f"{NAMES[asked]} {question}", NAMES[wanted], found, mark)
    return table


def _say_what_next(folder: Path, answers: list[Answer]) -> None:
    from shlex import quote

    right = sum(answer.right for answer in answers)
    sound = next(a for a in answers if a.direction == ("audio", "image")).asked
    library = f"--library {quote(str(folder / LIBRARY))}"
    say(
        f"{right} of {len(answers)} right. The folder is {folder}: look at the pictures, listen to "
        "the sounds.\n\nTry next:\n"
        f'  anyseek search "two red clocks" {library}\n'
        f"  anyseek search --file {quote(sound)} --in image {library}\n"
        f"  anyseek search dog --not barking {library}\n\n"
        "Then your own files, with models that know real photographs and recordings:\n"
        "  anyseek models pull\n"
        "  anyseek index ~/Pictures ~/Music ~/Documents\n"
        '  anyseek search "words for what you look for"'
    )
