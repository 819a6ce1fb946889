"""Words as they are written: beside the vectors, alone, or not."""

from __future__ import annotations

import json
from math import isnan
from pathlib import Path

import numpy as np
import pytest
import soundfile

from indexer import index
from retrieval import Library, Query
from retrieval.catalog.wording import Wording
from retrieval.catalog.words import Found, Place
from retrieval.encoders.fake import fake_model_set
from retrieval.encoders.model_set import BUILT_IN
from retrieval.errors import QueryError
from retrieval.records import Said
from retrieval.word_evidence import WordEvidence
from tests.command_line import anyseek
from tests.media_files import COLOURS, write_picture
from tests.xmp_packets import packet


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with telling names, and a library of it."""
    place = tmp_path_factory.mktemp("words")
    media = place / "photos"
    for folder in ("holiday", "work"):
        (media / folder).mkdir(parents=True)
    for name, colour in (
        ("holiday/IMG_2041.png", "red"),
        ("holiday/IMG_2042.png", "green"),
        ("work/blue.png", "red"),
        ("work/beach-sunset.png", "blue"),
    ):
        write_picture(media / name, COLOURS[colour])
    (media / "work" / "notes.txt").write_text("something red. To be or not to be.")
    (media / "work" / "green.txt").write_text("something blue")
    soundfile.write(media / "holiday" / "silence.wav", np.zeros(16000), 16000)
    with Library.open(place / "library", models=fake_model_set()) as library:
        index(library, media)
    return place


@pytest.fixture
def library(place: Path) -> Library:
    return Library.open(place / "library", models=fake_model_set())


def names(library: Library, query: str | Query, **options: object) -> list[str]:
    return [hit.path.name for hit in library.search(query, **options)]  # type: ignore[arg-type]


@pytest.mark.parametrize("words", ["also", "only"])
@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("IMG_2041", "IMG_2041.png"),
        ("img2042", "IMG_2042.png"),
        ("beachsunset", "beach-sunset.png"),
        ("sunse", "beach-sunset.png"),
        ('"not to be"', "notes.txt"),
    ],
)
def test_what_is_called_so_comes_first(
    library: Library, typed: str, first: str, words: str
) -> None:
    kind = "text" if first.endswith("txt") else "image"  # all odd words are alike to the encoder
    assert names(library, typed, words=words, kinds=[kind])[0] == first


def test_without_words_names_do_not_count(library: Library) -> None:
    hit = library.search("IMG_2041 red", words="no", k=1)[0]
    assert hit.said is None
    assert {h.said for h in library.search("notes", words="no")} == {None}


def test_what_says_nothing_keeps_its_score(library: Library) -> None:
    with_words = {h.path: h for h in library.search("red", k=100)}
    without = {h.path: h for h in library.search("red", k=100, words="no")}
    for path, hit in without.items():
        if with_words[path].said is None:
            assert with_words[path].score == hit.score
        else:
            assert with_words[path].score >= hit.score


def test_what_is_meant_stands_before_what_is_called_so(library: Library) -> None:
    found = [hit.path.name for hit in library.search("blue", k=10)]
    assert {"beach-sunset.png", "green.txt"} == set(found[:2])
    assert found[2:].count("blue.png") == 1


def test_a_hit_says_where_the_words_stand(library: Library) -> None:
    by_name, by_folder, by_text = (
        library.search(typed, k=1, words="only")[0] for typed in ("2041", "holiday", "to be or not")
    )
    assert by_name.said
    assert (by_name.said.place, by_name.said.text) == ("name", "IMG_2041.png")
    assert by_folder.said
    assert (by_folder.said.place, by_folder.said.text) == ("folder", "photos/holiday")
    assert by_text.said
    assert by_text.said.place == "text"
    assert "to be or not" in by_text.said.text.lower()
    assert isnan(by_name.cosine)


def test_quotes_must_be_kept(library: Library) -> None:
    assert names(library, 'red "not to be"') == ["notes.txt"]
    assert names(library, '"be not to"') == []
    assert names(library, '"be not to"', words="only") == []
    assert len(names(library, '"be not to"', words="no")) > 1


def test_a_silent_recording_is_found_by_its_name(library: Library) -> None:
    for words in ("also", "only"):
        hit = library.search("silence", k=1, words=words, kinds=["audio"])[0]
        assert hit.path.name == "silence.wav"
        assert hit.moment.id is None
        assert isnan(hit.cosine)


def test_filters_hold_for_words_too(library: Library, place: Path) -> None:
    holiday = place / "photos" / "holiday"
    for words in ("also", "only"):
        found = names(library, "IMG", under=holiday, kinds=["image"], words=words)
        assert set(found) == {"IMG_2041.png", "IMG_2042.png"}
        assert "silence.wav" not in found
        assert names(library, "IMG", where="name ~ 2042", words=words) == ["IMG_2042.png"]
        assert "IMG_2041.png" not in names(
            library, "2041", under=place / "photos/work", words=words
        )


def test_unwanted_words_leave_out_what_says_them(library: Library) -> None:
    assert names(library, "IMG", words="only", without=["2041"]) == ["IMG_2042.png"]
    scores = {h.path.name: h.score for h in library.search("IMG", without=["2041"], k=100)}
    before = {h.path.name: h.score for h in library.search("IMG", k=100)}
    assert scores["IMG_2041.png"] < before["IMG_2041.png"]


def test_either_of_two_words(library: Library) -> None:
    found = names(library, Query("2041") | Query("sunset"), words="only")
    assert set(found) == {"IMG_2041.png", "beach-sunset.png"}
    assert names(library, Query("IMG") + Query("2041"), words="only")[0] == "IMG_2041.png"


def test_words_speak_for_their_own_term(library: Library, place: Path) -> None:
    """A picture that is wanted too is not outvoted by a name."""
    red = Query(place / "photos" / "holiday" / "IMG_2041.png")
    found = library.search(red + Query("IMG_2042"), kinds=["image"])
    assert {hit.path.name for hit in found[:2]} == {"IMG_2041.png", "IMG_2042.png"} or (
        found[0].path.name in {"IMG_2041.png", "blue.png"}
    )


def test_copies_of_which_one_is_called_so(tmp_path: Path) -> None:
    media = tmp_path / "media"
    media.mkdir()
    for name in ("a.png", "IMG_2041.png"):
        write_picture(media / name, COLOURS["red"])
    (media / "a.png").write_bytes((media / "IMG_2041.png").read_bytes())
    with Library.open(tmp_path / "library", models=fake_model_set()) as library:
        index(library, media)
        (hit,) = library.search("IMG_2041")
        assert hit.path.name == "IMG_2041.png"
        assert [path.name for path in hit.copies] == ["a.png"]


def test_only_words_can_be_looked_up_as_words(library: Library, place: Path) -> None:
    with pytest.raises(QueryError, match="Only words"):
        library.search(place / "photos" / "work" / "blue.png", words="only")
    with pytest.raises(QueryError, match="at least one hit"):
        library.search("red", words="only", k=0)
    assert library.search("?!", words="only") == []


def test_words_only_needs_no_model(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANYSEEK_LIBRARY", str(place / "library"))
    monkeypatch.delitem(BUILT_IN, "fake", raising=False)
    result = anyseek("search", "--words-only", "IMG_2041", "--json")
    assert result.exit_code == 0, result.stderr
    (line,) = result.stdout.splitlines()
    hit = json.loads(line)
    assert hit["said"] == {"place": "name", "text": "IMG_2041.png"}
    assert hit["cosine"] is None


def test_the_two_options_exclude_each_other(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANYSEEK_LIBRARY", str(place / "library"))
    result = anyseek("search", "--words-only", "--no-words", "red")
    assert result.exit_code == 2
    assert "exclude each other" in result.stderr


def test_what_a_sidecar_states_is_found(tmp_path: Path) -> None:
    media = tmp_path / "media"
    media.mkdir()
    write_picture(media / "a.jpg", COLOURS["red"])
    write_picture(media / "b.jpg", COLOURS["blue"])
    sidecar = media / "a.xmp"
    sidecar.write_text(packet("Evening at Biarritz", keyword="Surfing"))
    with Library.open(tmp_path / "library", models=fake_model_set()) as library:
        index(library, media)
        for typed, place in (("biarritz", "title"), ("surfing", "keywords")):
            (hit,) = library.search(typed, words="only")
            assert hit.path.name == "a.jpg"
            assert hit.said
            assert hit.said.place == place
        (media / "a.jpg").rename(media / "c.jpg")
        sidecar.rename(media / "c.xmp")
        index(library, media)
        assert names(library, "biarritz", words="only") == ["c.jpg"]
        (media / "c.xmp").unlink()
        index(library, media)
        assert names(library, "biarritz", words="only") == []
        assert library.verify() == []


def evidence_of(typed: str, *vectors: float) -> list[float]:
    """Evidence of moments of which the first is called what was typed, among others."""
    place = Place((1.0,), Said("name", typed), 1.0, file_id=1)
    found = Found(Wording.of(typed).words, (1.0,), 3.0, {1: place})
    contents = np.arange(1, len(vectors) + 1)
    total = WordEvidence(found).added(np.array(vectors), contents, contents, 5.0).tolist()
    return [float(one) for one in total]


def test_a_meaning_that_is_sure_makes_names_doubtful() -> None:
    lying, *others = evidence_of("dog", -8.0, 10.0, 2.0)
    assert others == [10.0, 2.0]
    assert lying < 10.0
    called, *_ = evidence_of("dog", -8.0, 3.0, 2.0)
    assert called > max(5.0, lying)


def test_a_number_is_not_doubted() -> None:
    assert evidence_of("IMG_2041", -8.0, 10.0)[0] > evidence_of("dog", -8.0, 3.0)[0]


def test_what_is_meant_and_called_so_has_more_than_either() -> None:
    both = evidence_of("dog", 10.0, 10.0)
    assert both[0] > both[1]
