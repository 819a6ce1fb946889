"""A library's own bridges: made from its films, used by its queries, thrown away when outdated."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import indexer
from retrieval import Kind, Library, Modality, Moment
from retrieval.bridge import Bridge, Pairs, fit_bridge
from retrieval.catalog.new_content import EncodedMoment, FileState, NewContent
from retrieval.encoders.fake import WINDOWS, FakeEncoder
from retrieval.encoders.model_set import BUILT_IN, ModelSet
from retrieval.own_bridges import FOLDER, described
from tests.command_line import anyseek
from tests.films import film
from tests.pair_models import bridged_model_set
from tests.test_true_pairs import films
from tests.two_spaces import TwoSpaces


class SizedEncoder(FakeEncoder):
    """Only its space and dimension matter here; nothing is embedded."""

    def __init__(self, space: str, dim: int, modalities: frozenset[Modality]) -> None:
        super().__init__(space, modalities)
        self.dim = dim


@pytest.fixture
def world() -> TwoSpaces:
    return TwoSpaces.make(1)


@pytest.fixture
def models(tmp_path: Path, world: TwoSpaces) -> ModelSet:
    """Two spaces of pictures and of sounds, with a bridge from captions in their folder."""
    folder = tmp_path / "models"
    folder.mkdir()
    bridge = fit_bridge(("seen", "heard"), Pairs(*world.captions(noise=1.0)), bank="one")
    bridge.save(folder / "seen+heard.bridge.safetensors")
    encoders = (
        SizedEncoder("seen", 40, frozenset({Modality.TEXT, Modality.IMAGE})),
        SizedEncoder("heard", 32, frozenset({Modality.TEXT, Modality.AUDIO})),
    )
    return ModelSet("two", encoders, WINDOWS, folder)


def store(library: Library, pairs: Pairs) -> None:
    """Each pair as a film of one frame and one sound."""
    with library.catalog.transaction() as transaction:
        root = transaction.add_root("films", "/films")
        for i, (seen, heard) in enumerate(zip(pairs.first, pairs.second, strict=True)):
            moments = [
                EncodedMoment(Moment(Modality.IMAGE, 1.0, 1.0), {"seen": seen}),
                EncodedMoment(Moment(Modality.AUDIO, 0.0, 2.0), {"heard": heard}),
            ]
            content = NewContent(f"h{i}", Kind.VIDEO, moments)
            transaction.add(root, f"{i}.mp4", FileState(1, 1), content)


def test_films_improve_the_bridge_for_this_and_the_next_to_open_it(
    tmp_path: Path, world: TwoSpaces, models: ModelSet
) -> None:
    with Library.open(tmp_path / "lib", models=models) as library:
        store(library, films(world, 800, 0))
        (shipped,) = library.space.bridges
        (improved,) = library.improve_bridges()
        assert improved.pairs == 800
        assert improved.after > improved.before
        (own,) = library.space.bridges
        assert own.gain == (improved.before, improved.after)
    with Library.open(tmp_path / "lib", models=models) as again:
        (read,) = again.space.bridges
        assert read.relay is not None
        assert own.relay is not None
        np.testing.assert_array_equal(read.relay.pairs["seen"], own.relay.pairs["seen"])
        assert read.relay.handicap == own.relay.handicap
        assert list(described(tmp_path / "lib")) == [improved]
        # A picture meets a sound elsewhere now; what both spaces know natively stays, to the bit.
        rng = np.random.default_rng(0)
        rows = {"seen": rng.standard_normal((5, 40)).astype("f4")}
        heard = {"heard": rng.standard_normal(32).astype("f4")}
        text = {"seen": rng.standard_normal(40).astype("f4"), **heard}
        for space in (again.space, again.space.with_bridges([shipped])):
            np.testing.assert_array_equal(
                space.cosines(Modality.TEXT, text, Modality.IMAGE, rows, space.shipped_mean),
                again.space.cosines(Modality.TEXT, text, Modality.IMAGE, rows, space.shipped_mean),
            )
        crossed = [
            space.cosines(Modality.AUDIO, heard, Modality.IMAGE, rows, space.shipped_mean)
            for space in (again.space, again.space.with_bridges([shipped]))
        ]
        assert not np.allclose(crossed[0], crossed[1])
    # The folder of the model set is nobody's but the model set's.
    assert Bridge.load(models.folder / "seen+heard.bridge.safetensors").gain is None  # type: ignore[operator]


def test_films_that_do_not_help_leave_no_bridge_behind(
    tmp_path: Path, world: TwoSpaces, models: ModelSet
) -> None:
    with Library.open(tmp_path / "lib", models=models) as library:
        pairs = films(world, 800, 0)
        store(library, pairs)
        library.improve_bridges()
        with library.writing(), library.catalog.transaction() as transaction:
            transaction.forget(file.id for file in library.files())
        assert library.improve_bridges() == []
        assert list(described(library.path)) == []
        assert library.space.bridges[0].gain is None


def test_a_new_bridge_of_the_model_set_outdates_it(
    tmp_path: Path, world: TwoSpaces, models: ModelSet
) -> None:
    with Library.open(tmp_path / "lib", models=models) as library:
        store(library, films(world, 800, 0))
        assert library.improve_bridges()
    assert models.folder is not None
    path = models.folder / "seen+heard.bridge.safetensors"
    replace(Bridge.load(path), bank="another").save(path)
    with Library.open(tmp_path / "lib", models=models) as again:
        assert again.space.bridges[0].gain is None


def test_a_damaged_one_is_passed_over(
    tmp_path: Path, world: TwoSpaces, models: ModelSet, caplog: pytest.LogCaptureFixture
) -> None:
    with Library.open(tmp_path / "lib", models=models) as library:
        store(library, films(world, 800, 0))
        assert library.improve_bridges()
    (path,) = (tmp_path / "lib" / FOLDER).iterdir()
    path.write_bytes(path.read_bytes()[:99])
    with Library.open(tmp_path / "lib", models=models) as again:
        assert again.space.bridges[0].gain is None
        assert "passing over" in caplog.text
        assert again.improve_bridges()
        assert again.space.bridges[0].gain is not None


def test_indexing_films_asks_for_it_and_other_files_do_not(
    tmp_path: Path, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Path] = []
    monkeypatch.setattr(Library, "improve_bridges", lambda self: calls.append(self.path))
    models = bridged_model_set(tmp_path / "models")
    with Library.open(tmp_path / "lib", models=models) as library:
        indexer.index(library, media)
        assert calls == []
        (media / "film.mp4").write_bytes(film())
        indexer.index(library, media)
        assert calls == [library.path]
        indexer.index(library, media)
        assert calls == [library.path]


def test_a_few_real_films_are_no_reason_to_change_a_bridge(tmp_path: Path, media: Path) -> None:
    (media / "film.mp4").write_bytes(film())
    with Library.open(tmp_path / "lib", models=bridged_model_set(tmp_path / "models")) as library:
        indexer.index(library, media)
        assert library.space.bridges[0].gain is None
        assert not (library.path / FOLDER).exists()
        found = library.search(media / "low.wav", kinds=["image"], k=1)
        assert found[0].path.name == "red.png"


def test_status_tells_of_it(
    tmp_path: Path, world: TwoSpaces, models: ModelSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BUILT_IN, "two", "tests.nowhere:never_loaded")
    with Library.open(tmp_path / "lib", models=models) as library:
        store(library, films(world, 800, 0))
        (improved,) = library.improve_bridges()
    told = " ".join(anyseek("status", "--library", tmp_path / "lib").stdout.split())
    assert "bridge between seen and heard, improved by 800 moments of your films" in told
    assert f"{improved.after:.2f}, before {improved.before:.2f}" in told
