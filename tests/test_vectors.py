"""Lengths and shapes of vectors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from retrieval.vectors import unit, unit_rows

matrices = hnp.arrays(
    np.float32,
    st.tuples(st.integers(0, 6), st.integers(1, 8)),
    elements=st.floats(-(2.0**50), 2.0**50, width=32),
)


@given(matrices)
def test_rows_have_length_one_or_zero(rows: np.ndarray) -> None:
    lengths = np.linalg.norm(unit_rows(rows).astype(np.float64), axis=1)
    zero = ~rows.any(axis=1)
    np.testing.assert_allclose(lengths[~zero], 1, rtol=1e-6)
    assert not lengths[zero].any()


@given(matrices)
def test_a_row_does_not_depend_on_its_neighbours(rows: np.ndarray) -> None:
    together = unit_rows(rows)
    for row, expected in zip(rows, together, strict=True):
        assert unit_rows(row[None, :])[0].tobytes() == expected.tobytes()


@given(matrices)
def test_the_argument_stays_as_it_was(rows: np.ndarray) -> None:
    before = rows.copy()
    unit_rows(rows)
    np.testing.assert_array_equal(rows, before)


def test_type_and_shape() -> None:
    assert unit_rows([[3, 4]]).dtype == np.float32
    np.testing.assert_allclose(unit([3, 4]), [0.6, 0.8], rtol=1e-7)
    assert unit_rows(np.empty((0, 5))).shape == (0, 5)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="NaN or infinity"):
        unit_rows([[1.0, value]])


def test_a_vector_is_not_a_matrix() -> None:
    with pytest.raises(ValueError, match=r"expected \(n, dim\), got shape \(3,\)"):
        unit_rows([1.0, 2.0, 3.0])
