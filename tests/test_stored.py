"""Files of the library by their paths, with their stored vectors."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from retrieval import Library, Modality
from retrieval.errors import QueryError
from retrieval.stored import moments_of_file, rows_by_modality, stored_blocks, stored_file
from tests.media_files import write_tone


def test_a_path_in_any_form(filled: Library, media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(media)
    forms: list[str | Path] = [
        media / "red.png",
        "red.png",
        Path("..") / media.name / "red.png",
        str(media / "red.png"),
    ]
    for form in forms:
        file = stored_file(filled, form)
        assert file is not None
        assert file.path.name == "red.png"


def test_what_is_not_there(filled: Library, media: Path, tmp_path: Path) -> None:
    assert stored_file(filled, media / "pink.png") is None
    assert stored_file(filled, media) is None
    assert stored_file(filled, tmp_path / "red.png") is None


def test_all_moments_with_their_vectors(library: Library, tmp_path: Path) -> None:
    library.add(write_tone(tmp_path / "long.wav", 200.0, seconds=5))
    file = stored_file(library, tmp_path / "long.wav")
    assert file is not None
    moments = moments_of_file(library, file)
    assert [m.start_s for m in moments] == sorted(m.start_s or 0.0 for m in moments)
    assert len(moments) == file.moments > 2
    rows = rows_by_modality(library, moments)
    assert list(rows) == [Modality.AUDIO]
    assert rows[Modality.AUDIO]["fake"].shape == (len(moments), 4)
    blocks = stored_blocks(library, moments)
    assert np.linalg.norm(blocks[Modality.AUDIO]["fake"]) == pytest.approx(1)


def test_a_file_that_could_not_be_read_has_none(library: Library, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + os.urandom(50))
    with pytest.raises(Exception, match=r".+"):
        library.add(tmp_path / "broken.png")
    file = stored_file(library, tmp_path / "broken.png")
    assert file is not None
    assert moments_of_file(library, file) == []
    with pytest.raises(QueryError, match="no moments"):
        stored_blocks(library, [])
