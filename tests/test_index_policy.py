"""Kinds of indexes, costs, manifests and rankings: each against figures worked out by hand."""

from __future__ import annotations

import contextlib
import json
import zlib
from dataclasses import asdict, replace
from math import isclose, log2
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.vector_index import manifest, plan, policy, ranking
from retrieval.vector_index.damage import IndexDamaged
from retrieval.vector_index.manifest import Manifest
from retrieval.vector_index.policy import Choice, Wish, choose, finer, outgrown
from retrieval.vectors import unit_rows

WISH = Wish()


def test_reasons_name_the_rows_and_what_was_too_much() -> None:
    assert choose(20_000, 512, WISH).why == "20,000 moments are scanned quickly enough"
    assert choose(100_000, 512, WISH).why == "100,000 moments are too many to scan their vectors"
    assert choose(100_001, 512, WISH).why == "100,001 moments are too many to scan all their codes"
    assert choose(10**9, 512, Wish(recall=1.0)).why == "a recall of 1 was asked for"
    assert choose(10**9, 512, Wish(recall=0.9999)).kind == "lists of codes"


@given(st.integers(policy.ONE_LIST_ROWS + 1, 10**10))
def test_lists_are_the_power_of_two_nearest_to_four_roots(rows: int) -> None:
    lists = choose(rows, 512, WISH).lists
    assert lists & (lists - 1) == 0
    assert abs(log2(lists) - log2(4 * rows**0.5)) <= 0.5 + 1e-9


@pytest.mark.parametrize(
    ("dim", "sub_dim"),
    [(512, 4), (768, 4), (6, 3), (9, 3), (10, 2), (14, 2), (7, 1), (1, 1), (12, 4)],
)
def test_codes_as_coarse_as_divide_the_dimensions(dim: int, sub_dim: int) -> None:
    assert choose(50_000, dim, WISH).sub_dim == sub_dim


def test_the_memory_that_codes_take_is_counted_to_the_byte() -> None:
    """512 dimensions, four to a code of half a byte: 64 bytes and 8 of an id for each row."""
    rows = 50_000
    just_enough = rows * (64 + 8)
    assert choose(rows, 512, Wish(memory=just_enough)).sub_dim == 4
    coarser = choose(rows, 512, Wish(memory=just_enough - 1))
    assert coarser.sub_dim == 8
    assert coarser.why.endswith("; coarser codes to stay in the memory")
    assert choose(rows, 512, Wish(memory=rows * (32 + 8))).sub_dim == 8
    assert choose(rows, 512, Wish(memory=rows * (32 + 8) - 1)).sub_dim == 16
    assert choose(rows, 512, Wish(memory=rows * (16 + 8))).sub_dim == 16
    too_little = choose(rows, 512, Wish(memory=rows * (16 + 8) - 1))
    assert too_little.sub_dim == 16
    assert too_little.why.endswith("; the coarsest codes, which take more memory than asked for")


def test_a_part_of_the_memory() -> None:
    assert Wish(recall=0.9, memory=1000).part(0.25) == Wish(recall=0.9, memory=250)
    assert Wish(recall=0.9, memory=999).part(0.5).memory == 499
    endless = Wish(recall=0.9)
    assert endless.part(0.1) is endless


def test_finer_codes_down_to_one_dimension_each() -> None:
    first = choose(50_000, 512, WISH)
    tried = finer(first, 512, WISH)
    assert [choice.sub_dim for choice in tried] == [4, 2, 1]
    assert tried[0] == first
    assert tried[1].why == f"{first.why}; finer codes, since coarser ones found too few"
    assert {(c.lists, c.trained_rows, c.kind) for c in tried} == {(1, 50_000, "codes")}
    # Three dimensions to a code cannot be halved.
    assert finer(choose(50_000, 6, WISH), 6, WISH) == [choose(50_000, 6, WISH)]


def test_finer_codes_stay_in_the_memory() -> None:
    rows = 50_000
    for memory, sub_dims in (
        (rows * (256 + 8), [4, 2, 1]),
        (rows * (256 + 8) - 1, [4, 2]),
        (rows * (128 + 8), [4, 2]),
        (rows * (128 + 8) - 1, [4]),
    ):
        wish = Wish(memory=memory)
        assert [c.sub_dim for c in finer(choose(rows, 512, wish), 512, wish)] == sub_dims


def test_what_becomes_too_much_for_the_memory_is_outgrown() -> None:
    wish = Wish(memory=50_000 * 72)
    choice = choose(50_000, 512, wish)
    assert not outgrown(choice, 50_000, 512, wish)
    assert outgrown(choice, 50_001, 512, wish)
    # Coarser codes than would now be needed stay: they find what was asked for.
    coarse = choose(50_000, 512, Wish(memory=50_000 * 40))
    assert coarse.sub_dim == 8
    assert not outgrown(coarse, 50_000, 512, WISH)


