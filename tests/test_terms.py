"""Terms become vectors: words, files, moments and vectors, each in every space it has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from retrieval import Library, Modality
from retrieval.errors import QueryError
from retrieval.query import Subject, Term
from retrieval.terms import EmbeddedTerm, embed_term
from tests.media_files import write_tone
from tests.pair_models import pair_model_set


@pytest.fixture
def pair(tmp_path: Path, media: Path) -> Library:
    library = Library.open(tmp_path / "pair", models=pair_model_set(None))
    for path in sorted(media.iterdir()):
        library.add(path)
    return library


def embed(library: Library, subject: Subject, weight: float = 1.0) -> EmbeddedTerm:
    return embed_term(Term(subject, weight), library.space, library.catalog)


def test_words_fill_every_space(pair: Library) -> None:
    term = embed(pair, "red", -0.5)
    assert term.weight == -0.5
    assert set(term.blocks) == {Modality.TEXT}
    for row in term.blocks[Modality.TEXT].values():
        np.testing.assert_array_equal(row, [1, 0, 0, 0])


def test_a_file_fills_its_own(pair: Library, media: Path) -> None:
    assert set(embed(pair, media / "red.png").blocks[Modality.IMAGE]) == {"seen"}
    assert set(embed(pair, media / "low.wav").blocks[Modality.AUDIO]) == {"heard"}


def test_a_long_sound_counts_by_its_mean(pair: Library, tmp_path: Path) -> None:
    sound = write_tone(tmp_path / "long.wav", 1000.0, seconds=7)
    row = embed(pair, sound).blocks[Modality.AUDIO]["heard"]
    assert row[1] > 0.99


def test_a_moment_is_what_was_stored(pair: Library) -> None:
    moment = pair.search("red", kinds=["image"], k=1)[0].moment.id
    assert moment is not None
    row = embed(pair, moment).blocks[Modality.IMAGE]["seen"]
    np.testing.assert_array_equal(row, pair.catalog.vectors.get("seen", [moment])[1][0])


def test_a_vector_is_split_by_space(pair: Library) -> None:
    joint = np.array([0, 2, 0, 0, 3, 0, 0, 0], np.float32)
    blocks = embed(pair, joint).blocks[Modality.TEXT]
    np.testing.assert_array_equal(blocks["heard"], [0, 1, 0, 0])
    np.testing.assert_array_equal(blocks["seen"], [1, 0, 0, 0])


@pytest.mark.parametrize(
    ("subject", "message"),
    [
        (999, "There is no moment 999"),
        (np.zeros(5, np.float32), "has 5 dimensions; this library's have 8"),
        (Path("/nowhere/x.png"), "Cannot read /nowhere/x.png"),
    ],
)
def test_what_cannot_be_embedded(pair: Library, subject: Subject, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        embed(pair, subject)
