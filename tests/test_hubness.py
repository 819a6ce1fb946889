"""Hub values: what they are, that every moment gets one, and that they hold hubs back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from retrieval import Library
from retrieval.calibration import Calibration, Scale
from retrieval.encoders.fake import fake_model_set
from retrieval.hubness import (
    BATCH,
    FILE,
    NEAREST,
    QUERIES,
    HubBank,
    Hubs,
    _read,
    embed_texts,
)
from retrieval.records import Modality
from retrieval.space import JointSpace
from retrieval.vectors import unit_rows
from tests.pair_models import bridged_model_set, pair_model_set
from tests.test_scoring import around, fill


def test_a_value_is_the_mean_of_the_highest_cosines() -> None:
    rng = np.random.default_rng(0)
    queries = unit_rows(rng.standard_normal((100, 6)))
    rows = unit_rows(rng.standard_normal((20, 6)))
    by_hand = [np.mean(sorted((queries @ row).tolist())[-NEAREST:]) for row in rows]
    np.testing.assert_allclose(HubBank({"s": queries}, "").values("s", rows), by_hand, atol=1e-6)
    few = HubBank({"s": queries[:3]}, "").values("s", rows)
    np.testing.assert_allclose(few, (rows @ queries[:3].T).mean(axis=1), atol=1e-6)


def test_the_bank_covers_every_space_of_text() -> None:
    bank = Hubs(JointSpace(pair_model_set(None))).bank
    assert {space: rows.shape for space, rows in bank.queries.items()} == {
        "seen": (QUERIES, 4),
        "heard": (QUERIES, 4),
    }


def test_every_moment_has_its_values(filled: Library) -> None:
    ids = [m.id for f in filled.files() for m in filled.catalog.moments.of(_hash(filled, f.id))]
    found = filled.catalog.vectors.hubs("fake", [i for i in ids if i is not None])
    assert set(found) == set(ids)
    known, rows = filled.catalog.vectors.get("fake", sorted(found))
    np.testing.assert_allclose(
        Hubs(filled.space).bank.values("fake", rows), [found[int(i)] for i in known], atol=1e-6
    )


def _hash(library: Library, file_id: int) -> str:
    content_hash = library.catalog.files.entry(file_id).content_hash
    assert content_hash is not None
    return content_hash


def test_values_go_with_their_moments(filled: Library, media: Path) -> None:
    gone = next(f for f in filled.files() if f.path.name == "red.png")
    moments = filled.catalog.moments.of(_hash(filled, gone.id))
    filled.remove(media / "red.png")
    assert filled.catalog.vectors.hubs("fake", [m.id for m in moments if m.id]) == {}


def test_another_bank_makes_all_values_anew(
    filled: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    total = sum(filled.catalog.counts().moments.values())
    hubs = Hubs(filled.space)
    assert hubs.fill(filled.catalog) == 0
    monkeypatch.setattr("retrieval.hubness.NEAREST", 5)
    other = Hubs(filled.space)
    assert other.fingerprint != hubs.fingerprint
    assert other.fill(filled.catalog) == total
    assert other.fill(filled.catalog) == 0


def test_a_stored_bank_is_used_and_a_damaged_one_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model_set = bridged_model_set(tmp_path)
    space = JointSpace(model_set)
    made = Hubs(JointSpace(pair_model_set(None))).bank
    with monkeypatch.context() as patch:
        patch.setattr(space, "embed", lambda *_: pytest.fail("the stored bank was not used"))
        read = Hubs(space).bank
    assert read.fingerprint == made.fingerprint
    for name, rows in made.queries.items():
        np.testing.assert_array_equal(read.queries[name], rows)
    (tmp_path / FILE).write_bytes(b"broken")
    again = Hubs(space).bank
    np.testing.assert_array_equal(again.queries["seen"], made.queries["seen"])


@pytest.mark.parametrize(("n_others", "first"), [(210, "right0"), (20, "hub0")])
def test_a_hub_is_held_back_in_large_libraries_only(
    tmp_path: Path, n_others: int, first: str
) -> None:
    """The hub lies between the query and what every caption says."""
    with Library.open(tmp_path / "lib", models=fake_model_set()) as library:
        library.space.calibration = Calibration(
            {(Modality.TEXT, Modality.IMAGE): Scale(hub_weight=0.75)}
        )
        fill(library, Modality.IMAGE, around(1, n_others, 0.2, 0), "other")
        fill(library, Modality.IMAGE, np.array([[0.72, 0.0, 0.0, 0.69]]), "hub")
        fill(library, Modality.IMAGE, np.array([[0.69, 0.0, 0.72, 0.0]]), "right")
        library.refresh()
        assert library.search("red", k=1)[0].path.name == first


@pytest.mark.parametrize("n_queries", [1, 31, 32, 33, 200])
def test_values_by_sorting_every_cosine(n_queries: int) -> None:
    rng = np.random.default_rng(n_queries)
    queries = unit_rows(rng.standard_normal((n_queries, 5)))
    rows = unit_rows(rng.standard_normal((50, 5)))
    cosines = np.sort(rows.astype(np.float64) @ queries.astype(np.float64).T, axis=1)
    expected = cosines[:, -32:].mean(axis=1)
    found = HubBank({"s": queries}, "").values("s", rows)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, atol=1e-6)
    # A value depends on its own vector alone.
    alone = [HubBank({"s": queries}, "").values("s", rows[i : i + 1])[0] for i in range(50)]
    np.testing.assert_allclose(found, alone, atol=1e-6)


def test_a_bank_is_read_as_it_was_saved(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    queries = {name: unit_rows(rng.standard_normal((9, n))) for name, n in (("a", 4), ("b", 7))}
    HubBank(queries, "known by this").save(tmp_path / FILE)
    read = _read(tmp_path / FILE)
    assert read is not None
    assert read.fingerprint == "known by this"
    assert read.queries.keys() == queries.keys()
    for name, rows in queries.items():
        np.testing.assert_array_equal(read.queries[name], rows)
    assert _read(tmp_path / "none") is None


def test_a_bank_of_other_encoders_is_not_used(tmp_path: Path) -> None:
    model_set = bridged_model_set(tmp_path)
    wrong = {name: np.ones((2, 4), np.float32) for name in ("seen", "heard")}
    HubBank(wrong, "another fingerprint").save(tmp_path / FILE)
    bank = Hubs(JointSpace(model_set)).bank
    assert bank.queries["seen"].shape == (QUERIES, 4)
    assert bank.fingerprint != "another fingerprint"


def test_texts_are_embedded_a_batch_at_a_time_and_in_order() -> None:
    space = JointSpace(pair_model_set(None))
    texts = [("red", "green", "low blue")[i % 3] for i in range(2 * BATCH + 1)]
    sizes: list[int] = []
    embed = space.embed

    def counted(modality: Modality, some: Sequence[str]) -> object:
        sizes.append(len(some))
        return embed(modality, some)

    space.embed = counted  # type: ignore[assignment,method-assign]
    found = embed_texts(space, texts)
    assert sizes == [BATCH, BATCH, 1]
    for name in ("seen", "heard"):
        np.testing.assert_array_equal(found[name], embed(Modality.TEXT, texts)[name])


def test_more_moments_than_are_filled_at_a_time(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(library, Modality.IMAGE, around(1, 25, 0.2, 0), "picture")
    with library.catalog.transaction() as transaction:
        transaction.drop_hubs("none")
    monkeypatch.setattr("retrieval.hubness.FILL_ROWS", 7)
    hubs = Hubs(library.space)
    assert hubs.fill(library.catalog) == 25
    assert library.catalog.facts()["hub_bank"] == hubs.fingerprint
    ids, _ = library.catalog.vectors.without_hub("fake", 99)
    assert len(ids) == 0
    assert hubs.fill(library.catalog) == 0