@given(
    rows=st.integers(policy.EXACT_ROWS + 1, 10**8),
    dim=st.sampled_from((96, 128, 512)),
    memory=st.none() | st.integers(10**5, 10**10),
)
def test_finer_codes_that_were_needed_are_not_trained_anew_at_every_run(
    rows: int, dim: int, memory: int | None
) -> None:
    wish = Wish(memory=memory)
    for choice in finer(choose(rows, dim, wish), dim, wish):
        assert not outgrown(choice, rows, dim, wish)


def test_only_lists_are_trained_anew_for_growth_alone() -> None:
    one_list = choose(25_000, 512, WISH)
    assert not outgrown(one_list, 100_000, 512, WISH)
    lists = choose(200_000, 512, WISH)
    assert not outgrown(lists, 800_000, 512, WISH)
    assert outgrown(lists, 800_001, 512, WISH)


def test_a_shrunk_index_is_made_anew_below_half_the_border() -> None:
    codes = choose(30_000, 512, WISH)
    assert not outgrown(codes, 10_001, 512, WISH)
    assert outgrown(codes, 10_000, 512, WISH)
    lists = choose(150_000, 512, WISH)
    assert not outgrown(lists, 50_001, 512, WISH)
    assert outgrown(lists, 50_000, 512, WISH)


def test_what_codes_could_not_do_is_not_tried_again_at_once() -> None:
    left = Choice(0, 0, 30_000, "no codes found 99% of the nearest")
    assert policy.gave_up(left, 512, WISH)
    assert not outgrown(left, 120_000, 512, WISH)
    assert outgrown(left, 120_001, 512, WISH)
    small = choose(20_000, 512, WISH)
    assert not policy.gave_up(small, 512, WISH)
    assert outgrown(small, 20_001, 512, WISH)


def test_costs_by_hand() -> None:
    assert isclose(plan.rows_ms(1_000_000, 1000), 500.0)
    assert isclose(plan.scan_ms(1_000_000, 1000), 130.0)
    # A tenth of a million rows, 128 codes each, 0.02 ns a code; 10 lists; 100 rows re-scored.
    assert isclose(
        plan.codes_ms(1_000_000, 512, 4, share=0.1, probes=10, look=100),
        0.256 + 0.015 + 0.0256,
    )
    # The same where rows are asked whether they are allowed, which only the codes are.
    assert isclose(
        plan.codes_ms(1_000_000, 512, 4, share=0.1, probes=10, look=100, selected=True),
        1.4 * 0.256 + 0.015 + 0.0256,
    )


def test_gathering_by_hand() -> None:
    """A million rows with 128 codes each, 3.2 ns a code; 1,000 lists, 30 us a list."""
    assert isclose(plan.gathering_ms(1_000_000, 512, 4, lists=1000), 409.6 + 30.0)


def test_a_scan_beats_codes_for_few_rows_and_loses_for_many() -> None:
    """What the table of kinds says, by the costs that it is made from."""

    def by_codes(rows: int) -> float:
        return plan.codes_ms(rows, 512, 4, share=1.0, probes=1, look=200)

    assert plan.scan_ms(500, 512) < by_codes(500)
    assert plan.scan_ms(20_000, 512) > by_codes(20_000)
    assert plan.scan_ms(1000, 512) < plan.rows_ms(1000, 512)


def written(tmp_path: Path, **fields: object) -> tuple[Path, Manifest]:
    about = replace(Manifest(dim=4, change=7, count=3, tail="t.1", reach=1.5), **fields)  # type: ignore[arg-type]
    path = tmp_path / "fake.image.json"
    about.write(path)
    return path, about


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    choice = asdict(Choice(1, 4, 50_000, "why, with ü"))
    path, about = written(tmp_path, choice=choice, effort={"look_few": 30}, recall=0.99)
    assert Manifest.read(path, 4) == about
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    replace(about, change=8).write(path)
    assert Manifest.read(path, 4).change == 8


def test_a_manifest_of_nothing_yet_is_exact_and_empty(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    Manifest(dim=2).write(path)
    read = Manifest.read(path, 2)
    assert (read.change, read.count, read.tail, read.codes) == (0, 0, "", "")
    assert read.choice is read.effort is None
    assert read.format == manifest.FORMAT


@pytest.mark.parametrize("format_", [manifest.FORMAT - 1, manifest.FORMAT + 1])
def test_a_manifest_of_another_format(tmp_path: Path, format_: int) -> None:
    path, _ = written(tmp_path, format=format_)
    with pytest.raises(IndexDamaged, match=r"fake\.image\.json is of another format or dimension"):
        Manifest.read(path, 4)


def test_a_manifest_of_another_dimension(tmp_path: Path) -> None:
    path, _ = written(tmp_path)
    with pytest.raises(IndexDamaged, match="another format or dimension"):
        Manifest.read(path, 5)


def test_a_manifest_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(IndexDamaged, match="No such file"):
        Manifest.read(tmp_path / "none.json", 4)


@given(st.data())
@settings(max_examples=60)
def test_no_damage_of_a_manifest_goes_unnoticed(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """One byte is another, or the end is missing: told, or still the same statement."""
    path, about = written(tmp_path_factory.mktemp("manifest"))
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(content))
    with contextlib.suppress(IndexDamaged):
        assert Manifest.read(path, 4) == about


@pytest.mark.parametrize(
    "statement", ["[]", "{}", "null", '{"format": 3, "dim": 4, "other": 1}', "not JSON"]
)
def test_a_sound_checksum_over_something_else(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "m.json"
    path.write_text(f"{zlib.crc32(statement.encode())}\n{statement}\n")
    with pytest.raises(IndexDamaged, match=r"m\.json"):
        Manifest.read(path, 4)


def test_a_manifest_can_be_read_by_a_person(tmp_path: Path) -> None:
    path, about = written(tmp_path)
    checksum, statement = path.read_text().split("\n", 1)
    assert checksum.isdigit()
    assert json.loads(statement) == asdict(about)
    assert statement.count("\n") > len(asdict(about))


SCORES = st.sampled_from([-1.0, -0.5, 0.0, 0.25, 0.5, 1.0])


@given(st.lists(SCORES, max_size=30), st.integers(0, 40), st.randoms())
def test_the_best_against_sorting(scores: list[float], k: int, random: object) -> None:
    ids = list(range(100, 100 + len(scores)))
    random.shuffle(ids)  # type: ignore[attr-defined]
    expected = sorted(zip(scores, ids, strict=True), key=lambda pair: (-pair[0], pair[1]))[:k]
    found = ranking.best(np.array(ids, np.int64), np.array(scores, np.float32), k)
    assert list(zip(found[1].tolist(), found[0].tolist(), strict=True)) == expected


@given(st.lists(st.lists(SCORES, max_size=8), max_size=5), st.integers(0, 12))
def test_lists_are_merged_as_if_they_were_one(lists: list[list[float]], k: int) -> None:
    first = iter(range(1000, 0, -1))
    parts = [
        ranking.best(
            np.array([next(first) for _ in scores], np.int64), np.array(scores, np.float32), 99
        )
        for scores in lists
    ]
    everything = sorted(
        (-score, one)
        for ids, scores in parts
        for one, score in zip(ids.tolist(), scores.tolist(), strict=True)
    )
    ids, scores = ranking.merged(parts, k)
    assert list(zip((-scores).tolist(), ids.tolist(), strict=True)) == everything[:k]
    assert ids.dtype == np.int64
    assert scores.dtype == np.float32


@pytest.mark.parametrize("n", [0, 1, 499, 500, 501, 4096, 4097, 9000])
def test_every_way_to_score_gives_the_true_product(n: int) -> None:
    rng = np.random.default_rng(n)
    rows = unit_rows(rng.standard_normal((9000, 24)))
    query = unit_rows(rng.standard_normal((1, 24)))[0]
    positions = rng.permutation(9000)[:n].astype(np.int64)
    true = rows[positions].astype(np.float64) @ query.astype(np.float64)
    exact = ranking.inner_products(rows, positions, query)
    np.testing.assert_array_equal(exact, true.astype(np.float32))
    half = ranking.rounding(24) / 2
    assert np.abs(ranking.products_at(rows, positions, query) - true).max(initial=0) <= half


@pytest.mark.parametrize("n_queries", [1, 3, 4, 7])
def test_few_and_many_queries_are_scored_alike(n_queries: int) -> None:
    rng = np.random.default_rng(5)
    rows = unit_rows(rng.standard_normal((300, 40)))
    queries = unit_rows(rng.standard_normal((n_queries, 40)))
    found = ranking.quick_products(rows, queries)
    assert found.shape == (n_queries, 300)
    true = queries.astype(np.float64) @ rows.astype(np.float64).T
    assert np.abs(found - true).max() <= ranking.rounding(40) / 2


def test_equal_rows_score_equally_wherever_they_lie() -> None:
    rng = np.random.default_rng(6)
    rows = unit_rows(rng.standard_normal((9000, 33)))
    twins = np.array([0, 1, 4095, 4096, 4097, 8191, 8999])
    rows[twins] = rows[0]
    everything = ranking.inner_products(rows, np.arange(9000), rows[17])
    assert len(set(everything[twins].tolist())) == 1
    few = ranking.inner_products(rows, np.array([8999, 3, 0]), rows[17])
    assert few.tolist() == everything[[8999, 3, 0]].tolist()


def test_the_bound_of_rounding() -> None:
    """Twice dim times the unit round-off of float32, which is half the distance from 1 to next."""
    assert isclose(ranking.rounding(512), 512 * float(np.finfo(np.float32).eps))
